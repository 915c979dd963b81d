/** Queues in the order of a level. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyQueue } from '../../../../daemon/policy/policy.js';
import { isOutdone, QueueIndex } from '../../../../daemon/policy/queue-index.js';
import { SEED } from '../seed.js';

function queueOf(id: string, owner: string): PolicyQueue {
  return { id, owner, priority: 0, competes: true, onBoard: false };
}

const NAMES = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'] as const;
const change = fc.record({
  name: fc.constantFrom(...NAMES),
  level: fc.option(fc.integer({ min: -3, max: 3 })),
});

describe(`an index of queues (seed ${String(SEED)})`, () => {
  it('tells for whom it matters that the top changed: those and nobody else, each once', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30, size: 'max' }), (changes) => {
        const queues = new Map(NAMES.map((name) => [name, queueOf(name, name.charAt(0))]));
        const levels = new Map<PolicyQueue, number>();
        const index = new QueueIndex<PolicyQueue>();
        let before = index.top();
        for (const { name, level } of changes) {
          const queue = queues.get(name) ?? queueOf('', '');
          if (level === null) levels.delete(queue);
          else levels.set(queue, level);
          if (level === null) index.delete(queue);
          else index.set(queue, level);
          const after = index.top();
          const outdone = [...levels].map(([one, at]) => isOutdone(after, one.owner, at));
          expect(outdone).toEqual(
            [...levels].map(([one, at]) =>
              [...levels].some(([other, above]) => other.owner !== one.owner && above > at),
            ),
          );
          const crossed = [...index.crossed(before, after)].map(({ id }) => id);
          const wanted = [...levels]
            .filter(([o, at]) => isOutdone(before, o.owner, at) !== isOutdone(after, o.owner, at))
            .map(([{ id }]) => id);
          expect(crossed.sort()).toEqual(wanted.sort());
          expect(index.lowest).toBe(Math.min(...levels.values()));
          before = after;
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('has the first of several at one level at the top', () => {
    const index = new QueueIndex<PolicyQueue>();
    for (const name of ['a1', 'b1', 'b2']) index.set(queueOf(name, name.charAt(0)), 5);
    expect(index.top().first?.id).toBe('a1');
    expect(index.top().other?.id).toBe('b1');
    expect([...index.at(5)]).toHaveLength(3);
    expect([...index.at(4)]).toEqual([]);
  });
});
