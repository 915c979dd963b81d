/** Queues that come and go, and what their clients say of their work. */
import type { RegisterMessage, StatsMessage } from '../../protocol/generated/messages.js';
import { LIMITS } from '../../protocol/messages.js';
import { endArrival } from './arrivals.js';
import { settleQueue, unplaceQueue } from './board.js';
import type { Turn } from './decide.js';
import { noteWork } from './latency.js';
import { noteProgress, refreshCompetes, watchQueue } from './liveness.js';
import { applyTerms, resolveLabel } from './priority.js';
import { noteDevice } from './spans.js';
import { describeQueue, Device, isOlder } from './state.js';
import type { Client, Queue, State } from './state.js';
import { noteWaiting } from './waits.js';

/** Queues of all clients together: as many as a LIST_REPLY may carry. */
const QUEUES_MAX = 65536;

/**
 * A queue exists, or its client has missed the answer.
 * @returns why it is refused, or undefined if it is not.
 */
export function registerQueue(
  turn: Turn,
  client: Client,
  message: RegisterMessage,
): string | undefined {
  const known = client.queues.get(message.queue);
  if (known !== undefined) {
    if (isSameQueue(known, message)) {
      // A repetition: the answer was lost, or is on its way.
      if (!isOlder(message.seq, known.clientSeq)) {
        known.clientSeq = message.seq;
        setReady(turn, known, message.ready, known.waiting && message.ready);
      }
      turn.answer(known);
      return undefined;
    }
    removeQueue(turn, known);
  }
  const { state } = turn;
  if (client.queues.size >= LIMITS.QUEUES_PER_CLIENT || state.queueCount >= QUEUES_MAX) {
    const text =
      client.queues.size >= LIMITS.QUEUES_PER_CLIENT
        ? `a client has at most ${String(LIMITS.QUEUES_PER_CLIENT)} queues`
        : `the daemon serves at most ${String(QUEUES_MAX)} queues`;
    return `queue ${String(message.queue)} is refused: ${text}`;
  }
  const queue = createQueue(turn, client, message);
  // The numbering of decisions goes on, so that nothing old is taken for new.
  if (known !== undefined) queue.seq = known.seq;
  applyTerms(state, queue);
  client.queues.set(queue.number, queue);
  state.queueCount++;
  endArrival(turn, client);
  noteDevice(turn, client, queue.device);
  setReady(turn, queue, message.ready, false);
  turn.touch(queue);
  turn.answer(queue);
  turn.later({
    type: 'report',
    kind: 'registered',
    // A program may make streams by the thousand.
    level: 'debug',
    id: queue.id,
    text:
      `queue ${describeQueue(queue)} on ${queue.device.id}, ` +
      `priority ${String(queue.priority)} (${queue.source})`,
  });
  return undefined;
}

function isSameQueue(queue: Queue, message: RegisterMessage): boolean {
  return (
    queue.device.id === message.device &&
    queue.context === message.context &&
    queue.stream === message.stream &&
    queue.ownModel.name === message.label &&
    queue.ownModel.version === message.modelVersion &&
    queue.ownModel.instance === message.instance &&
    queue.ownModel.level === message.level
  );
}

function createQueue(turn: Turn, client: Client, message: RegisterMessage): Queue {
  const { state, now } = turn;
  const { modelVersion: version, instance, level } = message;
  const ownModel = { name: message.label, version, instance, level };
  return {
    id: `${String(client.pid)}.${String(message.queue)}`,
    owner: client.link,
    client,
    number: message.queue,
    device: findDevice(state, message.device),
    context: message.context,
    stream: message.stream,
    mps: message.mps,
    ownModel,
    label: resolveLabel(state, { client, ownModel }),
    clientSeq: message.seq,
    ready: false,
    waiting: false,
    submitted: 0,
    completed: 0,
    waitedNs: 0,
    waitingSince: undefined,
    latencyP50: 0,
    latencyP99: 0,
    readySince: now,
    readyMs: 0,
    progressAt: now,
    workedAt: -Infinity,
    stalled: false,
    competes: false,
    priority: 0,
    source: 'default',
    target: 0,
    slot: undefined,
    formerSlots: [],
    onBoard: false,
    rank: 0,
    allowed: true,
    masked: false,
    heldBack: false,
    seq: 0,
    permit: true,
    window: 0,
    latency: 0,
    watched: false,
    notify: false,
    enabled: state.enabled,
    sentPriority: NaN,
    sentSlot: 0,
    suspends: 0,
    suspendedAt: now,
    sliceUntil: 0,
  };
}

