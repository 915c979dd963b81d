/** How long launches wait: what a client has told, and what is seen of a wait that goes on. */
import type { Queue } from './state.js';

/**
 * Notes whether a thread of the queue waits at the gate now. A client counts a wait only when it is
 * over, so that what it says last is added to, until it says more.
 */
export function noteWaiting(queue: Queue, waiting: boolean, now: number): void {
  if (waiting) {
    queue.waitingSince ??= now;
    return;
  }
  queue.waitedNs = waitedNs(queue, now);
  queue.waitingSince = undefined;
}

/** Time that launches of the queue have waited so far, in nanoseconds. */
export function waitedNs({ waitedNs: told, waitingSince }: Queue, now: number): number {
  return waitingSince === undefined ? told : told + Math.round((now - waitingSince) * 1e6);
}
