/**
 * Preemption on a real GPU, which keeps no log: by how much longer the high program's bursts take than
 * they do alone. What low programs launch fills the GPU, so that none of them leaves room for it.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../demo/statistics.js';
import { prints } from './programs.js';
import { countDuring, makeBursts, responsesOf } from './preempt-programs.js';
import { BATCH, KERNELS, onStage, PAUSE_US, SETTLE_US } from './preempt-stage.js';
import type { Found, Scenario, Settings, Stage } from './preempt-stage.js';

/** How long throughput is taken; a driver's queue of a thousand launches must not count in it. */
const COUNTED_MS = 700;
/** Before that, for queues to fill: what comes after it is launched as fast as it is done. */
const FILLING_MS = 300;

async function burst(stage: Stage, high: ChildProcess): Promise<number[]> {
  const found: number[] = [];
  while (found.length < stage.settings.bursts) {
    found.push(...responsesOf(await makeBursts(high, BATCH, stage.real(PAUSE_US))));
  }
  return found;
}

/** Launches that the low programs make in each second, all of them. */
async function measureRate(low: readonly ChildProcess[]): Promise<number> {
  await sleep(FILLING_MS);
  const counted = low.map((one) => countDuring(one, () => sleep(COUNTED_MS)));
  return (await Promise.all(counted)).reduce((sum, { rate }) => sum + rate, 0);
}

async function arriveOften(stage: Stage): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < stage.settings.arrivals; i++) {
    await sleep(stage.real(SETTLE_US) / 1e6);
    const { high, said } = await stage.arrive();
    found.push(...responsesOf(said));
    await stage.end([high]);
  }
  return found;
}

/** Microseconds by which bursts took longer than they usually do alone. */
function beyond(alone: readonly number[], beside: readonly number[]): number[] {
  const usual = percentile(alone, 50);
  return beside.map((ns) => Math.max(0, ns - usual) / 1000);
}

async function measureArrival(stage: Stage, scenario: Scenario, kernels: readonly number[]) {
  const alone = await arriveOften(stage);
  const low = await stage.feed(scenario, kernels);
  const latenciesUs = beyond(alone, await arriveOften(stage));
  await stage.end(low);
  return { latenciesUs };
}

async function measureTogether(stage: Stage, scenario: Scenario, kernels: readonly number[]) {
  const feed = async (shim: boolean) => {
    const { both } = await stage.startBoth(scenario, kernels, shim);
    const alone = await burst(stage, both);
    const feeds = prints(both, 'feeds');
    both.stdin?.write('feed\n');
    await feeds;
    return { both, alone, rate: await measureRate([both]) };
  };
  const { both, alone, rate } = await feed(true);
  const latenciesUs = beyond(alone, await burst(stage, both));
  await stage.end([both]);
  const bare = await feed(false);
  await stage.end([bare.both]);
  return { latenciesUs, throughput: rate / bare.rate };
}

async function measureApart(stage: Stage, scenario: Scenario, kernels: readonly number[]) {
  const { high } = await stage.arrive();
  const alone = await burst(stage, high);
  const low = await stage.feed(scenario, kernels);
  const outranked = await measureRate(low);
  const latenciesUs = beyond(alone, await burst(stage, high));
  await stage.end([high, ...low]);
  const bare = await stage.feed(scenario, kernels, false);
  const throughput = outranked / (await measureRate(bare));
  await stage.end(bare);
  return { latenciesUs, throughput };
}

/** What one kind of low program does to the high one, and to itself. */
export async function measureByResponse(
  settings: Settings,
  name: string,
  scenario: Scenario,
): Promise<Found> {
  const kernels = KERNELS[name] ?? [];
  const { arrives, together } = scenario;
  const apart = arrives ? measureArrival : measureApart;
  const way = together === undefined ? apart : measureTogether;
  return onStage(settings, { jitter: true }, (stage) => way(stage, scenario, kernels));
}
