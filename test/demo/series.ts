/** The three distributions that the charts show. */
import { CURVE_STYLES, type CdfFigure } from './chart-svg.js';
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

const STYLES = {
  standalone: CURVE_STYLES.dottedGreen,
  native: CURVE_STYLES.dashedRed,
  xschedd: CURVE_STYLES.solidBlue,
} as const;

/** The picture of the distributions. */
export function latencyFigure(series: readonly Series[], title: string): CdfFigure {
  return {
    title,
    valueLabel: 'latency of the high-priority program, ms',
    curves: series.map((one) => ({ ...one, style: STYLES[one.name] })),
  };
}
