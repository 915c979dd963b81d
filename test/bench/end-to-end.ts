/**
 * Two models on one GPU, a high and a low one, from end to end: PyTorch programs natively and under the
 * shim, alone and beside each other, in turns within one run.
 *
 *   npm run bench -- end-to-end [--arrangement two|mps|one]… [--high 0.4|1.8]… [--graph]
 *                               [--low b1|b8|load|load-pinned]… [--stream plain|priority]…
 *                               [--seconds S] [--rounds N] [--pairs N] [--load PERCENT]
 *                               [--arrivals even|poisson] [--limit SECONDS] [--profile]
 *                               [--device cuda|cpu] [--help]
 *
 * The high model answers requests that come at fixed moments (even: each gap a quarter longer or shorter),
 * for so many percent of the time; its latency is from when a request was due to the end of its stream's
 * synchronise. It has as many layers as take 0.4 or 1.8 ms: launched kernel by kernel, as PyTorch does it,
 * most of which is the host's time, or with --graph as one CUDA graph that holds the copies as well, which
 * is the GPU's. The low model, of 24 layers, runs batches of 1 or 8 without pause, or it is loaded onto the
 * GPU over and over: 1 GB of the host's memory, as tensors of 8 MB (`load`) or as one that is pinned
 * (`load-pinned`), freed each time.
 *
 * They run in two processes, in time slices (`two`) or as clients of an MPS daemon of ours (`mps`), or as
 * two threads of one process (`one`), where loads are left out. There the high one's stream has no CUDA
 * priority, and its queue gets one by a hint as from `xsched set` (`plain`), or it has CUDA priority -1
 * (`priority`, XSCHED_STREAM_PRIORITY=1). Native programs run just so, without the shim.
 *
 * A host differs from minute to minute and from process to process by more than what is measured. So phases
 * are short (0.25 s), and each round of a cell has one of each kind: the high model alone and beside the low
 * one, natively and under the shim, and half as long the low one alone, natively and under the shim. Their
 * order changes from round to round; in six rounds each kind is once at each place, and once right behind
 * each other one. All cells have their first round before any has its second. The same processes live
 * through all rounds, and wait for their turn; with --pairs there are several of each kind, which have the
 * rounds of a cell in turn. A multiple of six rounds for each pair is balanced best.
 *
 * Latencies of all rounds are pooled. The ratio is P99 under the shim beside the low model over P99 natively
 * alone; that over P99 under the shim alone compares a process with itself; and the median of the rounds' own
 * ratios is what a stall of the host in a few of them does not change. Kept is the low model's rate then, over
 * what is left: its rate natively alone in the time in which the high one, by its mean time alone, has no
 * work. Intervals hold 95% of what comes out when pairs, and of each pair the rounds, are drawn anew. With one
 * pair they say nothing of how much processes differ, with two little. A model that does not keep up is the
 * later the longer a phase is: such a P99 only says that it did not.
 *
 * All processes start at once and serve all cells, those of MPS when the others are done. With --limit no
 * round begins that would end later; each arrangement has the same part of that time, its start included.
 * out/bench/end-to-end.json is written when all cells of an arrangement are there, or it was stopped.
 * --profile adds why a cell falls short: the slowest requests, and what the daemon knows of the queues.
 * --device cpu runs all of it without a GPU, small and unscheduled, to see that it runs. Needs PyTorch;
 * `XSCHED_TEST_PYTHON` names the interpreter (python3). Prints a table.
 */
import path from 'node:path';
import { CommanderError } from 'commander';
import { connect } from '../../client-lib/index.js';
import type { Controller } from '../../client-lib/index.js';
import { Session } from '../demo/session.js';
import { describeProcessor } from '../fig13a/machine.js';
import { startMps } from '../fig13a/mps.js';
import type { Mps } from '../fig13a/mps.js';
import { BOOTSTRAP, summarizeCell } from './pair-cells.js';
import type { CellResult } from './pair-cells.js';
import { parseOptions } from './pair-options.js';
import type { Options } from './pair-options.js';
import { roundSeconds, runRound } from './pair-rounds.js';
import type { Cell, Place, Round } from './pair-rounds.js';
import { Stage } from './pair-stage.js';
import { describeCalibration, describeCell, nameCell, renderCells } from './pair-table.js';
import type { About, Calibration } from './pair-workers.js';
import { awaitEnd, startDaemon } from './programs.js';
import { writeResult } from './results.js';

