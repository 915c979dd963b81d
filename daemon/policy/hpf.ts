/** Highest priority first. */
import type { Decision, Policy, PolicyDevice, PolicyQueue, Verdict } from './policy.js';

/**
 * A queue waits while a queue of a higher priority of another process competes on its device.
 * Equal priorities run together, and queues of one process never wait for each other here: their
 * shim orders them, without a message.
 */
export const HPF: Policy = {
  name: 'HPF',
  decide(device: PolicyDevice): Decision {
    const [first, second] = findLeaders(device.queues);
    const verdicts: Verdict[] = [];
    for (const queue of device.queues) {
      const rival = first?.owner === queue.owner ? second : first;
      verdicts.push(
        rival !== undefined && rival.priority > queue.priority
          ? { rank: queue.priority, permit: false, yieldsTo: rival.id }
          : { rank: queue.priority, permit: true },
      );
    }
    return { verdicts };
  },
};

/**
 * The competing queue of the highest priority, and the one of the highest priority among those of
 * other processes: whatever a queue has to yield to is one of these two.
 */
function findLeaders(
  queues: Iterable<PolicyQueue>,
): readonly [PolicyQueue | undefined, PolicyQueue | undefined] {
  let first: PolicyQueue | undefined;
  let second: PolicyQueue | undefined;
  for (const queue of queues) {
    if (!queue.competes) continue;
    if (first === undefined || queue.priority > first.priority) {
      if (first !== undefined && first.owner !== queue.owner) second = first;
      first = queue;
    } else if (
      queue.owner !== first.owner &&
      (second === undefined || queue.priority > second.priority)
    ) {
      second = queue;
    }
  }
  return [first, second];
}
