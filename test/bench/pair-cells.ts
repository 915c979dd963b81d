/** The phases of a cell of `end-to-end`, and what comes of them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { QueueInfo } from '../../protocol/generated/messages.js';
import { completionsPerSecond, percentile, summarizeLatencies } from '../demo/statistics.js';
import type { LatencySummary } from '../demo/statistics.js';
import type { Measured, StreamName, Worker } from './pair-workers.js';

/** A high and a low model beside each other, in one process or two. */
export interface Pair {
  readonly high: Worker;
  readonly low: Worker;
}

export interface Place {
  readonly arrangement: string;
  readonly native: Pair;
  readonly shim: Pair;
  /** Where the high model runs. */
  readonly stream: StreamName;
}

export interface Settings {
  readonly seconds: number;
  readonly rounds: number;
  readonly arrivals: string;
  /** The part of the time that the high model is to have work. */
  readonly load: number;
}

export interface Cell {
  readonly place: Place;
  readonly high: string;
  /** What the high model was made to take. */
  readonly highMs: number;
  readonly low: string;
  /** P99 of the high model beside the low one over that alone, at most. */
  readonly goal: number;
}

export type PhaseName = 'native alone' | 'native beside' | 'shim alone' | 'shim beside';
export const PHASES: readonly PhaseName[] = [
  'native alone',
  'native beside',
  'shim alone',
  'shim beside',
];

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

export interface CellResult {
  readonly arrangement: string;
  readonly stream: StreamName;
  readonly high: string;
  readonly low: string;
  readonly rounds: number;
  /** Requests of the high model a second. */
  readonly rate: number;
  /** In milliseconds. */
  readonly phases: Readonly<Record<PhaseName, PhaseResult>>;
  /** P99 of the high model over that of native alone: in all rounds together, and in each. */
  readonly ratio: number;
  readonly ratios: readonly number[];
  readonly nativeRatio: number;
  readonly goal: number;
  /** Inferences or loads per second. */
  readonly lowPerSecond: { readonly alone: number; readonly native: number; readonly shim: number };
  /** The low model's rate over what the high one leaves of its rate alone. */
  readonly kept: number;
  readonly nativeKept: number;
  readonly profile?: Profile;
}

/** What a round of all phases gave. */
export interface Round {
  readonly measured: Readonly<Record<PhaseName, Measured>>;
  readonly lowAlone: number;
  readonly lowNative: number;
  readonly lowShim: number;
  readonly before: readonly QueueInfo[];
  readonly after: readonly QueueInfo[];
}

/** The low model alone lasts so much of a phase. */
const LOW_ALONE = 0.5;
const SLOWEST = 10;

/** Between phases: the low model gets into swing, or comes to its end. */
const BETWEEN_SECONDS = 1;

/** How long a round takes, about. */
export const roundSeconds = ({ seconds }: Settings): number =>
  (PHASES.length + LOW_ALONE) * seconds + BETWEEN_SECONDS;

/** How often per second the low model was done, from the first to the last time. */
function rateOf(ends: readonly number[]): number {
  const [first = NaN, last = NaN] = [ends[0], ends.at(-1)];
  return (ends.length - 1) / ((last - first) / 1e9);
}

/**
 * Runs all phases once; every other time in the opposite order, so that what changes slowly on the
 * machine falls on all alike.
 * @param list asks the daemon for its queues
 */
