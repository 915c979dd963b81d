/** Two hundred processes at once. */
import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DaemonStatus, QueueInfo } from '../../../client-lib/index.js';
import { Place } from './place.js';
import { HANG_MS, until } from './until.js';

const PROCESSES = 200;
/** How long `xsched ps` may take to show the last of them. */
const LISTED_MS = 10_000;
/** What the daemon may occupy in all, in MiB: Node itself takes a good half of it. */
const MEMORY_MIB = 200;

function residentMib(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (line === null) throw new Error(`/proc/${pid}/status does not tell VmRSS`);
  return Math.round(Number(line[1]) / 1024);
}

describe('a crowd', () => {
  it(`of ${PROCESSES} processes is served, shown and forgotten`, async () => {
    const place = new Place();
    const daemon = await place.startDaemon();
    const before = residentMib(daemon.pid);
    const began = performance.now();
    const crowd = Array.from({ length: PROCESSES }, () => place.preloaded('model'));
    for (const one of crowd) one.tell('run 1 1000');
    for (const one of crowd) await one.says('ran');
    const launchedMs = performance.now() - began;

    let queues: readonly QueueInfo[] = [];
    const listedMs = await until(
      'all of them are listed',
      async () => {
        queues = await place.queues();
        return queues.length >= PROCESSES;
      },
      { limitMs: LISTED_MS, detail: () => `; listed: ${queues.length}` },
    );
    const pids = (numbers: readonly { pid: number }[]) =>
      numbers.map(({ pid }) => pid).sort((a, b) => a - b);
    expect(pids(queues)).toEqual(pids(crowd));
    expect(new Set(queues.map((queue) => queue.device)).size).toBe(1);
    expect(await place.ask('status')).toMatchObject({ clients: PROCESSES, queues: PROCESSES });
    const resident = residentMib(daemon.pid);
    console.log(
      `${PROCESSES} processes launched within ${Math.round(launchedMs)} ms, listed ` +
        `${Math.round(listedMs)} ms later; the daemon's memory: ${before} MiB without, ` +
        `${resident} MiB with them`,
    );
    expect(resident).toBeLessThan(MEMORY_MIB);

    for (const one of crowd) one.dismiss();
    for (const one of crowd) {
      expect(await one.end(HANG_MS)).toMatchObject({ code: 0, stdout: ['ready', 'ran'] });
    }
    await until('no queue is left', async () => (await place.queues()).length === 0);
    const status = (await place.ask('status')) as DaemonStatus;
    expect(status).toMatchObject({ pid: daemon.pid, clients: 0, queues: 0, refused: 0 });
    daemon.signal('SIGTERM');
    expect((await daemon.end(HANG_MS)).code).toBe(0);
  });
});
