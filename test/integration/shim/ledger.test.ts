/** The ledger: every call that puts work on a stream, told by function and by what became of it. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Decisions, FakeAgentDaemon, makePermit, serveAll } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import { BUILD, makeEnvironment, makeStage, readKernels, Script } from './programs.js';
import type { Environment } from './programs.js';

const STREAM = 1;
/** The queue of the legacy stream, which the client uses before anything else. */
const LEGACY = 1;
/** A driver with functions that the shim cannot know. */
const FUTURE = { LD_LIBRARY_PATH: path.join(BUILD, 'sim', 'future') };

async function start(behave: Behaviour = serveAll, more: Environment = {}) {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
  const script = new Script(makeEnvironment(stage, more));
  await script.do(`a create ${STREAM} 0`);
  return { stage, daemon, script };
}

/** A line of the ledger; the first call of a queue may wait for the daemon to answer, or may not. */
interface Line {
  readonly through: number;
  readonly gated: number;
  readonly bypassed: number;
  readonly captured: number;
  readonly unknown: number;
}

const counted = (counts: Partial<Line>) => ({
  ...{ through: 0, bypassed: 0, captured: 0, unknown: 0 },
  ...counts,
});

/** The last line of each function that a daemon was told of. */
function readLedger(daemon: FakeAgentDaemon): Record<string, Line> {
  const lines = daemon.list('CALLS').map(({ message }) => message);
  return Object.fromEntries(
    lines.map(({ function: name, passed, gated, bypassed, captured, unknown }) => [
      name,
      { through: passed + gated, gated, bypassed, captured, unknown },
    ]),
  );
}

/** Waits until the ledger says of some functions what it should, and returns all of it. */
async function ledgerWith(
  daemon: FakeAgentDaemon,
  lines: Readonly<Record<string, Partial<Line>>>,
): Promise<Record<string, Line>> {
  return daemon.waitFor(JSON.stringify(lines), () => {
    const ledger = readLedger(daemon);
    const fits = Object.entries(lines).every(([name, counts]) =>
      Object.entries(counts).every(
        ([field, count]) => ledger[name]?.[field as keyof Line] === count,
      ),
    );
    return fits ? ledger : undefined;
  });
}

describe('the ledger', () => {
  it('counts every call once, by what became of it, and none that the driver refused', async () => {
    const { daemon, script } = await start();
    const orders = [
      ...['launch 1 7 1000', 'copy 1 3', 'host 1 4', 'allocate 1 5', 'await 1 2'],
      ...['sync 1', 'begin 1 0', 'launch 1 6 1000', 'host 1 1', 'end 1', 'launch 9 1 1000'],
    ];
    const answers = await script.doAll(...orders.map((order) => `a ${order}`));
    expect(answers).toEqual(orders.map(() => '0'));
    expect(await script.do('a rejected 1 9')).not.toBe('0');
    expect(await script.doAll('a replay 1', 'a replay 1')).toEqual(['0', '0']);
    const ledger = await ledgerWith(daemon, {
      // The client's own beginning is one memset.
      cuMemsetD32_v2: counted({ through: 1 }),
      cuLaunchKernel: counted({ through: 7, captured: 6 }),
      cuLaunchKernel_ptsz: counted({ through: 1 }),
      cuMemcpyHtoDAsync_v2: counted({ through: 3 }),
      cuLaunchHostFunc: counted({ bypassed: 4, captured: 1 }),
      cuMemAllocAsync: counted({ bypassed: 5 }),
      cuMemFreeAsync: counted({ bypassed: 5 }),
      cuStreamWriteValue32_v2: counted({ bypassed: 2 }),
      cuStreamWaitValue32_v2: counted({ bypassed: 2 }),
      cuGraphLaunch: counted({ through: 2 }),
    });
    expect(Object.keys(ledger)).toHaveLength(10);
  });

  it('counts copies as bypassed where nothing holds them back', async () => {
    const { daemon, script } = await start(serveAll, { XSCHED_GATE_COPIES: '0' });
    await script.doAll('a copy 1 3', 'a launch 1 1 1000');
    await ledgerWith(daemon, {
      cuLaunchKernel: { through: 1 },
      cuMemcpyHtoDAsync_v2: { through: 0, bypassed: 3 },
    });
  });

  it('tells what waited at the gate from what did not', async () => {
    const decisions = new Decisions();
    const { daemon, script } = await start(decisions.behave);
    await script.do('a launch 1 5 1000');
    const isStream = ({ stream }: { stream: number }) => stream > 2;
    const registration = await daemon.next('REGISTER', isStream);
    const { queue } = registration.message;
    const { seq } = decisions.decide(daemon, registration, queue, false);
    await daemon.next('STATS', (stats) => stats.queue === queue && stats.applied === seq);
    script.begin('a launch 1 3 1000');
    await daemon.next('READY', (ready) => ready.queue === queue && ready.waiting);
    // What is never held back is not held back now either.
    expect(await script.do('b host 1 2')).toBe('0');
    decisions.decide(daemon, registration, queue, true);
    expect(await script.answer('a launch 1 3 1000')).toBe('0');
    await ledgerWith(daemon, { cuLaunchKernel: { through: 8 }, cuLaunchHostFunc: { bypassed: 2 } });
  });

  it('is told anew, and whole, to a daemon that comes later', async () => {
    const { stage, daemon, script } = await start();
    await script.do('a launch 1 5 1000');
    await ledgerWith(daemon, { cuLaunchKernel: { through: 5 } });
    daemon.stop();
    const next = await FakeAgentDaemon.start(stage.runtimeDir);
    await ledgerWith(next, { cuLaunchKernel: { through: 5 }, cuMemsetD32_v2: { through: 1 } });
  });
});

