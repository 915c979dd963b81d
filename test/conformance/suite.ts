/** Runs programs in all modes and compares what they print. */
import { makeRandom } from '../unit/daemon/seed.js';
import { findDifference, findFault } from './compare.js';
import type { Outcome } from './compare.js';
import { drawSettings, MODES } from './modes.js';
import type { Mode } from './modes.js';
import { listSkipped } from './programs.js';
import type { Command } from './programs.js';
import { Stage } from './stage.js';

export interface SuiteOptions {
  /** `sim`, `system` or the folder of a libcuda.so.1. */
  readonly driver: string;
  readonly programs: readonly Command[];
  /** All but MEMCHECK unless given; the first is what the others are compared with. */
  readonly modes?: readonly Mode[];
  /** The mode `random` is repeated until so many seconds have passed, and run once at least. */
  readonly seconds: number;
  readonly seed: number;
  /** How long a program may take. */
  readonly limitMs: number;
  /** Is told of every run. */
  readonly report?: (verdict: Verdict) => void;
}

/** What came of one run. */
export interface Verdict {
  readonly program: string;
  readonly mode: string;
  /** Counts the rounds of the mode `random`, from 0. */
  readonly round: number;
  readonly ms: number;
  /** What was drawn for it. */
  readonly settings: Readonly<Record<string, string>>;
  /** How often queues of the program were suspended. */
  readonly suspends: number;
  readonly lines: number;
  readonly skipped: readonly string[];
  /** In what it differs from the program without the shim; none where it does not. */
  readonly difference?: string;
  /** The shim's own words on standard error. */
  readonly complaints: readonly string[];
  /** The program's words about its speed, on standard error. */
  readonly notes: readonly string[];
}

interface Run {
  readonly outcome: Outcome;
  readonly suspends: number;
}

function judge(
  place: Pick<Verdict, 'program' | 'mode' | 'round' | 'ms' | 'settings'>,
  { outcome, suspends }: Run,
  difference: string | undefined,
): Verdict {
  const words = outcome.stderr.split('\n');
  return {
    ...place,
    suspends,
    lines: outcome.lines.length,
    skipped: listSkipped(outcome.lines),
    ...(difference !== undefined && { difference }),
    complaints: words.filter((line) => line.startsWith('xsched[')),
    notes: words.filter((line) => line.startsWith('step ')),
  };
}

class Suite {
  readonly verdicts: Verdict[] = [];
  readonly #modes: readonly Mode[];
  readonly #references = new Map<string, Outcome>();

  constructor(
    private readonly options: SuiteOptions,
    private readonly stage: Stage,
  ) {
    this.#modes = options.modes ?? MODES;
  }

  /** Runs a program once and compares it with its first run, which this may be. */
  async #run(command: Command, mode: Mode, round: number, random: () => number): Promise<void> {
    const program = command.name;
    const settings = mode.daemon === 'random' ? drawSettings(random) : {};
    const began = performance.now();
    const run =
      mode.daemon === 'random'
        ? await this.stage.runDisturbed(command, mode, settings, random)
        : { outcome: await this.stage.run(command, mode), suspends: 0 };
    const place = { program, mode: mode.name, round, ms: performance.now() - began, settings };
    const reference = this.#references.get(program);
    const difference =
      reference === undefined ? findFault(run.outcome) : findDifference(reference, run.outcome);
    if (reference === undefined) this.#references.set(program, run.outcome);
    const verdict = judge(place, run, difference);
    this.verdicts.push(verdict);
    this.options.report?.(verdict);
  }

  /** Whether there is something to compare a program with: it runs at all on this driver. */
  #isSound({ name }: Command): boolean {
    const reference = this.#references.get(name);
    return reference === undefined || findFault(reference) === undefined;
  }

  /** All modes but the random one, the first one twice. */
  async runOnce(): Promise<void> {
    const random = makeRandom(this.options.seed);
    const steady = this.#modes.filter((mode) => mode.daemon !== 'random');
    for (const program of this.options.programs)
      for (const [round, mode] of [...steady.slice(0, 1), ...steady].entries())
        if (this.#isSound(program)) await this.#run(program, mode, round === 0 ? 0 : 1, random);
  }

  /** A seed for each run, so that one can be repeated without those before it. */
  async runAtRandom(): Promise<void> {
    const until = performance.now() + this.options.seconds * 1000;
    const modes = this.#modes.filter((mode) => mode.daemon === 'random');
    const programs = this.options.programs.filter((program) => this.#isSound(program));
    if (programs.length === 0 || modes.length === 0) return;
    for (let round = 0; round === 0 || performance.now() < until; round++)
      for (const program of programs)
        for (const mode of modes)
          await this.#run(program, mode, round, makeRandom(this.options.seed + round));
  }
}

/** Runs it all. A driver or competitor that cannot be started is an error. */
export async function runSuite(options: SuiteOptions): Promise<readonly Verdict[]> {
  // What is compared has to be the same everywhere, so one such mode makes all others so.
  const isSerial = options.modes?.some((mode) => mode.isSerial === true) ?? false;
  const stage = new Stage(options.driver, options.limitMs, isSerial);
  const suite = new Suite(options, stage);
  try {
    await suite.runOnce();
    await suite.runAtRandom();
  } finally {
    await stage.close();
  }
  return suite.verdicts;
}
