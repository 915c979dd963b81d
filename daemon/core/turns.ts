/**
 * Turns of processes that nothing orders. Where the GPU runs the work of one process at a time, it passes
 * from one to the next whenever that has some, and each time that takes as long as several kernels: with
 * the little that outranked processes may have in flight, it would do hardly anything else. So of those of
 * one priority one goes first for some milliseconds, with the whole target, and the others come next in
 * their order. The masks of the board say so: who has no work holds nobody back.
 *
 * Under MPS the kernels of all run beside each other, and nobody takes turns; nor where one of them uses
 * several devices, since its part on one may wait for that on another (`spans.ts`).
 */
import type { BoardDevice, Slot } from './board.js';
import type { Turn } from './decide.js';
import type { Sharing } from './latency.js';
import type { Device, Queue } from './state.js';

/**
 * How long the same process goes first, in milliseconds. When it changes, what both have in flight is in
 * the way of those who outrank them, for some 200 us: where the first ones launch without a pause that
 * happens to fewer than one in a hundred.
 */
export const TURN_MS = 20;

/** The orders of one device, by priority. Whoever is in one is there once, with at least one more. */
export class Orders {
  readonly #byPriority = new Map<number, readonly Slot[]>();
  /** What they rest on: a Sharing, and its `changes` then. */
  #sharing: Sharing | undefined;
  #changes = 0;
  turnedAt = -Infinity;

  get some(): boolean {
    return this.#byPriority.size > 0;
  }

  has(slot: Slot | undefined): boolean {
    return slot !== undefined && this.of(slot.priority).includes(slot);
  }

  /** Those of a priority, the first first. */
  of(priority: number): readonly Slot[] {
    return this.#byPriority.get(priority) ?? [];
  }

  /** Whether one slot comes before another of its priority. */
  precedes(one: Slot, other: Slot): boolean {
    if (one.priority !== other.priority) return false;
    const order = this.of(one.priority);
    const [at, place] = [order.indexOf(one), order.indexOf(other)];
    return at >= 0 && at < place;
  }

  /**
   * Brings them in line with who has work. Whoever stays keeps his place, whoever is new comes last.
   * @returns the slots that came or went
   */
  follow(sharing: Sharing): ReadonlySet<Slot> {
    if (this.#sharing === sharing && this.#changes === sharing.changes) return new Set();
    this.#sharing = sharing;
    this.#changes = sharing.changes;
    return this.#arrange(sharing.slots);
  }

  #arrange(slots: Iterable<Slot>): ReadonlySet<Slot> {
    const wanted = new Map<number, Slot[]>();
    for (const slot of slots) {
      const level = wanted.get(slot.priority);
      if (level === undefined) wanted.set(slot.priority, [slot]);
      else level.push(slot);
    }
    const moved = new Set<Slot>();
    for (const priority of new Set([...this.#byPriority.keys(), ...wanted.keys()])) {
      const before = this.of(priority);
      const level = wanted.get(priority) ?? [];
      const after = level.length < 2 ? [] : level;
      for (const slot of before) if (!after.includes(slot)) moved.add(slot);
      for (const slot of after) if (!before.includes(slot)) moved.add(slot);
      const stay = before.filter((slot) => after.includes(slot));
      const order = [...stay, ...after.filter((slot) => !stay.includes(slot))];
      if (order.length === 0) this.#byPriority.delete(priority);
      else this.#byPriority.set(priority, order);
    }
    return moved;
  }

  /** The priorities that have one. */
  get priorities(): Iterable<number> {
    return this.#byPriority.keys();
  }

  /**
   * The first of each order becomes the last, and so do those after it that have no work: whoever comes
   * behind them would have their turns too.
   */
  pass(): void {
    for (const [priority, before] of this.#byPriority) {
      const at = before.findIndex((slot, place) => place > 0 && competes(slot));
      const from = Math.max(1, at);
      this.#byPriority.set(priority, [...before.slice(from), ...before.slice(0, from)]);
    }
  }
}

/** Whether the work of a queue never runs beside that of other processes, but for a moment. */
export function takesTurns({ client, onBoard, mps, slot }: Queue): boolean {
  return onBoard && !mps && !client.spans && slot !== undefined;
}

/**
 * Who takes turns may have changed, or the time of the first ones is over.
 * @returns the queues for which it matters that they take turns, or do not
 */
export function arrangeTurns(turn: Turn, device: Device): readonly Queue[] {
  const onBoard = turn.state.board?.devices.get(device.id);
  if (onBoard === undefined) return [];
  const { orders } = onBoard;
  const moved = orders.follow(device.sharing);
  if (moved.size > 0) turn.remask(onBoard);
  if (orders.some) passOn(turn, device, onBoard);
  return [...moved].flatMap(({ queues }) => [...queues]);
}

function competes({ queues }: Slot): boolean {
  return [...queues].some((queue) => queue.competes);
}

function passOn(turn: Turn, device: Device, onBoard: BoardDevice): void {
  const { orders } = onBoard;
  // Nobody has a turn while all are held back. The end of that comes here again.
  const { first } = device.competing.top();
  if (first !== undefined && first.level > Math.max(...orders.priorities)) return;
  if (turn.now >= orders.turnedAt + TURN_MS) {
    orders.turnedAt = turn.now;
    orders.pass();
    turn.remask(onBoard);
  }
  turn.wakeAt(device, orders.turnedAt + TURN_MS);
}
