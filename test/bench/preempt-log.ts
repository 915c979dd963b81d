/** Preemption on the simulated GPU, by the log of what it did. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBursts, readBursts } from './preempt-programs.js';
import { BATCH, KERNELS, onStage, PAUSE_US, SETTLE_US, THROUGHPUT_US } from './preempt-stage.js';
import type { Found, Kernel, Scenario, Settings, Stage } from './preempt-stage.js';

/** How long each of the bursts that the high program printed had to wait for low ones, in its nanoseconds. */
function measureBursts(said: string, high: ChildProcess, kernels: readonly Kernel[]): number[] {
  const own = kernels.filter(({ pid }) => pid === high.pid);
  const others = kernels.filter(({ pid }) => pid !== high.pid);
  return readBursts(said).map(([began, ended]) => {
    const first = own.find(({ start }) => start >= began && start <= ended);
    if (first === undefined) throw new Error('a burst is not in the log of the device');
    const ends = others
      .filter(({ start, finish }) => finish > began && start < first.start)
      .map(({ finish }) => Math.min(finish, first.start) - began);
    return Math.max(0, ...ends);
  });
}

async function measureLatencies(
  stage: Stage,
  scenario: Scenario,
  kernels: readonly number[],
): Promise<number[]> {
  const { bursts, arrivals } = stage.settings;
  // Also before the log is read: a kernel is there when it has finished.
  const settle = () => sleep(stage.real(SETTLE_US) / 1e6);
  const low = await stage.feed(scenario, kernels);
  const found: number[] = [];
  if (scenario.arrives) {
    for (let i = 0; i < arrivals; i++) {
      await settle();
      const { high, said } = await stage.arrive();
      await stage.end([high]);
      await settle();
      found.push(...measureBursts(said, high, stage.readKernels()));
    }
  } else {
    const { high } = await stage.arrive();
    await settle();
    while (found.length < bursts) {
      const last = stage.readKernels().at(-1)?.sequence ?? 0;
      const said = await makeBursts(high, BATCH, stage.real(PAUSE_US));
      await settle();
      found.push(...measureBursts(said, high, stage.readKernels(last)));
    }
    await stage.end([high]);
  }
  await stage.end(low);
  return found;
}

/** Kernels that low programs finish in each of the device's seconds, by a part of a run. */
async function measureRate(
  stage: Stage,
  scenario: Scenario,
  kernels: readonly number[],
  shim: boolean,
): Promise<number> {
  const { high } = await stage.arrive();
  const low = await stage.feed(scenario, kernels, shim);
  await sleep(stage.real(SETTLE_US) / 1e6);
  const before = stage.readKernels().at(-1);
  await sleep(stage.real(THROUGHPUT_US) / 1e6);
  const done = stage.readKernels(before?.sequence ?? 0);
  await stage.end([...low, high]);
  const [first, last] = [before?.finish ?? NaN, done.at(-1)?.finish ?? NaN];
  return done.length / ((last - first) / 1e9 / stage.settings.scale);
}

/** What one kind of low program does to the high one, and to itself. */
export async function measureByLog(
  settings: Settings,
  name: string,
  scenario: Scenario,
): Promise<Found> {
  const kernels = KERNELS[name] ?? [];
  const device = { jitter: true, contextMs: scenario.arrives ? settings.contextMs : 0 };
  const ns = await onStage(settings, device, (stage) => measureLatencies(stage, scenario, kernels));
  const latenciesUs = ns.map((value) => value / 1000 / settings.scale);
  if (scenario.arrives) return { latenciesUs };
  return onStage(settings, { jitter: false }, async (stage) => {
    const bare = await measureRate(stage, scenario, kernels, false);
    const throughput = (await measureRate(stage, scenario, kernels, true)) / bare;
    return { latenciesUs, throughput };
  });
}
