/** What may wait for what: no gate keeps a program from an end that it would have without it. */
import { describe, expect, it } from 'vitest';
import { Decisions, FakeAgentDaemon, makePermit, permitWithin, serveAll } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import {
  makeEnvironment,
  makeStage,
  readKernels,
  readOperations,
  runClient,
  Script,
  STREAM_RING,
} from './programs.js';
import type { Environment, Operation, Stage } from './programs.js';

const LONG_NS = 1_500_000_000;
const SHORT_NS = 1000;
/** So many bytes go to the copy engine at once, in MiB. */
const PIECE_MIB = 4;

async function start(behave: Behaviour = serveAll, more: Environment = {}) {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
  return { stage, daemon, script: new Script(makeEnvironment(stage, more)) };
}

/** The last that a daemon was told of a function's calls that came through the gate. */
async function through(daemon: FakeAgentDaemon, name: string, count: number): Promise<number> {
  const line = await daemon.next(
    'CALLS',
    (calls) => calls.function === name && calls.passed + calls.gated >= count,
  );
  return line.message.passed + line.message.gated;
}

/** A program with a queue, on stream 1, that the daemon has suspended. */
async function startSuspended() {
  const decisions = new Decisions();
  const scene = await start(decisions.behave);
  const { daemon, script } = scene;
  await script.doAll('a create 1 0', 'a launch 1 3 1000', 'b create 2 0', 'b launch 2 1 1000');
  const registration = await daemon.next('REGISTER', ({ stream }) => stream > 2);
  const { queue } = registration.message;
  const { seq } = decisions.decide(daemon, registration, queue, false);
  await daemon.next('STATS', (stats) => stats.queue === queue && stats.applied === seq);
  return { ...scene, decisions, registration, queue };
}

describe('a thread that feeds a high queue and a low one', () => {
  /** The long kernel of the high stream, and the short one of the low stream. */
  function readBoth(stage: Stage, script: Script): { long: Operation; short: Operation } {
    const kernels = readKernels(stage, script.pid);
    const [long, short] = [true, false].map((isLong) =>
      kernels.find(({ start: began, finish }) => finish - began > LONG_NS / 2 === isLong),
    );
    if (long === undefined || short === undefined) throw new Error('a kernel is missing');
    return { long, short };
  }

  const RANKED = { XSCHED_STREAM_PRIORITY: '1', XSCHED_GATE_MAX_MS: '0' };

  it('is not held back for the high one that it feeds itself', async () => {
    const { stage, script } = await start(serveAll, RANKED);
    await script.doAll('a create 1 0', 'a create 2 5');
    await script.doAll(`a launch 2 1 ${LONG_NS}`, `a launch 1 1 ${SHORT_NS}`, 'a sync 1');
    await script.do('a sync 2');
    const { long, short } = readBoth(stage, script);
    expect(short.submit).toBeLessThan(long.finish);
  });

  it('is held back where it feeds the low one alone', async () => {
    const { stage, script } = await start(serveAll, RANKED);
    await script.doAll('a create 1 0', 'a create 2 5');
    await script.doAll(`a launch 2 1 ${LONG_NS}`, `b launch 1 1 ${SHORT_NS}`, 'b sync 1');
    const { long, short } = readBoth(stage, script);
    expect(short.submit).toBeGreaterThan(long.finish);
  });
});

describe('a suspended queue', () => {
  it('keeps nobody from an event that was recorded on it', async () => {
    const { script } = await startSuspended();
    // It launches, which waits; what it has launched before is on the device, its event too.
    script.begin('a launch 1 1 1000');
    expect(await script.doAll('b join 2 1', 'b launch 2 1 1000', 'b sync 2')).toEqual([
      ...['0', '0', '0'],
    ]);
    expect(script.lines).not.toContain('a launch 1 1 1000 0');
  });

  it('allocates, frees, records and synchronises as ever', async () => {
    const { script } = await startSuspended();
    script.begin('a launch 1 1 1000');
    const orders = ['allocate 1 3', 'record 1 2', 'host 1 2', 'sync 1', 'sync 0'];
    expect(await script.doAll(...orders.map((order) => `b ${order}`))).toEqual([
      ...['0', '0', '0', '0', '0'],
    ]);
    expect(script.lines).not.toContain('a launch 1 1 1000 0');
  });
});

describe('a thread that the driver keeps waiting', () => {
  it('keeps no other from ending a stream, or from a capture', async () => {
    const { script } = await start();
    const streams = ['a create 1 0', 'a create 2 0', 'a create 3 0', 'e create 4 0'];
    await script.doAll(...streams, 'e launch 4 1 1000', 'a begin 3 2');
    // Stream 1 has no room for anything more while this runs.
    await script.do('b launch 1 1 2000000000');
    const from = script.lines.length;
    const [fill, join] = [`b record 1 ${2 * STREAM_RING}`, 'c join 1 2'];
    script.begin(fill);
    const count = async () => Number(await script.do('d recorded 1'));
    await expect.poll(count, { timeout: 15_000 }).toBeGreaterThan(STREAM_RING - 100);
    script.begin(join);
    // Orders that come after it; by their answers it is in the driver, most likely.
    for (let order = 0; order < 10; order++) await count();
    expect(
      await script.doAll('e destroy 4', 'e create 4 0', 'e begin 4 2', 'e join 4 4', 'e end 4'),
    ).toEqual(['0', '0', '0', '0', '0']);
    const answers = script.lines.slice(from);
    expect(answers).not.toContain(`${fill} 0`);
    expect(answers).not.toContain(`${join} 0`);
    script.kill();
  });
});

