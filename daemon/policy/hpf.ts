/** Highest priority first. */
import type { Policy, Survey } from './policy.js';
import { rivalOf } from './queue-index.js';
import type { Top } from './queue-index.js';

interface HpfSurvey extends Survey {
  /** The competing queues of the highest priorities. */
  readonly top: Top;
  /** The same of those that are not on the board. */
  readonly topApart: Top;
}

/**
 * A queue waits while a queue of a higher priority of another process competes on its device.
 * Equal priorities run together, and queues of one process never wait for each other here: their
 * shim orders them, without a message. On the board queues wait for each other by their masks, so
 * that those there are judged by those who are not.
 */
export const HPF: Policy<HpfSurvey> = {
  name: 'HPF',
  goesByPriority: true,
  survey(device) {
    return { top: device.competing.top(), topApart: device.competingApart.top() };
  },
  judge({ owner, priority, onBoard }, { top, topApart }) {
    const rival = rivalOf(onBoard ? topApart : top, owner);
    return rival !== undefined && rival.level > priority
      ? { rank: priority, permit: false, yieldsTo: rival.id }
      : { rank: priority, permit: true };
  },
  affected(device, before, after) {
    const { byPriority } = device;
    const apart = byPriority.crossed(before.topApart, after.topApart);
    return [...byPriority.crossed(before.top, after.top), ...apart];
  },
};
