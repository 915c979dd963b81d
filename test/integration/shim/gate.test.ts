/** What the shim tells a daemon of its queues, and how it obeys. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS, PROTOCOL_VERSION } from '../../../protocol/messages.js';
import { Decisions, FakeAgentDaemon, makePermit, notifyAll, serveAll } from './fake-daemon.js';
import type { Behaviour, Heard } from './fake-daemon.js';
import { makeEnvironment, makeStage, readKernels, Script } from './programs.js';
import type { Environment, Stage } from './programs.js';

/** The queue of the legacy stream, which the client uses before anything else. */
const LEGACY = 1;

/** Kernels of some thousand microseconds, so that few of them make a long run. */
const KERNEL_NS = 500_000;

interface Scene {
  readonly stage: Stage;
  readonly daemon: FakeAgentDaemon;
  readonly script: Script;
}

async function start(behave: Behaviour = serveAll, more: Environment = {}): Promise<Scene> {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
  const script = new Script(makeEnvironment(stage, more));
  scripts.push(script);
  return { stage, daemon, script };
}

const scripts: Script[] = [];

// What the shim says goes to its log; the lines of a program are its own.
afterEach(() => {
  for (const script of scripts.splice(0)) {
    for (const line of script.lines) expect(line).toMatch(/^[a-z] \w/);
  }
});

/** A program that launches without pause on stream 1, and its queue. */
async function startFlood(more: Environment = {}) {
  const decisions = new Decisions();
  const scene = await start(decisions.behave, more);
  const { daemon, script } = scene;
  await script.do('a create 1 0');
  const from = daemon.heard.length;
  script.begin(`a flood 1 ${KERNEL_NS}`);
  await script.answer(`a flood 1 ${KERNEL_NS} began`);
  const registration = await daemon.next('REGISTER', ({ queue }) => queue !== LEGACY, from);
  return { ...scene, decisions, registration, queue: registration.message.queue };
}

function firstOf(messages: readonly Heard[]): Heard {
  const [first] = messages;
  if (first === undefined) throw new Error('no messages');
  return first;
}

/** Waits until kernels that were launched after a moment have run. */
async function waitForKernels(stage: Stage, script: Script, after: bigint): Promise<void> {
  await expect
    .poll(
      () => readKernels(stage, script.pid).filter(({ submit }) => submit > Number(after)).length,
      { timeout: 15_000 },
    )
    .toBeGreaterThan(20);
}

/** No kernel of the program reached the device's queue between two moments. */
function expectNoLaunches(stage: Stage, script: Script, from: bigint, to: bigint): void {
  const between = readKernels(stage, script.pid).filter(
    ({ submit }) => submit > Number(from) && submit < Number(to),
  );
  expect(between).toEqual([]);
}

async function countMessages(
  daemon: FakeAgentDaemon,
  count: number,
  find: () => readonly Heard[],
): Promise<readonly Heard[]> {
  return daemon.waitFor(`${count} messages`, () => {
    const found = find();
    return found.length >= count ? found : undefined;
  });
}

