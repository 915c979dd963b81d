/** Signals that interrupt programs, and stop them; see test/shim/clients/signals.c. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SEED } from '../../unit/daemon/seed.js';
import { runAlike } from './alike.js';
import { Decisions, FakeAgentDaemon, makePermit } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import { makeMoody } from './moody.js';
import { makeEnvironment, makeStage, readKernels, runClient, Script } from './programs.js';

/** Longer than a shim puts up with a daemon's silence. */
const STOPPED_MS = 1500;
const QUIET_MS = 300;

/** Every signal but those that the kernel lets nobody block. */
const BLOCKABLE = 0x7fff_ffff_ffff_ffffn & ~(1n << 8n) & ~(1n << 18n);

describe('signals', () => {
  it('change nothing that a program does, at its gates or elsewhere', async () => {
    await runAlike('signals', ['storm'], {}, makeMoody(SEED));
  });

  it('let no launch pass that is held back', async () => {
    const stage = makeStage();
    let held: number | undefined;
    let open = false;
    // The first stream is held back; the client's beginning is on the legacy one.
    const behave: Behaviour = (daemon, { link, message }) => {
      if (message.type === 'HELLO') daemon.welcome(link);
      if (message.type !== 'REGISTER' && message.type !== 'READY') return;
      if (message.type === 'REGISTER' && message.stream > 2) held ??= message.queue;
      const type = message.queue === held && !open ? 'SUSPEND' : 'PERMIT';
      daemon.send(link, { ...makePermit(message.queue, { seq: open ? 3 : 2 }), type });
    };
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
    const ending = runClient('signals', ['held', '1500'], makeEnvironment(stage));
    const { message: hello } = await daemon.next('HELLO');
    await daemon.next('REGISTER', ({ stream }) => stream > 2);
    await delay(1000);
    expect(readKernels(stage, hello.pid)).toEqual([]);
    await delay(QUIET_MS);
    expect(readKernels(stage, hello.pid)).toEqual([]);
    // The second stream comes when it has said what became of the first, after all signals.
    await daemon.next('REGISTER', ({ stream, queue }) => stream > 2 && queue !== held);
    open = true;
    const { stdout, code } = await ending;
    expect({ stdout: stdout.split('\n')[0], code }).toEqual({
      stdout: '1500 signals, held',
      code: 0,
    });
  });

  it('are none of the shim’s own threads', async () => {
    const stage = makeStage();
    await FakeAgentDaemon.start(stage.runtimeDir);
    const script = new Script(makeEnvironment(stage));
    await script.doAll('a create 1 0', 'a launch 1 1 1000', 'a sync 1');
    const folder = `/proc/${script.pid}/task`;
    const readOurs = () =>
      fs
        .readdirSync(folder)
        .map((task) => fs.readFileSync(path.join(folder, task, 'status'), 'utf8'))
        .filter((status) => /^Name:\txsched/.test(status));
    // A thread takes its name when it first gets a core.
    await expect.poll(() => readOurs().length, { timeout: 15_000 }).toBe(2);
    for (const status of readOurs()) {
      const blocked = BigInt(`0x${/^SigBlk:\t(\w+)$/m.exec(status)?.[1]}`);
      // The C library keeps two of the first real-time signals for itself.
      expect((blocked | (3n << 31n)) & BLOCKABLE).toBe(BLOCKABLE);
    }
  });
});

describe('a process that is stopped while it is held back', () => {
  it('is held back when it goes on, since the daemon was not what was silent', async () => {
    const stage = makeStage();
    const decisions = new Decisions();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, decisions.behave);
    const script = new Script(makeEnvironment(stage));
    await script.doAll('a create 1 0', 'a launch 1 1 1000', 'a sync 1');
    const registration = await daemon.next('REGISTER', ({ stream }) => stream > 2);
    const { queue } = registration.message;
    decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (stats) => stats.queue === queue && stats.applied === 11);
    script.begin('b launch 1 5 1000');
    await daemon.next('READY', (ready) => ready.queue === queue && ready.waiting);
    for (let round = 0; round < 3; round++) {
      process.kill(script.pid, 'SIGSTOP');
      await delay(STOPPED_MS);
      const from = daemon.heard.length;
      process.kill(script.pid, 'SIGCONT');
      await daemon.next('READY', (ready) => ready.queue === queue && ready.waiting, from);
      await delay(QUIET_MS);
      expect(readKernels(stage, script.pid)).toHaveLength(1);
    }
    decisions.decide(daemon, registration, queue, true);
    expect(await script.answer('b launch 1 5 1000')).toBe('0');
    const { code, stderr } = await script.end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
