/** Programs that end, or whose threads do, in the middle of their work; see clients/endings.c. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runAlike } from './alike.js';
import { Decisions, FakeAgentDaemon, notifyAll } from './fake-daemon.js';
import { BUILD, makeEnvironment, makeStage, runClient, Script } from './programs.js';

/** The driver that does nothing: in the simulated GPU's a thread may end, or exit, under a lock. */
const STATELESS = { LD_LIBRARY_PATH: path.join(BUILD, 'bench', 'null') };

/** A process ends without waiting for anybody at its gates; a busy machine needs a while. */
const END_MS = 15_000;

describe('threads that end', () => {
  it('leave their work to be done, and their queues to be idle', async () => {
    const { daemon } = await runAlike('endings', ['pending', '20'], {}, notifyAll);
    await daemon.next('IDLE');
    await daemon.next('BYE');
  });

  it('may launch from the destructors of their own data', async () => {
    const { ended } = await runAlike('endings', ['keys']);
    expect(ended.stdout).toContain('thread 3: 21 launches');
  });

  it('by a cancellation take no lock and no count of the shim with them', async () => {
    // Each synchronisation is told, so that most of them are cancelled while the shim sends.
    const { daemon } = await runAlike('endings', ['cancel', '100'], STATELESS, notifyAll);
    await daemon.next('BYE');
  });

  it('are cancelled when they have passed the gate, not at it', async () => {
    const stage = makeStage();
    const decisions = new Decisions();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, decisions.behave);
    const script = new Script(makeEnvironment(stage));
    await script.doAll('a create 1 0', 'a launch 1 5 1000', 'a sync 1');
    const registration = await daemon.next('REGISTER', ({ stream }) => stream > 2);
    const { queue } = registration.message;
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (stats) => stats.queue === queue && stats.applied === seq);
    script.begin('b launch 1 1 1000');
    await daemon.next('READY', (ready) => ready.queue === queue && ready.waiting);
    await script.do('c cancel b');
    // Another thread comes to the same gate, and both are let through.
    script.begin('d launch 1 1 1000');
    decisions.decide(daemon, registration, queue, true);
    expect(await script.answer('d launch 1 1 1000')).toBe('0');
    expect(await script.do('c reap b')).toBe('1');
    expect(await script.do('d sync 1')).toBe('0');
    const idle = ({ message: m }: { message: { type: string } }) =>
      m.type === 'STATS' && 'submitted' in m && m.submitted === 7 && 'ready' in m && !m.ready;
    await daemon.waitFor('idle queue', () => daemon.heard.find(idle));
    expect((await script.end()).code).toBe(0);
  });
});

describe('a thread that is cancelled while it waits for the GPU', () => {
  it.each(['sync 1', 'sync 9'])(
    'by %s ends when that is over, and nobody waits for it',
    async (wait) => {
      const stage = makeStage();
      const daemon = await FakeAgentDaemon.start(stage.runtimeDir, notifyAll);
      const script = new Script(makeEnvironment(stage));
      const stream = wait.split(' ')[1];
      await script.doAll('a create 1 0', `b launch ${stream} 4 100000000`);
      script.begin(`b ${wait}`);
      await script.do('c cancel b');
      expect(await script.do('c reap b')).toBe('1');
      await daemon.waitFor('idle queue', () =>
        daemon.list('STATS').find(({ message: m }) => m.submitted === 4 && !m.ready),
      );
      // What the cancelled thread may have held is free.
      await script.doAll('d launch 1 2 1000', 'd sync 1', 'd begin 1 0', 'd end 1', 'd destroy 1');
      expect((await script.end()).code).toBe(0);
    },
  );
});

describe('a process that ends', () => {
  it.each([
    ['by exit of a thread', 'exit', 5],
    ['by _exit of a thread', '_exit', 6],
    ['by abort', 'abort', null],
    ['by the end of main, with threads that go on launching', 'return', 0],
    ['with a launch by a handler of its exit', 'atexit', 0],
  ])('%s, while others launch', async (_, name, code) => {
    const { ended } = await runAlike('endings', [name], {}, notifyAll);
    expect(ended).toMatchObject({ code, signal: code === null ? 'SIGABRT' : null });
  });

  it('from a signal handler, wherever that finds the shim', async () => {
    const stage = makeStage();
    await FakeAgentDaemon.start(stage.runtimeDir, notifyAll);
    for (let us = 1000; us < 7000; us += 237) {
      const args = ['signal', String(us)];
      const began = performance.now();
      const ended = await runClient('endings', args, makeEnvironment(stage, STATELESS));
      expect(ended).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
      expect(performance.now() - began).toBeLessThan(END_MS);
    }
  });

  it('while others wait at their gates', async () => {
    const stage = makeStage();
    const decisions = new Decisions();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, decisions.behave);
    const script = new Script(makeEnvironment(stage));
    // Every thread uses the driver before the end: one that only begins to, then, is refused.
    await script.doAll(...['b', 'c', 'd', 'e'].map((letter) => `${letter} recorded 1`));
    await script.doAll('a create 1 0', 'a launch 1 1 1000');
    const registration = await daemon.next('REGISTER', ({ stream }) => stream > 2);
    decisions.decide(daemon, registration, registration.message.queue, false);
    await daemon.next('STATS', ({ applied }) => applied === 11);
    for (const letter of ['b', 'c', 'd']) script.begin(`${letter} launch 1 1 1000`);
    await daemon.next('READY', ({ waiting }) => waiting);
    const began = performance.now();
    await expect(script.do('e exit 9')).rejects.toThrow('ended');
    expect((await script.end()).code).toBe(9);
    expect(performance.now() - began).toBeLessThan(END_MS);
    await daemon.next('BYE');
  });
});
