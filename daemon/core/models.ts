/**
 * Models that servers serve: what a server's own word says of its instances, and which process works
 * for which of them. A model of Triton's Python backend runs in a process of its own, or in that
 * one's children; its command line, or that of an ancestor below the server, names the instance.
 */
import type { ServeMessage } from '../../protocol/generated/messages.js';
import { LIMITS } from '../../protocol/messages.js';
import { rankArrivals } from './arrivals.js';
import type { Turn } from './decide.js';
import { applyTerms, resolveLabel } from './priority.js';
import type { Client, Model, State } from './state.js';

/**
 * A process serves a model instance, or has missed the answer.
 * @returns why it is refused, or undefined if it is not
 */
export function serveModel(turn: Turn, client: Client, message: ServeMessage): string | undefined {
  const { model, modelVersion: version, instance, level } = message;
  const known = client.serves.get(message.label);
  if (known === undefined && client.serves.size >= LIMITS.LABELS) {
    return `model '${model}' is refused: a process serves at most ${String(LIMITS.LABELS)} instances`;
  }
  turn.effects.push({
    type: 'send',
    link: client.link,
    message: { type: 'SERVED', label: message.label },
  });
  const served: Model = { name: model, version, instance, level };
  if (known !== undefined && isSameModel(known, served)) return undefined;
  client.serves.set(message.label, served);
  report(turn, client, served, 'serves');
  placeDescendants(turn, client.pid);
  return undefined;
}

/** The model instance is unloaded. */
export function endModel(turn: Turn, client: Client, label: number): void {
  const served = client.serves.get(label);
  if (served === undefined) return;
  client.serves.delete(label);
  report(turn, client, served, 'no longer serves');
  placeDescendants(turn, client.pid);
}

/** A client came: its ancestors' models concern it, and its own will concern its children. */
export function joinFamily(state: State, client: Client): void {
  for (const { pid } of client.ancestors) {
    const family = state.descendants.get(pid) ?? new Set<Client>();
    family.add(client);
    state.descendants.set(pid, family);
  }
  client.worksFor = findModel(state, client);
}

/** A client is gone, and with it what it served. */
export function leaveFamily(turn: Turn, client: Client): void {
  const { descendants } = turn.state;
  for (const { pid } of client.ancestors) {
    const family = descendants.get(pid);
    family?.delete(client);
    if (family?.size === 0) descendants.delete(pid);
  }
  if (client.serves.size > 0) placeDescendants(turn, client.pid);
}

/** What a server serves has changed: its children may work for something else now. */
function placeDescendants(turn: Turn, pid: number): void {
  const { state } = turn;
  for (const client of state.descendants.get(pid) ?? []) {
    const model = findModel(state, client);
    if (isSameModel(client.worksFor, model)) continue;
    client.worksFor = model;
    for (const queue of client.queues.values()) {
      queue.label = resolveLabel(state, queue);
      applyTerms(state, queue);
      turn.touch(queue);
    }
  }
  rankArrivals(turn);
}

/** The instance of the nearest ancestor that is named on the way to it. */
function findModel(state: State, client: Client): Model | undefined {
  const words = new Set(client.command.split(/\s+/));
  for (const { pid, command } of client.ancestors) {
    const server = state.clientByPid.get(pid);
    for (const model of server?.serves.values() ?? []) {
      if (model.instance !== '' && words.has(model.instance)) return model;
    }
    for (const word of command.split(/\s+/)) words.add(word);
  }
  return undefined;
}

function isSameModel(a: Model | undefined, b: Model | undefined): boolean {
  return (
    a?.name === b?.name &&
    a?.version === b?.version &&
    a?.instance === b?.instance &&
    a?.level === b?.level
  );
}

function report(
  turn: Turn,
  client: Client,
  { name, version, instance }: Model,
  what: string,
): void {
  turn.later({
    type: 'report',
    kind: 'model',
    level: 'info',
    id: String(client.pid),
    text:
      `process ${String(client.pid)} '${client.name}' ${what} model '${name}' ` +
      `version ${version} as '${instance}'`,
  });
}
