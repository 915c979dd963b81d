/** What a window holds: a number of launches, or the GPU time that its launches are expected to take. */
import { describe, expect, it } from 'vitest';
import { FakeAgentDaemon, makePermit, permitWithin } from './fake-daemon.js';
import { groupByStream, makeEnvironment, makeStage, readKernels, Script } from './programs.js';
import type { Environment, Stage } from './programs.js';

const MS = 1_000_000;

/** A program whose streams rank by their CUDA priorities. */
function startScript(stage: Stage, settings: Environment = {}): Script {
  const ranks = { XSCHED_POLICY: 'HPF', XSCHED_GATE_MAX_MS: '0' };
  return new Script(makeEnvironment(stage, { ...ranks, ...settings }));
}

interface Kernels {
  readonly kernelMs: number;
  readonly kernels: number;
}

interface Outranked extends Kernels {
  readonly settings: Environment;
}

/**
 * Runs kernels on stream 2, which has had one, of a program that runs nothing else meanwhile; ends it.
 * @returns at the submission of each, how many had been submitted and not finished, itself included
 */
async function countInFlight(
  stage: Stage,
  script: Script,
  { kernelMs, kernels }: Kernels,
): Promise<number[]> {
  await script.do(`b launch 2 ${kernels} ${kernelMs * MS}`);
  await script.do('b sync 2');
  const low = groupByStream(readKernels(stage, script.pid)).at(-1) ?? [];
  expect((await script.end()).code).toBe(0);
  const measured = low.slice(1);
  expect(measured).toHaveLength(kernels);
  return measured.map(({ submit }, index) => {
    const submitted = measured.slice(0, index + 1);
    return submitted.filter(({ finish }) => finish > submit).length;
  });
}

/** The same on a stream that another one of the process outranks, without ever having work. */
async function runOutranked({ settings, ...kernels }: Outranked): Promise<number[]> {
  const stage = makeStage();
  const script = startScript(stage, settings);
  await script.doAll('a create 1 5', 'b create 2 0', 'a launch 1 1 1000', 'b launch 2 1 1000');
  await script.doAll('a sync 1', 'b sync 2');
  return countInFlight(stage, script, kernels);
}

describe('a window of launches', () => {
  it('holds so many, however long they are', async () => {
    const settings = { XSCHED_WINDOW: '3' };
    for (const kernelMs of [1, 8]) {
      const inFlight = await runOutranked({ kernelMs, kernels: 24, settings });
      expect(Math.max(...inFlight)).toBe(3);
    }
  });
});

describe('a window of time', () => {
  const settings = { XSCHED_PREEMPT_LATENCY_US: '40000' };

  it('begins with eight launches, and holds more of them when they are short', async () => {
    const inFlight = await runOutranked({ kernelMs: 2, kernels: 120, settings });
    expect(Math.max(...inFlight.slice(0, 8))).toBeLessThanOrEqual(8);
    // 20 of them are 40 ms; what is expected is a little more or less than what they take.
    const later = inFlight.slice(60);
    expect(Math.max(...later)).toBeGreaterThan(12);
    expect(Math.max(...later)).toBeLessThanOrEqual(28);
  });

  it('holds one, and the next when that is about to end, when they are as long as it', async () => {
    const inFlight = await runOutranked({ kernelMs: 35, kernels: 24, settings });
    expect(Math.max(...inFlight.slice(16))).toBeLessThanOrEqual(2);
  });

  it('is half of what the daemon says where another process outranks the queue', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, permitWithin(8, 80_000));
    const script = startScript(stage);
    await script.doAll('b create 2 0', 'b launch 2 1 1000', 'b sync 2');
    const { message } = await daemon.next('REGISTER', ({ stream }) => stream > 2);
    await daemon.next('STATS', (stats) => stats.queue === message.queue && stats.applied === 1);
    const inFlight = await countInFlight(stage, script, { kernelMs: 2, kernels: 120 });
    const later = inFlight.slice(60);
    expect(Math.max(...later)).toBeGreaterThan(12);
    expect(Math.max(...later)).toBeLessThanOrEqual(28);
  });

  it('is told of with the time for which it kept the GPU', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, permitWithin(8, 80_000));
    const script = startScript(stage);
    await script.doAll('b create 2 0', 'b launch 2 1 1000', 'b sync 2');
    const { queue } = (await daemon.next('REGISTER', ({ stream }) => stream > 2)).message;
    const first = await daemon.next(
      'STATS',
      (stats) => stats.queue === queue && stats.applied === 1,
    );
    expect(first.message).toMatchObject({ latencyP50: 0, latencyP99: 0 });
    await script.do(`b launch 2 600 ${2 * MS}`);
    const later = await daemon.next(
      'STATS',
      (stats) => stats.queue === queue && stats.submitted > 500,
    );
    // Half of what the daemon says is full of launches, but for the quarter that is not replaced yet.
    expect(later.message.latencyP50).toBeGreaterThan(15_000);
    expect(later.message.latencyP50).toBeLessThan(60_000);
    expect(later.message.latencyP99).toBeGreaterThanOrEqual(later.message.latencyP50);
    await script.do('b sync 2');
    expect((await script.end()).code).toBe(0);
  });

  it('is another as soon as the daemon says so', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, permitWithin(8, 80_000));
    const script = startScript(stage);
    await script.doAll('b create 2 0', 'b launch 2 1 1000', 'b sync 2');
    const { link, message } = await daemon.next('REGISTER', ({ stream }) => stream > 2);
    const { queue } = message;
    daemon.send(link, makePermit(queue, { seq: 2, window: 8, latency: 16_000 }));
    await daemon.next('STATS', (stats) => stats.queue === queue && stats.applied === 2);
    const inFlight = await countInFlight(stage, script, { kernelMs: 2, kernels: 60 });
    // Four of them are the half of it.
    expect(Math.max(...inFlight.slice(30))).toBeLessThanOrEqual(7);
    expect(Math.max(...inFlight.slice(30))).toBeGreaterThan(1);
  });

  it('is the program’s own where its environment names one', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, permitWithin(8, 80_000));
    const script = startScript(stage, { XSCHED_PREEMPT_LATENCY_US: '16000' });
    await script.doAll('b create 2 0', 'b launch 2 1 1000', 'b sync 2');
    const { message } = await daemon.next('REGISTER', ({ stream }) => stream > 2);
    await daemon.next('STATS', (stats) => stats.queue === message.queue && stats.applied === 1);
    const inFlight = await countInFlight(stage, script, { kernelMs: 2, kernels: 60 });
    expect(Math.max(...inFlight.slice(30))).toBeLessThanOrEqual(7);
  });
});
