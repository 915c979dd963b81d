/**
 * How long the work of outranked queues may keep those waiting who outrank them. Each queue has a
 * target of its own; the processes whose work may be in the way at the same time share it, since it
 * adds up in the hardware queue. Those that take turns do not. The shim shares a process's part among the
 * queues in it.
 */
import type { Turn } from './decide.js';
import type { Slot } from './board.js';
import type { Queue } from './state.js';
import { takesTurns } from './turns.js';

/**
 * A process counts for so long after its last work, in milliseconds. Shims tell of work every
 * STATS_MS at least: one that pauses between two steps, or of which three messages in a row are lost,
 * has not stopped, and the others would be sent another window at each step.
 */
export const LATELY_MS = 2000;

/** The outranked queues of a device and the processes among which their targets are split. */
export class Sharing {
  /** By process, its outranked queues that had work lately. */
  readonly #working = new Map<string, Set<Queue>>();
  /** The outranked queues by target; few targets are different. */
  readonly #byTarget = new Map<number, Set<Queue>>();
  /** The target under which each outranked queue is there. */
  readonly #targets = new Map<Queue, number>();
  /** Those with work that take turns, where all do: the slot of each, and how often each is there. */
  readonly #slotOf = new Map<Queue, Slot>();
  readonly #slots = new Map<Slot, number>();
  /** Those with work that take none. */
  readonly #beside = new Set<Queue>();
  #changes = 0;
  /** Among so many processes targets are split by what was decided last. */
  #processes = 1;

  /** The part of a target that a process gets, in microseconds; 0, the number of launches, as it is. */
  partOf(target: number): number {
    return splitTarget(target, this.#processes);
  }

  /** Counts up with every change of `slots`. */
  get changes(): number {
    return this.#changes;
  }

  /** The slots of outranked queues with work where all of them take turns; else none. */
  get slots(): Iterable<Slot> {
    return this.#beside.size > 0 ? [] : this.#slots.keys();
  }

  /** Whether the queue is outranked and had work lately. */
  counts(queue: Queue): boolean {
    return this.#working.get(queue.owner)?.has(queue) === true;
  }

  /** What holds for a queue now. */
  set(queue: Queue, isOutranked: boolean, isWorking: boolean): void {
    const before = this.#targets.get(queue);
    const target = isOutranked ? queue.target : undefined;
    if (before !== target) {
      if (before !== undefined) take(this.#byTarget, before, queue);
      this.#targets.delete(queue);
      if (target !== undefined) {
        put(this.#byTarget, target, queue);
        this.#targets.set(queue, target);
      }
    }
    const counts = isOutranked && isWorking;
    if (counts) put(this.#working, queue.owner, queue);
    else take(this.#working, queue.owner, queue);
    this.#setSlot(queue, counts && takesTurns(queue) ? queue.slot : undefined);
    const isBeside = counts && !takesTurns(queue);
    if (isBeside === this.#beside.has(queue)) return;
    this.#changes++;
    if (isBeside) this.#beside.add(queue);
    else this.#beside.delete(queue);
  }

  /** Priorities among those that take turns: the first of one may come while another's work is there. */
  #levels(): number {
    return new Set([...this.#slots.keys()].map(({ priority }) => priority)).size;
  }

  #setSlot(queue: Queue, slot: Slot | undefined): void {
    const before = this.#slotOf.get(queue);
    if (before === slot) return;
    this.#changes++;
    if (before !== undefined) {
      const left = (this.#slots.get(before) ?? 1) - 1;
      if (left > 0) this.#slots.set(before, left);
      else this.#slots.delete(before);
      this.#slotOf.delete(queue);
    }
    if (slot === undefined) return;
    this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + 1);
    this.#slotOf.set(queue, slot);
  }

  delete(queue: Queue): void {
    this.set(queue, false, false);
  }

  /** Splits among as many processes as there are now. @returns the queues whose part that changed */
  *settle(): Iterable<Queue> {
    const before = this.#processes;
    const after = Math.max(1, this.#beside.size > 0 ? this.#working.size : this.#levels());
    if (after === before) return;
    this.#processes = after;
    for (const [target, queues] of this.#byTarget) {
      if (splitTarget(target, before) !== splitTarget(target, after)) yield* queues;
    }
  }
}

function splitTarget(target: number, processes: number): number {
  return target === 0 ? 0 : Math.max(1, Math.floor(target / processes));
}

function put<Key>(sets: Map<Key, Set<Queue>>, key: Key, queue: Queue): void {
  const queues = sets.get(key);
  if (queues === undefined) sets.set(key, new Set([queue]));
  else queues.add(queue);
}

function take<Key>(sets: Map<Key, Set<Queue>>, key: Key, queue: Queue): void {
  const queues = sets.get(key);
  if (queues?.delete(queue) === true && queues.size === 0) sets.delete(key);
}

/** Notes who shares the device's targets with whom, as far as it concerns one queue. */
export function noteSharing(turn: Turn, queue: Queue, isOutranked: boolean): void {
  const { device, competes, workedAt } = queue;
  const isWorking = competes || turn.now < workedAt + LATELY_MS;
  device.sharing.set(queue, isOutranked, isWorking);
  if (isOutranked && isWorking && !competes) turn.wakeAt(device, workedAt + LATELY_MS);
}

/** The queue had work just now, whether or not that is known to have begun. */
export function noteWork(turn: Turn, queue: Queue): void {
  queue.workedAt = turn.now;
  // One that counts already goes on counting; its timer finds out for how long.
  if (queue.window !== 0 && !queue.device.sharing.counts(queue)) turn.touch(queue);
}

/** The device's timer came: whoever has had no work for long enough counts no more. */
export function checkWork(turn: Turn, queue: Queue): void {
  if (queue.competes || !queue.device.sharing.counts(queue)) return;
  const due = queue.workedAt + LATELY_MS;
  if (turn.now >= due) turn.touch(queue);
  else turn.wakeAt(queue.device, due);
}