export async function runRound(
  { place, high: model, highMs, low }: Cell,
  { seconds, arrivals, load }: Settings,
  round: number,
  list: () => Promise<readonly QueueInfo[]>,
): Promise<Round> {
  const rate = (1000 * load) / highMs;
  const request = { model, stream: place.stream, seconds, rate, arrivals, seed: round + 1 };
  const measured: Partial<Record<PhaseName, Measured>> = {};
  const rates = { lowAlone: NaN, lowNative: NaN, lowShim: NaN };
  let [before, after]: (readonly QueueInfo[])[] = [[], []];
  const beside = async (pair: Pair): Promise<[Measured, number]> => {
    await pair.low.flood(low);
    const found = await pair.high.measure(request).catch(async (error: unknown) => {
      // Whoever is measured next is not to have it beside it.
      await pair.low.stop();
      throw error;
    });
    if (pair === place.shim) after = await list();
    const ends = await pair.low.stop();
    return [found, completionsPerSecond(ends, found.from, found.to)];
  };
  const phases: Record<PhaseName, () => Promise<void>> = {
    'native alone': async () => {
      measured['native alone'] = await place.native.high.measure(request);
    },
    'native beside': async () => {
      [measured['native beside'], rates.lowNative] = await beside(place.native);
    },
    'shim alone': async () => {
      measured['shim alone'] = await place.shim.high.measure(request);
    },
    'shim beside': async () => {
      before = await list();
      [measured['shim beside'], rates.lowShim] = await beside(place.shim);
    },
  };
  for (const name of round % 2 === 0 ? PHASES : PHASES.toReversed()) await phases[name]();
  await place.native.low.flood(low);
  await delay(1000 * seconds * LOW_ALONE);
  rates.lowAlone = rateOf(await place.native.low.stop());
  return {
    measured: measured as Round['measured'],
    ...rates,
    before: before ?? [],
    after: after ?? [],
  };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

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
    missed: measured.reduce((sum, { missed }) => sum + missed, 0),
    parts: { late: spreadOf(late), launch: spreadOf(launch), wait: spreadOf(wait) },
  };
}

/** The queues of the two models under the shim, as they were after a phase. */
function describeQueues({ shim, stream }: Place, { before, after }: Round): QueueState[] {
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
    if (shim.low.owns(queue, 'low')) return [describe('low', queue)];
    return shim.high.owns(queue, stream) ? [describe('high', queue)] : [];
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
export function fallsShort(result: CellResult): boolean {
  const keepsLittle = !result.low.startsWith('load') && result.kept < 0.9;
  return result.ratio > result.goal || keepsLittle;
}

/** What at least one round says of a cell. @param isProfiled whether one that falls short tells why */
export function summarizeCell(
  { place, high, highMs, low, goal }: Cell,
  settings: Settings,
  rounds: readonly Round[],
  isProfiled: boolean,
): CellResult {
  const phases = Object.fromEntries(
    PHASES.map((name) => [name, summarizePhase(rounds.map(({ measured }) => measured[name]))]),
  ) as unknown as Record<PhaseName, PhaseResult>;
  const alone = phases['native alone'];
  const rate = (1000 * settings.load) / highMs;
  const meanOf = (key: 'lowAlone' | 'lowNative' | 'lowShim') => mean(rounds.map((one) => one[key]));
  const lowPerSecond = {
    alone: meanOf('lowAlone'),
    native: meanOf('lowNative'),
    shim: meanOf('lowShim'),
  };
  // Nothing is left where the high model takes longer than its requests are apart.
  const left = lowPerSecond.alone * Math.max(0, 1 - (rate * alone.serviceMs) / 1000);
  const p99 = (measured: Measured) => percentile(latenciesOf(measured), 99);
  const result = {
    ...{ arrangement: place.arrangement, stream: place.stream, high, low },
    ...{ rounds: rounds.length, rate, phases, goal, lowPerSecond },
    ratio: phases['shim beside'].p99 / alone.p99,
    ratios: rounds.map(
      ({ measured }) => p99(measured['shim beside']) / p99(measured['native alone']),
    ),
    nativeRatio: phases['native beside'].p99 / alone.p99,
    kept: lowPerSecond.shim / left,
    nativeKept: lowPerSecond.native / left,
  };
  if (!isProfiled || !fallsShort(result)) return result;
  return { ...result, profile: profileOf(place, rounds) };
}
