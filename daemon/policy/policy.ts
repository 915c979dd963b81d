/** What a policy is: a pure function from the queues of one device to who may launch. */
import type { QueueOrder } from './queue-index.js';

/** What a policy sees of a queue. */
export interface PolicyQueue {
  /** `pid.queue`; names the queue in verdicts. */
  readonly id: string;
  /** The process that the queue belongs to; queues of one process order themselves in its shim. */
  readonly owner: string;
  /** Effective priority, -255 to 255, higher runs first. */
  readonly priority: number;
  /** Whether it has work and its process is alive to it: only such queues hold others back. */
  readonly competes: boolean;
  /** Whether a mask on the board holds it back for those who are there too; set by the core. */
  readonly onBoard: boolean;
}

/** What a policy sees of a device: its queues, and two indices of them by priority. */
export interface PolicyDevice<Q extends PolicyQueue = PolicyQueue> {
  readonly id: string;
  /** In the order in which they were registered. */
  readonly queues: Iterable<Q>;
  readonly byPriority: QueueOrder<Q>;
  /** Of the queues that compete. */
  readonly competing: QueueOrder<Q>;
  /** Of those that compete and are not on the board. */
  readonly competingApart: QueueOrder<Q>;
}

/** The word of a policy about one queue. */
export interface Verdict {
  /** A finite number; higher runs first. Whoever has a higher rank beside it gets a window. */
  readonly rank: number;
  /** Whether the queue may launch. */
  readonly permit: boolean;
  /** The queue that this one has to wait for, where it is one queue. */
  readonly yieldsTo?: string;
  /** Why it may not launch, where the reason is not one queue. */
  readonly reason?: string;
}

/** What the verdicts on all queues of a device depend on; policies add to it what they need. */
export interface Survey {
  /** When to survey again though nothing has happened, in the milliseconds of `now`. */
  readonly askAgainAt?: number;
}

/**
 * A policy, in two steps: it surveys the device, then judges single queues in the light of that. It
 * has no clock, no timer and no memory: the same device and `now` give the same verdicts.
 *
 * The core asks it whenever something changes, and then about few queues: those that changed
 * themselves and those that `affected` names.
 */
export interface Policy<S extends Survey = Survey> {
  readonly name: string;

  /**
   * Whether all that it wants is that a queue waits while one of a higher priority of another process
   * competes. Masks on the board do that by themselves; its verdict then concerns those apart.
   */
  readonly goesByPriority?: boolean;

  /**
   * Looks at all that the queues share. Called for each change, so its cost should not follow the
   * number of queues. It keeps no queue, only values: queues change.
   * @param now milliseconds of the daemon's monotonic clock
   */
  survey(device: PolicyDevice, now: number): S;

  /** The verdict on one queue of the device that was surveyed. */
  judge(queue: PolicyQueue, survey: S): Verdict;

  /**
   * At least the queues of which rank or permit differ between two surveys of one device, though
   * they themselves are as they were. Left out, every queue is judged anew at each change.
   */
  affected?<Q extends PolicyQueue>(device: PolicyDevice<Q>, before: S, after: S): Iterable<Q>;
}
