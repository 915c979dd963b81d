/** Percentiles, distributions and throughput of measured series; the benchmarks use them as well. */
import { quantileSorted } from 'd3-array';

/** What is told of a series of latencies; percentiles in the unit of the series. */
export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Number of values. */
  readonly n: number;
}

/** One point of a distribution: `fraction` (0 to 1) of all values are at most `value`. */
export interface CdfPoint {
  readonly value: number;
  readonly fraction: number;
}

function sortValues(values: readonly number[], what: string): number[] {
  if (values.length === 0) throw new RangeError(`${what} needs at least one value, got none`);
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) {
    throw new RangeError(`${what} needs finite values, got ${String(wrong)}`);
  }
  return [...values].sort((a, b) => a - b);
}

/** The same as `percentile` of at least one value, for values that ascend, which is not checked. */
export function percentileSorted(sorted: ArrayLike<number>, percent: number): number {
  // It takes whatever has a length and an index, typed arrays as well; its types say arrays only.
  const value = quantileSorted(sorted as number[], percent / 100);
  if (value === undefined) throw new RangeError(`no percentile ${String(percent)}`);
  return value;
}

/**
 * The value below which `percent` (0 to 100) of the values lie, by linear interpolation between the
 * two closest ranks: rank (n - 1) * percent / 100, counted from 0. This is definition 7 of Hyndman
 * and Fan, the default of NumPy and R. The order of the values does not matter.
 */
export function percentile(values: readonly number[], percent: number): number {
  if (!(percent >= 0 && percent <= 100)) {
    throw new RangeError(`percent is from 0 to 100, got ${String(percent)}`);
  }
  return percentileSorted(sortValues(values, 'percentile'), percent);
}

/**
 * The same as `percentile` of all values of several series together, for series that ascend, which is not
 * checked. Sorts only those values that may be among the highest: quick for high percentiles.
 * @param percent 0 to 100
 */
export function percentileTogether(series: readonly Float64Array[], percent: number): number {
  const count = series.reduce((sum, { length }) => sum + length, 0);
  const rank = ((count - 1) * percent) / 100;
  // From the value at the lower of the two closest ranks on.
  const highest = count - Math.floor(rank);
  const tails = series.map((values) => values.subarray(Math.max(0, values.length - highest)));
  const sorted = Float64Array.from(tails.flatMap((tail) => [...tail])).sort();
  const below = sorted[sorted.length - highest];
  if (below === undefined) throw new RangeError('percentileTogether needs at least one value');
  const above = sorted[sorted.length - highest + 1] ?? below;
  return below + (rank % 1) * (above - below);
}

/** P50, P90 and P99 of at least one value. */
export function summarizeLatencies(values: readonly number[]): LatencySummary {
  const sorted = sortValues(values, 'summarizeLatencies');
  return {
    p50: percentileSorted(sorted, 50),
    p90: percentileSorted(sorted, 90),
    p99: percentileSorted(sorted, 99),
    n: sorted.length,
  };
}

/** The distribution of at least one value: one point for each, ascending; the last is at 1. */
export function empiricalCdf(values: readonly number[]): CdfPoint[] {
  const sorted = sortValues(values, 'empiricalCdf');
  return sorted.map((value, index) => ({ value, fraction: (index + 1) / sorted.length }));
}

/**
 * Completions per second between two moments. A request that lies across a border counts for the
 * part of it that lies inside, so that a short window does not depend on where it happens to start.
 * @param endsNs moments of completion, ascending; at least one at or before `fromNs` and one at or
 *   after `toNs`, since nothing is known of what lies outside
 * @param fromNs start of the window, on the same clock
 * @param toNs its end, later than `fromNs`
 */
export function completionsPerSecond(
  endsNs: readonly number[],
  fromNs: number,
  toNs: number,
): number {
  if (!(toNs > fromNs)) {
    throw new RangeError(`the window must end after ${String(fromNs)}, got ${String(toNs)}`);
  }
  const completed = completedBefore(endsNs, toNs) - completedBefore(endsNs, fromNs);
  return completed / ((toNs - fromNs) / 1e9);
}

/** How many requests were complete at a moment; the fraction is the progress of the next one. */
function completedBefore(endsNs: readonly number[], atNs: number): number {
  const next = endsNs.findIndex((end) => end >= atNs);
  const end = endsNs[next];
  if (end === atNs) return next + 1;
  const last = endsNs[next - 1];
  if (end === undefined || last === undefined) {
    throw new RangeError(
      `${String(atNs)} is outside of what was measured: ` +
        `${String(endsNs[0])} to ${String(endsNs.at(-1))}`,
    );
  }
  return next + (atNs - last) / (end - last);
}
