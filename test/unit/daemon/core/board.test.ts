/** Slots of the board and what they yield to, as the core writes them. */
import { describe, expect, it } from 'vitest';
import type { SlotLeft } from '../../../../daemon/core/board.js';
import { countState, listQueues } from '../../../../daemon/core/report.js';
import { LIMITS } from '../../../../protocol/messages.js';
import { RULES } from './model.js';
import { bit, newWorld } from './slots.js';
import { NONCE } from './world.js';
import type { World } from './world.js';

/** A process on the board with one queue of a priority; returns its link. */
function join(world: World, pid: number, priority: number, board = NONCE): string {
  const link = world.hello(pid, { ownPriority: priority, board });
  world.register(link);
  return link;
}

function leave(world: World, link: string): void {
  world.dispatch({ type: 'message', link, message: { type: 'UNREGISTER', queue: 1 } });
}

function slotOf(world: World, link: string): number {
  return world.view(link).slot;
}

/** Whom the slot of a queue yields to, as the board has it: by pid. */
function yieldsTo(world: World, link: string): readonly number[] {
  const mask = world.masks.get(slotOf(world, link)) ?? 0n;
  return [...world.owners.values()]
    .filter(({ slot }) => (mask & bit(slot)) !== 0n)
    .map(({ pid }) => pid);
}

