import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  completionsPerSecond,
  empiricalCdf,
  percentile,
  percentileTogether,
  summarizeLatencies,
} from '../../demo/statistics.js';

describe('percentile', () => {
  it('interpolates between the closest ranks', () => {
    expect(percentile([1, 2, 3, 4], 50)).toBe(2.5);
    expect(percentile([10, 20], 25)).toBe(12.5);
    expect(percentile([15, 20, 35, 40, 50], 40)).toBeCloseTo(29, 12);
  });

  it('gives the smallest and the largest value at the ends', () => {
    expect(percentile([7, 3, 9], 0)).toBe(3);
    expect(percentile([7, 3, 9], 100)).toBe(9);
  });

  it('gives the only value at every percent', () => {
    for (const percent of [0, 1, 50, 99, 100]) expect(percentile([4.2], percent)).toBe(4.2);
  });

  it('does not depend on the order, sorts by number, and leaves the values alone', () => {
    const values = [100, 9, 20];
    expect(percentile(values, 50)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  it('names what it cannot take', () => {
    expect(() => percentile([], 50)).toThrow('at least one value');
    expect(() => percentile([1], 101)).toThrow('percent is from 0 to 100, got 101');
    expect(() => percentile([1], Number.NaN)).toThrow('got NaN');
    expect(() => percentile([1, Number.NaN], 50)).toThrow('finite values, got NaN');
    expect(() => percentile([1, Infinity], 50)).toThrow('finite values, got Infinity');
  });
});

describe('percentileTogether', () => {
  it('is the percentile of all values of the series', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 30 });
    const series = fc.array(values, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(series, fc.double({ min: 0, max: 100, noNaN: true }), (all, percent) => {
        fc.pre(all.some(({ length }) => length > 0));
        const ascending = all.map((one) => Float64Array.from(one).sort());
        expect(percentileTogether(ascending, percent)).toBeCloseTo(
          percentile(all.flat(), percent),
          6,
        );
      }),
    );
  });

  it('refuses series without values', () => {
    expect(() => percentileTogether([new Float64Array()], 99)).toThrow('at least one value');
  });
});

describe('summarizeLatencies', () => {
  it('tells three percentiles and the number of values', () => {
    const values = Array.from({ length: 101 }, (_, index) => 100 - index);
    expect(summarizeLatencies(values)).toEqual({ p50: 50, p90: 90, p99: 99, n: 101 });
  });
});

describe('empiricalCdf', () => {
  it('rises by one part a value and ends at 1', () => {
    expect(empiricalCdf([3, 1, 2, 2])).toEqual([
      { value: 1, fraction: 0.25 },
      { value: 2, fraction: 0.5 },
      { value: 2, fraction: 0.75 },
      { value: 3, fraction: 1 },
    ]);
  });
});

describe('completionsPerSecond', () => {
  const SECOND = 1e9;
  const everyTenth = Array.from({ length: 101 }, (_, index) => (index * SECOND) / 10);

  it('counts what is completed in the window', () => {
    expect(completionsPerSecond(everyTenth, 0, 10 * SECOND)).toBeCloseTo(10, 9);
  });

  it('does not depend on where a short window starts', () => {
    for (const offset of [0.51, 0.55, 0.5999]) {
      const from = offset * SECOND;
      expect(completionsPerSecond(everyTenth, from, from + 0.25 * SECOND)).toBeCloseTo(10, 9);
    }
  });

  it('sees a pause', () => {
    const ends = [0, 1, 2, 6, 7, 8].map((second) => second * SECOND);
    expect(completionsPerSecond(ends, 0, 8 * SECOND)).toBeCloseTo(5 / 8, 9);
    expect(completionsPerSecond(ends, 2 * SECOND, 6 * SECOND)).toBeCloseTo(1 / 4, 9);
  });

  it('refuses a window of which it does not know all', () => {
    expect(() => completionsPerSecond([SECOND, 2 * SECOND], 0, 2 * SECOND)).toThrow('outside');
    expect(() => completionsPerSecond([SECOND, 2 * SECOND], SECOND, 3 * SECOND)).toThrow('outside');
    expect(() => completionsPerSecond([], 0, 1)).toThrow('outside');
    expect(() => completionsPerSecond(everyTenth, 5, 5)).toThrow('must end after 5, got 5');
  });
});
