/** The state as `xsched ps` and `xsched status` show it. */
import type { CallInfo, QueueInfo } from '../../protocol/generated/messages.js';
import { LIMITS } from '../../protocol/messages.js';
import { judgeAmongAll } from './decide.js';
import { modelOf } from './priority.js';
import { describeQueue } from './state.js';
import type { Queue, State } from './state.js';
import { waitedNs } from './waits.js';

/** Limits of the strings in a QueueInfo, in bytes of UTF-8. */
const REASON_BYTES = 256;

/** Numbers of DaemonStatus that the core knows. */
export interface Counts {
  readonly clients: number;
  readonly queues: number;
  readonly ready: number;
  readonly suspended: number;
  readonly unknownCalls: number;
}

/** How many clients and queues there are, who has work or is held back, what escapes the shims. */
export function countState(state: State): Counts {
  let ready = 0;
  let suspended = 0;
  for (const queue of allQueues(state)) {
    if (queue.ready) ready++;
    if (queue.heldBack) suspended++;
  }
  let unknown = 0;
  for (const client of state.clients.values()) unknown += client.unknownCalls;
  return {
    clients: state.clients.size,
    queues: state.queueCount,
    ready,
    suspended,
    // Clients may say what they like, but a reply has to be readable.
    unknownCalls: Math.min(unknown, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * All queues, in the order of their registration.
 * @param textBytes limit of each command line and executable, in bytes, since many are shown at once
 */
export function listQueues(state: State, now: number, textBytes: number): readonly QueueInfo[] {
  const queues = new Map<string, Queue>();
  for (const queue of allQueues(state)) queues.set(queue.id, queue);
  return [...queues.values()].map((queue) => renderQueue(state, queue, queues, now, textBytes));
}

/**
 * What all clients have called the driver for, by process and function.
 * @param nameBytes limit of each process's name, in bytes, since many are shown at once
 */
export function listCalls(state: State, nameBytes: number): readonly CallInfo[] {
  const clients = [...state.clients.values()].sort((a, b) => a.pid - b.pid);
  return clients.flatMap(({ pid, name, calls }) => {
    const shown = clip(name, nameBytes);
    return [...calls]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, totals]) => ({ pid, name: shown, function: name, ...totals }));
  });
}

function* allQueues(state: State): Iterable<Queue> {
  for (const client of state.clients.values()) yield* client.queues.values();
}

function renderQueue(
  state: State,
  queue: Queue,
  queues: ReadonlyMap<string, Queue>,
  now: number,
  textBytes: number,
): QueueInfo {
  const { client } = queue;
  const model = modelOf(queue);
  const readyMs = queue.readyMs + (queue.ready ? now - queue.readySince : 0);
  const [condition, reason] = renderCondition(state, queue, queues, now);
  return {
    id: queue.id,
    pid: client.pid,
    uid: client.uid,
    name: clip(client.name, 256),
    exe: clip(client.exe, textBytes),
    command: clip(client.command, textBytes),
    device: queue.device.id,
    stream: queue.stream,
    label: clip(queue.label, 256),
    version: clip(model?.version ?? '', LIMITS.VERSION_BYTES),
    instance: clip(model?.instance ?? '', LIMITS.LABEL_BYTES),
    priority: queue.priority,
    source: queue.source,
    state: condition,
    reason: clip(reason, REASON_BYTES),
    target: queue.target,
    window: queue.window,
    latency: queue.latency,
    latencyP50: queue.latencyP50,
    latencyP99: queue.latencyP99,
    waiting: queue.waiting,
    submitted: queue.submitted,
    completed: queue.completed,
    readyNs: Math.round(readyMs * 1e6),
    waitedNs: waitedNs(queue, now),
    suspends: queue.suspends,
  };
}

function renderCondition(
  state: State,
  queue: Queue,
  queues: ReadonlyMap<string, Queue>,
  now: number,
): readonly [string, string] {
  if (!queue.ready) return ['idle', ''];
  if (queue.heldBack) {
    return ['suspended', `suspended: ${renderCause(state, queue, queues)}`];
  }
  if (queue.client.silent) {
    return ['stalled', `stalled: it said nothing for ${renderSeconds(now - queue.client.heardAt)}`];
  }
  if (queue.stalled) {
    const seconds = renderSeconds(now - queue.progressAt);
    return ['stalled', `stalled: nothing of it finished for ${seconds}`];
  }
  return ['running', ''];
}

/** Whom a queue waits for changes more often than anybody asks, so it is found out here. */
function renderCause(state: State, queue: Queue, queues: ReadonlyMap<string, Queue>): string {
  const { survey } = queue.device;
  const verdict = survey === undefined ? undefined : judgeAmongAll(state, queue, survey);
  const rival = verdict?.yieldsTo === undefined ? undefined : queues.get(verdict.yieldsTo);
  if (rival === undefined) return verdict?.reason ?? 'by the policy';
  return `${describeQueue(rival)} (priority ${String(rival.priority)}) is ready`;
}

function renderSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Text cut to a number of bytes of UTF-8, at a boundary between characters. */
export function clip(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const cut = Buffer.from(text).subarray(0, bytes).toString();
  return cut.endsWith('\ufffd') ? cut.replace(/\ufffd+$/, '') : cut;
}
