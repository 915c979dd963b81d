/**
 * What the shim costs a model that nobody outranks: the same program twice, once under the shim with a
 * daemon, once bare, both warm and on the same processors; they run a few steps each in turns, and each
 * turn is a ratio. Two processes differ by themselves, in where their memory lies for one, so this is
 * done with several pairs of them, and the spread of the pairs tells how exact it is.
 *
 *   npm run bench -- model-cost [--model NAME]… [--pairs N] [--rounds N] [--steps N]
 *
 * Needs a GPU and PyTorch; `XSCHED_TEST_PYTHON` names the interpreter (python3). `fsdp` needs two GPUs.
 * The model `control` uses no GPU: what it shows is the error of the method. Prints a table and writes
 * out/bench/model-cost.json.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startDaemon } from '../demo/daemon.js';
import { bareEnvironment } from '../demo/environment.js';
import { ROOT } from '../demo/paths.js';
import { Session } from '../demo/session.js';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { Program } from '../e2e/behaviour/program.js';
import { until } from '../e2e/behaviour/until.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readCount } from './options.js';

const SCRIPT = path.join(ROOT, 'test', 'bench', 'model_steps.py');
const SHIM = path.join(ROOT, 'build', 'shim', 'libxsched_shim.so');
const PYTHON = process.env['XSCHED_TEST_PYTHON'] ?? 'python3';
const START_MS = 240_000;
const SLICE_MS = 120_000;
/** Processors for each process: its own thread and those of the driver, of PyTorch and of the shim. */
const PROCESSORS = 4;

interface Model {
  readonly what: string;
  readonly args: readonly string[];
  /** Processes, each on a device of its own. */
  readonly world: number;
  readonly devices: number;
}

const MODELS: Readonly<Record<string, Model>> = {
  control: { what: 'no GPU: the error of the method', args: ['control'], world: 1, devices: 0 },
  'bert-1': { what: 'BERT-large, eager, batch 1', args: ['bert'], world: 1, devices: 1 },
  'bert-8': {
    what: 'BERT-large, eager, batch 8',
    args: ['bert', '--batch', '8'],
    world: 1,
    devices: 1,
  },
  'bert-graph': {
    what: 'BERT-large, CUDA graph, batch 1',
    args: ['bert-graph'],
    world: 1,
    devices: 1,
  },
  fsdp: {
    what: 'FSDP2 over two GPUs, a training step',
    args: ['fsdp', '--batch', '8'],
    world: 2,
    devices: 2,
  },
};

/** What one pair of programs, or with several processes of groups of them, took. */
interface Pair {
  /** Milliseconds a step: the medians of all rounds. */
  readonly bareMs: number;
  readonly shimMs: number;
  /** The shimmed step over the bare one of the same round: the median. */
  readonly ratio: number;
}

interface Row extends Pair {
  readonly model: string;
  /** What the medians above are of. */
  readonly pairs: readonly Pair[];
}

/** All processes of one side of a comparison. */
class Side {
  #lines = 0;

  constructor(private readonly ranks: readonly [Program, ...Program[]]) {}

  /** The next line of the first process. */
  async #next(limitMs: number): Promise<string> {
    const [first] = this.ranks;
    this.#lines += 1;
    const arrived = () => {
      const over = this.ranks.find((rank) => rank.isOver);
      if (over !== undefined) throw new Error(`${over.title} ended: ${over.words()}`);
      return first.lines.length >= this.#lines;
    };
    await until(`${first.title} answers`, arrived, { limitMs, detail: () => first.words() });
    return first.lines[this.#lines - 1] ?? '';
  }

  /** Waits until it is warm. */
  async ready(): Promise<void> {
    const line = await this.#next(START_MS);
    if (line !== 'ready') throw new Error(`${this.ranks[0].title} said '${line}', not 'ready'`);
  }

