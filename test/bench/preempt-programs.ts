/** What the programs of preempt.c answer. */
import type { ChildProcess } from 'node:child_process';
import { prints } from './programs.js';

/** Nanoseconds from each burst's launch to the end of its synchronisation. */
export function responsesOf(said: string): number[] {
  return said
    .split('\n')
    .filter((line) => line.includes(' '))
    .map((line) => {
      const [began = NaN, ended = NaN] = line.split(' ').map(Number);
      return ended - began;
    });
}

/** How many launches a low program has made, and when, in nanoseconds. */
export async function countLaunches(low: ChildProcess): Promise<readonly [number, number]> {
  const answer = prints(low, '\n');
  low.stdin?.write('\n');
  const [launches = NaN, at = NaN] = (await answer).split(' ').map(Number);
  return [launches, at];
}
