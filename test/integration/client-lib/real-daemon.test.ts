/** The command line and the library with the daemon itself. */
import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from 'winston';
import { Dealer } from 'zeromq';
import { connect, NoDaemonError, RemoteError } from '../../../client-lib/index.js';
import type { Controller, QueueInfo } from '../../../client-lib/index.js';
import { loadConfig } from '../../../daemon/config/load.js';
import { startDaemon } from '../../../daemon/daemon.js';
import type { Daemon } from '../../../daemon/daemon.js';
import { encodeMessage } from '../../../protocol/codec.js';
import { LIMITS, PROTOCOL_VERSION } from '../../../protocol/messages.js';
import { makeCalls, makeRegister } from '../../samples/messages.js';
import { makeRuntimeDir, removeRuntimeDirs } from './fake-daemon.js';
import { xsched } from './xsched.js';
import type { Ending } from './xsched.js';

const pid = process.pid;
let daemon: Daemon;
let controller: Controller;
let agent: Dealer;

beforeEach(async () => {
  const runtimeDir = makeRuntimeDir();
  daemon = await startDaemon({
    runtimeDir,
    config: loadConfig(),
    log: createLogger({ silent: true }),
  });
  controller = await connect({ runtimeDir });
  agent = await registerQueues(`${runtimeDir}/agent.sock`, ['bert-high', 'bert-low']);
});
afterEach(async () => {
  agent.close();
  await controller.close();
  await daemon.stop();
  removeRuntimeDirs();
});

/** Registers this process with one ready queue a label, as the preload library would. */
async function registerQueues(socket: string, labels: readonly string[]): Promise<Dealer> {
  const id = randomBytes(LIMITS.ROUTING_ID_BYTES / 2).toString('hex');
  const dealer = new Dealer({ routingId: id, plainUsername: id, linger: 0 });
  dealer.connect(`ipc://${socket}`);
  const stat = fs.readFileSync('/proc/self/stat', 'latin1');
  const startTime = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  await dealer.send(
    encodeMessage({
      ...{ type: 'HELLO', version: PROTOCOL_VERSION, pid, startTime, exe: process.execPath },
      ...{ command: 'tests of the daemon', name: 'tests', hasPriority: true, priority: 3 },
      ...{ shim: '0.0.0', board: 0 },
    }),
  );
  for (const [index, label] of labels.entries()) {
    await dealer.send(
      encodeMessage(
        makeRegister({
          ...{ queue: index + 1, device: 'GPU-real', stream: 100 + index, label, ready: true },
        }),
      ),
    );
  }
  // The daemon answers a REGISTER by PERMIT or SUSPEND: then the queues are listed.
  await expect.poll(async () => (await controller.list()).length).toBe(labels.length);
  return dealer;
}

function ask(...args: readonly string[]): Promise<Ending> {
  return xsched(args, { env: { XSCHED_RUNTIME_DIR: daemon.runtimeDir } });
}

async function listQueues(): Promise<readonly QueueInfo[]> {
  return JSON.parse((await ask('ps', '--json')).stdout) as readonly QueueInfo[];
}