function findDevice(state: State, id: string): Device {
  let device = state.devices.get(id);
  if (device === undefined) {
    device = new Device(id);
    state.devices.set(id, device);
  }
  return device;
}

/** A client says whether a queue has work, and whether a thread of it waits at the gate. */
export function setReady(turn: Turn, queue: Queue, ready: boolean, waiting: boolean): void {
  queue.waiting = waiting;
  noteWaiting(queue, waiting, turn.now);
  // Who waits at the gate, or has nothing to do, is not expected to finish anything.
  if (waiting || !ready) noteProgress(turn, queue);
  if (ready === queue.ready) return;
  queue.ready = ready;
  if (ready) {
    queue.readySince = turn.now;
    queue.progressAt = turn.now;
    // A queue that waits for something to do is not kept waiting by anybody.
    if (!queue.permit) queue.suspendedAt = turn.now;
    watchQueue(turn, queue);
    const { maxSuspendMs } = turn.state.settings;
    if (!queue.permit && maxSuspendMs > 0) turn.wakeAt(queue.device, turn.now + maxSuspendMs);
  } else {
    queue.readyMs += turn.now - queue.readySince;
    queue.sliceUntil = 0;
  }
  if (refreshCompetes(turn, queue)) turn.touch(queue);
}

/** A client says all it knows of a queue. */
export function takeStats(turn: Turn, queue: Queue, message: StatsMessage): void {
  if (!isOlder(message.seq, queue.clientSeq)) {
    queue.clientSeq = message.seq;
    setReady(turn, queue, message.ready, message.waiting);
  }
  // Who can still submit does not hang either: the hardware queue of one that does fills up.
  const moved = message.completed !== queue.completed || message.submitted !== queue.submitted;
  if (moved) {
    noteProgress(turn, queue);
    noteWork(turn, queue);
  }
  queue.submitted = message.submitted;
  queue.completed = message.completed;
  queue.waitedNs = message.waitedNs;
  queue.readyMs = message.readyNs / 1e6;
  queue.readySince = turn.now;
  // What is told holds all waits that are over; another one has begun since the last was told of.
  if (message.waiting && message.suspends !== queue.suspends) queue.waitingSince = turn.now;
  queue.suspends = message.suspends;
  queue.latencyP50 = message.latencyP50;
  queue.latencyP99 = message.latencyP99;
  if (message.applied === queue.seq) {
    settleQueue(turn, queue);
    return;
  }
  // Something was lost on the way. A number from the future is none of ours: go on after it, so
  // that what is sent now is not taken for old.
  if (isOlder(queue.seq, message.applied)) queue.seq = message.applied;
  turn.answer(queue);
}

/** The queue is no more. */
export function removeQueue(turn: Turn, queue: Queue): void {
  const { device, client } = queue;
  unplaceQueue(turn, queue);
  client.queues.delete(queue.number);
  device.remove(queue);
  turn.forget(queue);
  turn.state.queueCount--;
  if (device.queues.size > 0) {
    turn.touchDevice(device);
    return;
  }
  turn.state.devices.delete(device.id);
  if (device.timerAt !== undefined) turn.effects.push({ type: 'clearTimer', key: device.id });
}
