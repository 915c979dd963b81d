/** What comes of the rounds of a cell of `end-to-end`. */
import type { QueueInfo } from '../../protocol/generated/messages.js';
import { percentile, percentileTogether, summarizeLatencies } from '../demo/statistics.js';
import type { LatencySummary } from '../demo/statistics.js';
import { bootstrapUnits } from '../fig13a/bootstrap.js';
import type { Interval } from '../fig13a/bootstrap.js';
import { HIGH_PHASES, requestRate } from './pair-rounds.js';
import type { Cell, HighPhase, LowRates, Place, Round, Settings } from './pair-rounds.js';
import type { Measured, StreamName } from './pair-workers.js';

/** How the intervals are computed. */
export const BOOTSTRAP = { resamples: 1000, seed: 10, confidence: 0.95 } as const;

/** P50 and P99 in microseconds. */
type Spread = readonly [number, number];

interface PhaseResult extends LatencySummary {
  /** Milliseconds from its beginning to its end, the mean. */
  readonly serviceMs: number;
  readonly missed: number;
  /** Where the time goes, in microseconds. */
  readonly parts: { readonly late: Spread; readonly launch: Spread; readonly wait: Spread };
}

/** What the daemon tells of a queue, and what it did while the pair ran under the shim. */
interface QueueState {
  readonly id: string;
  readonly role: 'high' | 'low';
  readonly priority: number;
  readonly source: string;
  readonly state: string;
  readonly targetUs: number;
  /** Its process's part of that; or launches, where it is 0. */
  readonly windowUs: number;
  readonly windowLaunches: number;
  /** How long what was in flight took. */
  readonly inFlightUs: Spread;
  readonly launches: number;
  readonly suspends: number;
  readonly waitedMs: number;
}

/** Why a cell fell short. */
export interface Profile {
  readonly queues: readonly QueueState[];
  /** The slowest requests beside the low model under the shim: late, launch and wait, in microseconds. */
  readonly slowest: readonly (readonly [number, number, number])[];
}

/** What is told of a cell with an interval; P99 is that of the high model. */
export interface CellFigures<Figure> {
  /** P99 under the shim beside the low model over P99 natively alone. */
  readonly ratio: Figure;
  /** P99 natively beside the low model over P99 natively alone. */
  readonly nativeRatio: Figure;
  /** P99 under the shim beside the low model over P99 under the shim alone: of the same process. */
  readonly shimRatio: Figure;
  /**
   * The median of `ratio` in each round by itself: a stall of the host in a few phases decides over P99 of all
   * rounds together, but not over this.
   */
  readonly medianRatio: Figure;
  /** The low model's rate under the shim over what the high one leaves of its rate natively alone. */
  readonly kept: Figure;
  /** The same for its rate natively. */
  readonly nativeKept: Figure;
}

export interface CellResult extends CellFigures<Interval> {
  readonly arrangement: string;
  readonly stream: StreamName;
  readonly high: string;
  readonly low: string;
  readonly rounds: number;
  /** Requests of the high model a second. */
  readonly rate: number;
  /** Of all rounds together; in milliseconds. */
  readonly phases: Readonly<Record<HighPhase, PhaseResult>>;
  /** `ratio` in each round, in their order. */
  readonly ratios: readonly number[];
  /** `ratio` of each matched pair, of its rounds together: how much processes differ. */
  readonly pairRatios: readonly number[];
  readonly goal: number;
  readonly lowPerSecond: LowRates;
  readonly profile?: Profile;
}

const SLOWEST = 10;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;

const spreadOf = (us: readonly number[]): Spread => [percentile(us, 50), percentile(us, 99)];

/** Milliseconds from when each request was due. */
const latenciesOf = ({ lateUs, launchUs, waitUs }: Measured) =>
  lateUs.map((us, index) => (us + (launchUs[index] ?? NaN) + (waitUs[index] ?? NaN)) / 1000);

function summarizePhase(measured: readonly Measured[]): PhaseResult {
  const all = (key: 'lateUs' | 'launchUs' | 'waitUs') => measured.flatMap((one) => one[key]);
  const [late, launch, wait] = [all('lateUs'), all('launchUs'), all('waitUs')];
  return {
    ...summarizeLatencies(measured.flatMap(latenciesOf)),
    serviceMs: (mean(launch) + mean(wait)) / 1000,
    missed: sum(measured.map(({ missed }) => missed)),
    parts: { late: spreadOf(late), launch: spreadOf(launch), wait: spreadOf(wait) },
  };
}

/** What the figures need of a round; a thousand times over. */
interface RoundExtract {
  readonly pair: number;
  /** Ascending. */
  readonly latenciesMs: Readonly<Record<HighPhase, Float64Array>>;
  /** P99 under the shim beside the low model over P99 natively alone, of this round. */
  readonly ratio: number;
  /** Of the high model natively alone: how long its requests took in all, and how many they were. */
  readonly servedMs: number;
  readonly served: number;
  readonly lowPerSecond: LowRates;
}

