/**
 * What the shim costs a model that nobody outranks. The model runs under the shim with a daemon, partly
 * past the shim: two processes differ by more than the shim costs, and so does one from second to
 * second. Past the shim means that the libraries' pointers to the driver's functions lead to the driver
 * itself (detour.c). There are two ways past it, which are the same: what differs between them is the
 * error of the method. What the shim's threads and the daemon do falls into all ways alike, so this is
 * what the program's own thread pays.
 *
 *   npm run bench -- model-cost [--model NAME]… [--processes N] [--blocks N] [--rounds N]
 *
 * A block is so many rounds of a turn of steps each way, and gives what the shim adds by the median of
 * the steps. Where it is the program's thread that a step waits for, there are also steps in which each
 * call takes any way (model_steps.py): what calls take tells more on a machine that others share. Needs
 * a GPU and PyTorch; `XSCHED_TEST_PYTHON` names the interpreter (python3). `fsdp` needs two GPUs. Prints a
 * table and writes out/bench/model-cost.json.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { CallInfo } from '../../protocol/generated/messages.js';
import { LIMITS } from '../../protocol/limits.js';
import { askDaemon, startDaemon } from '../demo/daemon.js';
import type { DemoDaemon } from '../demo/daemon.js';
import { bareEnvironment } from '../demo/environment.js';
import { ROOT } from '../demo/paths.js';
import { Session } from '../demo/session.js';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { Program } from '../e2e/behaviour/program.js';
import { until } from '../e2e/behaviour/until.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readCount } from './options.js';
import { writeResult } from './results.js';

const SCRIPT = path.join(ROOT, 'test', 'bench', 'model_steps.py');
const SHIM = path.join(ROOT, 'build', 'shim', 'libxsched_shim.so');
const DETOUR = path.join(ROOT, 'build', 'bench', 'libdetour.so');
const PYTHON = process.env['XSCHED_TEST_PYTHON'] ?? 'python3';
const START_MS = 240_000;
const BLOCK_MS = 120_000;
/** Processors for each process: its own thread and those of the driver, of PyTorch and of the shim. */
const PROCESSORS = 4;
/** Until the daemon has been told of the last calls. */
const TOLD_MS = 2 * LIMITS.CALLS_MS;

/** Fewer show no spread. */
const LEAST_BLOCKS = 4;

/** Turns that show which calls the shim sees. */
const COUNTED_TURNS = 2;

interface Model {
  readonly what: string;
  readonly args: readonly string[];
  /** Processes, each on a device of its own. */
  readonly devices: number;
}

const bert = (what: string, ...args: readonly string[]): Model => ({ what, args, devices: 1 });

const MODELS: Readonly<Record<string, Model>> = {
  'bert-1': bert('BERT-large, eager, batch 1', 'bert', '--calls'),
  'bert-8': bert('BERT-large, eager, batch 8', 'bert', '--calls', '--batch', '8'),
  'bert-graph': bert('BERT-large, CUDA graph, batch 1', 'bert-graph'),
  fsdp: {
    what: 'FSDP2 over two GPUs, a training step',
    args: ['fsdp', '--batch', '8'],
    devices: 2,
  },
};

type Ways<T> = Readonly<Record<'shim' | 'past' | 'again', T>>;

/** What the calls of a step take, in milliseconds. */
interface Taken {
  /** From the beginning of each to its own end. */
  readonly inside: number;
  /** To the beginning of the next. */
  readonly taken: number;
  /** To the beginning of the one after the next. */
  readonly onward: number;
}

/** What model_steps.py says of a block. */
interface Block {
  /** The median milliseconds of the steps of each way. */
  readonly steps: Ways<number>;
  /** None where steps make different calls, or they were not asked for. */
  readonly calls: Ways<Taken> | null;
}

