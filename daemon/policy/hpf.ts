/** Highest priority first. */
import type { Policy, Survey } from './policy.js';
import { rivalOf } from './queue-index.js';
import type { Top } from './queue-index.js';

interface HpfSurvey extends Survey {
  /** The competing queues of the highest priorities. */
  readonly top: Top;
}

/**
 * A queue waits while a queue of a higher priority of another process competes on its device.
 * Equal priorities run together, and queues of one process never wait for each other here: their
 * shim orders them, without a message.
 */
export const HPF: Policy<HpfSurvey> = {
  name: 'HPF',
  survey(device) {
    return { top: device.competing.top() };
  },
  judge({ owner, priority }, { top }) {
    const rival = rivalOf(top, owner);
    return rival !== undefined && rival.level > priority
      ? { rank: priority, permit: false, yieldsTo: rival.id }
      : { rank: priority, permit: true };
  },
  affected(device, before, after) {
    return device.byPriority.crossed(before.top, after.top);
  },
};
