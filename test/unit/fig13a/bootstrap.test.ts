import { describe, expect, it } from 'vitest';
import { bootstrapRatio } from '../../fig13a/bootstrap.js';

const OPTIONS = { percent: 50, resamples: 2000, seed: 1 } as const;

/** Numbers at equal distances, with the given middle and half width. */
function spread(n: number, middle: number, half: number): number[] {
  return Array.from({ length: n }, (_, i) => middle - half + (2 * half * i) / (n - 1));
}

describe('bootstrapRatio', () => {
  it('knows a ratio exactly where nothing varies', () => {
    const ratio = bootstrapRatio([6, 6, 6], [4, 4], OPTIONS);
    expect(ratio).toEqual({ value: 1.5, low: 1.5, high: 1.5 });
  });

  it('agrees with the interval of order statistics for the median of a sample', () => {
    // The ends of the interval for the median of 100 values are about the 41st and the 60th of
    // them: 50 -+ 1.96 * sqrt(100) / 2. Nothing varies in the other sample.
    const { value, low, high } = bootstrapRatio(spread(100, 2, 1), [1], OPTIONS);
    expect(value).toBeCloseTo(2, 10);
    expect(low).toBeGreaterThan(1.76);
    expect(low).toBeLessThan(1.86);
    expect(high).toBeGreaterThan(2.14);
    expect(high).toBeLessThan(2.24);
  });

  it('is narrower for more values', () => {
    const few = bootstrapRatio(spread(20, 2, 1), spread(20, 1, 0.5), OPTIONS);
    const many = bootstrapRatio(spread(500, 2, 1), spread(500, 1, 0.5), OPTIONS);
    expect(many.high - many.low).toBeLessThan((few.high - few.low) / 2);
  });

  it('comes out the same for the same seed, and otherwise for another', () => {
    const sample = spread(30, 5, 2);
    const first = bootstrapRatio(sample, sample, { ...OPTIONS, percent: 99 });
    expect(bootstrapRatio(sample, sample, { ...OPTIONS, percent: 99 })).toEqual(first);
    expect(bootstrapRatio(sample, sample, { ...OPTIONS, percent: 99, seed: 2 })).not.toEqual(first);
  });

  it('refuses an empty sample', () => {
    expect(() => bootstrapRatio([], [1], OPTIONS)).toThrow('at least one value');
  });
});
