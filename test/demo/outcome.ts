/** What the demo found, and how that compares with what it is meant to show. */
import { summarizeLatencies, type LatencySummary } from './statistics.js';
import type { Measurements } from './phases.js';

/** The content of result.json. Latencies in milliseconds of this machine's clock. */
export interface Result {
  readonly gpu: string;
  /** Milliseconds of this machine for one of the device: above 1 on a slowed simulated GPU. */
  readonly scale: number;
  readonly high: Readonly<Record<'standalone' | 'native' | 'xschedd', LatencySummary>>;
  /** Requests per second. */
  readonly low: Readonly<Record<'alone' | 'native' | 'xschedd', number>>;
}

/** One thing that the demo is meant to show. */
export interface Target {
  readonly text: string;
  readonly holds: boolean;
}

/** The figures that are judged. */
export interface Ratios {
  /** P99 of the high program beside the low one, natively, over its standalone P99. */
  readonly nativeP99: number;
  /** The same under xschedd. */
  readonly xscheddP99: number;
  /** What the low program did under xschedd, of what the high one left (1: all of it). */
  readonly kept: number;
}

const SCHEDULED_P99_MOST = 1.15;
const NATIVE_P99_LEAST = 1.5;
const KEPT_LEAST = 0.85;

function round(value: number): number {
  return Number(value.toFixed(4));
}

function summarize(requests: Measurements['standalone']): LatencySummary {
  const { p50, p90, p99, n } = summarizeLatencies(requests.map((request) => request.latencyMs));
  return { p50: round(p50), p90: round(p90), p99: round(p99), n };
}

/** Sums up the measurements. */
export function buildResult(
  gpu: { readonly name: string; readonly scale: number },
  measured: Measurements,
): Result {
  return {
    gpu: gpu.name,
    scale: gpu.scale,
    high: {
      standalone: summarize(measured.standalone),
      native: summarize(measured.native.high),
      xschedd: summarize(measured.xschedd.high),
    },
    low: {
      alone: round(measured.lowAlonePerSecond),
      native: round(measured.native.lowPerSecond),
      xschedd: round(measured.xschedd.lowPerSecond),
    },
  };
}

/**
 * Compares the columns.
 * @param highShare part of the time (0 to 1) that the high program needed the GPU
 */
export function compareColumns({ high, low }: Result, highShare: number): Ratios {
  return {
    nativeP99: high.native.p99 / high.standalone.p99,
    xscheddP99: high.xschedd.p99 / high.standalone.p99,
    kept: low.xschedd / (low.alone * (1 - highShare)),
  };
}

/** Judges the ratios by what the demo is meant to show. */
export function judgeTargets({ nativeP99, xscheddP99, kept }: Ratios): Target[] {
  return [
    {
      text: `natively the high program suffers: P99 ${nativeP99.toFixed(2)} times standalone (target: at least ${String(NATIVE_P99_LEAST)})`,
      holds: nativeP99 >= NATIVE_P99_LEAST,
    },
    {
      text: `with xschedd it answers as if alone: P99 ${xscheddP99.toFixed(2)} times standalone (target: at most ${String(SCHEDULED_P99_MOST)})`,
      holds: xscheddP99 <= SCHEDULED_P99_MOST,
    },
    {
      text: `the low program keeps ${(100 * kept).toFixed(0)}% of what is left (target: at least ${String(100 * KEPT_LEAST)}%)`,
      holds: kept >= KEPT_LEAST,
    },
  ];
}
