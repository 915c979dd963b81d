/**
 * What the shim adds to a request: microseconds of the thread that serves it, through the shim and past
 * it in turns, in one process.
 *
 *   npm run bench -- request-cost [--driver sim|system|FOLDER] [--launches N] [--gap US] [--pause US]
 *                                 [--requests N] [--rounds N]
 *
 * A request is so many launches, one each --gap microseconds, and a wait for the stream; so many
 * microseconds of sleep are before each. With the shim the program is alone, known to a daemon, and above
 * another program, which has no work. The first launch of a request is the one that others have to learn
 * of. Prints a table and writes out/bench/request-cost-DRIVER.json.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readCount } from './options.js';
import { BUILD, output, withIdle, withScene } from './programs.js';
import type { Scene } from './programs.js';
import { writeResult } from './results.js';

const PROGRAM = path.join(BUILD, 'bench', 'requests');
const PARTS = ['first', 'others', 'wait'] as const;

interface Mode {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether a queue of a lower priority is registered meanwhile, which has no work. */
  readonly isAbove: boolean;
}

/** Microseconds: the median of the requests of one process. */
type Parts = Readonly<Record<(typeof PARTS)[number], number>>;

interface Measure {
  readonly own: Parts;
  /** What the shim adds to each. */
  readonly added: Parts;
}

type Row = Measure & { readonly mode: string };

const makeModes = ({ bare, alone, served }: Scene): Mode[] => [
  { name: 'bare', env: bare, isAbove: false },
  { name: 'shim, no daemon', env: alone, isAbove: false },
  { name: 'shim, alone', env: served, isAbove: false },
  { name: 'shim, above another', env: served, isAbove: true },
];

const partsOf = (value: (part: (typeof PARTS)[number], index: number) => number): Parts => ({
  first: value('first', 0),
  others: value('others', 1),
  wait: value('wait', 2),
});

/** What one process tells, without its first tenth. @param args as requests.c takes them */
async function measure(env: NodeJS.ProcessEnv, args: readonly number[]): Promise<Measure> {
  const text = await output(PROGRAM, args.map(String), env);
  const lines = text.trim().split('\n');
  const costs = lines
    .slice(lines.length / 10)
    .map((line) => line.split(' ').map((ns) => Number(ns) / 1000));
  const median = (value: (cost: readonly number[]) => number) => percentile(costs.map(value), 50);
  const own = (index: number) => (cost: readonly number[]) => cost[PARTS.length + index] ?? NaN;
  return {
    own: partsOf((_, index) => median(own(index))),
    added: partsOf((_, index) => median((cost) => (cost[index] ?? NaN) - own(index)(cost))),
  };
}

function summarize(mode: string, measures: readonly Measure[]): Row {
  const median = (value: (measure: Measure) => number) => percentile(measures.map(value), 50);
  return {
    mode,
    own: partsOf((part) => median(({ own }) => own[part])),
    added: partsOf((part) => median(({ added }) => added[part])),
  };
}

async function measureModes(
  modes: readonly Mode[],
  rounds: number,
  args: readonly number[],
): Promise<Row[]> {
  const measures = modes.map((): Measure[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { env, isAbove }] of modes.entries()) {
      const run = () => measure(env, args);
      measures[index]?.push(await (isAbove ? withIdle(PROGRAM, env, -10, run) : run()));
    }
  }
  return modes.map(({ name }, index) => summarize(name, measures[index] ?? []));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      driver: { type: 'string', default: 'sim' },
      launches: { type: 'string', default: '20' },
      gap: { type: 'string', default: '20' },
      pause: { type: 'string', default: '400' },
      requests: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const launches = readCount('launches', values.launches);
  const gapUs = readCount('gap', values.gap, 0);
  const pauseUs = readCount('pause', values.pause, 0);
  const requests = readCount('requests', values.requests, 10);
  const rounds = readCount('rounds', values.rounds);
  const { driver } = values;
  const rows = await withScene('request-cost', driver, (scene) =>
    measureModes(makeModes(scene), rounds, [requests, launches, gapUs, pauseUs]),
  );
  const machine = describeProcessor();
  const result = { driver, machine, launches, gapUs, pauseUs, requests, rounds, rows };
  writeResult(`request-cost-${path.basename(driver)}`, result);
  console.log(`${machine.cpu}, driver ${driver}: us a request past the shim, and what that adds`);
  const table = newTable(['', ...PARTS, ...PARTS.map((part) => `+ ${part}`), '+ in all']);
  for (const { mode, own, added } of rows) {
    const all = PARTS.reduce((sum, part) => sum + added[part], 0);
    const cells = [...PARTS.map((part) => own[part]), ...PARTS.map((part) => added[part]), all];
    table.push([mode, ...cells.map((us) => us.toFixed(1))]);
  }
  console.log(table.toString());
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
