/** Numbers as a person reads them. */

const UNITS: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** A count: whole below 10,000, then with three digits and k, M, G or T. */
export function formatCount(value: number): string {
  const [unit, name] = UNITS.find(([least]) => value >= least) ?? [1, ''];
  return value < 10_000 ? String(Math.round(value)) : `${threeDigits(value / unit)}${name}`;
}

/** A duration in nanoseconds with the unit that fits: `0`, `850 µs`, `12.3 ms`, `4.56 s`, `1h02m`. */
export function formatDuration(ns: number): string {
  if (ns <= 0) return '0';
  if (ns < 1e3) return `${String(Math.round(ns))} ns`;
  if (ns < 1e6) return `${threeDigits(ns / 1e3)} µs`;
  if (ns < 1e9) return `${threeDigits(ns / 1e6)} ms`;
  if (ns < 60e9) return `${threeDigits(ns / 1e9)} s`;
  return formatLongDuration(Math.floor(ns / 1e9));
}

/** A share of time, 0 to 1, in per cent. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent > 0 && percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)}%`;
}

/** A rate per second: whole from 100 on. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0';
  return perSecond < 100 ? perSecond.toFixed(1) : formatCount(perSecond);
}

/** A moment in milliseconds since 1970, as the local time of day. */
export function formatTime(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** `1 queue`, `2 queues`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${String(count)} ${count === 1 ? noun : plural}`;
}

function formatLongDuration(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))}m${two(seconds % 60)}s`;
  if (seconds < 86_400)
    return `${String(Math.floor(seconds / 3600))}h${two((seconds % 3600) / 60)}m`;
  return `${String(Math.floor(seconds / 86_400))}d${two((seconds % 86_400) / 3600)}h`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
