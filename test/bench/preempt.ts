/**
 * How long work of a lower priority keeps the GPU from work of a higher one, and what being
 * outranked costs the lower one, on the simulated GPU under the real shim and the real daemon.
 *
 *   npm run bench -- preempt [--kernels 3|20|100|500|mixture] [--low queue|streams|processes|arrival]
 *                            [--mps] [--scale N] [--target US] [--bursts N] [--arrivals N]
 *
 * Low programs launch kernels of 3, 20, 100 or 500 us without end, or a mixture of them: on one
 * stream, on four, in four processes, or on one that nobody outranked until the high program came.
 * A preemption lasts from the moment before the high program's launch until the last kernel of a low
 * one has left the GPU, by the device's log; where the GPU suspends that kernel, until it goes over
 * to the high one. It must not take longer than the target, or one launch, and 50 us more. Throughput
 * is that of the low programs while a high one is registered that has no work, over theirs without
 * the shim, in kernels and right after each other; durations do not vary there.
 *
 * Between processes the device has time slices, of which each switch costs 120 us, or none (--mps).
 * The device's clock is slowed down, so that the machine is fast enough for it; all times are the
 * device's. Messages are not slowed down. Prints a table and writes out/bench/preempt.json.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LIMITS } from '../../protocol/limits.js';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readChoice, readCount } from './options.js';
import { awaitEnd, BUILD, prints, PTX, SHIM, startDaemon } from './programs.js';
import { writeResult } from './results.js';

const PROGRAM = path.join(BUILD, 'bench', 'preempt');
const LOG = path.join(BUILD, 'sim', 'simlog');

/** Kernels that the low programs launch, in microseconds. */
const KERNELS: Readonly<Record<string, readonly number[]>> = {
  '3': [3],
  '20': [20],
  '100': [100],
  '500': [500],
  mixture: [3, 20, 100, 500],
};

interface Scenario {
  readonly name: string;
  readonly processes: number;
  readonly streams: number;
  /** Whether each high program comes anew. */
  readonly arrives: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'queue', processes: 1, streams: 1, arrives: false },
  { name: 'streams', processes: 1, streams: 4, arrives: false },
  { name: 'processes', processes: 4, streams: 1, arrives: false },
  { name: 'arrival', processes: 1, streams: 1, arrives: true },
];

/** The device's microseconds: how long the high program's kernel lasts, and pauses between two. */
const HIGH_US = 10;
const PAUSE_US = 1500;
/** So many bursts at once: the device's log must hold what the low programs do meanwhile. */
const BATCH = 10;
/** How long low programs run before anything counts, and how long their throughput is taken. */
const SETTLE_US = 20_000;
const THROUGHPUT_US = 60_000;
const SLACK_US = 50;

interface Settings {
  readonly scale: number;
  readonly targetUs: number;
  readonly bursts: number;
  readonly arrivals: number;
  readonly mps: boolean;
}

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

interface Kernel {
  readonly sequence: number;
  readonly pid: number;
  readonly start: number;
  readonly finish: number;
}

