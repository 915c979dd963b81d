import { describe, expect, it } from 'vitest';
import { countHigh, countLow, expectRight } from '../../fig13a/window.js';
import type { Answer } from '../../triton/load.js';

const WINDOW = { fromMs: 1000, toMs: 2000 };

function answer(index: number, startedMs: number, latencyMs: number, problem?: string): Answer {
  return { index, startedMs, latencyMs, problem: problem ?? null };
}

describe('countHigh', () => {
  it('takes the requests that were sent in the window', () => {
    const answers = [900, 1000, 1999, 2000].map((at, i) => answer(i, at, 500));
    expect(countHigh(answers, WINDOW)).toEqual([
      { startS: 0, latencyMs: 500, queueMs: null, computeMs: null },
      { startS: 0.999, latencyMs: 500, queueMs: null, computeMs: null },
    ]);
  });

  it('says what to do when there is none', () => {
    expect(() => countHigh([answer(0, 900, 50)], WINDOW)).toThrow('use more --seconds');
  });
});

describe('countLow', () => {
  it('counts requests across the borders with the part inside', () => {
    // 400 ms each from 800 ms on: half of the first, two whole ones, nothing else.
    const answers = [800, 1200, 1600, 2000].map((at, i) => answer(i, at, 400));
    expect(countLow(answers, WINDOW)).toEqual({ perSecond: 2.5, latenciesMs: [400, 400] });
  });

  it('takes a first request that lies across the beginning', () => {
    const answers = [answer(0, 500, 1000), answer(1, 1500, 1000)];
    expect(countLow(answers, WINDOW).perSecond).toBeCloseTo(1, 12);
  });

  it('takes requests that begin in the window', () => {
    expect(countLow([answer(0, 1500, 1000)], WINDOW).perSecond).toBeGreaterThan(0);
  });
});

describe('expectRight', () => {
  it('accepts right answers', () => {
    expectRight('bert-low', [answer(0, 1, 1)]);
  });

  it('quotes the first problems', () => {
    const answers = [answer(0, 1, 1), ...[1, 2, 3, 4].map((i) => answer(i, i, 1, `wrong ${i}`))];
    expect(() => expectRight('bert-low', answers)).toThrow(
      '4 of 5 requests to bert-low failed or had a wrong answer:\n' +
        '  request 1: wrong 1\n  request 2: wrong 2\n  request 3: wrong 3',
    );
  });
});
