/** How far a ratio of percentiles can be trusted. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { percentile, percentileSorted } from '../demo/statistics.js';

/** A ratio with the interval in which it lies with a probability of 95%. */
export interface Interval {
  readonly value: number;
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
  return {
    value,
    low: percentile(ratios, TAIL_PERCENT),
    high: percentile(ratios, 100 - TAIL_PERCENT),
  };
}
