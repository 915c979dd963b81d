/**
 * How long work of a lower priority keeps the GPU from work of a higher one, and what being
 * outranked costs the lower one, on the simulated GPU under the real shim and the real daemon.
 *
 *   npm run bench -- preempt [--kernels 3|20|100|500|mixture] [--low queue|streams|processes|arrival|together|priority]
 *                            [--mps] [--scale N] [--target US] [--bursts N] [--arrivals N]
 *                            [--driver sim|system] [--blocks N] [--context MS]
 *
 * Low programs launch kernels of 3, 20, 100 or 500 us without end, or a mixture of them: on one
 * stream, on four, in four processes, or on one that nobody outranked until the high program came;
 * there making a context takes as long as a real driver needs for it at least (--context).
 * A preemption lasts from the moment before the high program's launch until the last kernel of a low
 * one has left the GPU, by the device's log; where the GPU suspends that kernel, until it goes over
 * to the high one. It must not take longer than the target, or one launch, and 50 us more. Throughput
 * is that of the low programs while a high one is registered that has no work, over theirs without
 * the shim, in kernels and right after each other; durations do not vary there.
 *
 * Between processes the device has time slices, of which each switch costs 120 us, or none (--mps).
 * The device's clock is slowed down, so that the machine is fast enough for it; all times are the
 * device's. Messages are not slowed down.
 *
 * `system` is the machine's own driver. There a preemption lasts as long as the high program's kernel
 * takes longer than it does alone (the median); low kernels have so many blocks of 1024 threads, by
 * default as many as an H100 has room for, or they would leave it some. Without a control daemon of MPS
 * processes have time slices. Only there the high stream may be one of the low program's own that
 * the daemon ranks: without a CUDA priority (together), or with the highest (priority). Prints a table and writes out/bench/preempt.json.
 */
import { parseArgs } from 'node:util';
import { LIMITS } from '../../protocol/limits.js';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readChoice, readCount } from './options.js';
import { measureByLog } from './preempt-log.js';
import { DRIVERS, KERNELS, SCENARIOS, SLACK_US } from './preempt-stage.js';
import type { Scenario, Settings } from './preempt-stage.js';
import { measureByResponse } from './preempt-system.js';
import { writeResult } from './results.js';

interface Result {
  readonly kernels: string;
  readonly scenario: string;
  readonly boundUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly bursts: number;
  /** Above 0; none where the high program comes anew. */
  readonly throughput?: number;
}

async function measure(settings: Settings, name: string, scenario: Scenario): Promise<Result> {
  const byDriver = { sim: measureByLog, system: measureByResponse };
  const found = await byDriver[settings.driver](settings, name, scenario);
  const { latenciesUs, throughput } = found;
  return {
    kernels: name,
    scenario: scenario.name,
    boundUs: Math.max(settings.targetUs, ...(KERNELS[name] ?? [])) + SLACK_US,
    p50Us: percentile(latenciesUs, 50),
    p99Us: percentile(latenciesUs, 99),
    bursts: latenciesUs.length,
    ...(throughput === undefined ? {} : { throughput }),
  };
}

function describeDevice({ driver, scale, mps, blocks }: Settings): string {
  if (driver === 'system') return `a real GPU, low kernels of ${String(blocks)} blocks`;
  return `the device's clock runs at 1/${String(scale)}, ${mps ? 'no' : 'with'} time slices`;
}

function printTable(results: readonly Result[]): void {
  const table = newTable(['kernels, µs', 'low', 'P50, µs', 'P99, µs', 'at most', 'throughput']);
  for (const { kernels, scenario, p50Us, p99Us, boundUs, throughput } of results) {
    const kept = throughput === undefined ? '' : `${(throughput * 100).toFixed(1)}%`;
    const figures = [p50Us, p99Us, boundUs].map((us) => us.toFixed(0));
    table.push([kernels, scenario, ...figures, kept]);
  }
  console.log(table.toString());
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kernels: { type: 'string', multiple: true, default: Object.keys(KERNELS) },
      low: { type: 'string', multiple: true, default: SCENARIOS.map(({ name }) => name) },
      mps: { type: 'boolean', default: false },
      driver: { type: 'string', default: 'sim' },
      blocks: { type: 'string', default: '264' },
      scale: { type: 'string' },
      target: { type: 'string', default: '200' },
      bursts: { type: 'string', default: '100' },
      arrivals: { type: 'string', default: '10' },
      context: { type: 'string', default: '100' },
    },
  });
  const driver = readChoice('driver', values.driver, DRIVERS);
  // A real GPU has one speed.
  const scale = driver === 'sim' ? readCount('scale', values.scale ?? '20', 1, 1000) : 1;
  const settings = {
    scale,
    targetUs: readCount('target', values.target, 1, Math.floor(LIMITS.LATENCY_MAX_US / scale)),
    bursts: readCount('bursts', values.bursts, 1, 10_000),
    arrivals: readCount('arrivals', values.arrivals, 1, 1000),
    contextMs: readCount('context', values.context, 0, 10_000),
    mps: values.mps,
    driver,
    blocks: readCount('blocks', values.blocks, 1, 1_000_000),
  };
  for (const name of values.kernels) readChoice('kernels', name, Object.keys(KERNELS));
  const names = SCENARIOS.map(({ name }) => name);
  for (const name of values.low) readChoice('low', name, names);
  // By its log the simulated GPU tells programs apart, not streams.
  const scenarios = SCENARIOS.filter(
    ({ name, together }) =>
      values.low.includes(name) && (driver === 'system' || together === undefined),
  );
  const results: Result[] = [];
  for (const kernels of values.kernels) {
    for (const scenario of scenarios) {
      process.stderr.write(`\r${kernels} µs, ${scenario.name}`.padEnd(30));
      results.push(await measure(settings, kernels, scenario));
      // Whoever stops it has what there is.
      writeResult('preempt', { machine: describeProcessor(), ...settings, results });
    }
  }
  process.stderr.write('\n');
  console.log(`target ${String(settings.targetUs)} µs; ${describeDevice(settings)}`);
  printTable(results);
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
