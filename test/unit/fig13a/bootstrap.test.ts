import { describe, expect, it } from 'vitest';
import { bootstrapRatio, bootstrapUnits, formatInterval } from '../../fig13a/bootstrap.js';

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

describe('bootstrapUnits', () => {
  const mean = (values: readonly number[]) => ({
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  });

  it('agrees with the standard error of the mean of a single group', () => {
    // The standard deviation is 1.17 and the standard error of 100 values 0.117.
    const { value, low, high } = bootstrapUnits([spread(100, 5, 2)], mean, OPTIONS).mean;
    expect(value).toBeCloseTo(5, 10);
    expect(low).toBeGreaterThan(5 - 2.2 * 0.117);
    expect(low).toBeLessThan(5 - 1.7 * 0.117);
    expect(high).toBeGreaterThan(5 + 1.7 * 0.117);
    expect(high).toBeLessThan(5 + 2.2 * 0.117);
  });

  it('is wide where groups differ, however alike the units within each are', () => {
    const groups = [Array<number>(50).fill(1), Array<number>(50).fill(3)];
    const apart = bootstrapUnits(groups, mean, OPTIONS).mean;
    expect(apart).toEqual({ value: 2, low: 1, high: 3 });
    const together = bootstrapUnits([groups.flat()], mean, OPTIONS).mean;
    expect(together.high - together.low).toBeLessThan(0.5);
  });

  it('draws what is said of a unit together', () => {
    const units = spread(20, 5, 4).map((value) => ({ value, twice: 2 * value }));
    const ratio = (drawn: readonly { value: number; twice: number }[]) => ({
      ratio:
        mean(drawn.map(({ twice }) => twice)).mean / mean(drawn.map(({ value }) => value)).mean,
    });
    const { value, low, high } = bootstrapUnits([units], ratio, OPTIONS).ratio;
    for (const bound of [value, low, high]) expect(bound).toBeCloseTo(2, 10);
  });

  it('has no bounds for a single unit, or where a figure is not always there', () => {
    expect(bootstrapUnits([[4]], mean, OPTIONS).mean).toEqual({ value: 4, low: NaN, high: NaN });
    const sometimes = (values: readonly number[]) => ({ part: 1 / (values.includes(0) ? 0 : 1) });
    const { part } = bootstrapUnits([[0, 1]], sometimes, OPTIONS);
    expect(part).toEqual({ value: Infinity, low: NaN, high: NaN });
  });

  it('refuses to draw from nothing', () => {
    expect(() => bootstrapUnits([], mean, OPTIONS)).toThrow('at least one group');
    expect(() => bootstrapUnits([[1], []], mean, OPTIONS)).toThrow('group 1');
  });
});

describe('formatInterval', () => {
  it('leaves out bounds that are not known', () => {
    expect(formatInterval({ value: 1.046, low: 0.98, high: 1.125 })).toBe('1.05 [0.98, 1.13]');
    expect(formatInterval({ value: 2, low: NaN, high: NaN })).toBe('2.00');
    const percent = (part: number) => `${String(100 * part)}%`;
    expect(formatInterval({ value: 0.5, low: 0.25, high: 0.75 }, percent)).toBe('50% [25%, 75%]');
  });
});
