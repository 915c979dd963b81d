/**
 * What the daemon bears on one core, and what it takes of the machine, by the number of queues.
 *
 *   npm run bench -- daemon-load [--queues N]… [--clients N] [--events N] [--rate N] [--seconds N]
 *                                [--quiet N] [--rounds N] [--cpus DAEMON,CROWD]
 *
 * A daemon with all its threads on one processor, and beside it, on another one, a program that plays
 * many processes (crowd.c). The events are READY and IDLE, as fast as the daemon takes them: `calm` ones
 * change nobody's permit, `decide` ones change one permit each. After each flood both sides have to know
 * the same of every queue. Latency is from the READY of one process until the SUSPEND has reached
 * another one, at --rate events a second (5000) for --seconds (4).
 * Processor time is told for each event since it holds on a machine that others share; all figures are
 * medians of the rounds, with the least and the most. Prints a table and writes
 * out/bench/daemon-load.json.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { LIMITS } from '../../protocol/limits.js';
import { CAST } from './crowd.js';
import { measureLife } from './daemon-measure.js';
import type { Life, Load } from './daemon-measure.js';
import { readCount } from './options.js';
import { writeResult } from './results.js';

const SIZES = ['10', '100', '1000', '5000'];
/** Queues of the daemon in all are fewer than this (QUEUES_MAX in daemon/core). */
const MOST_QUEUES = 65_536;

/** The median of the rounds, the least and the most. */
interface Spread {
  readonly p50: number;
  readonly min: number;
  readonly max: number;
}

/** What is told of each size, and what it ought to be. */
const FIGURES: readonly {
  readonly name: string;
  readonly target: string;
  readonly digits: number;
  readonly pick: (life: Life) => number;
}[] = [
  { name: 'calm: CPU us an event', target: '20', digits: 1, pick: (life) => life.calm.cpuUs },
  { name: 'calm: events/s', target: '50000', digits: 0, pick: (life) => life.calm.perSecond },
  { name: 'decide: CPU us an event', target: '20', digits: 1, pick: (life) => life.decide.cpuUs },
  { name: 'decide: events/s', target: '50000', digits: 0, pick: (life) => life.decide.perSecond },
  {
    name: 'decide: messages an event',
    target: '',
    digits: 3,
    pick: (life) => life.decide.decisions,
  },
  {
    name: 'crowd alone: events/s',
    target: '',
    digits: 0,
    pick: (life) => life.calm.crowdPerSecond,
  },
  { name: 'suspend P50 us', target: '', digits: 0, pick: (life) => percentile(life.suspendUs, 50) },
  {
    name: 'suspend P99 us',
    target: '200',
    digits: 0,
    pick: (life) => percentile(life.suspendUs, 99),
  },
  { name: 'resume P50 us', target: '', digits: 0, pick: (life) => percentile(life.resumeUs, 50) },
  { name: 'resume P99 us', target: '', digits: 0, pick: (life) => percentile(life.resumeUs, 99) },
  {
    name: 'CPU us an event at that rate',
    target: '',
    digits: 1,
    pick: (life) => life.latencyCpuUs,
  },
  { name: 'latest event sent, us late', target: '', digits: 0, pick: (life) => life.lateUs },
  { name: 'quiet: CPU %', target: '0.1', digits: 3, pick: (life) => life.quietCpuPercent },
  { name: 'registered: MB', target: '120', digits: 1, pick: (life) => life.registeredMb },
  { name: 'peak: MB', target: '120', digits: 1, pick: (life) => life.peakMb },
];

function spread(values: readonly number[]): Spread {
  const [min = NaN, p50 = NaN, max = NaN] = [0, 50, 100].map((p) => percentile(values, p));
  return { p50, min, max };
}

/** A number of queues, and the daemons that had so many. */
type Row = readonly [number, readonly Life[]];

function renderTable(rows: readonly Row[]): string {
  const table = newTable(['', 'target', ...rows.map(([queues]) => `${String(queues)} queues`)]);
  for (const { name, target, digits, pick } of FIGURES) {
    const cells = rows.map(([, lives]) => {
      const { p50, min, max } = spread(lives.map(pick));
      return `${p50.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
    });
    table.push([name, target, ...cells]);
  }
  for (const [kind, ratios] of Object.entries(compareSizes(rows))) {
    const cells = ratios.map((ratio) => `x${ratio.toFixed(2)}`);
    table.push([`${kind}: CPU an event, of the first's`, '1', ...cells]);
  }
  return table.toString();
}

/** What an event costs at each size, by what it costs at the first. */
function compareSizes(rows: readonly Row[]): Readonly<Record<'calm' | 'decide', number[]>> {
  const ratios = (kind: 'calm' | 'decide') => {
    const costs = rows.map(([, lives]) => spread(lives.map((life) => life[kind].cpuUs)).p50);
    return costs.map((cost) => cost / (costs[0] ?? NaN));
  };
  return { calm: ratios('calm'), decide: ratios('decide') };
}

function readCpus(text: string): readonly [number, number] {
  const [daemon = '', crowd = '', ...more] = text.split(',');
  if (more.length > 0 || crowd === '')
    throw new RangeError(`--cpus '${text}' is not two processors, such as 0,1`);
  const cpus = [daemon, crowd].map((cpu) => readCount('cpus', cpu, 0, 4095)) as [number, number];
  if (cpus[0] === cpus[1])
    throw new RangeError(`--cpus '${text}': the daemon needs a processor of its own`);
  return cpus;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      queues: { type: 'string', multiple: true, default: SIZES },
      clients: { type: 'string', default: '5' },
      events: { type: 'string', default: '200000' },
      rate: { type: 'string', default: '5000' },
      seconds: { type: 'string', default: '4' },
      quiet: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '3' },
      cpus: { type: 'string', default: '0,1' },
    },
  });
  const clients = readCount('clients', values.clients, 1, LIMITS.CLIENTS - CAST);
  const most = Math.min(MOST_QUEUES, CAST + clients * LIMITS.QUEUES_PER_CLIENT);
  const sizes = values.queues.map((text) => readCount('queues', text, CAST + clients, most));
  const load: Load = {
    clients,
    events: readCount('events', values.events, 1000, 1e7),
    rate: readCount('rate', values.rate, 100, 1e5),
    latencySeconds: readCount('seconds', values.seconds, 1, 600),
    quietSeconds: readCount('quiet', values.quiet, 1, 600),
    cpus: readCpus(values.cpus),
  };
  const rounds = readCount('rounds', values.rounds, 1, 100);
  const lives = new Map(sizes.map((size): [number, Life[]] => [size, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [size, own] of lives) {
      process.stderr.write(
        `\rround ${String(round)} of ${String(rounds)}, ${String(size)} queues `,
      );
      own.push(await measureLife(size, load));
    }
  }
  process.stderr.write('\n');
  const rows = [...lives];
  const machine = { ...describeProcessor(), system: `${os.type()} ${os.release()}` };
  const figures = rows.map(([queues, own]) => ({
    queues,
    ...Object.fromEntries(FIGURES.map(({ name, pick }) => [name, spread(own.map(pick))])),
  }));
  const ratios = compareSizes(rows);
  const result = { machine, node: process.versions.node, ...load, rounds, figures, ratios };
  writeResult('daemon-load', result);
  console.log(`${machine.cpu}: the daemon on one core, medians of ${String(rounds)} (least-most)`);
  console.log(renderTable(rows));
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
