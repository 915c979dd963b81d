/**
 * Queues in the order of a number, their level, and within a level by owner. It answers two questions
 * without looking at every queue: who is at the top, and for whom it matters that the top changed.
 */
import type { PolicyQueue } from './policy.js';

/** A queue at the top of an index, as it was then: a copy, since queues change. */
export interface TopQueue {
  readonly id: string;
  readonly owner: string;
  readonly level: number;
}

/**
 * The queue of the highest level, and the one of the highest level among those of other owners:
 * whatever a queue may be outdone by is one of these two.
 */
export interface Top {
  readonly first: TopQueue | undefined;
  readonly other: TopQueue | undefined;
}

/** What policies may ask an index. */
export interface QueueOrder<Q extends PolicyQueue> {
  /** Of several at one level, the queue that came there first. */
  top(): Top;
  /**
   * The queues that are outdone by one top and not by the other, each once. The cost follows their
   * number and that of the levels between the two tops.
   */
  crossed(before: Top, after: Top): Iterable<Q>;
}

/** The best queue of another owner than this, or undefined without one. */
export function rivalOf(top: Top, owner: string): TopQueue | undefined {
  return top.first?.owner === owner ? top.other : top.first;
}

/** Whether a queue of another owner is at a higher level. */
export function isOutdone(top: Top, owner: string, level: number): boolean {
  return levelFor(top, owner) > level;
}

/** Whether every queue, of any owner, looks up to the same level under both. */
function isSameFor(before: Top, after: Top): boolean {
  const [was, is] = [before.first, after.first];
  if (was?.level !== is?.level || before.other?.level !== after.other?.level) return false;
  // Who is first matters where the owner of the first looks up to somebody lower.
  return was?.owner === is?.owner || is?.level === after.other?.level;
}

function levelFor(top: Top, owner: string | undefined): number {
  const rival = owner === undefined ? top.first : rivalOf(top, owner);
  return rival?.level ?? -Infinity;
}

/** The queues of one level. Neither the map nor a set in it is ever empty. */
interface Shelf<Q> {
  readonly level: number;
  readonly owners: Map<string, Set<Q>>;
}

/** An index of queues. */
export class QueueIndex<Q extends PolicyQueue> implements QueueOrder<Q> {
  /** The level of each queue. */
  readonly #levels = new Map<Q, number>();
  /** By level, the lowest first. */
  readonly #shelves: Shelf<Q>[] = [];
  #changes = 0;

  /** Counts up with every change of what is in it, or at which level. */
  get changes(): number {
    return this.#changes;
  }

  /** Puts a queue at a level, wherever it was before. */
  set(queue: Q, level: number): void {
    if (this.#levels.get(queue) === level) return;
    this.delete(queue);
    this.#changes++;
    this.#levels.set(queue, level);
    const at = this.#find(level);
    let shelf = this.#shelves[at];
    if (shelf?.level !== level) {
      shelf = { level, owners: new Map() };
      this.#shelves.splice(at, 0, shelf);
    }
    const queues = shelf.owners.get(queue.owner);
    if (queues === undefined) shelf.owners.set(queue.owner, new Set([queue]));
    else queues.add(queue);
  }

  /** Takes a queue out, if it is in. */
  delete(queue: Q): void {
    const level = this.#levels.get(queue);
    if (level === undefined) return;
    this.#changes++;
    this.#levels.delete(queue);
    const at = this.#find(level);
    const { owners } = this.#shelves[at] ?? { owners: new Map<string, Set<Q>>() };
    const queues = owners.get(queue.owner);
    queues?.delete(queue);
    if (queues?.size === 0) owners.delete(queue.owner);
    if (owners.size === 0) this.#shelves.splice(at, 1);
  }

  /** The lowest level that a queue is at; Infinity without any queue. */
  get lowest(): number {
    return this.#shelves[0]?.level ?? Infinity;
  }

  /** The queues at a level. */
  *at(level: number): Iterable<Q> {
    const shelf = this.#shelves[this.#find(level)];
    if (shelf?.level !== level) return;
    for (const queues of shelf.owners.values()) yield* queues;
  }

  top(): Top {
    const best = this.#shelves.at(-1);
    const first = best === undefined ? undefined : pick(best, undefined);
    if (first === undefined) return { first, other: undefined };
    // Owners are alone on few levels: a process does not have many queues of different levels.
    for (let at = this.#shelves.length - 1; at >= 0; at--) {
      const shelf = this.#shelves[at];
      const other = shelf === undefined ? undefined : pick(shelf, first.owner);
      if (other !== undefined) return { first, other };
    }
    return { first, other: undefined };
  }

  crossed(before: Top, after: Top): Iterable<Q> {
    // Most events change nobody's place.
    return isSameFor(before, after) ? [] : this.#crossed(before, after);
  }

  *#crossed(before: Top, after: Top): Iterable<Q> {
    // All owners look up to the same level, but for those who are first themselves.
    const leaders = new Set<string>();
    for (const { first } of [before, after]) if (first !== undefined) leaders.add(first.owner);
    for (const shelf of this.#between(levelFor(before, undefined), levelFor(after, undefined))) {
      for (const [owner, queues] of shelf.owners) if (!leaders.has(owner)) yield* queues;
    }
    for (const owner of leaders) {
      for (const shelf of this.#between(levelFor(before, owner), levelFor(after, owner))) {
        yield* shelf.owners.get(owner) ?? [];
      }
    }
  }

  /** The levels from the lower of two, with it, to the higher, without it: outdone by one only. */
  *#between(one: number, two: number): Iterable<Shelf<Q>> {
    const end = Math.max(one, two);
    for (let at = this.#find(Math.min(one, two)); at < this.#shelves.length; at++) {
      const shelf = this.#shelves[at];
      if (shelf === undefined || shelf.level >= end) return;
      yield shelf;
    }
  }

  /** Where a level is, or would have to be. */
  #find(level: number): number {
    let low = 0;
    let high = this.#shelves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#shelves[middle]?.level ?? Infinity) < level) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The first queue of a level that is not of one owner. */
function pick<Q extends PolicyQueue>(
  { level, owners }: Shelf<Q>,
  except: string | undefined,
): TopQueue | undefined {
  for (const [owner, queues] of owners) {
    if (owner === except) continue;
    for (const { id } of queues) return { id, owner, level };
  }
  return undefined;
}
