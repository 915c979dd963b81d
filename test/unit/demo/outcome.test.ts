import { describe, expect, it } from 'vitest';
import { buildResult, compareColumns, judgeTargets } from '../../demo/outcome.js';
import type { Measurements } from '../../demo/phases.js';

function requests(latencies: readonly number[]): Measurements['standalone'] {
  return latencies.map((latencyMs, index) => ({ startNs: index * 1e8, latencyMs }));
}

const MEASURED: Measurements = {
  standalone: requests([10, 10, 10, 10]),
  lowAlonePerSecond: 20,
  native: { high: requests([20, 20, 20, 30]), lowPerSecond: 15 },
  xschedd: { high: requests([11, 11, 11, 11.123456]), lowPerSecond: 16.2 },
  highShare: 0.1,
};

describe('buildResult', () => {
  it('has exactly the keys that readers of result.json rely on', () => {
    expect(buildResult({ name: 'a GPU', scale: 20 }, MEASURED)).toEqual({
      gpu: 'a GPU',
      scale: 20,
      high: {
        standalone: { p50: 10, p90: 10, p99: 10, n: 4 },
        native: { p50: 20, p90: 27, p99: 29.7, n: 4 },
        xschedd: { p50: 11, p90: 11.0864, p99: 11.1198, n: 4 },
      },
      low: { alone: 20, native: 15, xschedd: 16.2 },
    });
  });
});

describe('compareColumns', () => {
  it('relates P99 to standalone and throughput to what is left', () => {
    const ratios = compareColumns(buildResult({ name: 'a GPU', scale: 1 }, MEASURED), 0.1);
    expect(ratios.nativeP99).toBeCloseTo(2.97, 9);
    expect(ratios.xscheddP99).toBeCloseTo(1.11198, 9);
    expect(ratios.kept).toBeCloseTo(0.9, 9);
  });
});

describe('judgeTargets', () => {
  it('holds at the limits themselves', () => {
    const targets = judgeTargets({ nativeP99: 1.5, xscheddP99: 1.15, kept: 0.85 });
    expect(targets.map(({ holds }) => holds)).toEqual([true, true, true]);
  });

  it('misses each target by itself', () => {
    const good = { nativeP99: 2, xscheddP99: 1.05, kept: 0.95 };
    const verdicts = [
      { ...good, nativeP99: 1.49 },
      { ...good, xscheddP99: 1.16 },
      { ...good, kept: 0.84 },
    ].map((ratios) => judgeTargets(ratios).map(({ holds }) => holds));
    expect(verdicts).toEqual([
      [false, true, true],
      [true, false, true],
      [true, true, false],
    ]);
  });

  it('says the figure and the target', () => {
    const [native] = judgeTargets({ nativeP99: 1.234, xscheddP99: 1, kept: 1 });
    expect(native?.text).toContain('1.23 times standalone (target: at least 1.5)');
  });
});
