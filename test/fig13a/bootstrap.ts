/** How far a ratio of percentiles can be trusted; the benchmarks use it as well. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { percentile, percentileSorted } from '../demo/statistics.js';

/** A figure with the interval in which it lies with a probability of 95%. */
export interface Interval {
  readonly value: number;
  /** NaN, as is `high`, where nothing can be said of it. */
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** 0 to 100. */
  readonly percent: number;
  /** At least 1. */
  readonly resamples: number;
  /** Whole number; equal seeds give equal intervals. */
  readonly seed: number;
}

const TAIL_PERCENT = 2.5;

/**
 * The ratio of a percentile of one sample to that of another, with its 95% percentile bootstrap
 * interval: both samples are drawn anew with replacement, as large as they are, and the interval
 * holds the middle 95% of the ratios that come out (Efron and Tibshirani, An Introduction to the
 * Bootstrap, 1993, section 13.3).
 * @throws RangeError if a sample is empty
 */
export function bootstrapRatio(
  sample: readonly number[],
  base: readonly number[],
  { percent, resamples, seed }: BootstrapOptions,
): Interval {
  const value = percentile(sample, percent) / percentile(base, percent);
  const random = xoroshiro128plus(seed);
  const drawPercentile = (values: readonly number[]): number => {
    const last = values.length - 1;
    // Typed arrays are sorted several times as fast.
    const drawn = new Float64Array(values.length);
    for (let i = 0; i <= last; i += 1) drawn[i] = values[uniformInt(random, 0, last)] ?? NaN;
    return percentileSorted(drawn.sort(), percent);
  };
  const ratios = Array.from(
    { length: resamples },
    () => drawPercentile(sample) / drawPercentile(base),
  );
  return intervalOf(value, ratios);
}

/**
 * Figures of units that were each observed as a whole, such as the rounds of a benchmark, each figure with
 * its 95% percentile bootstrap interval. Units stand in groups, within which they are more alike, such as
 * the rounds of the same processes: groups are drawn anew with replacement, and then within each drawn one
 * its units (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
 * @param figuresOf what is said of some units, of which there is at least one
 * @returns without bounds where there are less than two units, or what was drawn has not always a figure
 * @throws RangeError if there is no group, or one is empty
 */
export function bootstrapUnits<Unit, Name extends string>(
  groups: readonly (readonly Unit[])[],
  figuresOf: (units: readonly Unit[]) => Readonly<Record<Name, number>>,
  { resamples, seed }: Omit<BootstrapOptions, 'percent'>,
): Readonly<Record<Name, Interval>> {
  if (groups.length === 0) throw new RangeError('bootstrapUnits needs at least one group, got 0');
  const empty = groups.findIndex(({ length }) => length === 0);
  if (empty >= 0) throw new RangeError(`group ${String(empty)} of bootstrapUnits has no units`);
  const units = groups.flat();
  const random = xoroshiro128plus(seed);
  const drawn = Array.from({ length: units.length > 1 ? resamples : 0 }, () =>
    figuresOf(drawFrom(random, groups).flatMap((group) => drawFrom(random, group))),
  );
  const figures = Object.entries(figuresOf(units)) as [Name, number][];
  return Object.fromEntries(
    figures.map(([name, value]) => {
      const values = drawn.map((one) => one[name]);
      const isKnown = values.length > 0 && values.every(Number.isFinite);
      return [name, isKnown ? intervalOf(value, values) : { value, low: NaN, high: NaN }];
    }),
  ) as Record<Name, Interval>;
}

/** As many as there are, with replacement. */
function drawFrom<T>(random: RandomGenerator, values: readonly T[]): T[] {
  return values.map(() => values[uniformInt(random, 0, values.length - 1)] as T);
}

/** @param drawn the figure of each resample */
function intervalOf(value: number, drawn: readonly number[]): Interval {
  return {
    value,
    low: percentile(drawn, TAIL_PERCENT),
    high: percentile(drawn, 100 - TAIL_PERCENT),
  };
}

/** `1.05 [0.98, 1.12]`; the figure alone where its bounds are not known. */
export function formatInterval(
  { value, low, high }: Interval,
  format = (figure: number) => figure.toFixed(2),
): string {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return format(value);
  return `${format(value)} [${format(low)}, ${format(high)}]`;
}
