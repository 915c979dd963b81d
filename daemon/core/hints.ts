/** Hints: values that a controller gives to queues by target, kept for queues yet to come. */
import type { HintInfo } from '../../protocol/generated/messages.js';
import type { Hint, Queue } from './state.js';

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

/** The newest hint that concerns a queue. */
export function findHint(hints: ReadonlyMap<string, Hint>, queue: Queue): Hint | undefined {
  if (hints.size === 0) return undefined;
  const { id, label, client } = queue;
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
export function dropQueueHints(hints: Map<string, Hint>, queueId: string): void {
  hints.delete(`queue:${queueId}`);
}

/** Takes back all hints that name a process by its id: the id will be somebody else's. */
export function dropProcessHints(hints: Map<string, Hint>, pid: number): void {
  for (const key of processKeys(hints, pid)) hints.delete(key);
}

/** Whether a hint names a process by its id, or a queue of it. */
export function hasProcessHints(hints: ReadonlyMap<string, Hint>, pid: number): boolean {
  return processKeys(hints, pid).length > 0;
}

function processKeys(hints: ReadonlyMap<string, Hint>, pid: number): readonly string[] {
  const [own, prefix] = [`pid:${String(pid)}`, `queue:${String(pid)}.`];
  return [...hints.keys()].filter((key) => key === own || key.startsWith(prefix));
}

/** All hints, as they were typed, the oldest first. */
export function listHints(hints: ReadonlyMap<string, Hint>): readonly HintInfo[] {
  return [...hints.values()]
    .sort((a, b) => a.order - b.order)
    .map(({ target, priority }) => ({ target, hint: 'priority', value: priority }));
}
