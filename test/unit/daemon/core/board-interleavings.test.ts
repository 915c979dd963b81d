/** Random interleavings of everything that can happen, with a board. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATELY_MS } from '../../../../daemon/core/latency.js';
import type { Queue } from '../../../../daemon/core/state.js';
import { SEED } from '../seed.js';
import { Model, operation, RULES } from './model.js';
import { bit, newWorld } from './slots.js';
import { NONCE } from './world.js';
import type { World } from './world.js';

/** Whom a slot has to yield to because of their priority, from nothing but the queues. */
function expectedMask(world: World, slot: number): bigint {
  const own = world.owners.get(slot);
  const queues = world.allQueues();
  const having = (name: number) =>
    queues.filter((one) => [...one.formerSlots, one.slot].some((s) => s?.slot === name));
  if (own === undefined || !world.state.enabled || having(slot).length === 0) return 0n;
  let mask = 0n;
  for (const other of world.owners.values()) {
    const theirs = having(other.slot);
    const outranks =
      other.device === own.device && other.pid !== own.pid && other.priority > own.priority;
    const moves = theirs.some((one) => one.ready && !one.stalled);
    const stalls = theirs.some((one) => one.stalled);
    const silent = theirs.some((one) => one.client.silent);
    if (outranks && theirs.length > 0 && !silent && (moves || !stalls)) mask |= bit(other.slot);
  }
  return mask;
}

/** The slots of outranked queues that have had work lately, where all these are on the board. */
function slotsInTurns(world: World, device: string): readonly number[] {
  const { enabled } = world.state;
  const working = world.allQueues().filter((one) => {
    const isLate = one.competes || world.now < one.workedAt + LATELY_MS;
    return enabled && one.device.id === device && one.window !== 0 && isLate;
  });
  if (working.some(({ onBoard, client }) => !onBoard || client.spans)) return [];
  return [...new Set(working.map(({ slot }) => slot?.slot ?? 0))];
}

/** The bits of all slots of its priority. */
function equalsOf(world: World, slot: number): bigint {
  const own = world.owners.get(slot);
  return [...world.owners.values()]
    .filter(({ device, priority }) => device === own?.device && priority === own.priority)
    .reduce((mask, other) => mask | bit(other.slot), 0n);
}

/** Those of one priority go one after the other, and nobody else minds his equals. */
function checkTurns(world: World, slot: number): void {
  const own = world.owners.get(slot);
  if (own === undefined) return;
  const isEqual = (other: number) => {
    const owner = world.owners.get(other);
    return other !== slot && owner?.device === own.device && owner.priority === own.priority;
  };
  const takers = slotsInTurns(world, own.device);
  const equals = [...world.owners.keys()].filter(isEqual);
  for (const other of equals) {
    const yields = [
      ((world.masks.get(slot) ?? 0n) & bit(other)) !== 0n,
      ((world.masks.get(other) ?? 0n) & bit(slot)) !== 0n,
    ];
    const inTurns = takers.includes(slot) && takers.includes(other);
    // Who is silent or stalled is waited for by nobody.
    const count = yields.filter(Boolean).length;
    expect(count, `${slot} and ${other}`).toBeLessThanOrEqual(inTurns ? 1 : 0);
    const counts = (name: number) =>
      world
        .allQueues()
        .filter((one) => [...one.formerSlots, one.slot].some((s) => s?.slot === name))
        .every((one) => !one.stalled && !one.client.silent);
    if (inTurns && counts(slot) && counts(other)) expect(count, `${slot} and ${other}`).toBe(1);
  }
}

/** No slots ever wait for each other in a circle, not for a moment. */
function checkCircles(world: World): void {
  const left = new Map(world.masks);
  for (let size = -1; size !== left.size;) {
    size = left.size;
    for (const [slot, mask] of left) {
      const device = world.owners.get(slot)?.device;
      const waits = [...left.keys()].some(
        (other) => world.owners.get(other)?.device === device && (mask & bit(other)) !== 0n,
      );
      if (!waits) left.delete(slot);
    }
  }
  expect([...left.keys()]).toEqual([]);
}

function checkQueue(world: World, queue: Queue, isOnBoard: boolean): void {
  const { client, priority, device } = queue;
  if (!isOnBoard) {
    expect(queue.slot).toBeUndefined();
  } else {
    const owner = world.owners.get(queue.slot?.slot ?? 0);
    const { pid, startTime } = client;
    expect(owner, queue.id).toMatchObject({ pid, startTime, priority, device: device.id });
  }
  expect(world.view(client.link, queue.number).slot).toBe(queue.slot?.slot ?? 0);
  const rivals = world
    .allQueues()
    .filter((other) => other.device === device && other.client !== client && other.competes)
    .filter((other) => other.priority > priority && !(isOnBoard && other.onBoard));
  expect(queue.permit, queue.id).toBe(!world.state.enabled || rivals.length === 0);
}

describe(`random interleavings on the board (seed ${String(SEED)})`, () => {
  const history = fc.array(operation, { maxLength: 80, size: 'max' });

  it.each([
    ['all are on it', [1, 2, 3]],
    ['one goes by messages', [1, 3]],
  ])('leave each slot with its owner and its mask, where %s', (_name, members) => {
    fc.assert(
      fc.property(history, (operations) => {
        const world = newWorld([], RULES);
        // Whoever is told of a slot finds it to be his, and whoever is waited for is there.
        world.observe = (effect) => {
          if (effect.type === 'send' && 'slot' in effect.message && effect.message.slot !== 0) {
            const client = world.state.clients.get(effect.link);
            expect(world.owners.get(effect.message.slot)).toMatchObject({ pid: client?.pid });
          }
          if (effect.type !== 'board') return;
          const { change } = effect;
          // What came before it is written.
          checkCircles(world);
          if (change.kind === 'give') {
            const { pid } = world.owners.get(change.slot) ?? change;
            expect(pid).toBe(change.pid);
          }
          if (change.kind === 'free') {
            const device = world.owners.get(change.slot)?.device;
            for (const [slot, mask] of world.masks) {
              if (world.owners.get(slot)?.device !== device || slot === change.slot) continue;
              expect(mask & bit(change.slot)).toBe(0n);
            }
          }
        };
        const model = new Model(world, [], (pid) => (members.includes(pid) ? NONCE : 0));
        for (const one of operations) {
          model.run(one);
          for (const queue of world.allQueues()) {
            checkQueue(world, queue, members.includes(queue.client.pid));
          }
          for (const slot of world.owners.keys()) {
            const mask = world.masks.get(slot) ?? 0n;
            expect(mask & ~equalsOf(world, slot), String(slot)).toBe(expectedMask(world, slot));
            checkTurns(world, slot);
          }
          checkCircles(world);
          // Only what lives has slots: a link, or a process that is watched.
          for (const { pid } of world.owners.values()) {
            expect(world.state.clientByPid.has(pid) || world.state.absent.has(pid)).toBe(true);
          }
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
