/** Turns of outranked processes of one priority. */
import { describe, expect, it } from 'vitest';
import { LATELY_MS } from '../../../../daemon/core/latency.js';
import { TURN_MS } from '../../../../daemon/core/turns.js';
import { LIMITS } from '../../../../protocol/messages.js';
import { bit, newWorld } from './slots.js';
import { NONCE } from './world.js';
import type { World } from './world.js';

interface Member {
  readonly priority?: number;
  readonly mps?: boolean;
  readonly board?: number;
}

function join(world: World, pid: number, { priority = 0, mps = false, board = NONCE }: Member) {
  const link = world.hello(pid, { ownPriority: priority, board });
  world.register(link, { mps });
  return link;
}

/** A process that outranks others, without work, and some that it outranks, which have some. */
function outranked(members: readonly Member[]): { world: World; low: readonly string[] } {
  const world = newWorld();
  join(world, 100, { priority: 10 });
  const low = members.map((member, index) => join(world, 1 + index, member));
  for (const link of low) world.ready(link, 2);
  return { world, low };
}

/** Whom each yields to among them, by their places. */
function yields(world: World, low: readonly string[]): readonly (readonly number[])[] {
  const slots = low.map((link) => world.view(link).slot);
  return slots.map((own) => {
    const mask = world.masks.get(own) ?? 0n;
    return slots.flatMap((slot, at) => (slot !== 0 && (mask & bit(slot)) !== 0n ? [at] : []));
  });
}

describe('processes of one priority that have the GPU one at a time', () => {
  it('go one after the other, each with the whole target, and another first each time', () => {
    const { world, low } = outranked([{}, {}, {}]);
    const first = yields(world, low);
    const orders = [first];
    for (let i = 0; i < 3; i++) {
      world.advance(TURN_MS);
      orders.push(yields(world, low));
    }
    for (const order of orders) {
      expect(order.map((others) => others.length).toSorted()).toEqual([0, 1, 2]);
    }
    const leaders = orders.map((order) => order.findIndex((others) => others.length === 0));
    expect(new Set(leaders.slice(0, 3)).size).toBe(3);
    expect(orders[3]).toEqual(first);
    for (const link of low) {
      expect(world.view(link)).toMatchObject({
        ...{ type: 'PERMIT', latency: LIMITS.LATENCY_US, watched: true, notify: false },
      });
    }
  });

  it('tell each other by the board alone: a change of turns is no message', () => {
    const { world } = outranked([{}, {}]);
    world.advance(TURN_MS);
    expect(world.written.map(({ kind }) => kind)).toEqual(['mask', 'mask']);
    expect(world.sent).toEqual([]);
  });

  it('take none when nobody outranks them', () => {
    const world = newWorld();
    const low = [join(world, 1, {}), join(world, 2, {})];
    for (const link of low) world.ready(link, 2);
    expect(yields(world, low)).toEqual([[], []]);
  });

  it('take none under MPS, where their kernels run beside each other', () => {
    const { world, low } = outranked([{ mps: true }, { mps: true }]);
    expect(yields(world, low)).toEqual([[], []]);
    expect(world.view(low[0] ?? '').latency).toBe(LIMITS.LATENCY_US / 2);
  });

  it('take none beside one that goes by messages, and share the target with it', () => {
    const { world, low } = outranked([{}, {}, { board: 0 }]);
    expect(yields(world, low)).toEqual([[], [], []]);
    expect(world.view(low[0] ?? '').latency).toBe(Math.floor(LIMITS.LATENCY_US / 3));
  });

  it('are those that have had work lately', () => {
    const { world, low } = outranked([{}, {}]);
    world.idle(low[1] ?? '', 3);
    world.advance(LATELY_MS - 1);
    world.stats(low[0] ?? '', { seq: 2, submitted: 1 });
    expect(yields(world, low).flat()).toHaveLength(1);
    world.advance(1);
    expect(yields(world, low)).toEqual([[], []]);
    expect(world.view(low[0] ?? '')).toMatchObject({ watched: false });
  });

  it('yield to those of a higher priority as ever', () => {
    const { world, low } = outranked([{ priority: 1 }, {}, {}]);
    const [high, ...others] = yields(world, low);
    expect(high).toEqual([]);
    for (const other of others) expect(other).toContain(0);
    expect(others.map((other) => other.length).toSorted()).toEqual([1, 2]);
    // Work of both priorities may be there at a time.
    expect(world.view(low[1] ?? '').latency).toBe(LIMITS.LATENCY_US / 2);
  });

  it('have those left out that have no work, or who is behind them would have two turns', () => {
    const { world, low } = outranked([{}, {}, {}]);
    const [quiet = ''] = low;
    world.idle(quiet, 3);
    const leaders = Array.from({ length: 4 }, () => {
      world.advance(TURN_MS);
      return yields(world, low).findIndex((others) => others.every((at) => at === 0));
    });
    expect(leaders).not.toContain(0);
    expect(leaders[0]).not.toBe(leaders[1]);
    expect(leaders.slice(2)).toEqual(leaders.slice(0, 2));
  });

  it('have no turns while somebody holds all of them back', () => {
    const { world } = outranked([{}, {}]);
    const high = 'link-100';
    world.ready(high, 2);
    world.advance(TURN_MS);
    const before = new Map(world.masks);
    world.advance(5 * TURN_MS);
    expect(world.masks).toEqual(before);
    world.idle(high, 3);
    expect(world.masks).not.toEqual(before);
    world.advance(TURN_MS);
    expect(world.masks).toEqual(before);
  });

  it('take none where one of them uses several devices, or its family does', () => {
    const { world, low } = outranked([{}, {}]);
    expect(yields(world, low).flat()).toHaveLength(1);
    const ancestors = [{ pid: 50, command: 'torchrun' }];
    const first = world.hello(11, { board: NONCE, ancestors });
    world.register(first);
    world.ready(first, 2);
    expect(yields(world, [...low, first]).flat()).toHaveLength(3);
    const second = world.hello(12, { board: NONCE, ancestors });
    world.register(second, { device: 'GPU-1' });
    expect(yields(world, [...low, first])).toEqual([[], [], []]);
    expect(world.view(first).latency).toBe(Math.floor(LIMITS.LATENCY_US / 3));
  });

  it('are not waited for while they are silent', () => {
    const { world, low } = outranked([{}, {}]);
    const { silentMs } = world.state.settings;
    world.advance(silentMs - 1);
    world.stats(low[0] ?? '', { seq: 2, submitted: 1 });
    world.advance(1);
    expect(yields(world, low)[0]).toEqual([]);
  });
});