/** P99 of the high model beside the low one over that alone, at most. */
const GOALS: Readonly<Record<string, number>> = { two: 1.2, mps: 1.1, one: 1.05 };
const LOAD_GOAL = 1.2;
/** Until all has ended and is written. */
const END_SECONDS = 4;
const EXIT_ARGUMENTS = 2;

/** Since this process began. */
const seconds = () => Math.round(performance.now() / 100) / 10;

/** What all stages share. */
interface Base {
  readonly scratchDir: string;
  readonly runtimeDir: string;
  readonly controller: Controller;
}

/** A cell with what it has so far. */
interface Progress {
  readonly cell: Cell;
  readonly rounds: Round[];
  /** What its last round took. */
  seconds: number;
  hasFailed: boolean;
}

/** A run: what it has found so far is written after each stage. */
class Run {
  readonly #cells: CellResult[] = [];
  readonly #failures: string[] = [];
  #about: About | undefined;
  #calibration: Calibration | undefined;
  #stage: Stage | undefined;
  #isOver = false;
  /** When no round of the stage may go on any more: each arrangement has its part of the time. */
  #stageLimit = Infinity;

  constructor(private readonly options: Options) {}

  get hasFailed(): boolean {
    return this.#failures.length > 0;
  }

  /** Ends it early. What waits for an answer fails, and all that was begun is cleared away. */
  stop(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    console.log(`stopped: ${why}`);
    this.#stage?.kill();
  }

