/**
 * What the shim adds to a launch: nanoseconds of cuLaunchKernel, or of a copy, in the thread that
 * calls it, through the shim and past it in turns, in one process; and without the shim, to see the
 * error.
 *
 *   npm run bench -- gate-cost [--driver null|sim|system|FOLDER] [--stream own|legacy]
 *                              [--work kernel|copy] [--pages N] [--rounds N] [--launches N]
 *
 * `null` is a driver that does nothing, so that hardly anything but the shim's own work is left; `sim`
 * is the simulated GPU, a folder one that holds another libcuda.so.1, and `system` the machine's own.
 * With pages the program writes to so many before each launch, as one that does other things in
 * between leaves little of ours in the processor's caches.
 * Prints a table and writes out/bench/gate-cost-DRIVER-STREAM-WORK-PAGES.json.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readChoice, readCount } from './options.js';
import { awaitEnd, BUILD, prints, PTX, SHIM, startDaemon } from './programs.js';
import { writeResult } from './results.js';

const PROGRAM = path.join(BUILD, 'bench', 'launches');
const DRIVERS: Readonly<Record<string, string>> = {
  null: path.join(BUILD, 'bench', 'null'),
  sim: path.join(BUILD, 'sim'),
  system: '',
};
const MOST_PAGES = 1_000_000;
const STREAMS = ['own', 'legacy'];
const WORK = ['kernel', 'copy'];
/** A device's queue holds about a thousand launches; a batch must not wait for it. */
const LAUNCHES = 500;
const BATCHES = 200;
/** As many as launches.c takes. */
const MOST_LAUNCHES = 1000;

/** One way to run the program. */
interface Mode {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether a queue of a higher priority is registered meanwhile, which has no work. */
  readonly isOutranked: boolean;
}

interface Row {
  readonly mode: string;
  /** Nanoseconds a launch: the median of the rounds. */
  readonly launchNs: number;
  /**
   * Nanoseconds over the driver's own function: the median batch of the median process, and the
   * middle 80% of processes.
   */
  readonly addedNs: { readonly p10: number; readonly p50: number; readonly p90: number };
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`launches ended with ${String(code ?? signal)}`);
  return text;
}

/** What a launch took in one process, in nanoseconds. */
interface Measure {
  readonly launchNs: number;
  readonly addedNs: number;
}

/** What each batch is made of, in the words of launches.c. */
interface Batch {
  readonly launches: number;
  readonly pages: number;
  readonly stream: string;
  readonly work: string;
}

/** The medians of one process's batches, of which the first tenth warms up. */
async function measure(mode: Mode, batches: number, batch: Batch): Promise<Measure> {
  const { launches, pages, stream, work } = batch;
  const args = [String(batches), String(launches), String(pages), stream, work];
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  const text = await output(spawn(PROGRAM, args, { env: mode.env, stdio }));
  const pairs = text
    .trim()
    .split('\n')
    .slice(batches / 10)
    .map((line) => {
      const [found = NaN, own = NaN] = line.split(' ').map(Number);
      return { found, own };
    });
  const median = (values: number[]) => percentile(values, 50);
  return {
    launchNs: median(pairs.map(({ found }) => found)),
    addedNs: median(pairs.map(({ found, own }) => found - own)),
  };
}

/** Keeps a higher queue registered while `work` goes on. */
async function withHigher<T>(env: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T> {
  const higher = { ...env, XSCHED_PRIORITY: '10' };
  const child = spawn(PROGRAM, ['idle'], { env: higher, stdio: 'pipe' });
  try {
    await prints(child, 'idle');
    return await work();
  } finally {
    child.stdin.end();
    await awaitEnd(child);
  }
}

function makeModes(base: NodeJS.ProcessEnv, runtimeDir: string): Mode[] {
  const shim = { ...base, LD_PRELOAD: SHIM };
  const served = { ...shim, XSCHED_RUNTIME_DIR: runtimeDir };
  return [
    { name: 'bare', env: base, isOutranked: false },
    { name: 'shim, switched off', env: { ...shim, XSCHED_DISABLE: '1' }, isOutranked: false },
    { name: 'shim, no daemon', env: shim, isOutranked: false },
    { name: 'shim, nobody outranks it', env: served, isOutranked: false },
    { name: 'shim, a window in force', env: served, isOutranked: true },
  ];
}

async function measureModes(modes: readonly Mode[], rounds: number, batch: Batch): Promise<Row[]> {
  const measures = modes.map((): Measure[] => []);
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`\rround ${String(round + 1)} of ${String(rounds)}`);
    for (const [index, mode] of modes.entries()) {
      const run = () => measure(mode, BATCHES, batch);
      measures[index]?.push(await (mode.isOutranked ? withHigher(mode.env, run) : run()));
    }
  }
  process.stderr.write('\n');
  return modes.map(({ name }, index) => {
    const own = measures[index] ?? [];
    const added = own.map(({ addedNs }) => addedNs);
    const [p10 = NaN, p50 = NaN, p90 = NaN] = [10, 50, 90].map((p) => percentile(added, p));
    const launchNs = percentile(
      own.map((one) => one.launchNs),
      50,
    );
    return { mode: name, launchNs, addedNs: { p10, p50, p90 } };
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      driver: { type: 'string', default: 'null' },
      stream: { type: 'string', default: 'own' },
      work: { type: 'string', default: 'kernel' },
      pages: { type: 'string', default: '0' },
      rounds: { type: 'string', default: '15' },
      launches: { type: 'string', default: String(LAUNCHES) },
    },
  });
  const driver = DRIVERS[values.driver] ?? path.resolve(values.driver);
  if (driver !== '' && !existsSync(path.join(driver, 'libcuda.so.1'))) {
    throw new Error(`--driver ${values.driver}: there is no libcuda.so.1 in ${driver}`);
  }
  const stream = readChoice('stream', values.stream, STREAMS);
  const work = readChoice('work', values.work, WORK);
  const pages = readCount('pages', values.pages, 0, MOST_PAGES);
  const rounds = readCount('rounds', values.rounds);
  const batch = {
    launches: readCount('launches', values.launches, 1, MOST_LAUNCHES),
    pages,
    stream,
    work,
  };
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xsched-gate-cost-'));
  const runtimeDir = path.join(folder, 'run');
  const daemon = await startDaemon(runtimeDir);
  try {
    const base: NodeJS.ProcessEnv = {
      ...{ PATH: process.env['PATH'], CLIENT_PTX: PTX, XSCHED_SIM_DIR: path.join(folder, 'sim') },
      ...{ XSCHED_RUNTIME_DIR: path.join(folder, 'nobody') },
      ...(driver === '' ? {} : { LD_LIBRARY_PATH: driver }),
    };
    const rows = await measureModes(makeModes(base, runtimeDir), rounds, batch);
    const machine = describeProcessor();
    const result = { driver: values.driver, ...batch, machine, rounds, rows };
    const name = ['gate-cost', path.basename(values.driver), stream, work, String(pages)].join('-');
    writeResult(name, result);
    const format = (ns: number) => ns.toFixed(1);
    console.log(`${machine.cpu}, driver ${values.driver}: ns a launch, and over the driver's own`);
    const table = newTable(['', 'launch', 'added', 'P10', 'P90']);
    for (const { mode, launchNs, addedNs } of rows) {
      const { p10, p50, p90 } = addedNs;
      table.push([mode, ...[launchNs, p50, p10, p90].map(format)]);
    }
    console.log(table.toString());
  } finally {
    daemon.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
