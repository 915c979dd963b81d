/** Raw files in the format of XSched's artifact. */

/**
 * One line for each latency, ascending: `percentile, latency in ms`. The percentile of the i-th of
 * n values, counted from 0, is 100 (i + 1) / n.
 */
export function renderRaw(latenciesMs: readonly number[]): string {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return sorted
    .map((value, i) => `${((100 * (i + 1)) / sorted.length).toFixed(4)}, ${value.toFixed(6)}\n`)
    .join('');
}

/**
 * The latencies of such a file, ascending, in ms.
 * @throws Error that quotes the first line of another form
 */
export function parseRaw(text: string): number[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const match = /^(\d+(?:\.\d+)?),\s*(\d+(?:\.\d+)?)$/.exec(line);
    if (match === null) throw new Error(`"${line}" is not "percentile, latency in ms"`);
    return Number(match[2]);
  });
}