describe('slots', () => {
  it('are given to those who have read the board, and to nobody else', () => {
    const world = newWorld();
    const [on, off, old] = [join(world, 1, 0), join(world, 2, 0, 0), join(world, 3, 0, NONCE + 1)];
    expect(slotOf(world, on)).toBe(1);
    expect([off, old].map((link) => slotOf(world, link))).toEqual([0, 0]);
    expect(world.owners.get(1)).toMatchObject({
      device: 'GPU-0',
      pid: 1,
      startTime: 7,
      priority: 0,
    });
  });

  it('are one for all queues of a process that have a priority and a device in common', () => {
    const world = newWorld([], RULES);
    const link = world.hello(1, { board: NONCE });
    world.register(link, { queue: 1 });
    world.register(link, { queue: 2 });
    world.register(link, { queue: 3, label: 'high' });
    world.register(link, { queue: 4, device: 'GPU-1' });
    const [one, two, high, other] = [1, 2, 3, 4].map((queue) => world.view(link, queue).slot);
    expect([one, two, high, other]).toEqual([1, 1, 2, 1 + LIMITS.BOARD_SLOTS]);
  });

  it('yield to those of a higher priority of other processes', () => {
    const world = newWorld([], RULES);
    const low = join(world, 1, -5);
    const middle = join(world, 2, 0);
    const high = join(world, 3, 5);
    world.register(low, { queue: 2, label: 'high' });
    expect(yieldsTo(world, low)).toEqual([2, 3]);
    expect(yieldsTo(world, middle)).toEqual([3, 1]);
    expect(yieldsTo(world, high)).toEqual([]);
  });

  it('decide alone: nobody on the board is suspended for somebody there', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    world.ready(low, 2);
    world.ready(high, 2);
    expect(world.verdicts()).toEqual([]);
    expect(world.view(low).type).toBe('PERMIT');
  });

  it('are looked at: only who is not on the board has to be told of work', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    expect(world.view(high)).toMatchObject({ watched: true, notify: false });
    expect(world.view(low)).toMatchObject({ watched: false, notify: false });
    const apart = world.hello(3);
    world.register(apart);
    expect(world.view(high)).toMatchObject({ watched: true, notify: true });
    expect(world.view(apart)).toMatchObject({ watched: false, notify: false });
    leave(world, apart);
    expect(world.view(high)).toMatchObject({ watched: true, notify: false });
    leave(world, low);
    expect(world.view(high)).toMatchObject({ watched: false, notify: false });
  });

  it('are not enough for whoever wants to know of each time', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    world.dispatch({ type: 'observe', on: true });
    expect(world.view(high).notify).toBe(true);
    expect(world.view(low).notify).toBe(false);
    world.dispatch({ type: 'observe', on: false });
    expect(world.view(high)).toMatchObject({ watched: true, notify: false });
  });

  it('are seen to hold back: by xsched ps, and by whoever wants to know of each time', () => {
    const world = newWorld();
    world.dispatch({ type: 'observe', on: true });
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    world.ready(low, 2);
    world.ready(high, 2);
    expect(world.reports).toMatchObject([{ kind: 'suspended', id: '1.1' }]);
    const [shown] = listQueues(world.state, world.now, 100);
    expect(shown).toMatchObject({ state: 'suspended' });
    expect(shown?.reason).toContain('(priority 5) is ready');
    expect(countState(world.state)).toMatchObject({ suspended: 1 });
    world.idle(high, 3);
    expect(world.reports).toMatchObject([{ kind: 'resumed', id: '1.1' }]);
    expect(listQueues(world.state, world.now, 100)[0]).toMatchObject({ state: 'running' });
  });

  it('leave messages to those who have none', () => {
    // So that nobody's window changes with who has work.
    const world = newWorld([], 'preempt_latency_us: 0');
    const [low, apart, high] = [join(world, 1, 0), join(world, 2, 3, 0), join(world, 3, 5)];
    world.ready(low, 2);
    world.ready(apart, 2);
    expect(world.verdicts()).toEqual([`${low}/1 SUSPEND`]);
    world.ready(high, 2);
    expect(world.verdicts()).toEqual([`${apart}/1 SUSPEND`]);
    world.idle(high, 3);
    expect(world.verdicts()).toEqual([`${apart}/1 PERMIT`]);
    world.idle(apart, 3);
    expect(world.verdicts()).toEqual([`${low}/1 PERMIT`]);
  });

  it('change with the priority, and the old one is kept until the client has moved', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    const before = slotOf(world, low);
    world.hint('1', 9);
    const after = slotOf(world, low);
    expect(after).not.toBe(before);
    expect(yieldsTo(world, low)).toEqual([]);
    expect(yieldsTo(world, high)).toEqual([1]);
    expect(world.owners.get(before)).toMatchObject({ pid: 1, priority: 0 });
    world.stats(low, { ready: false, applied: world.view(low).seq });
    expect(world.owners.has(before)).toBe(false);
    expect(world.owners.get(after)).toMatchObject({ pid: 1, priority: 9 });
  });

  it('can be gone back to before the client has moved', () => {
    const world = newWorld();
    const link = join(world, 1, 0);
    const before = slotOf(world, link);
    world.hint('1', 9);
    world.hint('1', 0);
    expect(slotOf(world, link)).toBe(before);
    world.stats(link, { ready: false, applied: world.view(link).seq });
    expect([...world.owners.keys()]).toEqual([before]);
  });

  it('are free when their last queue is gone', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    const message = { type: 'UNREGISTER', queue: 1 } as const;
    world.dispatch({ type: 'message', link: high, message });
    expect(yieldsTo(world, low)).toEqual([]);
    expect([...world.owners.values()].map(({ pid }) => pid)).toEqual([1]);
    expect(world.written.map(({ kind }) => kind)).toEqual(['mask', 'free']);
  });

  it('are free when their process has ended, and not before', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    const high_slot = slotOf(world, high);
    world.dispatch({ type: 'gone', link: high, cause: 'test', ended: false });
    expect(world.watched).toEqual([high]);
    expect(world.owners.get(high_slot)).toMatchObject({ pid: 2 });
    expect(yieldsTo(world, low)).toEqual([]);
    world.dispatch({ type: 'gone', link: high, cause: 'test', ended: true });
    expect(world.owners.has(high_slot)).toBe(false);
  });

  it('are the same again for a process that comes back, which knows best what bits it has', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    const slot = slotOf(world, high);
    world.dispatch({ type: 'gone', link: high, cause: 'test', ended: false });
    const again = world.hello(2, { link: 'again', ownPriority: 5, board: NONCE });
    world.register(again);
    expect(slotOf(world, again)).toBe(slot);
    expect(world.written.map(({ kind }) => kind)).toEqual(['mask']);
    expect(yieldsTo(world, low)).toEqual([2]);
  });

  it('of one who had the pid before are free', () => {
    const world = newWorld();
    const high = join(world, 2, 5);
    world.dispatch({ type: 'gone', link: high, cause: 'test', ended: false });
    world.hello(2, { link: 'another', startTime: 99, board: NONCE });
    expect(world.owners.size).toBe(0);
  });

  it('hold nobody back for a process that says nothing, or for work that stands still', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    world.ready(high, 2);
    world.advance(3100);
    expect(yieldsTo(world, low)).toEqual([]);
    world.stats(high, { seq: 2, submitted: 4 });
    expect(yieldsTo(world, low)).toEqual([2]);
    for (let i = 0; i < 6; i++) {
      world.advance(2000);
      world.stats(high, { seq: 2, submitted: 4 });
    }
    expect(world.queue(high).stalled).toBe(true);
    expect(yieldsTo(world, low)).toEqual([]);
    world.stats(high, { seq: 2, submitted: 5 });
    expect(yieldsTo(world, low)).toEqual([2]);
  });

  it('hold nobody back for a process that has work and has not even said so', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    const slot = slotOf(world, high);
    world.sample(slot);
    for (let second = 1; second <= 3; second++) {
      expect(yieldsTo(world, low)).toEqual([2]);
      world.advance(1000);
      world.sample(slot);
    }
    expect(yieldsTo(world, low)).toEqual([]);
    world.stats(high);
    expect(yieldsTo(world, low)).toEqual([2]);
  });

  it('are looked at anew after the daemon itself stood still', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    const slot = slotOf(world, high);
    world.sample(slot);
    world.advance(60_000);
    world.sample(slot);
    expect(yieldsTo(world, low)).toEqual([2]);
    for (let second = 1; second <= 3; second++) {
      world.advance(1000);
      world.sample(slot);
    }
    expect(yieldsTo(world, low)).toEqual([]);
  });

  it('are none on a device that the board cannot name', () => {
    const world = newWorld();
    const link = world.hello(1, { board: NONCE });
    for (const [index, device] of ['', 'x'.repeat(64), 'GPU\0', 'GPU ä'].entries()) {
      world.register(link, { queue: index + 1, device });
      expect(world.view(link, index + 1).slot).toBe(0);
    }
    expect(world.owners.size).toBe(0);
  });

  it('are left by a client that has no board any more', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    const slot = slotOf(world, low);
    world.ready(high, 2);
    world.hello(1, { link: low, board: 0 });
    expect(world.view(low)).toMatchObject({ type: 'SUSPEND', slot: 0 });
    expect(world.owners.has(slot)).toBe(true);
    world.stats(low, { ready: false, applied: world.view(low).seq });
    expect(world.owners.has(slot)).toBe(false);
  });

  it('hold others back for what moves beside work that stands still', () => {
    const world = newWorld();
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    world.register(high, { queue: 2, stream: 2 });
    world.ready(high, 2);
    for (let i = 0; i < 6; i++) {
      world.advance(2000);
      world.stats(high, { seq: 2, submitted: 4 });
    }
    expect(yieldsTo(world, low)).toEqual([]);
    world.ready(high, 2, false, 2);
    expect(yieldsTo(world, low)).toEqual([2]);
    world.idle(high, 3, 2);
    expect(yieldsTo(world, low)).toEqual([]);
  });

  it('yield to nobody while scheduling is off, and at the end of the daemon', () => {
    const world = newWorld();
    const low = join(world, 1, 0);
    join(world, 2, 5);
    world.enable(false);
    expect(yieldsTo(world, low)).toEqual([]);
    world.enable(true);
    expect(yieldsTo(world, low)).toEqual([2]);
    world.dispatch({ type: 'leave' });
    expect(yieldsTo(world, low)).toEqual([]);
  });

  it('yield to nobody where time slices are wanted: these go by messages', () => {
    const world = newWorld([], 'max_suspend_ms: 100\n');
    const [low, high] = [join(world, 1, 0), join(world, 2, 5)];
    world.ready(low, 2);
    world.ready(high, 2);
    expect(yieldsTo(world, low)).toEqual([]);
    expect(world.view(low)).toMatchObject({ type: 'SUSPEND', slot: 0 });
  });

  it('are so many a device, and whoever finds none goes by messages', () => {
    const world = newWorld();
    const links = Array.from({ length: LIMITS.BOARD_SLOTS + 1 }, (_, i) => join(world, 1 + i, 0));
    const [last = '', ...others] = links
      .map((link) => slotOf(world, link))
      .reverse()
      .map(String);
    expect(new Set(others).size).toBe(LIMITS.BOARD_SLOTS);
    expect(last).toBe('0');
    world.dispatch({ type: 'gone', link: links[3] ?? '', cause: 'test', ended: true });
    world.ready(links.at(-1) ?? '', 2);
    expect(slotOf(world, links.at(-1) ?? '')).toBe(4);
  });
});

