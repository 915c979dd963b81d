/** What every policy has to keep, whatever it prefers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyDevice, PolicyQueue } from '../../../../daemon/policy/policy.js';
import { POLICIES } from '../../../../daemon/policy/registry.js';
import { SEED } from '../seed.js';

const queues = fc
  .array(
    fc.record({
      owner: fc.constantFrom('a', 'b', 'c', 'd'),
      priority: fc.integer({ min: -3, max: 3 }),
      competes: fc.boolean(),
    }),
    { maxLength: 12, size: 'max' },
  )
  .map((list) => list.map((queue, index) => ({ ...queue, id: `1.${String(index)}` })));
const now = fc.integer({ min: 0, max: 1_000_000 });
const run = { seed: SEED, numRuns: 1000 };

function deviceOf(list: readonly PolicyQueue[]): PolicyDevice {
  return { id: 'GPU-0', queues: list };
}

describe.each([...POLICIES.values()])(`policy $name (seed ${String(SEED)})`, (policy) => {
  it('has one verdict a queue, in their order', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const { verdicts } = policy.decide(deviceOf(list), at);
        expect(verdicts).toHaveLength(list.length);
        for (const { rank } of verdicts) expect(Number.isFinite(rank)).toBe(true);
      }),
      run,
    );
  });

  it('decides the same of the same, and changes nothing', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const frozen = list.map((queue) => Object.freeze({ ...queue }));
        const first = policy.decide(deviceOf(frozen), at);
        expect(policy.decide(deviceOf(frozen), at)).toEqual(first);
      }),
      run,
    );
  });

  it('never leaves the device idle: of those that have work, one may run', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const { verdicts } = policy.decide(deviceOf(list), at);
        const working = list.map((queue, index) => queue.competes && verdicts[index]?.permit);
        if (list.some((queue) => queue.competes)) expect(working).toContain(true);
      }),
      run,
    );
  });

  it('keeps nobody waiting when nobody has work', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const idle = list.map((queue) => ({ ...queue, competes: false }));
        const { verdicts } = policy.decide(deviceOf(idle), at);
        expect(verdicts.every(({ permit }) => permit)).toBe(true);
      }),
      run,
    );
  });

  it('never makes the queues of one process wait for each other', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const alone = list.map((queue) => ({ ...queue, owner: 'a' }));
        const { verdicts } = policy.decide(deviceOf(alone), at);
        expect(verdicts.every(({ permit }) => permit)).toBe(true);
      }),
      run,
    );
  });

  it('says why: who waits is told for whom or for what', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const { verdicts } = policy.decide(deviceOf(list), at);
        list.forEach((queue, index) => {
          const verdict = verdicts[index];
          if (verdict === undefined || verdict.permit) return;
          const rival = list.find((other) => other.id === verdict.yieldsTo);
          if (rival === undefined) expect(verdict.reason).toBeTruthy();
          else expect(rival).toMatchObject({ competes: true });
          expect(rival?.owner).not.toBe(queue.owner);
        });
      }),
      run,
    );
  });

  it('asks to be asked again in the future only', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const { askAgainAt } = policy.decide(deviceOf(list), at);
        if (askAgainAt !== undefined) expect(askAgainAt).toBeGreaterThan(at);
      }),
      run,
    );
  });
});
