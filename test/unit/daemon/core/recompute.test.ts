/** The core decides on few queues at a time; it has to come out as if it decided on all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATELY_MS } from '../../../../daemon/core/latency.js';
import type { Device, Queue } from '../../../../daemon/core/state.js';
import { HPF } from '../../../../daemon/policy/hpf.js';
import type { Policy } from '../../../../daemon/policy/policy.js';
import { SEED } from '../seed.js';
import { decide } from '../policy/decide.js';
import { Model, operation, RULES, WINDOW } from './model.js';
import { World } from './world.js';

/** One that does not say whom a change concerns: the core has to ask about all. */
const PLAIN: Policy = {
  name: 'plain',
  survey: HPF.survey.bind(HPF),
  judge: (queue, survey) => HPF.judge(queue, survey as ReturnType<typeof HPF.survey>),
};

/** One whose verdicts change with the time and whose ranks are not priorities. */
const TURNS: Policy<{ askAgainAt: number; turn: number }> = {
  name: 'turns',
  survey: (_device, now) => ({
    askAgainAt: (Math.floor(now / 300) + 1) * 300,
    turn: Math.floor(now / 300) % 3,
  }),
  judge: ({ owner, priority }, { turn }) => ({
    rank: turn - priority / 7,
    permit: owner.charCodeAt(5) % 3 !== turn || priority > 1,
    reason: 'not its turn',
  }),
};

const SLICES = `${RULES}max_suspend_ms: 1000\nslice_ms: 300\n`;
const run = { seed: SEED, numRuns: 150 };
const history = fc.array(operation, { maxLength: 80, size: 'max' });

/** What a device's queues have to be like, from nothing but the queues themselves. */
function recompute(world: World, device: Device) {
  const { policy, enabled } = world.state;
  const queues = world.allQueues().filter((queue) => queue.device === device);
  const [foremost] = world.arriving();
  const arriving =
    foremost === undefined
      ? []
      : [{ id: '9', owner: 'link-9', priority: foremost, competes: false, onBoard: false }];
  const { verdicts } = decide(policy, [...queues, ...arriving], world.now);
  const rankOf = (queue: Queue) => verdicts[queues.indexOf(queue)]?.rank ?? NaN;
  const isOutranked = (queue: Queue) =>
    enabled && verdicts.some(({ rank }) => rank > rankOf(queue));
  const hasWork = ({ competes, workedAt }: Queue) => competes || world.now < workedAt + LATELY_MS;
  const sharers = new Set(
    queues.filter((queue) => isOutranked(queue) && hasWork(queue)).map(({ owner }) => owner),
  );
  const partOf = (target: number) => Math.floor(target / Math.max(1, sharers.size));
  return queues.map((queue, index) => ({
    id: queue.id,
    permit: !enabled || verdicts[index]?.permit === true || queue.sliceUntil > world.now,
    window: isOutranked(queue) ? WINDOW : 0,
    latency: isOutranked(queue) ? partOf(queue.target) : queue.target,
    watched: queues.some((other) => other.owner !== queue.owner && rankOf(other) < rankOf(queue)),
    // All go by messages here.
    notify: queues.some((other) => other.owner !== queue.owner && rankOf(other) < rankOf(queue)),
    enabled,
  }));
}

describe.each([
  ['HPF', HPF, RULES],
  ['HPF with slices', HPF, SLICES],
  ['a policy that judges all', PLAIN, SLICES],
  ['a policy that changes with time', TURNS as Policy, SLICES],
])(`%s (seed ${String(SEED)})`, (_name, policy, yaml) => {
  it('decides step by step as it would at once', () => {
    fc.assert(
      fc.property(history, (operations) => {
        const world = new World(yaml, new Map([['HPF', policy]]));
        const model = new Model(world, []);
        for (const next of operations) {
          model.run(next);
          for (const device of world.state.devices.values()) {
            const found = [...device.queues].map(
              ({ id, permit, window, latency, watched, notify, enabled }) => ({
                ...{ id, permit, window, latency, watched, notify, enabled },
              }),
            );
            const order = (one: { id: string }, two: { id: string }) => (one.id < two.id ? -1 : 1);
            expect(found.sort(order)).toEqual(recompute(world, device).sort(order));
          }
        }
      }),
      run,
    );
  });
});
