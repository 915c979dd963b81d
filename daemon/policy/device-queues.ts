/** The queues of a device as policies see them, kept in order as they change. */
import type { PolicyDevice, PolicyQueue } from './policy.js';
import { QueueIndex } from './queue-index.js';

/** Keeps the indices of a device's queues. An update costs the logarithm of their number. */
export class DeviceQueues<Q extends PolicyQueue> implements PolicyDevice<Q> {
  readonly queues = new Set<Q>();
  readonly byPriority = new QueueIndex<Q>();
  readonly competing = new QueueIndex<Q>();
  readonly competingApart = new QueueIndex<Q>();

  constructor(readonly id: string) {}

  /** A queue is new, or its priority, `competes` or `onBoard` changed. */
  update(queue: Q): void {
    this.queues.add(queue);
    this.byPriority.set(queue, queue.priority);
    if (queue.competes) this.competing.set(queue, queue.priority);
    else this.competing.delete(queue);
    if (queue.competes && !queue.onBoard) this.competingApart.set(queue, queue.priority);
    else this.competingApart.delete(queue);
  }

  remove(queue: Q): void {
    this.queues.delete(queue);
    this.byPriority.delete(queue);
    this.competing.delete(queue);
    this.competingApart.delete(queue);
  }
}
