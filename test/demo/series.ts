/** The three distributions that the charts show. */
import type { Measurements } from './phases.js';
import { empiricalCdf, type CdfPoint } from './statistics.js';

export interface Series {
  readonly name: 'standalone' | 'native' | 'xschedd';
  /** Values in milliseconds. */
  readonly points: readonly CdfPoint[];
}

/** Latencies of the high program, one series for each way to run it. */
export function latencySeries({ standalone, native, xschedd }: Measurements): Series[] {
  const parts = [
    { name: 'standalone', requests: standalone },
    { name: 'native', requests: native.high },
    { name: 'xschedd', requests: xschedd.high },
  ] as const;
  return parts.map(({ name, requests }) => ({
    name,
    points: empiricalCdf(requests.map((request) => request.latencyMs)),
  }));
}

/** Smallest and largest latency of all series, in milliseconds. */
export function latencyExtent(series: readonly Series[]): [number, number] {
  const ends = series.flatMap(({ points }) => [points[0], points.at(-1)]);
  const values = ends.flatMap((point) => (point === undefined ? [] : [point.value]));
  if (values.length === 0) throw new RangeError('a chart needs at least one latency, got none');
  return [Math.min(...values), Math.max(...values)];
}