  /** The median milliseconds of a step of the next `steps` ones. */
  async run(steps: number): Promise<number> {
    for (const rank of this.ranks) rank.tell(String(steps));
    return Number(await this.#next(SLICE_MS));
  }

  async end(): Promise<void> {
    for (const rank of this.ranks) rank.dismiss();
    for (const rank of this.ranks) await rank.end(SLICE_MS).catch(() => rank.kill());
  }
}

function startSide(model: Model, name: string, env: NodeJS.ProcessEnv, scratch: string): Side {
  const meeting = path.join(scratch, `meeting-${name}`);
  const start = (rank: number) => {
    const more = ['--rank', String(rank), '--world', String(model.world), '--meeting', meeting];
    const [from, to] = [rank * PROCESSORS, (rank + 1) * PROCESSORS - 1];
    if (to < os.availableParallelism()) more.push('--processors', `${from}-${to}`);
    return new Program(`${name} ${rank}`, [PYTHON, SCRIPT, ...model.args, ...more], env);
  };
  const others = Array.from({ length: model.world - 1 }, (_, index) => start(index + 1));
  return new Side([start(0), ...others]);
}

/** Runs both sides in turns, each first in every other round. */
async function compare(
  name: string,
  model: Model,
  { rounds, steps, session, env }: Settings,
): Promise<Pair> {
  const base = bareEnvironment();
  const start = (side: string, more: NodeJS.ProcessEnv = {}) =>
    startSide(model, `${name}-${side}`, { ...base, ...more }, session.scratchDir);
  const bare = start('bare');
  const shim = start('shim', env);
  try {
    await Promise.all([bare.ready(), shim.ready()]);
    const times = { bare: [] as number[], shim: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? ([bare, shim] as const) : ([shim, bare] as const);
      for (const side of order) times[side === bare ? 'bare' : 'shim'].push(await side.run(steps));
    }
    const ratios = times.shim.map((ms, round) => ms / (times.bare[round] ?? NaN));
    return {
      bareMs: percentile(times.bare, 50),
      shimMs: percentile(times.shim, 50),
      ratio: percentile(ratios, 50),
    };
  } finally {
    await Promise.all([bare.end(), shim.end()]);
  }
}

/** All pairs of a model, one after the other. */
async function measure(name: string, model: Model, settings: Settings): Promise<Row> {
  const pairs: Pair[] = [];
  for (let pair = 0; pair < settings.pairs; pair++)
    pairs.push(await compare(`${name}-${pair}`, model, settings));
  const median = (key: keyof Pair) =>
    percentile(
      pairs.map((pair) => pair[key]),
      50,
    );
  const medians = { bareMs: median('bareMs'), shimMs: median('shimMs'), ratio: median('ratio') };
  return { model: name, ...medians, pairs };
}

interface Settings {
  readonly pairs: number;
  readonly rounds: number;
  readonly steps: number;
  readonly session: Session;
  /** What puts a program under the shim. */
  readonly env: NodeJS.ProcessEnv;
}

/** How many GPUs PyTorch sees; 0, with the reason printed, where it sees none. */
function countDevices(): number {
  try {
    const probe = 'import torch; print(torch.cuda.device_count())';
    return Number(execFileSync(PYTHON, ['-c', probe], { encoding: 'utf8', stdio: 'pipe' }));
  } catch (error) {
    const reason = (error as Error).message.trim().split('\n').at(-1) ?? '';
    console.log(`${PYTHON} has no PyTorch: ${reason}`);
    return 0;
  }
}

function chooseModels(wanted: readonly string[]): readonly (readonly [string, Model])[] {
  const unknown = wanted.find((name) => !(name in MODELS));
  if (unknown !== undefined)
    throw new RangeError(`--model '${unknown}' is none of ${Object.keys(MODELS).join(', ')}`);
  const devices = countDevices();
  return Object.entries(MODELS).filter(([name, model]) => {
    if (wanted.length > 0 && !wanted.includes(name)) return false;
    const fits = model.devices <= devices;
    if (!fits) console.log(`left out: ${name} needs ${model.devices} GPU, there are ${devices}`);
    return fits;
  });
}

function printRows(rows: readonly Row[]): void {
  const table = newTable(['', 'bare ms', 'shim ms', 'added %', 'of each pair']);
  const percent = (ratio: number) => (100 * (ratio - 1)).toFixed(2);
  for (const { model, bareMs, shimMs, ratio, pairs } of rows) {
    const each = pairs
      .map((pair) => pair.ratio)
      .toSorted((a, b) => a - b)
      .map(percent)
      .join(' ');
    const what = MODELS[model]?.what ?? model;
    table.push([what, bareMs.toFixed(3), shimMs.toFixed(3), percent(ratio), each]);
  }
  console.log(table.toString());
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', multiple: true, default: [] },
      pairs: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '30' },
      steps: { type: 'string', default: '50' },
    },
  });
  const pairs = readCount('pairs', values.pairs);
  const rounds = readCount('rounds', values.rounds);
  const steps = readCount('steps', values.steps);
  const models = chooseModels(values.model);
  const session = new Session();
  const rows: Row[] = [];
  try {
    const daemon = await startDaemon(session, process.env);
    const env = { ...daemon.env, LD_PRELOAD: SHIM };
    for (const [name, model] of models) {
      console.log(`${name}: ${pairs} pairs, ${rounds} rounds of ${steps} steps each`);
      rows.push(await measure(name, model, { pairs, rounds, steps, session, env }));
    }
  } finally {
    await session.close();
  }
  printRows(rows);
  const machine = describeProcessor();
  const file = path.join(ROOT, 'out', 'bench', 'model-cost.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine, pairs, rounds, steps, rows }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
