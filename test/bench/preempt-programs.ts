/** What the programs of preempt.c are asked for, and answer. */
import type { ChildProcess } from 'node:child_process';
import { prints } from './programs.js';

/** When each burst that a program printed began and ended, in nanoseconds of CLOCK_MONOTONIC. */
export function readBursts(said: string): (readonly [number, number])[] {
  return said
    .split('\n')
    .filter((line) => line.includes(' '))
    .map((line) => {
      const [began = NaN, ended = NaN] = line.split(' ').map(Number);
      return [began, ended] as const;
    });
}

/** Nanoseconds from each burst's launch to the end of its synchronisation. */
export function responsesOf(said: string): number[] {
  return readBursts(said).map(([began, ended]) => ended - began);
}

/**
 * Has a high program make so many bursts.
 * @param pauseNs between two, on average; a whole number above 0
 * @returns what it printed
 */
export async function makeBursts(
  high: ChildProcess,
  count: number,
  pauseNs: number,
): Promise<string> {
  const answer = prints(high, '.');
  high.stdin?.write(`${String(count)} ${String(pauseNs)}\n`);
  return answer;
}

/** How many launches a low program has made, and when, in nanoseconds. */
async function countLaunches(low: ChildProcess): Promise<readonly [number, number]> {
  const answer = prints(low, '\n');
  low.stdin?.write('\n');
  const [launches = NaN, at = NaN] = (await answer).split(' ').map(Number);
  return [launches, at];
}

/** Launches a second of one low program while something else happens, and for how long that was. */
export async function countDuring<T>(low: ChildProcess, work: () => Promise<T>) {
  const [before, from] = await countLaunches(low);
  const done = await work();
  const [after, until] = await countLaunches(low);
  const seconds = (until - from) / 1e9;
  return { rate: (after - before) / seconds, seconds, done };
}
