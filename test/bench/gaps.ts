/**
 * What a high program pays, and what is left for a low one, where the high one leaves the GPU nothing
 * to do for moments: one that is slower at launching than the GPU at running, as eager PyTorch is, one
 * that keeps it busy although it has nothing queued, and ones that wait for each of their kernels, short or long.
 *
 *   npm run bench -- gaps [--high eager|busy|synced|steps] [--driver sim|system] [--scale N] [--bursts N]
 *                         [--low US] [--blocks N]
 *
 * The high program makes bursts, with pauses between them that are on average as long. Their time beside
 * a low program that launches without pause is compared with that alone; what the low one launches
 * meanwhile with what it launches alone in the time in which the GPU has no kernel of the high one.
 * Drivers, scale and blocks are those of `preempt`. Prints a table and writes out/bench/gaps.json.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readChoice, readCount } from './options.js';
import { countDuring, makeBursts, responsesOf } from './preempt-programs.js';
import { DRIVERS, onStage, SETTLE_US } from './preempt-stage.js';
import type { Bursts, Settings, Stage } from './preempt-stage.js';
import { writeResult } from './results.js';

const BURSTS: Readonly<Record<string, Bursts>> = {
  eager: { kernelUs: 5, kernels: 300, gapUs: 43, syncEach: 300 },
  busy: { kernelUs: 40, kernels: 100, gapUs: 50, syncEach: 100 },
  synced: { kernelUs: 5, kernels: 300, gapUs: 43, syncEach: 1 },
  steps: { kernelUs: 100, kernels: 40, gapUs: 40, syncEach: 1 },
};

const LOW = { name: 'queue', processes: 1, streams: 1, arrives: false };
/** How long the low program alone is counted, in the device's microseconds. */
const ALONE_US = 100_000;

interface Result {
  readonly high: string;
  /** The device's milliseconds of a burst. */
  readonly aloneMs: number;
  readonly p50: number;
  readonly p99: number;
  /** What the low program launched, over what it would have alone in the time that was left; above 0. */
  readonly kept: number;
}

async function burst(stage: Stage, high: ChildProcess, pauseNs: number): Promise<number[]> {
  return responsesOf(await makeBursts(high, stage.settings.bursts, Math.round(pauseNs)));
}

async function measure(settings: Settings, name: string, lowUs: number): Promise<Result> {
  const bursts = BURSTS[name];
  if (bursts === undefined) throw new RangeError(`there are no bursts '${name}'`);
  return onStage(settings, { jitter: false }, async (stage) => {
    const { high } = await stage.arrive(bursts);
    const usual = percentile(await burst(stage, high, 1), 50);
    const low = await stage.feed(LOW, [lowUs]);
    const [feeder] = low;
    if (feeder === undefined) throw new Error('there is no low program');
    await sleep(stage.real(SETTLE_US) / 1e6);
    const alone = await countDuring(feeder, () => sleep(stage.real(ALONE_US) / 1e6));
    const beside = await countDuring(feeder, () => burst(stage, high, usual));
    await stage.end([...low, high]);
    const busy = settings.bursts * bursts.kernels * stage.real(bursts.kernelUs);
    const left = 1 - busy / 1e9 / beside.seconds;
    return {
      high: name,
      aloneMs: usual / 1e6 / settings.scale,
      p50: percentile(beside.done, 50) / usual,
      p99: percentile(beside.done, 99) / usual,
      kept: beside.rate / (alone.rate * left),
    };
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      high: { type: 'string', multiple: true, default: Object.keys(BURSTS) },
      driver: { type: 'string', default: 'sim' },
      scale: { type: 'string' },
      bursts: { type: 'string', default: '60' },
      low: { type: 'string', default: '20' },
      blocks: { type: 'string', default: '264' },
    },
  });
  const driver = readChoice('driver', values.driver, DRIVERS);
  for (const name of values.high) readChoice('high', name, Object.keys(BURSTS));
  const lowUs = readCount('low', values.low, 1, 10_000);
  const settings: Settings = {
    driver,
    scale: driver === 'sim' ? readCount('scale', values.scale ?? '10', 1, 1000) : 1,
    bursts: readCount('bursts', values.bursts, 1, 10_000),
    blocks: readCount('blocks', values.blocks, 1, 1_000_000),
    targetUs: 200,
    arrivals: 0,
    contextMs: 0,
    mps: false,
  };
  const results: Result[] = [];
  for (const name of values.high) {
    results.push(await measure(settings, name, lowUs));
    writeResult('gaps', { machine: describeProcessor(), lowUs, ...settings, results });
  }
  const table = newTable(['high', 'alone, ms', 'P50, ratio', 'P99, ratio', 'low keeps']);
  for (const { high, aloneMs, p50, p99, kept } of results) {
    const ratios = [p50, p99].map((ratio) => `${ratio.toFixed(2)}x`);
    table.push([high, aloneMs.toFixed(2), ...ratios, `${(kept * 100).toFixed(0)}%`]);
  }
  console.log(table.toString());
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
