/**
 * What the shim costs a model that nobody outranks: the same program twice, once under the shim with a
 * daemon, once bare, both warm; they run a few steps each in turns, and each pair is a ratio.
 *
 *   npm run bench -- model-cost [--model NAME]… [--rounds N] [--steps N]
 *
 * Needs a GPU and PyTorch; `XSCHED_TEST_PYTHON` names the interpreter (python3). `fsdp` needs two GPUs.
 * The model `control` uses no GPU: what it shows is the error of the method. Prints a table and writes
 * out/bench/model-cost.json.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
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
import { bootstrapRatio } from '../fig13a/bootstrap.js';
import type { Interval } from '../fig13a/bootstrap.js';
import { describeProcessor } from '../fig13a/machine.js';

const SCRIPT = path.join(ROOT, 'test', 'bench', 'model_steps.py');
const SHIM = path.join(ROOT, 'build', 'shim', 'libxsched_shim.so');
const PYTHON = process.env['XSCHED_TEST_PYTHON'] ?? 'python3';
const START_MS = 240_000;
const SLICE_MS = 120_000;
const BOOTSTRAP = { percent: 50, resamples: 4000, seed: 5 };

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

interface Row {
  readonly model: string;
  /** Milliseconds a step: the medians of all rounds. */
  readonly bareMs: number;
  readonly shimMs: number;
  /** The shimmed step over the bare one of the same round, with its 95% interval. */
  readonly ratio: Interval;
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
): Promise<Row> {
  const base = bareEnvironment();
  const bare = startSide(model, `${name}-bare`, base, session.scratchDir);
  const shim = startSide(model, `${name}-shim`, { ...base, ...env }, session.scratchDir);
  try {
    await Promise.all([bare.ready(), shim.ready()]);
    const times = { bare: [] as number[], shim: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? ([bare, shim] as const) : ([shim, bare] as const);
      for (const side of order) times[side === bare ? 'bare' : 'shim'].push(await side.run(steps));
    }
    const ratios = times.shim.map((ms, round) => ms / (times.bare[round] ?? NaN));
    return {
      model: name,
      bareMs: percentile(times.bare, 50),
      shimMs: percentile(times.shim, 50),
      ratio: bootstrapRatio(ratios, [1], BOOTSTRAP),
    };
  } finally {
    await Promise.all([bare.end(), shim.end()]);
  }
}

interface Settings {
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

function readCount(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`--${name} '${text}' is not a whole number from 1`);
  return value;
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
  const table = newTable(['', 'bare ms', 'shim ms', 'added %', '95%']);
  const percent = (ratio: number) => (100 * (ratio - 1)).toFixed(2);
  for (const { model, bareMs, shimMs, ratio } of rows) {
    const interval = `${percent(ratio.low)} to ${percent(ratio.high)}`;
    const what = MODELS[model]?.what ?? model;
    table.push([what, bareMs.toFixed(3), shimMs.toFixed(3), percent(ratio.value), interval]);
  }
  console.log(table.toString());
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '60' },
      steps: { type: 'string', default: '50' },
    },
  });
  const rounds = readCount('rounds', values.rounds);
  const steps = readCount('steps', values.steps);
  const models = chooseModels(values.model);
  const session = new Session();
  const rows: Row[] = [];
  try {
    const daemon = await startDaemon(session, process.env);
    const env = { ...daemon.env, LD_PRELOAD: SHIM };
    for (const [name, model] of models) {
      console.log(`${name}: ${rounds} rounds of ${steps} steps each`);
      rows.push(await compare(name, model, { rounds, steps, session, env }));
    }
  } finally {
    await session.close();
  }
  printRows(rows);
  const machine = describeProcessor();
  const file = path.join(ROOT, 'out', 'bench', 'model-cost.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine, rounds, steps, rows }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