/** A machine of its own: a device, a daemon, and the programs on it. */
class Stage {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'xsched-preempt-'));
  readonly #children: ChildProcess[] = [];
  #daemon: ChildProcess | undefined;

  constructor(
    readonly settings: Settings,
    private readonly jitter: boolean,
  ) {}

  /** The device's microseconds as nanoseconds of the machine's clock. */
  real(us: number): number {
    return us * 1000 * this.settings.scale;
  }

  async start(): Promise<void> {
    const { targetUs, scale } = this.settings;
    const text = `preempt_latency_us: ${String(targetUs * scale)}\n`;
    this.#daemon = await startDaemon(path.join(this.#folder, 'run'), { text });
  }

  #run(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(PROGRAM, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...{ PATH: process.env['PATH'], CLIENT_PTX: PTX },
        ...{ XSCHED_SIM_DIR: path.join(this.#folder, 'sim') },
        ...{ XSCHED_SIM_SCALE: String(this.settings.scale) },
        ...{ XSCHED_SIM_JITTER: this.jitter ? '1' : '0' },
        ...{ XSCHED_SIM_MPS: this.settings.mps ? '1' : '0' },
        ...{ LD_LIBRARY_PATH: path.join(BUILD, 'sim') },
        ...{ XSCHED_RUNTIME_DIR: path.join(this.#folder, 'run') },
        ...env,
      },
    });
    this.#children.push(child);
    return child;
  }

  /** Low programs that have begun to launch. */
  async feed(
    { processes, streams }: Scenario,
    kernels: readonly number[],
    shim = true,
  ): Promise<ChildProcess[]> {
    const env = shim ? { LD_PRELOAD: SHIM, XSCHED_PRIORITY: '0' } : {};
    const args = ['feed', String(streams), ...kernels.map((us) => String(us * 1000))];
    const low = Array.from({ length: processes }, () => this.#run(args, env));
    await Promise.all(low.map((child) => prints(child, 'feeds')));
    return low;
  }

  /** A high program and what it printed of its first burst. */
  async arrive(): Promise<{ high: ChildProcess; said: string }> {
    const env = { LD_PRELOAD: SHIM, XSCHED_PRIORITY: '10' };
    const high = this.#run(['burst', String(HIGH_US * 1000)], env);
    return { high, said: await prints(high, '.') };
  }

  async end(children: readonly ChildProcess[]): Promise<void> {
    for (const child of children) child.stdin?.end();
    for (const child of children) {
      await awaitEnd(child);
      if (child.exitCode !== 0) throw new Error('a program of the benchmark failed');
    }
  }

  /** The kernels that have finished since one in the log. */
  readKernels(after = 0): Kernel[] {
    const argv = ['--kind', 'kernel', '--after', String(after)];
    const env = { XSCHED_SIM_DIR: path.join(this.#folder, 'sim') };
    const { stdout } = spawnSync(LOG, argv, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Kernel);
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#daemon?.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** How long each of the bursts that the high program printed had to wait for low ones, in its nanoseconds. */
function measureBursts(said: string, high: ChildProcess, kernels: readonly Kernel[]): number[] {
  const own = kernels.filter(({ pid }) => pid === high.pid);
  const others = kernels.filter(({ pid }) => pid !== high.pid);
  const lines = said.split('\n').filter((line) => line.includes(' '));
  return lines.map((line) => {
    const [began = NaN, ended = NaN] = line.split(' ').map(Number);
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
      const answer = prints(high, '.');
      high.stdin?.write(`${String(BATCH)} ${String(stage.real(PAUSE_US))}\n`);
      const said = await answer;
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

async function onStage<T>(
  settings: Settings,
  jitter: boolean,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const stage = new Stage(settings, jitter);
  try {
    await stage.start();
    return await work(stage);
  } finally {
    stage.close();
  }
}

async function measure(settings: Settings, name: string, scenario: Scenario): Promise<Result> {
  const kernels = KERNELS[name] ?? [];
  const ns = await onStage(settings, true, (stage) => measureLatencies(stage, scenario, kernels));
  const us = ns.map((value) => value / 1000 / settings.scale);
  const result = {
    kernels: name,
    scenario: scenario.name,
    boundUs: Math.max(settings.targetUs, ...kernels) + SLACK_US,
    p50Us: percentile(us, 50),
    p99Us: percentile(us, 99),
    bursts: us.length,
  };
  if (scenario.arrives) return result;
  return onStage(settings, false, async (stage) => {
    const bare = await measureRate(stage, scenario, kernels, false);
    const throughput = (await measureRate(stage, scenario, kernels, true)) / bare;
    return { ...result, throughput };
  });
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
      scale: { type: 'string', default: '20' },
      target: { type: 'string', default: '200' },
      bursts: { type: 'string', default: '100' },
      arrivals: { type: 'string', default: '10' },
    },
  });
  const scale = readCount('scale', values.scale, 1, 1000);
  const settings = {
    scale,
    targetUs: readCount('target', values.target, 1, Math.floor(LIMITS.LATENCY_MAX_US / scale)),
    bursts: readCount('bursts', values.bursts, 1, 10_000),
    arrivals: readCount('arrivals', values.arrivals, 1, 1000),
    mps: values.mps,
  };
  for (const name of values.kernels) readChoice('kernels', name, Object.keys(KERNELS));
  const names = SCENARIOS.map(({ name }) => name);
  for (const name of values.low) readChoice('low', name, names);
  const scenarios = SCENARIOS.filter(({ name }) => values.low.includes(name));
  const results: Result[] = [];
  for (const kernels of values.kernels) {
    for (const scenario of scenarios) {
      process.stderr.write(`\r${kernels} µs, ${scenario.name}`.padEnd(30));
      results.push(await measure(settings, kernels, scenario));
    }
  }
  process.stderr.write('\n');
  const machine = describeProcessor();
  writeResult('preempt', { machine, ...settings, results });
  const { targetUs, mps } = settings;
  const device = `the device's clock runs at 1/${String(scale)}, ${mps ? 'no' : 'with'} time slices`;
  console.log(`target ${String(targetUs)} µs; ${device}`);
  printTable(results);
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