describe('slots of an earlier daemon', () => {
  const LEFT: readonly SlotLeft[] = [
    { slot: 1, device: 'GPU-0', pid: 1, startTime: 7, priority: 0, mask: 2n },
    { slot: 2, device: 'GPU-0', pid: 2, startTime: 14, priority: 5, mask: 0n },
  ];

  it('go on holding others back until their processes have come', () => {
    const world = newWorld(LEFT);
    expect(world.masks.get(1)).toBe(2n);
    const low = join(world, 1, 0);
    expect(slotOf(world, low)).toBe(1);
    expect(yieldsTo(world, low)).toEqual([2]);
    const high = join(world, 2, 5);
    expect(slotOf(world, high)).toBe(2);
    world.advance(1000);
    world.sample();
    expect(yieldsTo(world, low)).toEqual([2]);
  });

  it('hold nobody back any more when these do not come for a second', () => {
    const world = newWorld(LEFT);
    const low = join(world, 1, 0);
    world.advance(999);
    world.sample();
    expect(yieldsTo(world, low)).toEqual([2]);
    world.advance(1);
    world.sample();
    expect(yieldsTo(world, low)).toEqual([]);
    expect(world.owners.get(2)).toMatchObject({ pid: 2 });
  });

  it('are free when their process ends before it comes', () => {
    const world = newWorld(LEFT);
    world.dispatch({ type: 'vacated', process: { pid: 2, startTime: 14 } });
    expect(world.masks.get(1)).toBe(0n);
    expect([...world.owners.keys()]).toEqual([1]);
  });
});