  /** Measures all arrangements that fit beside each other, then those with an MPS daemon. */
  async measure(): Promise<void> {
    const session = new Session();
    const { scratchDir } = session;
    const runtimeDir = path.join(scratchDir, 'run');
    const daemon = await startDaemon(runtimeDir);
    try {
      const controller = await connect({ runtimeDir });
      try {
        let left = this.options.arrangements.length;
        for (const isMps of [false, true]) {
          const chosen = this.options.arrangements.filter((name) => (name === 'mps') === isMps);
          if (chosen.length === 0 || this.#isOver) continue;
          const now = seconds();
          this.#stageLimit = now + (this.options.limit - now) * (chosen.length / left);
          left -= chosen.length;
          await this.#runStage(chosen, { scratchDir, runtimeDir, controller });
        }
      } finally {
        await controller.close();
      }
    } finally {
      this.#write();
      daemon.kill();
      await awaitEnd(daemon);
      await session.close();
    }
    if (this.#cells.length > 0) console.log(renderCells(this.#cells));
  }

  async #runStage(arrangements: readonly string[], base: Base): Promise<void> {
    const isMps = arrangements.includes('mps') && this.options.stage.device === 'cuda';
    let mps: Mps | undefined;
    try {
      if (isMps) mps = startMps(base.scratchDir);
      const stage = new Stage(this.options.stage, base.runtimeDir, arrangements, mps?.env ?? {});
      this.#stage = stage;
      try {
        await this.#prepare(stage, base.controller);
        await this.#measureCells(this.#listCells(stage.places), base);
      } finally {
        await stage.close();
      }
    } catch (error) {
      this.#fail(arrangements.join(', '), error);
    }
    await mps?.stop().catch((error: unknown) => {
      this.#fail('mps', error);
    });
  }

  async #prepare(stage: Stage, controller: Controller): Promise<void> {
    this.#about = await stage.ready();
    console.log(`${seconds()} s: ${this.#about.device}, PyTorch ${this.#about.torch}`);
    if (this.#calibration === undefined) {
      this.#calibration = await stage.calibrate();
      console.log(describeCalibration(this.#calibration));
    }
    await stage.build(this.#calibration, controller);
    console.log(`${seconds()} s: all models are there`);
  }

  #listCells(places: readonly Place[]): Cell[] {
    const { highMs, lowBatch, loads } = this.options.stage;
    return places.flatMap((place) =>
      Object.entries(highMs).flatMap(([high, ms]) => {
        const goal = GOALS[place.arrangement] ?? NaN;
        const inferring = Object.keys(lowBatch).map((low) => ({ low, goal }));
        const loading = loads.map((low) => ({ low, goal: LOAD_GOAL }));
        const lows = place.arrangement === 'one' ? inferring : [...inferring, ...loading];
        return lows.map((low) => ({ place, high, highMs: ms, ...low }));
      }),
    );
  }

  /** Whether there is time for another round of a cell. */
  #hasTime({ seconds: expected }: Progress): boolean {
    return !this.#isOver && seconds() + expected + END_SECONDS <= this.#stageLimit;
  }

  /** Gives all cells a round before any has its next, so that each meets the host at many times. */
  async #measureCells(cells: readonly Cell[], base: Base): Promise<void> {
    const { settings, isProfiled } = this.options;
    const all = cells.map((cell): Progress => {
      return { cell, rounds: [], seconds: roundSeconds(settings), hasFailed: false };
    });
    for (let round = 0; round < settings.rounds; round++) {
      const able = all.filter(({ hasFailed }) => !hasFailed);
      let late = 0;
      for (const one of able) {
        if (this.#hasTime(one)) await this.#measureRound(one, round, base);
        else late += 1;
      }
      if (able.length === 0 || this.#isOver) break;
      const skipped = late > 0 ? `; no time for it in ${String(late)} of the cells` : '';
      console.log(
        `${seconds()} s: round ${String(round + 1)} of ${String(settings.rounds)}${skipped}`,
      );
      if (late === able.length) break;
    }
    for (const { cell, rounds } of all) {
      if (rounds.length === 0) continue;
      const result = summarizeCell(cell, settings, rounds, isProfiled);
      this.#cells.push(result);
      console.log(describeCell(result));
    }
    this.#write();
  }

  /** What was measured until something failed counts; a cell in which it did is not measured again. */
  async #measureRound(progress: Progress, round: number, { controller }: Base): Promise<void> {
    const { cell, rounds } = progress;
    const began = seconds();
    try {
      rounds.push(await runRound(cell, this.options.settings, round, () => controller.list()));
    } catch (error) {
      progress.hasFailed = true;
      const { arrangement, stream } = cell.place;
      this.#fail(nameCell({ arrangement, stream, high: cell.high, low: cell.low }), error);
    }
    progress.seconds = seconds() - began;
  }

  #fail(where: string, error: unknown): void {
    const text = `${where}: ${(error as Error).message}`;
    console.error(text);
    // What was stopped on purpose did not answer.
    if (!this.#isOver) this.#failures.push(text);
  }

  #write(): void {
    const { stage, settings } = this.options;
    const { device: gpu, torch } = this.#about ?? {};
    writeResult('end-to-end', {
      machine: describeProcessor(),
      ...{ gpu, torch, device: stage.device, bootstrap: BOOTSTRAP },
      settings: { ...settings, pairs: stage.pairs, graph: stage.isGraph },
      ...{ calibration: this.#calibration, failures: this.#failures, cells: this.#cells },
    });
  }
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const run = new Run(options);
  const timer = setTimeout(
    () => {
      run.stop(`${String(options.limit)} s are over`);
    },
    Number.isFinite(options.limit) ? 1000 * (options.limit - END_SECONDS) : 2 ** 31 - 1,
  );
  timer.unref();
  // Each may come twice, from a terminal and from npm.
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      run.stop(name);
    });
  await run.measure();
  clearTimeout(timer);
  if (run.hasFailed) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has been printed.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_ARGUMENTS;
  } else {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
