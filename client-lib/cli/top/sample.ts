/** What `xsched top` knows at one moment, and what happened since the moment before. */
import type { DaemonStatus, QueueInfo } from '../../../protocol/generated/messages.js';
import { sortQueues } from '../queue-table.js';

/** The daemon's answer at one moment. */
export interface Sample {
  /** Wall clock, milliseconds since 1970. */
  readonly timeMs: number;
  /** A clock that only goes forward, in milliseconds. */
  readonly clockMs: number;
  readonly status: DaemonStatus;
  readonly queues: readonly QueueInfo[];
}

/** What a queue did between two samples; undefined where it is not in both. */
export interface QueueRates {
  readonly launchesPerSecond: number;
  /** Part of the time in which it had work, 0 to 1. */
  readonly readyShare: number;
  /** Nanoseconds that launches waited at the gate, a second. */
  readonly waitedNsPerSecond: number;
}

export interface TopQueue extends QueueInfo {
  readonly rates: QueueRates | undefined;
}

/** The queues of a sample, sorted, with what each did since the earlier one. */
export function compareSamples(earlier: Sample | undefined, now: Sample): readonly TopQueue[] {
  // Another generation counts anew.
  const same = earlier?.status.generation === now.status.generation ? earlier : undefined;
  const before = new Map(same?.queues.map((queue) => [queue.id, queue]));
  const elapsedMs = same === undefined ? 0 : now.clockMs - same.clockMs;
  return sortQueues(
    now.queues.map((queue) => ({
      ...queue,
      rates: computeRates(before.get(queue.id), queue, elapsedMs),
    })),
  );
}

function computeRates(
  before: QueueInfo | undefined,
  now: QueueInfo,
  elapsedMs: number,
): QueueRates | undefined {
  if (before === undefined || elapsedMs <= 0) return undefined;
  const elapsedS = elapsedMs / 1000;
  const grown = (from: number, to: number): number => Math.max(0, to - from);
  return {
    launchesPerSecond: grown(before.submitted, now.submitted) / elapsedS,
    readyShare: Math.min(1, grown(before.readyNs, now.readyNs) / (elapsedMs * 1e6)),
    waitedNsPerSecond: grown(before.waitedNs, now.waitedNs) / elapsedS,
  };
}
