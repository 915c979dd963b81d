/** What a policy is: a pure function from the queues of one device to who may launch. */

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
}

/** What a policy sees of a device: its queues, in the order in which they were registered. */
export interface PolicyDevice {
  readonly id: string;
  readonly queues: Iterable<PolicyQueue>;
}

/** The word of a policy about one queue. */
export interface Verdict {
  /** Higher runs first. Whoever has a queue of a higher rank beside it gets a window. */
  readonly rank: number;
  /** Whether the queue may launch. */
  readonly permit: boolean;
  /** The queue that this one has to wait for, where it is one queue. */
  readonly yieldsTo?: string;
  /** Why it may not launch, where the reason is not one queue. */
  readonly reason?: string;
}

/** What a policy decides for a device. */
export interface Decision {
  /** One verdict a queue, in the order of `PolicyDevice.queues`. */
  readonly verdicts: readonly Verdict[];
  /** When to ask again though nothing has happened, in the milliseconds of `now`. */
  readonly askAgainAt?: number;
}

/**
 * A policy. It has no clock, no timer and no memory: the same queues and the same `now` give the
 * same decision.
 */
export interface Policy {
  readonly name: string;
  /** @param now milliseconds of the daemon's monotonic clock */
  decide(device: PolicyDevice, now: number): Decision;
}