/** What the shim adds to a step: the medians of all blocks. */
interface Cost {
  /** Milliseconds a step past the shim. */
  readonly stepMs: number;
  /** What it takes more through the shim, in percent of a step past it. */
  readonly addedPercent: number;
  /** The standard error of that median, by the spread of the blocks. */
  readonly standardError: number;
  /** The same for the other step past the shim: the error of the method. */
  readonly errorPercent: number;
}

/** What the steps of one process took, or of one group of processes. */
interface Measure {
  readonly steps: Cost;
  /** By what calls take. */
  readonly calls?: Cost;
  /** The part of that which they take themselves: the rest is what they do to what follows. */
  readonly inside?: Cost;
  /** By what calls take together with the next: the same, if what they do goes no further. */
  readonly onward?: Cost;
  /** Calls that the shim counted in COUNTED_TURNS turns through it, and past it. */
  readonly counted: { readonly shim: number; readonly past: number };
}

interface Row {
  readonly model: string;
  readonly processes: readonly Measure[];
}

interface Settings {
  readonly processes: number;
  readonly blocks: number;
  readonly rounds: number;
  readonly session: Session;
  readonly daemon: DemoDaemon;
}

/** All processes of one running model. */
class Running {
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

  /** Gives all processes an order; what the steps of each way took that it names. */
  async run(order: string): Promise<Block> {
    for (const rank of this.ranks) rank.tell(order);
    return JSON.parse(await this.#next(BLOCK_MS)) as Block;
  }

  async end(): Promise<void> {
    for (const rank of this.ranks) rank.dismiss();
    for (const rank of this.ranks) await rank.end(BLOCK_MS).catch(() => rank.kill());
  }
}

function launch(name: string, model: Model, { session, daemon }: Settings): Running {
  const env = { ...bareEnvironment(), ...daemon.env, LD_PRELOAD: SHIM };
  const meeting = path.join(session.scratchDir, `meeting-${name}`);
  const start = (rank: number) => {
    const more = ['--rank', String(rank), '--world', String(model.devices), '--meeting', meeting];
    const [from, to] = [rank * PROCESSORS, (rank + 1) * PROCESSORS - 1];
    if (to < os.availableParallelism()) more.push('--processors', `${from}-${to}`);
    const argv = [PYTHON, SCRIPT, ...model.args, '--detour', DETOUR, ...more] as const;
    return new Program(`${name} ${rank}`, [...argv], env);
  };
  const others = Array.from({ length: model.devices - 1 }, (_, index) => start(index + 1));
  return new Running([start(0), ...others]);
}

/** Calls that the shim has counted so far in all processes. */
async function countCalls({ session, daemon }: Settings): Promise<number> {
  await delay(TOLD_MS);
  const command = ['ps', '--calls', '--json'];
  const text = await askDaemon(session.children, daemon, bareEnvironment(), command);
  return (JSON.parse(text) as CallInfo[]).reduce(
    (sum, { passed, gated, bypassed, captured }) => sum + passed + gated + bypassed + captured,
    0,
  );
}

/** How many calls the shim sees of the same steps in both ways. */
async function compareCalls(running: Running, settings: Settings): Promise<Measure['counted']> {
  const before = await countCalls(settings);
  await running.run(`${COUNTED_TURNS} shim`);
  const between = await countCalls(settings);
  await running.run(`${COUNTED_TURNS} past`);
  return { shim: between - before, past: (await countCalls(settings)) - between };
}

/**
 * The standard error of a median, of values that are about normally distributed: 1.2533 times that of
 * the mean, whose spread is the middle half over 1.349.
 */
function errorOfMedian(values: readonly number[]): number {
  const middleHalf = percentile(values, 75) - percentile(values, 25);
  return (1.2533 * middleHalf) / (1.349 * Math.sqrt(values.length));
}

/** What the shim adds to a step whose milliseconds past the shim are the median of `wholes`. */
function costOf(blocks: readonly Ways<number>[], wholes: readonly number[]): Cost {
  const stepMs = percentile(wholes, 50);
  const percentOf = (ms: number) => (100 * ms) / stepMs;
  const added = blocks.map(({ shim, past, again }) => percentOf(shim - (past + again) / 2));
  const errors = blocks.map(({ past, again }) => percentOf(again - past));
  return {
    stepMs,
    addedPercent: percentile(added, 50),
    standardError: errorOfMedian(added),
    errorPercent: percentile(errors, 50),
  };
}

/** What the calls say; nothing where some block has none. */
function describeCalls(
  blocks: readonly Block[],
  wholes: readonly number[],
): Pick<Measure, 'calls' | 'inside' | 'onward'> {
  const calls = blocks.flatMap((block) => block.calls ?? []);
  if (calls.length < blocks.length) return {};
  const costBy = (key: keyof Taken) =>
    costOf(
      calls.map(({ shim, past, again }) => ({
        shim: shim[key],
        past: past[key],
        again: again[key],
      })),
      wholes,
    );
  return { calls: costBy('taken'), inside: costBy('inside'), onward: costBy('onward') };
}

async function measure(name: string, model: Model, settings: Settings): Promise<Measure> {
  const running = launch(name, model, settings);
  try {
    await running.ready();
    const blocks: Block[] = [];
    for (let index = 0; index < settings.blocks; index++)
      blocks.push(await running.run(String(settings.rounds)));
    const steps = blocks.map((block) => block.steps);
    const wholes = steps.map(({ past }) => past);
    return {
      steps: costOf(steps, wholes),
      ...describeCalls(blocks, wholes),
      counted: await compareCalls(running, settings),
    };
  } finally {
    await running.end();
  }
}

/** All processes of a model, one after the other. */
async function measureAll(name: string, model: Model, settings: Settings): Promise<Row> {
  const processes: Measure[] = [];
  for (let index = 0; index < settings.processes; index++) {
    const one = await measure(`${name}-${index}`, model, settings);
    console.log(`${name}: by calls ${describe(one.calls)}, by steps ${describe(one.steps)}`);
    processes.push(one);
  }
  return { model: name, processes };
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

const signed = (percent: number) => `${percent < 0 ? '' : '+'}${percent.toFixed(2)}`;

/** The percent added, its standard error, and the error of the method: `+0.31 ± 0.04 (-0.02)`. */
function describe(cost: Cost | undefined): string {
  if (cost === undefined) return '-';
  const { addedPercent, standardError, errorPercent } = cost;
  return `${signed(addedPercent)} ± ${standardError.toFixed(2)} (${signed(errorPercent)})`;
}

function printRows(rows: readonly Row[]): void {
  const head = [
    '',
    'ms a step',
    'added %, by calls',
    'of it inside',
    'with the next',
    'by steps',
    'calls past it',
  ];
  const table = newTable(head);
  for (const { model, processes } of rows) {
    const lines = (line: (one: Measure) => string) => processes.map(line).join('\n');
    table.push([
      MODELS[model]?.what ?? model,
      lines(({ steps }) => steps.stepMs.toFixed(3)),
      lines(({ calls }) => describe(calls)),
      lines(({ inside }) => describe(inside)),
      lines(({ onward }) => describe(onward)),
      lines(({ steps }) => describe(steps)),
      lines(({ counted }) => `${counted.past} of ${counted.shim}`),
    ]);
  }
  console.log(table.toString());
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', multiple: true, default: [] },
      processes: { type: 'string', default: '3' },
      blocks: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '4' },
    },
  });
  const processes = readCount('processes', values.processes);
  const blocks = readCount('blocks', values.blocks, LEAST_BLOCKS);
  const rounds = readCount('rounds', values.rounds);
  const models = chooseModels(values.model);
  const session = new Session();
  const rows: Row[] = [];
  try {
    const daemon = await startDaemon(session, process.env);
    for (const [name, model] of models)
      rows.push(await measureAll(name, model, { processes, blocks, rounds, session, daemon }));
  } finally {
    await session.close();
  }
  printRows(rows);
  const machine = describeProcessor();
  writeResult('model-cost', { machine, blocks, rounds, rows });
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
