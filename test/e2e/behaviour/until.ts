/** Waiting for something to become true. */
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;
/** Nothing that is waited for takes so long unless it hangs, on a loaded machine either. */
export const HANG_MS = 45_000;

export interface Patience {
  readonly limitMs?: number;
  /** What to add to the error. */
  readonly detail?: () => string;
}

/**
 * Asks until the answer is true.
 * @returns how long that took, in milliseconds
 * @throws Error naming what it waited for, after `limitMs` (by default HANG_MS)
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { limitMs = HANG_MS, detail = () => '' }: Patience = {},
): Promise<number> {
  const began = performance.now();
  for (;;) {
    if (await condition()) return performance.now() - began;
    if (performance.now() - began > limitMs) {
      throw new Error(`Not within ${limitMs} ms: ${what}${detail()}`);
    }
    await delay(POLL_MS);
  }
}
