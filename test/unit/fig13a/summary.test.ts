import { describe, expect, it } from 'vitest';
import { judge } from '../../fig13a/result.js';
import { keptOf, shareOf, summarizeSettings } from '../../fig13a/summary.js';
import { parseOptions } from '../../fig13a/options.js';
import { measurement } from './samples.js';

describe('what the low model keeps', () => {
  it('is compared with what the high one leaves', () => {
    // 100 requests of 20 ms in 10 s: a fifth of the time.
    const share = shareOf(100, 20, 10);
    expect(share).toBeCloseTo(0.2, 12);
    expect(keptOf(72, 100, share)).toBeCloseTo(0.9, 12);
    expect(keptOf(80, 100, share)).toBeCloseTo(1, 12);
  });

  it('counts at most the whole time', () => {
    expect(shareOf(1000, 20, 10)).toBe(1);
  });
});

describe('summarizeSettings', () => {
  it('compares each setting with standalone', () => {
    const [alone, xsched] = summarizeSettings([
      measurement('standalone', Array<number>(100).fill(21), 100),
      measurement('xsched', Array<number>(100).fill(42), 72),
    ]);
    expect(alone).toMatchObject({
      setting: 'standalone',
      pooled: {
        high: { n: 100, p50: 21, p90: 21, p99: 21, max: 21 },
        compute: { n: 100, p50: 20, p99: 20 },
        ...{ p99Ratio: null, share: null, lowPerSecond: 100, kept: null },
      },
    });
    expect(xsched).toMatchObject({
      setting: 'xsched',
      pooled: { p99Ratio: { value: 2, low: 2, high: 2 }, share: 0.2, lowPerSecond: 72, kept: 0.9 },
    });
  });

  it('pools the repeats and keeps the figures of each', () => {
    const [alone] = summarizeSettings([
      measurement('standalone', [1, 2], 10),
      measurement('standalone', [3, 4, 5], 20, 2),
    ]);
    expect(alone?.pooled).toMatchObject({ high: { n: 5, p50: 3, max: 5 }, lowPerSecond: 15 });
    expect(alone?.repeats).toMatchObject([
      { high: { n: 2, p50: 1.5 }, lowPerSecond: 10 },
      { high: { n: 3, p50: 4 }, lowPerSecond: 20 },
    ]);
  });

  it('says nothing of what was not measured', () => {
    const [triton, ...more] = summarizeSettings([measurement('triton', [5, 6], 7)]);
    expect(more).toEqual([]);
    expect(triton?.pooled).toMatchObject({ p99Ratio: null, kept: null, lowPerSecond: 7 });
  });
});

describe('judge', () => {
  const options = parseOptions(['--limit-p99', '1.5']);
  const settingsWith = (latencyMs: number, lowPerSecond: number) =>
    summarizeSettings([
      measurement('standalone', Array<number>(100).fill(21), 100),
      measurement('xsched', Array<number>(100).fill(latencyMs), lowPerSecond),
    ]);
  const holds = (latencyMs: number, lowPerSecond: number): boolean[] =>
    judge({ settings: settingsWith(latencyMs, lowPerSecond), options }).map((one) => one.holds);

  it('takes what is within the limits', () => {
    expect(holds(31, 73)).toEqual([true, true]);
  });

  it('tells which limit is missed', () => {
    expect(holds(32, 73)).toEqual([false, true]);
    expect(holds(31, 71)).toEqual([true, false]);
  });

  it('takes a miss that chance may explain', () => {
    const settings = summarizeSettings([
      measurement('standalone', Array<number>(100).fill(21), 100),
      measurement('xsched', [...Array<number>(98).fill(21), 60, 60], 80),
    ]);
    const [p99] = judge({ settings, options });
    expect(settings[1]?.pooled.p99Ratio?.value).toBeGreaterThan(1.5);
    expect(p99).toMatchObject({ holds: true });
  });

  it('says nothing without xsched or without standalone', () => {
    const alone = summarizeSettings([measurement('standalone', [1], 1)]);
    const xsched = summarizeSettings([measurement('xsched', [1], 1)]);
    expect(judge({ settings: alone, options })).toEqual([]);
    expect(judge({ settings: xsched, options })).toEqual([]);
  });
});