function extract({ pair, measured, lowPerSecond }: Round): RoundExtract {
  const { launchUs, waitUs } = measured['native alone'];
  const latenciesMs = Object.fromEntries(
    HIGH_PHASES.map((name) => [name, Float64Array.from(latenciesOf(measured[name])).sort()]),
  ) as Record<HighPhase, Float64Array>;
  const p99 = (name: HighPhase) => percentileTogether([latenciesMs[name]], 99);
  const ratio = p99('shim beside') / p99('native alone');
  const servedMs = (sum(launchUs) + sum(waitUs)) / 1000;
  return { pair, latenciesMs, ratio, servedMs, served: launchUs.length, lowPerSecond };
}

const meanRate = (rounds: readonly Pick<Round, 'lowPerSecond'>[], key: keyof LowRates) =>
  mean(rounds.map(({ lowPerSecond }) => lowPerSecond[key]));

/** The figures of some rounds: latencies of all are pooled. @param rate requests per second */
function figuresOf(rounds: readonly RoundExtract[], rate: number): CellFigures<number> {
  const p99 = (name: HighPhase) =>
    percentileTogether(
      rounds.map(({ latenciesMs }) => latenciesMs[name]),
      99,
    );
  const alone = p99('native alone');
  const beside = p99('shim beside');
  const serviceMs =
    sum(rounds.map(({ servedMs }) => servedMs)) / sum(rounds.map(({ served }) => served));
  // Nothing is left where the high model takes longer than its requests are apart.
  const left = meanRate(rounds, 'alone') * Math.max(0, 1 - (rate * serviceMs) / 1000);
  return {
    ratio: beside / alone,
    nativeRatio: p99('native beside') / alone,
    shimRatio: beside / p99('shim alone'),
    medianRatio: percentile(
      rounds.map(({ ratio }) => ratio),
      50,
    ),
    kept: meanRate(rounds, 'shim') / left,
    nativeKept: meanRate(rounds, 'native') / left,
  };
}

/** The queues of the two models under the shim, as they were after a phase. */
function describeQueues({ matched, stream }: Place, { pair, before, after }: Round): QueueState[] {
  const shim = matched[pair]?.shim;
  const describe = (role: 'high' | 'low', queue: QueueInfo): QueueState => {
    const old = before.find(({ id }) => id === queue.id);
    return {
      ...{ id: queue.id, role, priority: queue.priority, source: queue.source },
      state: queue.state,
      targetUs: queue.target,
      windowUs: queue.latency,
      windowLaunches: queue.window,
      inFlightUs: [queue.latencyP50, queue.latencyP99],
      launches: queue.submitted - (old?.submitted ?? 0),
      suspends: queue.suspends - (old?.suspends ?? 0),
      waitedMs: (queue.waitedNs - (old?.waitedNs ?? 0)) / 1e6,
    };
  };
  return after.flatMap((queue) => {
    if (shim?.low.owns(queue, 'low')) return [describe('low', queue)];
    return shim?.high.owns(queue, stream) ? [describe('high', queue)] : [];
  });
}

function profileOf(place: Place, rounds: readonly Round[]): Profile {
  const last = rounds.at(-1);
  const slowest = rounds
    .flatMap(({ measured }) => {
      const { lateUs, launchUs, waitUs } = measured['shim beside'];
      return lateUs.map((late, index): Profile['slowest'][number] => [
        late,
        launchUs[index] ?? NaN,
        waitUs[index] ?? NaN,
      ]);
    })
    .toSorted((a, b) => b[0] + b[1] + b[2] - a[0] - a[1] - a[2])
    .slice(0, SLOWEST);
  return { queues: last === undefined ? [] : describeQueues(place, last), slowest };
}

/** Whether a cell misses a goal; loads have one of latency alone. */
export function fallsShort(result: Pick<CellResult, 'low' | 'kept' | 'ratio' | 'goal'>): boolean {
  const keepsLittle = !result.low.startsWith('load') && result.kept.value < 0.9;
  return result.ratio.value > result.goal || keepsLittle;
}

/** What at least one round says of a cell. @param isProfiled whether one that falls short tells why */
export function summarizeCell(
  { place, high, highMs, low, goal }: Cell,
  { load }: Pick<Settings, 'load'>,
  rounds: readonly Round[],
  isProfiled: boolean,
): CellResult {
  const phases = Object.fromEntries(
    HIGH_PHASES.map((name) => [name, summarizePhase(rounds.map(({ measured }) => measured[name]))]),
  ) as unknown as Record<HighPhase, PhaseResult>;
  const rate = requestRate(load, highMs);
  const extracts = rounds.map(extract);
  // Rounds of the same processes are more alike than those of others.
  const pairs = place.matched
    .map((_, pair) => extracts.filter((one) => one.pair === pair))
    .filter(({ length }) => length > 0);
  const result: CellResult = {
    ...{ arrangement: place.arrangement, stream: place.stream, high, low },
    ...{ rounds: rounds.length, rate, phases, goal },
    ...bootstrapUnits(pairs, (some) => ({ ...figuresOf(some, rate) }), BOOTSTRAP),
    ratios: extracts.map(({ ratio }) => ratio),
    pairRatios: pairs.map((some) => figuresOf(some, rate).ratio),
    lowPerSecond: {
      alone: meanRate(rounds, 'alone'),
      shimAlone: meanRate(rounds, 'shimAlone'),
      native: meanRate(rounds, 'native'),
      shim: meanRate(rounds, 'shim'),
    },
  };
  if (!isProfiled || !fallsShort(result)) return result;
  return { ...result, profile: profileOf(place, rounds) };
}
