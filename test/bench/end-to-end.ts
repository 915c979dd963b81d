/**
 * Two models on one GPU, a high and a low one, from end to end: PyTorch programs natively and under the
 * shim, alone and beside each other, in turns within one run.
 *
 *   npm run bench -- end-to-end [--arrangement two|mps|one]… [--high 0.4|1.8]…
 *                               [--low b1|b8|load|load-pinned]… [--stream plain|priority]…
 *                               [--seconds S] [--rounds N] [--load PERCENT] [--arrivals even|poisson]
 *                               [--limit SECONDS] [--profile] [--device cuda|cpu]
 *
 * The high model answers requests that come at fixed moments (even: each gap a quarter longer or shorter),
 * for so many percent of the time; its latency is from when a request was due to the end of its stream's
 * synchronise. It has as many layers as take 0.4 or 1.8 ms of the GPU. The low model, of 24 layers, runs
 * batches of 1 or 8 without pause, or it is loaded onto the GPU over and over: 1 GB of the host's memory,
 * as tensors of 8 MB (`load`) or as one that is pinned (`load-pinned`), freed each time.
 *
 * They run in two processes, in time slices (`two`) or as clients of an MPS daemon of ours (`mps`), or as
 * two threads of one process (`one`), where loads are left out. There the high one's stream has no CUDA
 * priority, and its queue gets one by a hint as from `xsched set` (`plain`), or it has CUDA priority -1
 * (`priority`, XSCHED_STREAM_PRIORITY=1). Native programs run just so, without the shim.
 *
 * Each round of a cell has phases of so many seconds: the high model alone and beside the low one,
 * natively and under the shim; and half as long the low one alone. The ratio is P99 under the shim beside
 * the low model over P99 natively alone. Kept is the low model's rate then, over what is left: its rate
 * alone in the time in which the high one, by its mean time alone, has no work.
 *
 * All processes start at once and serve all cells. With --limit no phase begins that would end later;
 * each cell is written to out/bench/end-to-end.json as soon as it is there. --profile adds why a cell falls
 * short: the slowest requests, and what the daemon knows of the queues. --device cpu runs all of it without
 * a GPU, small and unscheduled, to see that it runs. Needs PyTorch; `XSCHED_TEST_PYTHON` names the
 * interpreter (python3). Prints a table.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from '../../client-lib/index.js';
import type { Controller } from '../../client-lib/index.js';
import { Session } from '../demo/session.js';
import { describeProcessor } from '../fig13a/machine.js';
import { startMps } from '../fig13a/mps.js';
import type { Mps } from '../fig13a/mps.js';
import { readAmount, readChoice, readCount } from './options.js';
import { roundSeconds, runRound, summarizeCell } from './pair-cells.js';
import type { Cell, CellResult, Place, Round, Settings } from './pair-cells.js';
import { Stage } from './pair-stage.js';
import type { StageOptions } from './pair-stage.js';
import { describeCalibration, describeCell, renderCells } from './pair-table.js';
import type { About, Calibration } from './pair-workers.js';
import { awaitEnd, startDaemon } from './programs.js';
import { writeResult } from './results.js';

const ARRANGEMENTS = ['two', 'mps', 'one'];
const HIGH_MS: Readonly<Record<string, number>> = { '0.4': 0.4, '1.8': 1.8 };
const LOW_BATCH: Readonly<Record<string, number>> = { b1: 1, b8: 8 };
const LOADS = ['load', 'load-pinned'];
const STREAMS = ['plain', 'priority'];
/** P99 of the high model beside the low one over that alone, at most. */
const GOALS: Readonly<Record<string, number>> = { two: 1.2, mps: 1.1, one: 1.05 };
const LOAD_GOAL = 1.2;
/** Until all has ended and is written. */
const END_SECONDS = 4;

/** Since this process began. */
const seconds = () => Math.round(performance.now() / 100) / 10;

/** What all stages share. */
interface Base {
  readonly scratchDir: string;
  readonly runtimeDir: string;
  readonly controller: Controller;
}

