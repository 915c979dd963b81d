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
import path from 'node:path';
import { parseArgs } from 'node:util';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readChoice, readCount } from './options.js';
import { BUILD, output, withIdle, withScene } from './programs.js';
import type { Scene } from './programs.js';
import { writeResult } from './results.js';

const PROGRAM = path.join(BUILD, 'bench', 'launches');
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
  const text = await output(PROGRAM, args, mode.env);
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

function makeModes({ bare, disabled, alone, served }: Scene): Mode[] {
  return [
    { name: 'bare', env: bare, isOutranked: false },
    { name: 'shim, switched off', env: disabled, isOutranked: false },
    { name: 'shim, no daemon', env: alone, isOutranked: false },
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
      measures[index]?.push(
        await (mode.isOutranked ? withIdle(PROGRAM, mode.env, 10, run) : run()),
      );
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
  const { driver } = values;
  const rows = await withScene('gate-cost', driver, (scene) =>
    measureModes(makeModes(scene), rounds, batch),
  );
  const machine = describeProcessor();
  const result = { driver, ...batch, machine, rounds, rows };
  const name = ['gate-cost', path.basename(driver), stream, work, String(pages)].join('-');
  writeResult(name, result);
  const format = (ns: number) => ns.toFixed(1);
  console.log(`${machine.cpu}, driver ${driver}: ns a launch, and over the driver's own`);
  const table = newTable(['', 'launch', 'added', 'P10', 'P90']);
  for (const { mode, launchNs, addedNs } of rows) {
    const { p10, p50, p90 } = addedNs;
    table.push([mode, ...[launchNs, p50, p10, p90].map(format)]);
  }
  console.log(table.toString());
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
