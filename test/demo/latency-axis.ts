/** The logarithmic axis of latencies that both charts have. */

const LABELLED_DIGITS = [1, 2, 3, 5];

/**
 * Latencies between `low` and `high` (both above 0) that are worth a label: 1, 2, 3 and 5 in each
 * power of ten.
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
  return ticks.filter((tick) => tick >= low && tick <= high);
}