interface Options {
  readonly stage: StageOptions;
  readonly settings: Settings;
  readonly arrangements: readonly string[];
  readonly isProfiled: boolean;
  /** Seconds from the start of this process; none: Infinity. */
  readonly limit: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      arrangement: { type: 'string', multiple: true, default: ARRANGEMENTS },
      high: { type: 'string', multiple: true, default: Object.keys(HIGH_MS) },
      low: { type: 'string', multiple: true, default: [...Object.keys(LOW_BATCH), ...LOADS] },
      stream: { type: 'string', multiple: true, default: STREAMS },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      load: { type: 'string', default: '40' },
      arrivals: { type: 'string', default: 'even' },
      limit: { type: 'string' },
      profile: { type: 'boolean', default: false },
      device: { type: 'string', default: 'cuda' },
    },
  });
  const choose = (name: string, given: readonly string[], choices: readonly string[]) => {
    for (const text of given) readChoice(name, text, choices);
    return choices.filter((choice) => given.includes(choice));
  };
  const lows = choose('low', values.low, [...Object.keys(LOW_BATCH), ...LOADS]);
  const pick = (from: Readonly<Record<string, number>>, names: readonly string[]) =>
    Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
  return {
    stage: {
      device: readChoice('device', values.device, ['cuda', 'cpu']),
      highMs: pick(HIGH_MS, choose('high', values.high, Object.keys(HIGH_MS))),
      lowBatch: pick(LOW_BATCH, lows),
      loads: lows.filter((low) => LOADS.includes(low)),
      streams: choose('stream', values.stream, STREAMS),
    },
    settings: {
      seconds: readAmount('seconds', values.seconds, 600),
      rounds: readCount('rounds', values.rounds, 1, 1000),
      arrivals: readChoice('arrivals', values.arrivals, ['even', 'poisson']),
      load: readCount('load', values.load, 1, 99) / 100,
    },
    arrangements: choose('arrangement', values.arrangement, ARRANGEMENTS),
    isProfiled: values.profile,
    limit: values.limit === undefined ? Infinity : readAmount('limit', values.limit, 86_400),
  };
}

/** A run: what it has found so far is written after each cell. */
class Run {
  readonly #cells: CellResult[] = [];
  readonly #failures: string[] = [];
  #about: About | undefined;
  #calibration: Calibration | undefined;
  #stage: Stage | undefined;
  #isOver = false;
  /** What a round beside each low model took last. */
  readonly #roundSeconds = new Map<string, number>();

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
        for (const isMps of [false, true]) {
          const chosen = this.options.arrangements.filter((name) => (name === 'mps') === isMps);
          if (chosen.length > 0 && !this.#isOver)
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
        for (const cell of this.#listCells(stage.places)) await this.#measureCell(cell, base);
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

  /** Whether there is time for another round beside a low model. */
  #hasTime(low: string): boolean {
    if (this.#isOver) return false;
    const { limit, settings } = this.options;
    const expected = this.#roundSeconds.get(low) ?? roundSeconds(settings);
    if (seconds() + expected + END_SECONDS <= limit) return true;
    console.log(`no time for another round of ${expected.toFixed(0)} s beside ${low}`);
    return false;
  }

  /** Measures a cell; what was measured until something failed counts. */
  async #measureCell(cell: Cell, { controller }: Base): Promise<void> {
    const { settings, isProfiled } = this.options;
    const rounds: Round[] = [];
    try {
      for (let round = 0; round < settings.rounds && this.#hasTime(cell.low); round++) {
        const began = seconds();
        rounds.push(await runRound(cell, settings, round, () => controller.list()));
        this.#roundSeconds.set(cell.low, seconds() - began);
      }
    } catch (error) {
      this.#fail(`${cell.place.arrangement}, ${cell.high} beside ${cell.low}`, error);
    }
    if (rounds.length === 0) return;
    const result = summarizeCell(cell, settings, rounds, isProfiled);
    this.#cells.push(result);
    console.log(`${seconds()} s: ${describeCell(result)}`);
    this.#write();
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
      ...{ gpu, torch, device: stage.device, settings },
      ...{ calibration: this.#calibration, failures: this.#failures, cells: this.#cells },
    });
  }
}

async function main(): Promise<void> {
  const options = readOptions();
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
  console.error((error as Error).message);
  process.exitCode = 1;
}
