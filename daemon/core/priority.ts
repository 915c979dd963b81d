/** Where names, labels, priorities and latencies come from: hints, rules, the environment, the model. */
import path from 'node:path';
import { LEVELS } from '../../protocol/messages.js';
import type { Rule } from './settings.js';
import type { Client, ClientIdentity, Model, PrioritySource, Queue, State } from './state.js';

/** What rules say of a process as a whole. */
export interface ClientTerms {
  readonly name: string;
  readonly streamPriority: boolean;
}

/** Name and manners of a process: of the first rule that matches it and asks for no label. */
export function resolveClient(state: State, client: ClientIdentity): ClientTerms {
  const rule = state.settings.rules.find(
    (candidate) => candidate.match.label === undefined && matchesClient(candidate, client),
  );
  const ownName = client.ownName === '' ? path.basename(client.exe) : client.ownName;
  return {
    name: rule?.name ?? (ownName === '' ? String(client.pid) : ownName),
    streamPriority: rule?.streamPriority ?? state.settings.streamPriority,
  };
}

/** What a queue's label is made from. */
type Labelled = Pick<Queue, 'client' | 'ownModel'>;
/** What its priority and its target are found by. */
type Named = Pick<Queue, 'id' | 'label'> & Labelled;

/** The model of a queue that brings none. */
const NO_MODEL: Model = { name: '', version: '', instance: '', level: LEVELS.NONE };

/** The model that a queue works for, by the word of the one who serves it. */
export function modelOf({ client, ownModel }: Labelled): Model | undefined {
  return ownModel.name === '' ? client.worksFor : ownModel;
}

/** The label of a queue: its model's name, else that of its rule. */
export function resolveLabel(state: State, queue: Labelled): string {
  const model = modelOf(queue)?.name ?? '';
  return model === '' ? (findRule(state, queue.client, model)?.label ?? '') : model;
}

/** Gives a queue the priority and the latency target that hold for it now. */
export function applyTerms(state: State, queue: Queue): void {
  const [priority, source] = resolvePriority(state, queue);
  queue.priority = priority;
  queue.source = source;
  queue.target = resolveTarget(state, queue);
}

/** The priority of a queue that the client may have, of no model and with nothing of its own. */
export function resolveArrival(state: State, client: Client): number {
  const label = resolveLabel(state, { client, ownModel: NO_MODEL });
  const queue = { id: String(client.pid), client, ownModel: NO_MODEL, label };
  const [priority] = resolvePriority(state, queue);
  return priority;
}

/** A hint, else the first rule that matches, else the configuration: as for priorities. */
function resolveTarget(state: State, queue: Named): number {
  const hint = state.hints.find('latency', queue);
  if (hint !== undefined) return hint.value;
  const rule = findRule(state, queue.client, modelOf(queue)?.name ?? '');
  return rule?.preemptLatencyUs ?? state.settings.preemptLatencyUs;
}

function resolvePriority(state: State, queue: Named): readonly [number, PrioritySource] {
  const hint = state.hints.find('priority', queue);
  if (hint !== undefined) return [hint.value, 'hint'];
  const model = modelOf(queue);
  const rule = findRule(state, queue.client, model?.name ?? '');
  if (rule?.priority !== undefined) return [capRule(state, rule, queue.client), 'rule'];
  if (queue.client.ownPriority !== undefined) {
    return [Math.min(queue.client.ownPriority, ceilingOf(state, queue.client)), 'environment'];
  }
  const level = model === undefined ? undefined : levelPriority(state, model.level);
  if (level !== undefined) return [Math.min(level, ceilingOf(state, queue.client)), 'model'];
  return [0, 'default'];
}

function levelPriority({ settings }: State, level: number): number | undefined {
  switch (level) {
    case LEVELS.MAX:
      return settings.modelPriority.max;
    case LEVELS.MIN:
      return settings.modelPriority.min;
    case LEVELS.DEFAULT:
      return settings.modelPriority.default;
    default:
      return undefined;
  }
}

function findRule(state: State, client: ClientIdentity, label: string): Rule | undefined {
  return state.settings.rules.find(
    (rule) =>
      matchesClient(rule, client) &&
      (rule.match.label === undefined || rule.match.label.test(label)),
  );
}

function matchesClient({ match }: Rule, client: ClientIdentity): boolean {
  if (match.uid !== undefined && match.uid !== client.uid) return false;
  if (match.command !== undefined && !match.command.test(client.command)) return false;
  if (match.exe === undefined) return true;
  return match.exe.test(client.exe) || match.exe.test(path.basename(client.exe));
}

/**
 * The priority of a rule. Executable, command line and label are what a program says of itself:
 * only a rule that also asks for the user, whom the kernel names, can lift it above its ceiling.
 */
function capRule(state: State, rule: Rule, client: ClientIdentity): number {
  const priority = rule.priority ?? 0;
  return rule.match.uid === undefined ? Math.min(priority, ceilingOf(state, client)) : priority;
}

/** The highest priority that a user may ask for, by what the kernel says of him. */
export function ceilingOf(state: State, who: Pick<ClientIdentity, 'uid' | 'gids'>): number {
  const limit = state.settings.limits.find(
    ({ uid, gid }) =>
      (uid === undefined || uid === who.uid) && (gid === undefined || who.gids.includes(gid)),
  );
  return limit?.maxPriority ?? Infinity;
}
