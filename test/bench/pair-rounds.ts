/** The phases of a cell of `end-to-end`, and the rounds in which they take turns. */
import { setTimeout as delay } from 'node:timers/promises';
import type { QueueInfo } from '../../protocol/generated/messages.js';
import { completionsPerSecond } from '../demo/statistics.js';
import type { Measured, StreamName, Worker } from './pair-workers.js';

/** A high and a low model beside each other, in one process or two. */
export interface Pair {
  readonly high: Worker;
  readonly low: Worker;
}

/** Two pairs that differ by the shim alone; they live through all rounds and are compared in each. */
export interface MatchedPair {
  readonly native: Pair;
  readonly shim: Pair;
}

export interface Place {
  readonly arrangement: string;
  /** At least one. */
  readonly matched: readonly MatchedPair[];
  /** Where the high model runs. */
  readonly stream: StreamName;
}

export interface Settings {
  /** Of a phase. */
  readonly seconds: number;
  /** Of each cell, over all its matched pairs. */
  readonly rounds: number;
  readonly arrivals: 'even' | 'poisson';
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

/** Phases in which the high model answers requests. */
export const HIGH_PHASES = ['native alone', 'native beside', 'shim alone', 'shim beside'] as const;
export type HighPhase = (typeof HIGH_PHASES)[number];
const PHASES = [...HIGH_PHASES, 'native low alone', 'shim low alone'] as const;
export type PhaseName = (typeof PHASES)[number];

/** Inferences or loads of the low model per second: alone, and beside the high one. */
export interface LowRates {
  readonly alone: number;
  readonly shimAlone: number;
  readonly native: number;
  readonly shim: number;
}

/** What a round of all phases gave. */
export interface Round {
  /** The number of the matched pair that was measured, from 0. */
  readonly pair: number;
  readonly measured: Readonly<Record<HighPhase, Measured>>;
  readonly lowPerSecond: LowRates;
  /** The daemon's queues before and after the phase under the shim beside the low model. */
  readonly before: readonly QueueInfo[];
  readonly after: readonly QueueInfo[];
}

/** The low model alone lasts so much of a phase: its rate is known sooner than a P99. */
const LOW_ALONE = 0.5;
/** Between phases: the low model gets into swing, or comes to its end. */
const BETWEEN_SECONDS = 0.5;

/** How long a round takes, about. */
export const roundSeconds = ({ seconds }: Pick<Settings, 'seconds'>): number =>
  (HIGH_PHASES.length + 2 * LOW_ALONE) * seconds + BETWEEN_SECONDS;

/** Requests of a high model per second. */
export const requestRate = (load: number, highMs: number): number => (1000 * load) / highMs;

/** Which matched pair has a round, and how many it has had: pairs take turns. */
export function turnOf(
  round: number,
  pairs: number,
): { readonly pair: number; readonly turn: number } {
  return { pair: round % pairs, turn: Math.floor(round / pairs) };
}

/**
 * The order of the phases in a turn of a pair. In every six turns each phase is once at each place, and once
 * right behind each other one, so that neither what changes slowly on the machine nor what a phase leaves
 * behind for the next falls on one more than on another (Williams, Australian Journal of Scientific Research
 * 2, 1949: the orders of the first turn are 0, 1, 5, 2, 4, 3, and each turn takes the next phases).
 * @param turn from 0
 */
export function orderPhases(turn: number): PhaseName[] {
  const count = PHASES.length;
  return PHASES.map((_, place) => {
    const first = place % 2 === 1 ? (place + 1) / 2 : count - place / 2;
    return PHASES[(first + turn) % count] ?? PHASES[0];
  });
}

/** How often per second the low model was done, from the first to the last time. */
function rateOf(ends: readonly number[]): number {
  const [first = NaN, last = NaN] = [ends[0], ends.at(-1)];
  return (ends.length - 1) / ((last - first) / 1e9);
}

/**
 * Runs all phases once, for one of the matched pairs.
 * @param round from 0; it says which pair, and in which order
 * @param list asks the daemon for its queues
 */
export async function runRound(
  { place, high: model, highMs, low }: Cell,
  { seconds, arrivals, load }: Settings,
  round: number,
  list: () => Promise<readonly QueueInfo[]>,
): Promise<Round> {
  const { pair, turn } = turnOf(round, place.matched.length);
  const matched = place.matched[pair];
  if (matched === undefined) throw new RangeError('a place has at least one matched pair, not 0');
  const { native, shim } = matched;
  const rate = requestRate(load, highMs);
  // The same moments in all phases of a round.
  const request = { model, stream: place.stream, seconds, rate, arrivals, seed: round + 1 };
  const measured: Partial<Record<HighPhase, Measured>> = {};
  const rates = { alone: NaN, shimAlone: NaN, native: NaN, shim: NaN };
  let before: readonly QueueInfo[] = [];
  let after: readonly QueueInfo[] = [];
  const beside = async (one: Pair): Promise<[Measured, number]> => {
    await one.low.flood(low);
    const found = await one.high.measure(request).catch(async (error: unknown) => {
      // Whoever is measured next is not to have it beside it.
      await one.low.stop();
      throw error;
    });
    if (one === shim) after = await list();
    const ends = await one.low.stop();
    return [found, completionsPerSecond(ends, found.from, found.to)];
  };
  const lowAlone = async (one: Pair): Promise<number> => {
    await one.low.flood(low);
    await delay(1000 * seconds * LOW_ALONE);
    return rateOf(await one.low.stop());
  };
  const phases: Record<PhaseName, () => Promise<void>> = {
    'native alone': async () => {
      measured['native alone'] = await native.high.measure(request);
    },
    'native beside': async () => {
      [measured['native beside'], rates.native] = await beside(native);
    },
    'shim alone': async () => {
      measured['shim alone'] = await shim.high.measure(request);
    },
    'shim beside': async () => {
      before = await list();
      [measured['shim beside'], rates.shim] = await beside(shim);
    },
    'native low alone': async () => {
      rates.alone = await lowAlone(native);
    },
    'shim low alone': async () => {
      rates.shimAlone = await lowAlone(shim);
    },
  };
  for (const name of orderPhases(turn)) await phases[name]();
  return {
    pair,
    measured: measured as Round['measured'],
    lowPerSecond: rates,
    before,
    after,
  };
}
