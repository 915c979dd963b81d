/** The figures of the experiment, from what was measured. */
import { percentile, summarizeLatencies } from '../demo/statistics.js';
import { bootstrapRatio, type Interval } from './bootstrap.js';
import type { Measurement } from './measure.js';
import { SETTINGS, type Setting } from './options.js';

/** How the intervals are computed; with the raw files they can be computed again. */
export const BOOTSTRAP = { percent: 99, resamples: 2000, seed: 13, confidence: 0.95 } as const;

/** Latencies of the high client, in ms of this machine's clock. */
export interface LatencyFigures {
  readonly n: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** The server's own times of the high requests: input, inference and output, without the queue. */
export interface ComputeFigures {
  /** Requests whose times are known. */
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
}

/** What one setting came to. */
export interface Figures {
  readonly high: LatencyFigures;
  readonly compute: ComputeFigures | null;
  /** P99 over that of standalone; null where that was not measured. */
  readonly p99Ratio: Interval | null;
  /** Part of the time that the high requests need the GPU, 0 to 1; null where it is not known. */
  readonly share: number | null;
  /** Requests per second of the low client; in standalone without the high one. */
  readonly lowPerSecond: number;
  /** What the low client did of what the high one left (1: all of it); null where not known. */
  readonly kept: number | null;
}

/** One setting: of all repeats together, and of each. */
export interface SettingResult {
  readonly setting: Setting;
  readonly pooled: Figures;
  readonly repeats: readonly Figures[];
}

const DIGITS = 6;

function round(value: number): number {
  return Number(value.toFixed(DIGITS));
}

function isNumber(value: number | null): value is number {
  return value !== null;
}

/** Percentiles and largest of at least one latency. */
export function latencyFigures(latenciesMs: readonly number[]): LatencyFigures {
  const { n, p50, p90, p99 } = summarizeLatencies(latenciesMs);
  const max = round(percentile(latenciesMs, 100));
  return { n, p50: round(p50), p90: round(p90), p99: round(p99), max };
}

function computeFigures(timesMs: readonly number[]): ComputeFigures | null {
  if (timesMs.length === 0) return null;
  const { n, p50, p99 } = summarizeLatencies(timesMs);
  return { n, p50: round(p50), p99: round(p99) };
}

/** The part of a window that so many requests of so long take, at most 1. */
export function shareOf(requests: number, eachMs: number, windowS: number): number {
  return Math.min(1, (requests * eachMs) / (1000 * windowS));
}

/**
 * What the low client kept of what the high one left it.
 * @param besidePerSecond its rate beside the high client
 * @param alonePerSecond its rate alone, above 0
 * @param share part of the time that the high one needs, 0 to less than 1
 */
export function keptOf(besidePerSecond: number, alonePerSecond: number, share: number): number {
  return besidePerSecond / (alonePerSecond * (1 - share));
}

/** One or several measurements of one setting, pooled. */
interface Pool {
  readonly latenciesMs: readonly number[];
  readonly computeMs: readonly number[];
  readonly windowS: number;
  readonly lowPerSecond: number;
}

function poolOf(measured: readonly Measurement[]): Pool | null {
  if (measured.length === 0) return null;
  const high = measured.flatMap((one) => one.high);
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    latenciesMs: high.map(({ latencyMs }) => latencyMs),
    computeMs: high.map(({ computeMs }) => computeMs).filter(isNumber),
    windowS: sum(measured.map(({ windowS }) => windowS)),
    // The windows of a setting are equally long: the mean is the rate of all together.
    lowPerSecond: sum(measured.map(({ low }) => low.perSecond)) / measured.length,
  };
}

function figuresOf(pool: Pool, alone: Pool | null, isAlone: boolean): Figures {
  const compared = alone !== null && !isAlone ? compare(pool, alone) : null;
  return {
    high: latencyFigures(pool.latenciesMs),
    compute: computeFigures(pool.computeMs),
    p99Ratio: compared?.p99Ratio ?? null,
    share: compared?.share ?? null,
    lowPerSecond: round(pool.lowPerSecond),
    kept: compared?.kept ?? null,
  };
}

function compare(pool: Pool, alone: Pool): Pick<Figures, 'p99Ratio' | 'share' | 'kept'> {
  const { value, low, high } = bootstrapRatio(pool.latenciesMs, alone.latenciesMs, BOOTSTRAP);
  const p99Ratio = { value: round(value), low: round(low), high: round(high) };
  if (alone.computeMs.length === 0) return { p99Ratio, share: null, kept: null };
  const eachMs = percentile(alone.computeMs, 50);
  const share = shareOf(pool.latenciesMs.length, eachMs, pool.windowS);
  const kept = keptOf(pool.lowPerSecond, alone.lowPerSecond, share);
  return { p99Ratio, share: round(share), kept: Number.isFinite(kept) ? round(kept) : null };
}

/** Sums up the measurements; settings that were not measured are left out. */
export function summarizeSettings(measured: readonly Measurement[]): SettingResult[] {
  const alone = measured.filter(({ setting }) => setting === 'standalone');
  return SETTINGS.flatMap((setting) => {
    const own = measured.filter((one) => one.setting === setting);
    const pool = poolOf(own);
    if (pool === null) return [];
    const isAlone = setting === 'standalone';
    const repeats = own.flatMap((one) => {
      const single = poolOf([one]);
      const beside = poolOf(alone.filter(({ repeat }) => repeat === one.repeat));
      return single === null ? [] : [figuresOf(single, beside, isAlone)];
    });
    return [{ setting, pooled: figuresOf(pool, poolOf(alone), isAlone), repeats }];
  });
}
