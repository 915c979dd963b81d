import { describe, expect, it } from 'vitest';
import { fallsShort, summarizeCell } from '../../bench/pair-cells.js';
import type { Cell, Pair, Round } from '../../bench/pair-rounds.js';
import type { Measured } from '../../bench/pair-workers.js';

const SETTINGS = { load: 0.4 };

/** Requests whose latencies, in microseconds, are the given ones; a tenth of each is to wait for the GPU. */
function measuredOf(latenciesUs: readonly number[]): Measured {
  const lateUs = latenciesUs.map(() => 0);
  const launchUs = latenciesUs.map((us) => us * 0.9);
  const waitUs = latenciesUs.map((us) => us * 0.1);
  return { from: 0, to: 1e9, missed: 1, lateUs, launchUs, waitUs };
}

/** A round in which all that differs is a factor of the host, as on a machine that others share. */
function roundOf(pair: number, host: number): Round {
  const measured = (us: number) => measuredOf([us * host, us * host, us * host]);
  return {
    pair,
    measured: {
      'native alone': measured(400),
      'native beside': measured(800),
      'shim alone': measured(420),
      'shim beside': measured(440),
    },
    lowPerSecond: { alone: 200, shimAlone: 190, native: 150, shim: 60 },
    before: [],
    after: [],
  };
}

function cellOf(pairs: number): Cell {
  const nobody = {} as Pair;
  const matched = Array.from({ length: pairs }, () => ({ native: nobody, shim: nobody }));
  const place = { arrangement: 'two', matched, stream: 'high' as const };
  return { place, high: '0.4', highMs: 0.4, low: 'b1', goal: 1.2 };
}

describe('summarizeCell', () => {
  it('compares P99 under the shim with P99 natively alone, and what is kept with what is left', () => {
    const result = summarizeCell(cellOf(1), SETTINGS, [roundOf(0, 1), roundOf(0, 1)], false);
    expect(result.ratio.value).toBeCloseTo(1.1, 10);
    expect(result.nativeRatio.value).toBeCloseTo(2, 10);
    expect(result.shimRatio.value).toBeCloseTo(440 / 420, 10);
    // 1000 requests a second of 0.4 ms leave 60% of 200.
    expect(result.kept.value).toBeCloseTo(60 / 120, 10);
    expect(result.nativeKept.value).toBeCloseTo(150 / 120, 10);
    expect(result.lowPerSecond).toEqual({ alone: 200, shimAlone: 190, native: 150, shim: 60 });
    expect(result.phases['native alone']).toMatchObject({ n: 6, missed: 2 });
    expect(result).toMatchObject({ rounds: 2, rate: 1000 });
    expect(fallsShort(result)).toBe(true);
  });

  it('pools the latencies of all rounds, also those of other pairs', () => {
    const slow = roundOf(1, 1);
    const beside = measuredOf([440, 440, 900]);
    const rounds = [
      roundOf(0, 1),
      { ...slow, measured: { ...slow.measured, 'shim beside': beside } },
    ];
    const result = summarizeCell(cellOf(2), SETTINGS, rounds, false);
    // The 99th percentile of six values lies five hundredths below the highest.
    expect(result.phases['shim beside'].p99).toBeCloseTo(0.9 - 0.05 * 0.46, 10);
    expect(result.ratio.value).toBeCloseTo(result.phases['shim beside'].p99 / 0.4, 10);
    expect(result.pairRatios).toHaveLength(2);
    expect(result.pairRatios[0]).toBeCloseTo(1.1, 10);
    expect(result.ratios).toHaveLength(2);
  });

  it('has a narrow interval where the host differs between rounds and hits all phases alike', () => {
    const rounds = [1, 1.5, 1.1, 1.4, 1, 1.2].map((host) => roundOf(0, host));
    const { ratio } = summarizeCell(cellOf(1), SETTINGS, rounds, false);
    expect(ratio.low).toBeGreaterThan(1.05);
    expect(ratio.high).toBeLessThan(1.15);
  });

  it('has a wide one where a single round decides, which the median of the rounds does not follow', () => {
    const rounds = [1, 1, 1, 1, 1, 1].map((host) => roundOf(0, host));
    const late = roundOf(0, 1);
    const stalled = measuredOf([400, 400, 1600]);
    rounds[3] = { ...late, measured: { ...late.measured, 'native alone': stalled } };
    const { ratio, medianRatio } = summarizeCell(cellOf(1), SETTINGS, rounds, false);
    expect(ratio.low).toBeLessThan(0.5);
    // Two of three resamples have the round, the third has not.
    expect(ratio.high).toBeCloseTo(1.1, 10);
    expect(medianRatio.value).toBeCloseTo(1.1, 10);
    expect(medianRatio.high).toBeCloseTo(1.1, 10);
  });

  it('tells nothing of the interval after a single round', () => {
    const { ratio } = summarizeCell(cellOf(1), SETTINGS, [roundOf(0, 1)], false);
    expect(ratio).toMatchObject({ low: NaN, high: NaN });
  });

  it('knows no part that is kept where nothing is left', () => {
    const { kept } = summarizeCell(cellOf(1), SETTINGS, [roundOf(0, 3), roundOf(0, 3)], false);
    expect(kept).toEqual({ value: Infinity, low: NaN, high: NaN });
  });

  it('adds the slowest requests where a cell falls short and reasons are asked for', () => {
    const { profile } = summarizeCell(cellOf(1), SETTINGS, [roundOf(0, 1), roundOf(0, 2)], true);
    expect(profile?.slowest).toHaveLength(6);
    expect(profile?.slowest[0]?.[1]).toBeCloseTo(792, 10);
  });
});