describe('the command line', () => {
  it('shows the queues of a process with pid, command, model and priority', async () => {
    const queue = { pid, name: 'tests', command: 'tests of the daemon', priority: 3 };
    expect(await listQueues()).toMatchObject([
      { ...queue, id: `${String(pid)}.1`, label: 'bert-high', source: 'environment' },
      { ...queue, id: `${String(pid)}.2`, label: 'bert-low' },
    ]);
    const { stdout } = await ask('ps');
    expect(stdout).toContain('bert-high');
    expect(stdout).toContain('tests of the daemon');
  });

  it('changes priorities by every kind of target, and takes them back', async () => {
    const targets = [`${String(pid)}.1`, String(pid), 'name=tests', 'model=bert-high', 'bert-high'];
    for (const [index, target] of targets.entries()) {
      const changed = await ask('set', target, 'priority', String(50 + index));
      expect({ code: changed.code, stderr: changed.stderr }).toEqual({ code: 0, stderr: '' });
      const [first] = await listQueues();
      expect(first).toMatchObject({ label: 'bert-high', priority: 50 + index, source: 'hint' });
    }
    for (const target of targets) {
      expect((await ask('set', target, 'priority', 'default')).code).toBe(0);
    }
    expect((await listQueues()).map((queue) => queue.priority)).toEqual([3, 3]);
  });

  it('changes how long work may keep others waiting, beside a priority', async () => {
    const name = `${String(pid)}.2`;
    const shown = async () => (await listQueues()).find(({ id }) => id === name);
    expect((await ask('set', name, 'priority', '2')).code).toBe(0);
    const changed = await ask('set', name, 'latency', '90');
    expect(changed.stdout).toBe(`${name}: latency 90 µs for 1 queue (${name})\n`);
    expect(await shown()).toMatchObject({ priority: 2, source: 'hint', target: 90, latency: 90 });
    expect((await ask('status')).stdout).toContain(`${name} priority 2, ${name} latency 90 µs`);
    expect((await ask('set', name, 'priority', 'default')).code).toBe(0);
    expect(await shown()).toMatchObject({ priority: 3, target: 90 });
    expect((await ask('set', name, 'latency', 'default')).code).toBe(0);
    expect(await shown()).toMatchObject({ target: 200 });
    expect((await ask('set', name, 'latency', 'default')).code).toBe(4);
  });

  it('tells apart what is missing and what is yet to come', async () => {
    const missing = await ask('set', '1', 'priority', '5');
    expect(missing.code).toBe(4);
    expect(missing.stderr).toContain('process 1 is not registered');
    const later = await ask('set', 'model=later', 'priority', '5');
    expect(later.code).toBe(4);
    expect(later.stdout).toContain('is kept for those to come');
    expect((await ask('status')).stdout).toMatch(/^hints +model=later priority 5$/m);
    expect(JSON.parse((await ask('status', '--json')).stdout)).toMatchObject({
      hints: [{ target: 'model=later', hint: 'priority', value: 5 }],
    });
    const unset = await ask('set', 'later', 'priority', 'default');
    expect(unset.stderr).toContain("there is no priority hint for 'later'");
  });

  it('switches scheduling off and on, and shows it', async () => {
    expect((await ask('off')).code).toBe(0);
    expect((await ask('status')).stdout).toMatch(/scheduling +off/);
    expect((await ask('on')).code).toBe(0);
    expect(JSON.parse((await ask('status', '--json')).stdout)).toMatchObject({
      ...{ enabled: true, clients: 1, queues: 2, policy: 'HPF', pid },
    });
  });

  it('shows the policy and refuses one that is not there', async () => {
    expect((await ask('policy')).stdout).toContain('* HPF  in force');
    const refused = await ask('policy', 'nonsense');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("no policy 'nonsense'");
  });

  it('shows what the driver was called for, and what of it nobody knows', async () => {
    expect((await ask('ps', '--calls')).stdout).toBe('no calls\n');
    expect((await ask('status')).stdout).toMatch(/^unknown calls +none$/m);
    const launches = makeCalls({ passed: 12_345, gated: 7 });
    await agent.send(encodeMessage(launches));
    await agent.send(encodeMessage(makeCalls({ function: 'cuFooAsync', unknown: 3 })));
    await expect.poll(async () => (await controller.calls()).length).toBe(2);
    const { stdout } = await ask('ps', '--calls');
    const [, first, second] = stdout.split('\n');
    expect(first).toMatch(/^ *\d+ +tests +cuLaunchKernel +12\.3k +7 +0 +0 +0$/);
    expect(second).toMatch(/^ *\d+ +tests +cuFooAsync +0 +0 +0 +0 +3$/);
    expect(JSON.parse((await ask('ps', '--calls', '--json')).stdout)).toMatchObject([
      { pid, name: 'tests', function: 'cuLaunchKernel', passed: 12_345, gated: 7 },
      { pid, name: 'tests', function: 'cuFooAsync', unknown: 3 },
    ]);
    expect((await ask('status')).stdout).toMatch(/^unknown calls +3 \(xsched ps --calls\)$/m);
    await agent.send(encodeMessage({ type: 'BYE' }));
    await expect.poll(async () => (await controller.calls()).length).toBe(0);
    expect(await controller.status()).toMatchObject({ unknownCalls: 0 });
  });

  it('shows one table of top', async () => {
    const { code, stdout } = await ask('top', '--once', '--interval', '100');
    expect(code).toBe(0);
    expect(stdout).toMatch(/GPU-real 2 queues/);
    expect(stdout).toMatch(/bert-high +3 +running/);
  });
});

describe('the library', () => {
  it('hears what others change', async () => {
    const events = controller.events();
    await events.ready;
    expect((await ask('set', 'bert-low', 'priority', '-9')).code).toBe(0);
    for await (const event of events) {
      if (event.kind !== 'hint') continue;
      expect(event).toMatchObject({ id: 'bert-low' });
      break;
    }
  });

  it('is told why it is refused', async () => {
    await expect(controller.setPriority('1', 5)).rejects.toThrow(RemoteError);
    await expect(controller.policy('nonsense')).rejects.toThrow('nonsense');
  });

  it('notices that the daemon leaves', async () => {
    const events = controller.events();
    await events.ready;
    await daemon.stop();
    await expect(events.next()).rejects.toThrow(NoDaemonError);
    await expect(controller.list()).rejects.toThrow(NoDaemonError);
  });
});