describe('queues', () => {
  it('are one for each stream, each default stream among them', async () => {
    const { daemon, script } = await start();
    await script.doAll('a create 1 0', 'a create 2 3');
    await script.doAll('a launch 1 1 1000', 'a launch 2 1 1000', 'a launch 0 1 1000');
    await script.doAll('a launch 9 1 1000', 'b launch 9 1 1000', 'b launch 0 1 1000');
    await script.doAll('a launch 1 1 1000', 'b launch 2 1 1000', 'a launch 9 1 1000');
    await script.end();
    await daemon.next('BYE');

    // REGISTER is repeated until it is answered.
    const byQueue = new Map(daemon.list('REGISTER').map(({ message }) => [message.queue, message]));
    const registrations = [...byQueue.values()];
    expect(registrations).toHaveLength(5);
    const streams = registrations.map(({ stream }) => (stream > 2 ? 'explicit' : stream));
    expect(streams).toEqual([1, 'explicit', 'explicit', 2, 2]);
    expect(registrations.map(({ streamPriority }) => streamPriority)).toEqual([0, 0, -3, 0, 0]);
    expect(new Set(registrations.map(({ context }) => context)).size).toBe(1);
    for (const { device, label, context } of registrations) {
      expect(device).toMatch(/^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(label).toBe('');
      expect(context).toBeGreaterThan(2);
    }
  });

  it('are told under the process that it is', async () => {
    const name = 'the name '.padEnd(256, 'n');
    const { daemon, script } = await start(serveAll, { XSCHED_PRIORITY: '-7', XSCHED_NAME: name });
    const { message, link } = await daemon.next('HELLO');
    expect(message).toMatchObject({
      ...{ version: PROTOCOL_VERSION, pid: script.pid, name, hasPriority: true, priority: -7 },
      ...{ exe: expect.stringMatching(/\/clients\/scripted$/) as string },
      ...{ command: expect.stringMatching(/\/clients\/scripted$/) as string },
    });
    expect(link).toMatch(/^[0-9a-f]{32}$/);
    expect(daemon.applicants).toEqual([link]);
  });

  it('end with their streams, and a new stream is a new queue', async () => {
    const { daemon, script } = await start();
    const ids = [];
    for (let life = 0; life < 3; life++) {
      const from = daemon.heard.length;
      await script.doAll('a create 1 0', 'a launch 1 1 1000', 'a destroy 1');
      const { message } = await daemon.next('REGISTER', ({ stream }) => stream > 2, from);
      await daemon.next('UNREGISTER', ({ queue }) => queue === message.queue, from);
      ids.push(message.queue);
    }
    expect(new Set(ids).size).toBe(3);
  });

  it('are told anew to a daemon that comes back', async () => {
    const { stage, daemon, script } = await start();
    await script.doAll('a create 1 0', 'a launch 1 3 1000');
    const before = (await daemon.next('REGISTER', ({ stream }) => stream > 2)).message;
    daemon.stop();
    const next = await FakeAgentDaemon.start(stage.runtimeDir);
    const hello = await next.next('HELLO');
    const { message, link } = await next.next('REGISTER', ({ stream }) => stream > 2);
    expect(message.queue).toBe(before.queue);
    expect(hello.link).toBe(link);
    expect(daemon.applicants).not.toContain(link);
  });
});

describe('idle queues', () => {
  it('say so without a synchronisation', async () => {
    const { stage, daemon, script } = await start(notifyAll);
    // Long enough that the daemon, in a busy test, asks to be told while there still is work.
    const count = 400;
    await script.doAll('a create 1 0', `a launch 1 ${count} ${KERNEL_NS}`);
    const { queue } = (await daemon.next('REGISTER', ({ stream }) => stream > 2)).message;
    // STATS say the same as READY and IDLE, and whichever is due first says it.
    const saying = (ready: boolean) =>
      daemon
        .list('READY', 'IDLE', 'REGISTER', 'STATS')
        .filter(({ message: m }) => m.queue === queue)
        .filter(
          ({ message: m }) => (m.type === 'IDLE' ? false : m.type === 'READY' || m.ready) === ready,
        );
    await daemon.waitFor('word that it is ready', () => saying(true)[0]);
    // A launching thread that is held up may let its queue drain in between; the last word counts.
    const { seq } = (await daemon.next('STATS', (m) => m.queue === queue && m.completed === count))
      .message;
    const last = () => saying(false).find(({ message: m }) => m.seq >= seq);
    await expect.poll(last, { timeout: 15_000 }).toBeDefined();
    const idle = last();
    // By then all of it had left the device.
    const kernels = readKernels(stage, script.pid);
    expect(kernels).toHaveLength(count);
    for (const { finish } of kernels) expect(finish).toBeLessThan(Number(idle?.at));
  });

  it('say so also when their program, which has always waited for its work, does not for once', async () => {
    const { daemon, script } = await start(notifyAll);
    await script.do('a create 1 0');
    for (let time = 0; time < 20; time++) {
      await script.doAll('a launch 1 1 1000', 'a sync 1');
      // Long enough for it not to linger.
      await delay(2);
    }
    const { queue } = (await daemon.next('REGISTER', ({ stream }) => stream > 2)).message;
    const from = daemon.heard.length;
    await script.do(`a launch 1 1 ${KERNEL_NS}`);
    const ready = await daemon.next('READY', (m) => m.queue === queue, from);
    await daemon.next('IDLE', (m) => m.queue === queue && m.seq > ready.message.seq, from);
  });

  it('tell somebody who waits for them that they are ready again, and idle again', async () => {
    const { daemon, script } = await start(notifyAll);
    await script.doAll('a create 1 0', 'a launch 1 1 1000');
    const { queue, seq } = (await daemon.next('REGISTER', ({ stream }) => stream > 2)).message;
    let last = seq;
    for (let time = 0; time < 3; time++) {
      const idle = await daemon.next('IDLE', (m) => m.queue === queue && m.seq > last);
      const from = daemon.heard.length;
      await script.do('a launch 1 1 1000');
      const ready = await daemon.next('READY', (m) => m.queue === queue, from);
      expect(ready.message.waiting).toBe(false);
      expect(ready.message.seq).toBeGreaterThan(idle.message.seq);
      last = ready.message.seq;
    }
  });

  it('report what they did', async () => {
    const { daemon, script } = await start();
    await script.doAll('a create 1 0', 'a launch 1 25 1000', 'a sync 1');
    const { queue } = (await daemon.next('REGISTER', ({ stream }) => stream > 2)).message;
    const stats = await daemon.next('STATS', (m) => m.queue === queue && m.completed === 25);
    expect(stats.message).toMatchObject({ submitted: 25, completed: 25, waiting: false });
  });
});

describe('a suspended queue', () => {
  it('launches nothing until it is permitted again, and asks every 200 ms', async () => {
    const { stage, daemon, script, decisions, registration, queue } = await startFlood();
    await expect.poll(() => readKernels(stage, script.pid).length, { timeout: 15_000 }).not.toBe(0);

    const { seq } = decisions.decide(daemon, registration, queue, false);
    const isWaiting = ({ message }: Heard) =>
      message.type === 'READY' && message.queue === queue && message.waiting;
    const asks = await countMessages(daemon, 6, () => daemon.heard.filter(isWaiting));
    const gateClosed = firstOf(asks).at;
    // The gate and the helper thread may ask at the same time once; a storm is something else.
    const tookMs = Number((asks.at(-1)?.at ?? 0n) - gateClosed) / 1e6;
    expect(tookMs).toBeGreaterThan(2.5 * LIMITS.READY_REPEAT_MS);
    expect(tookMs).toBeLessThan(15 * LIMITS.READY_REPEAT_MS);
    const stats = await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq);
    expect(stats.message).toMatchObject({ ready: true, waiting: true });

    const resumed = process.hrtime.bigint();
    decisions.decide(daemon, registration, queue, true);
    await waitForKernels(stage, script, resumed);
    expectNoLaunches(stage, script, gateClosed, resumed);
    script.begin('stop');
    expect(await script.answer('a flood', script.lines.length)).toBe('0');
  });

  it('obeys no decision that is older than its last one', async () => {
    const { stage, daemon, script, decisions, registration, queue } = await startFlood();
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq && m.waiting);
    const from = daemon.heard.length;
    const sent = process.hrtime.bigint();
    for (const older of [seq - 1, 1, 0, seq - 0x7fffffff]) {
      daemon.send(registration.link, makePermit(queue, { seq: older >>> 0 }));
    }
    // It asks on, and the device sees nothing.
    const asks = () =>
      daemon.heard
        .slice(from)
        .filter(({ message: m }) => m.type === 'READY' && m.queue === queue && m.waiting);
    await countMessages(daemon, 4, asks);
    const stats = await daemon.next('STATS', (m) => m.queue === queue && m.waiting, from);
    expect(stats.message.applied).toBe(seq);
    const resumed = process.hrtime.bigint();
    decisions.decide(daemon, registration, queue, true);
    await waitForKernels(stage, script, resumed);
    expectNoLaunches(stage, script, sent, resumed);
  });

  it('is opened by `enabled: false`, whatever else was decided', async () => {
    const { stage, daemon, script, decisions, registration, queue } = await startFlood();
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq && m.waiting);
    const opened = process.hrtime.bigint();
    const off = makePermit(queue, { seq: seq + 1, enabled: false });
    daemon.send(registration.link, { ...off, type: 'SUSPEND' });
    await waitForKernels(stage, script, opened);
  });

  it('records what it captures, and its graph waits', async () => {
    const decisions = new Decisions();
    const { stage, daemon, script } = await start(decisions.behave);
    await script.doAll('a create 1 0', 'a launch 1 1 1000', 'a sync 1');
    const registration = await daemon.next('REGISTER', ({ stream }) => stream > 2);
    const { queue } = registration.message;
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq);

    const recorded = await script.doAll('a begin 1 2', 'a launch 1 30 1000', 'a end 1');
    expect(recorded).toEqual(['0', '0', '0']);
    script.begin('a replay 1');
    await daemon.next('READY', (m) => m.queue === queue && m.waiting);
    const resumed = process.hrtime.bigint();
    decisions.decide(daemon, registration, queue, true);
    expect(await script.answer('a replay 1')).toBe('0');
    expect(await script.do('a sync 1')).toBe('0');
    const kernels = readKernels(stage, script.pid);
    expect(kernels).toHaveLength(31);
    for (const { submit } of kernels.slice(1)) expect(submit).toBeGreaterThan(Number(resumed));
  });

  it('holds back nobody else of its process', async () => {
    const { daemon, script, decisions, registration, queue } = await startFlood();
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq && m.waiting);
    expect(await script.doAll('b create 2 0', 'b launch 2 5 1000', 'b sync 2')).toEqual([
      ...['0', '0', '0'],
    ]);
  });

  it('stays suspended while the daemon is away under XSCHED_FAIL=closed', async () => {
    const { stage, daemon, script, decisions, registration, queue } = await startFlood({
      XSCHED_FAIL: 'closed',
    });
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq && m.waiting);
    const left = process.hrtime.bigint();
    daemon.stop();
    const next = await FakeAgentDaemon.start(stage.runtimeDir, new Decisions().behave);
    const again = await next.next('REGISTER', (m) => m.queue === queue);
    await waitForKernels(stage, script, again.at);
    expectNoLaunches(stage, script, left, again.at);
  });

  it('launches again when its daemon goes', async () => {
    const { stage, daemon, script, decisions, registration, queue } = await startFlood();
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq && m.waiting);
    const left = process.hrtime.bigint();
    daemon.stop();
    await waitForKernels(stage, script, left);
  });
});

describe('XSCHED_FAIL=closed', () => {
  it('waits for a daemon that is not there yet', async () => {
    const stage = makeStage();
    const script = new Script(makeEnvironment(stage, { XSCHED_FAIL: 'closed' }));
    scripts.push(script);
    // Its very first call waits; there is nobody to say so, so the device's log has to.
    script.begin('a launch 0 1 1000');
    const appeared = process.hrtime.bigint();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
    expect(await script.answer('a launch 0 1 1000')).toBe('0');
    await daemon.next('REGISTER');
    await script.do('a sync 0');
    const kernels = readKernels(stage, script.pid);
    expect(kernels).toHaveLength(1);
    expect(kernels[0]?.submit).toBeGreaterThan(Number(appeared));
  });
});