describe('a function that is unknown', () => {
  it('does what it does, is counted, and raises an alarm once', async () => {
    const { stage, daemon, script } = await start(serveAll, FUTURE);
    expect(await script.do('a ahead 1 25')).toBe('0');
    expect(await script.do('a launch 1 1 1000')).toBe('0');
    expect(await script.do('a sync 1')).toBe('0');
    await ledgerWith(daemon, { cuLaunchKernel: { through: 1 } });
    const ledger = await ledgerWith(daemon, { cuLaunchAhead_v2: { unknown: 25 } });
    expect(ledger['cuLaunchAhead_v2']).toMatchObject(counted({ unknown: 25 }));
    // The driver's own call of its cuLaunchKernel is none of the program's.
    expect(readKernels(stage, script.pid)).toHaveLength(26);
    await script.do('a ahead 1 1');
    await ledgerWith(daemon, { cuLaunchAhead_v2: { unknown: 26 } });
    const { code, stderr } = await script.end();
    expect(code).toBe(0);
    const alarm = 'cuLaunchAhead_v2 was called, which this version does not know';
    expect(stderr.split('\n').filter((line) => line.includes(alarm))).toHaveLength(1);
  });

  it('is the driver’s own where its name says that it launches nothing', async () => {
    const { daemon, script } = await start(serveAll, FUTURE);
    expect(await script.doAll('a question 1 2', 'a launch 1 1 1000')).toEqual(['0', '0']);
    const ledger = await ledgerWith(daemon, { cuLaunchKernel: { through: 1 } });
    expect(Object.values(ledger).filter(({ unknown }) => unknown > 0)).toEqual([]);
  });

  it('raises the alarm without a daemon too', async () => {
    const stage = makeStage();
    const script = new Script(makeEnvironment(stage, FUTURE));
    await script.doAll('a create 1 0', 'a ahead 1 1', 'a launch 1 1 1000');
    const { stderr } = await script.end();
    expect(stderr).toContain('cuLaunchAhead_v2 was called, which this version does not know');
  });
});

describe('a process whose work may wait for that of others', () => {
  /** Suspends every queue but the one that the client begins with. */
  const behave: Behaviour = (daemon, { link, message }) => {
    if (message.type === 'HELLO') daemon.welcome(link);
    if (message.type !== 'REGISTER' && message.type !== 'READY') return;
    const type = message.queue === LEGACY ? 'PERMIT' : 'SUSPEND';
    daemon.send(link, { ...makePermit(message.queue), type });
  };

  it('passes its gate now and then, whoever outranks it', async () => {
    const { daemon, script } = await start(behave, { XSCHED_GATE_MAX_MS: '50' });
    script.begin('a await 1 1');
    expect(await script.answer('a await 1 1')).toBe('0');
    script.begin('a launch 1 3 1000');
    expect(await script.answer('a launch 1 3 1000')).toBe('0');
    await ledgerWith(daemon, {
      cuLaunchKernel: { gated: 3 },
      cuStreamWaitValue32_v2: { bypassed: 1 },
    });
  });
});
