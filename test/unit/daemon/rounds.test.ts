/** What the daemon does again and again, on one timer. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rounds } from '../../../daemon/rounds.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Tasks that write down when they are done, in milliseconds from now. */
function startRounds() {
  const begin = performance.now();
  const clock = () => performance.now() - begin;
  const rounds = new Rounds(clock);
  const add = (paceMs: () => number) => {
    const doneAt: number[] = [];
    const hasten = rounds.add(() => {
      doneAt.push(Math.round(clock()));
      return paceMs();
    });
    return { doneAt, hasten };
  };
  return { rounds, add };
}

describe('a task', () => {
  it('is done at once and then at its pace, which may change', () => {
    const { add } = startRounds();
    const paces = [250, 250, 500, 500];
    const { doneAt } = add(() => paces.shift() ?? 1000);
    vi.advanceTimersByTime(2600);
    expect(doneAt).toEqual([0, 250, 500, 1000, 1500, 2500]);
  });

  it('that has no pace is done when it is hastened', () => {
    const { add } = startRounds();
    const { doneAt, hasten } = add(() => Infinity);
    vi.advanceTimersByTime(5000);
    hasten();
    hasten();
    vi.advanceTimersByTime(5000);
    expect(doneAt).toEqual([0, 5000]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that is hastened goes on at its pace from there', () => {
    const { add } = startRounds();
    const { doneAt, hasten } = add(() => 500);
    vi.advanceTimersByTime(600);
    hasten();
    vi.advanceTimersByTime(1000);
    expect(doneAt).toEqual([0, 500, 600, 1100, 1600]);
  });

  it('is done no more after the end, whoever hastens it', () => {
    const { rounds, add } = startRounds();
    const { doneAt, hasten } = add(() => 500);
    vi.advanceTimersByTime(100);
    rounds.stop();
    hasten();
    vi.advanceTimersByTime(1000);
    expect(doneAt).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('several tasks', () => {
  it.each([10, 240, 260, 490])(
    'come to be done together when one begins %d ms later',
    (laterMs) => {
      const { add } = startRounds();
      const slow = add(() => 1000);
      vi.advanceTimersByTime(laterMs);
      const quick = add(() => 500);
      vi.advanceTimersByTime(10_000);
      const wakes = new Set([...slow.doneAt, ...quick.doneAt].filter((at) => at > 5000));
      expect(wakes.size).toBe(quick.doneAt.filter((at) => at > 5000).length);
    },
  );

  it('are none of them done later than their pace says', () => {
    const { add } = startRounds();
    const paces = [250, 1000, 5000];
    const tasks = paces.map((pace) => {
      const task = add(() => pace);
      vi.advanceTimersByTime(77);
      return task;
    });
    vi.advanceTimersByTime(30_000);
    for (const [index, { doneAt }] of tasks.entries()) {
      const gaps = doneAt.slice(1).map((at, n) => at - (doneAt[n] ?? 0));
      expect(gaps.length).toBeGreaterThan(3);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(paces[index] ?? 0);
    }
  });
});
