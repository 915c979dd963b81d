/** Hints: values that a controller gives to queues by target, kept for queues yet to come. */
import type { HintInfo } from '../../protocol/generated/messages.js';
import type { Queue } from './state.js';

/** Hints of one daemon; more are refused. */
export const HINTS_MAX = 1024;

/** A target as it was typed, understood. `key` is what the table of hints is indexed by. */
export type Target =
  | { readonly kind: 'queue'; readonly key: string; readonly value: string; readonly pid: number }
  | { readonly kind: 'pid'; readonly key: string; readonly value: string; readonly pid: number }
  | { readonly kind: 'name' | 'label' | 'any'; readonly key: string; readonly value: string };

/**
 * Understands a target: `4711.1` is a queue, `4711` a process, `name=x` a name, `label=x` or
 * `model=x` a label, and anything else a name or a label.
 * @returns undefined for an empty one.
 */
export function parseTarget(text: string): Target | undefined {
  const queue = /^(\d{1,10})\.\d{1,10}$/.exec(text);
  if (queue !== null) {
    return { kind: 'queue', key: `queue:${text}`, value: text, pid: Number(queue[1]) };
  }
  if (/^\d{1,10}$/.test(text)) {
    return { kind: 'pid', key: `pid:${String(Number(text))}`, value: text, pid: Number(text) };
  }
  const prefixed = /^(name|label|model)=(.*)$/s.exec(text);
  const kind = prefixed === null ? 'any' : prefixed[1] === 'name' ? 'name' : 'label';
  const value = prefixed?.[2] ?? text;
  return value === '' ? undefined : { kind, key: `${kind}:${value}`, value };
}

/** Whether a queue is one of those that a target names. */
export function matchesTarget(target: Target, queue: Queue): boolean {
  switch (target.kind) {
    case 'queue':
      return queue.id === target.value;
    case 'pid':
      return queue.client.pid === target.pid;
    case 'name':
      return queue.client.name === target.value;
    case 'label':
      return queue.label === target.value;
    case 'any':
      return queue.client.name === target.value || queue.label === target.value;
  }
}

/** What a hint can set. */
export const HINT_KINDS = ['priority', 'latency'] as const;
export type HintKind = (typeof HINT_KINDS)[number];

/** A value that a controller gave a target. */
export interface Hint {
  /** As it was typed. */
  readonly target: string;
  readonly value: number;
  /** Counts up: the newest of several hints of a kind for one queue wins. */
  readonly order: number;
}

/** The hints that are kept. Those of different kinds know nothing of each other. */
export class Hints {
  /** By canonical target: `queue:1.2`, `pid:1`, `name:x`, `label:x`, `any:x`. */
  readonly #kept: Readonly<Record<HintKind, Map<string, Hint>>> = {
    priority: new Map(),
    latency: new Map(),
  };
  #order = 0;

  /** How many there are, of all kinds. */
  get size(): number {
    return HINT_KINDS.reduce((sum, kind) => sum + this.#kept[kind].size, 0);
  }

  /** Whether there is one for just that target. */
  has(kind: HintKind, { key }: Target): boolean {
    return this.#kept[kind].has(key);
  }

  /** Whether there is one of any kind for just that target. */
  hasAny(target: Target): boolean {
    return HINT_KINDS.some((kind) => this.has(kind, target));
  }

  /** @param typed the target as it was typed */
  set(kind: HintKind, { key }: Target, typed: string, value: number): void {
    this.#kept[kind].set(key, { target: typed, value, order: ++this.#order });
  }

  delete(kind: HintKind, { key }: Target): void {
    this.#kept[kind].delete(key);
  }

  /** The newest hint of a kind that concerns a queue. */
  find(
    kind: HintKind,
    { id, label, client }: Pick<Queue, 'id' | 'label' | 'client'>,
  ): Hint | undefined {
    const hints = this.#kept[kind];
    if (hints.size === 0) return undefined;
    const keys = [`queue:${id}`, `pid:${String(client.pid)}`];
    keys.push(`name:${client.name}`, `any:${client.name}`);
    if (label !== '') keys.push(`label:${label}`, `any:${label}`);
    let newest: Hint | undefined;
    for (const key of keys) {
      const hint = hints.get(key);
      if (hint !== undefined && (newest === undefined || hint.order > newest.order)) newest = hint;
    }
    return newest;
  }

  /** Takes back the hints of one queue of a process. */
  dropQueue(queueId: string): void {
    for (const kind of HINT_KINDS) this.#kept[kind].delete(`queue:${queueId}`);
  }

  /** Takes back all hints that name a process by its id: the id will be somebody else's. */
  dropProcess(pid: number): void {
    for (const kind of HINT_KINDS) {
      for (const key of this.#processKeys(kind, pid)) this.#kept[kind].delete(key);
    }
  }

  /** Whether a hint names a process by its id, or a queue of it. */
  hasProcess(pid: number): boolean {
    return HINT_KINDS.some((kind) => this.#processKeys(kind, pid).length > 0);
  }

  /** The canonical targets of all. */
  *keys(): Iterable<string> {
    for (const kind of HINT_KINDS) yield* this.#kept[kind].keys();
  }

  /** All hints, as they were typed, the oldest first. */
  list(): readonly HintInfo[] {
    return HINT_KINDS.flatMap((hint) =>
      [...this.#kept[hint].values()].map((one) => ({ ...one, hint })),
    )
      .sort((a, b) => a.order - b.order)
      .map(({ target, hint, value }) => ({ target, hint, value }));
  }

  #processKeys(kind: HintKind, pid: number): readonly string[] {
    const [own, prefix] = [`pid:${String(pid)}`, `queue:${String(pid)}.`];
    return [...this.#kept[kind].keys()].filter((key) => key === own || key.startsWith(prefix));
  }
}