describe('a collective on two devices', () => {
  const ROUNDS = 20;

  it('ends, and with the same result, though one device holds it back for good', async () => {
    const stage = makeStage();
    const env = { XSCHED_SIM_DEVICES: '2', XSCHED_GATE_MAX_MS: '20' };
    const bare = await runClient('collective', [`${ROUNDS}`], makeEnvironment(stage, env, false));
    expect(bare).toMatchObject({ code: 0, stderr: '' });

    // The first stream of its own that it launches on; each side begins with the legacy one.
    let held: number | undefined;
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, (fake, { link, message }) => {
      if (message.type === 'HELLO') fake.welcome(link);
      if (message.type === 'REGISTER' && message.stream > 2) held ??= message.queue;
      if (message.type !== 'REGISTER' && message.type !== 'READY') return;
      const type = message.queue === held ? 'SUSPEND' : 'PERMIT';
      fake.send(link, { ...makePermit(message.queue), type });
    });
    const ended = await runClient('collective', [`${ROUNDS}`], makeEnvironment(stage, env));
    expect(ended).toMatchObject({ code: 0, stdout: bare.stdout, stderr: '' });
    expect(new Set(daemon.list('REGISTER').map(({ message }) => message.device)).size).toBe(2);
    const waits = daemon.list('READY').filter(({ message }) => message.queue === held);
    expect(waits.some(({ message }) => message.waiting)).toBe(true);
  });
});

describe('a large copy', () => {
  it('goes in pieces where the queue is outranked', async () => {
    const { daemon, script } = await start(permitWithin(8));
    await script.doAll('a create 1 0', 'a launch 1 1 1000');
    const megabytes = 64;
    expect(await script.do(`a upload 1 ${megabytes}`)).toBe('0');
    const pieces = megabytes / PIECE_MIB;
    expect(await through(daemon, 'cuMemcpyHtoDAsync_v2', pieces)).toBe(pieces);
    // The way back is on the legacy stream, which is outranked as well.
    expect(await through(daemon, 'cuMemcpyDtoH_v2', pieces)).toBe(pieces);
  });

  it('goes in pieces though it is the first that the program submits', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, permitWithin(8));
    const megabytes = 64;
    const ended = await runClient('first', [], makeEnvironment(stage));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const pid = daemon.list('HELLO')[0]?.message.pid ?? 0;
    expect(readOperations(stage, 'h2d', pid)).toHaveLength(megabytes / PIECE_MIB);
  });

  it('goes at once where nobody outranks it', async () => {
    const { daemon, script } = await start(permitWithin(0));
    await script.doAll('a create 1 0', 'a launch 1 1 1000');
    expect(await script.do('a upload 1 64')).toBe('0');
    expect(await through(daemon, 'cuMemcpyHtoDAsync_v2', 1)).toBe(1);
  });

  it('keeps what other threads launch on its stream behind it', async () => {
    const { stage, daemon, script, decisions, registration, queue } = await startSuspended();
    // The copy waits at the gate with its first piece, and a launch comes after it.
    script.begin('a upload 1 16');
    await daemon.next('READY', (ready) => ready.queue === queue && ready.waiting);
    script.begin('b launch 1 1 1000');
    decisions.decide(daemon, registration, queue, true);
    expect(await script.answer('a upload 1 16')).toBe('0');
    expect(await script.answer('b launch 1 1 1000')).toBe('0');
    await script.do('b sync 1');
    const pieces = readOperations(stage, 'h2d', script.pid);
    const launched = readKernels(stage, script.pid).at(-1)?.submit ?? 0;
    // Once it may pass nobody outranks it any more: the rest goes at once.
    expect(pieces).toHaveLength(2);
    for (const { submit } of pieces) expect(submit).toBeLessThan(launched);
  });
});

describe('a stream that is destroyed while a launch on it waits at the gate', () => {
  it('lets the launch go, whether it comes before the end of the stream or finds that', async () => {
    const { daemon, script, queue } = await startSuspended();
    script.begin('a launch 1 1 1000');
    await daemon.next('READY', (ready) => ready.queue === queue && ready.waiting);
    expect(await script.do('b destroy 1')).toBe('0');
    expect(await script.answer('a launch 1 1 1000')).toMatch(/^\d+$/);
    expect(await script.doAll('b launch 2 1 1000', 'b sync 2')).toEqual(['0', '0']);
  });
});
