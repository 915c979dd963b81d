/** Decisions that wait, and whatever is folded: every client ends up knowing the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decisions, isDecision } from '../../../../daemon/transport/decisions.js';
import type { Decision } from '../../../../daemon/transport/decisions.js';
import { Model, operation, RULES } from '../core/model.js';
import { World } from '../core/world.js';
import { SEED } from '../seed.js';

function decisionOf(fields: Partial<Decision>): Decision {
  return {
    ...{ type: 'PERMIT', queue: 1, seq: 1, acks: 0, priority: 0, window: 0 },
    ...{ latency: 0, watched: false, notify: false, enabled: true, slot: 0 },
    ...fields,
  };
}

/** What is sent, as `link/queue TYPE seq`. */
function collect(): { readonly decisions: Decisions; readonly sent: string[] } {
  const sent: string[] = [];
  const decisions = new Decisions((link, { queue, type, seq }) => {
    sent.push(`${link}/${String(queue)} ${type} ${String(seq)}`);
  });
  return { decisions, sent };
}

describe('decisions that wait', () => {
  it('leave when they are told to, and once', () => {
    const { decisions, sent } = collect();
    decisions.post('a', decisionOf({ seq: 7 }));
    expect(sent).toEqual([]);
    decisions.flush();
    decisions.flush();
    expect(sent).toEqual(['a/1 PERMIT 7']);
    expect(decisions.size).toBe(0);
  });

  it('of one queue are one, the last; other queues and links have their own', () => {
    const { decisions, sent } = collect();
    decisions.post('a', decisionOf({ seq: 1 }));
    decisions.post('a', decisionOf({ queue: 2, seq: 5 }));
    decisions.post('b', decisionOf({ seq: 9 }));
    decisions.post('a', decisionOf({ seq: 2 }));
    expect(decisions.size).toBe(3);
    decisions.flush();
    expect(sent).toEqual(['a/2 PERMIT 5', 'b/1 PERMIT 9', 'a/1 PERMIT 2']);
  });

  it('suspend before they permit', () => {
    const { decisions, sent } = collect();
    decisions.post('a', decisionOf({}));
    decisions.post('b', decisionOf({ type: 'SUSPEND' }));
    decisions.post('c', decisionOf({}));
    decisions.post('d', decisionOf({ type: 'SUSPEND' }));
    decisions.flush();
    const order = ['b/1 SUSPEND 1', 'd/1 SUSPEND 1', 'a/1 PERMIT 1', 'c/1 PERMIT 1'];
    expect(sent).toEqual(order);
  });

  it('are dropped with their link', () => {
    const { decisions, sent } = collect();
    decisions.post('a', decisionOf({}));
    decisions.post('aa', decisionOf({}));
    decisions.forget('a');
    decisions.flush();
    expect(sent).toEqual(['aa/1 PERMIT 1']);
  });
});

describe(`random histories (seed ${String(SEED)})`, () => {
  const history = fc.array(operation, { maxLength: 80, size: 'max' });
  const leaving = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });

  it('leave every client knowing the same, folded or not, in the order of the numbers', () => {
    let folded = 0;
    fc.assert(
      fc.property(history, leaving, (operations, flushes) => {
        const world = new World(RULES);
        const told = new Map<string, Decision>();
        const decisions = new Decisions((link, decision) => {
          const key = `${link}/${String(decision.queue)}`;
          expect(decision.seq).toBeGreaterThanOrEqual(told.get(key)?.seq ?? 0);
          told.set(key, decision);
        });
        let posted = 0;
        let sent = 0;
        world.observe = (effect) => {
          if (effect.type === 'forget') decisions.forget(effect.link);
          if (effect.type !== 'send' || !isDecision(effect.message)) return;
          decisions.post(effect.link, effect.message);
          posted++;
        };
        const model = new Model(world, []);
        operations.forEach((one, index) => {
          // A queue that comes anew counts from 1.
          if (
            one.op === 'register' &&
            !model.shims.has(`${String(one.pid)}/${String(one.queue)}`)
          ) {
            told.delete(`${model.links.get(one.pid) ?? ''}/${String(one.queue)}`);
          }
          model.run(one);
          if (flushes[index % flushes.length] !== true) return;
          sent += decisions.size;
          decisions.flush();
        });
        sent += decisions.size;
        decisions.flush();
        folded += posted - sent;
        for (const { client, number } of world.allQueues()) {
          const key = `${client.link}/${String(number)}`;
          expect(told.get(key), key).toEqual(world.told.get(key));
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
    expect(folded, 'decisions that were not sent').toBeGreaterThan(0);
  });
});
