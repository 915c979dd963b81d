/** The logarithmic axis of latencies that both charts have. */
import { ticks as roundTicks } from 'd3-array';
import type { CdfPoint } from './statistics.js';

const LABELLED_DIGITS = [1, 2, 3, 5];
/** A narrow range has fewer of these digits: it gets round numbers at equal distances. */
const LEAST_TICKS = 4;
const NARROW_TICKS = 6;

/**
 * Latencies between `low` and `high` (both above 0) that are worth a label: 1, 2, 3 and 5 in each
 * power of ten; where these are fewer than four, some six round numbers at equal distances.
 */
export function pickLatencyTicks(low: number, high: number): number[] {
  if (!(low > 0 && high >= low)) {
    throw new RangeError(`an axis needs 0 < low <= high, got ${String(low)} and ${String(high)}`);
  }
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += 1) {
    // Multiplying by a negative power of ten would leave digits of rounding behind.
    ticks.push(...LABELLED_DIGITS.map((digit) => Number(`${String(digit)}e${String(power)}`)));
  }
  const inside = ticks.filter((tick) => tick >= low && tick <= high);
  return inside.length < LEAST_TICKS ? roundTicks(low, high, NARROW_TICKS) : inside;
}

/** Smallest and largest latency of all distributions, in milliseconds. */
export function latencyExtent(
  distributions: readonly { readonly points: readonly CdfPoint[] }[],
): [number, number] {
  const ends = distributions.flatMap(({ points }) => [points[0], points.at(-1)]);
  const values = ends.flatMap((point) => (point === undefined ? [] : [point.value]));
  if (values.length === 0) throw new RangeError('a chart needs at least one latency, got none');
  return [Math.min(...values), Math.max(...values)];
}
