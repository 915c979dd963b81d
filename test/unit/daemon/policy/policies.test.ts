/** What every policy has to keep, whatever it prefers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyQueue } from '../../../../daemon/policy/policy.js';
import { POLICIES } from '../../../../daemon/policy/registry.js';
import { SEED } from '../seed.js';
import { decide, deviceOf } from './decide.js';

const queues = fc
  .array(
    fc.record({
      owner: fc.constantFrom('a', 'b', 'c', 'd'),
      priority: fc.integer({ min: -3, max: 3 }),
      competes: fc.boolean(),
      onBoard: fc.boolean(),
    }),
    { maxLength: 12, size: 'max' },
  )
  .map((list) => list.map((queue, index) => ({ ...queue, id: `1.${String(index)}` })));
const now = fc.integer({ min: 0, max: 1_000_000 });
const run = { seed: SEED, numRuns: 1000 };

/** Something that happens to a device: a queue changes, comes or goes. */
const change = fc.record({
  index: fc.nat({ max: 15 }),
  owner: fc.constantFrom('a', 'b', 'c', 'd'),
  priority: fc.integer({ min: -3, max: 3 }),
  competes: fc.boolean(),
  onBoard: fc.boolean(),
  gone: fc.boolean(),
});

describe.each([...POLICIES.values()])(`policy $name (seed ${String(SEED)})`, (policy) => {
  it('ranks every queue by a number', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const { verdicts } = decide(policy, list, at);
        for (const { rank } of verdicts) expect(Number.isFinite(rank)).toBe(true);
      }),
      run,
    );
  });

  it('decides the same of the same, and changes nothing', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const frozen = list.map((queue) => Object.freeze({ ...queue }));
        const first = decide(policy, frozen, at);
        expect(decide(policy, frozen, at)).toEqual(first);
      }),
      run,
    );
  });

  it('never leaves the device idle: of those that have work, one may run', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const { verdicts } = decide(policy, list, at);
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
        const { verdicts } = decide(policy, idle, at);
        expect(verdicts.every(({ permit }) => permit)).toBe(true);
      }),
      run,
    );
  });

  it('never makes the queues of one process wait for each other', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const alone = list.map((queue) => ({ ...queue, owner: 'a' }));
        const { verdicts } = decide(policy, alone, at);
        expect(verdicts.every(({ permit }) => permit)).toBe(true);
      }),
      run,
    );
  });

  it('says why: who waits is told for whom or for what', () => {
    fc.assert(
      fc.property(queues, now, (list, at) => {
        const { verdicts } = decide(policy, list, at);
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
        const { askAgainAt } = decide(policy, list, at).survey;
        if (askAgainAt !== undefined) expect(askAgainAt).toBeGreaterThan(at);
      }),
      run,
    );
  });

  it('names everybody whom the changes of others concern', () => {
    fc.assert(
      fc.property(
        queues,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        now,
        (list, all, at) => {
          const device = deviceOf(list);
          const before = policy.survey(device, at);
          const old = new Map([...device.queues].map((one) => [one, policy.judge(one, before)]));
          for (const { index, gone, ...fields } of all) {
            const known = [...device.queues][index];
            if (known !== undefined) device.remove(known);
            if (!gone) device.update({ id: known?.id ?? `2.${String(index)}`, ...fields });
          }
          const after = policy.survey(device, at + 1);
          const affected = policy.affected?.(device, before, after);
          if (affected === undefined) return;
          const named = new Set<PolicyQueue>(affected);
          for (const [queue, { rank, permit }] of old) {
            if (!device.queues.has(queue) || named.has(queue)) continue;
            expect(policy.judge(queue, after), queue.id).toMatchObject({ rank, permit });
          }
        },
      ),
      run,
    );
  });
});
