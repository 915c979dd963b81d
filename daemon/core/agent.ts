/** What clients say: HELLO, queues that come and go, work that comes and goes. */
import type { RegisterMessage, StatsMessage } from '../../protocol/generated/messages.js';
import { ERROR_CODES, LIMITS, PROTOCOL_VERSION } from '../../protocol/messages.js';
import type { Turn } from './decide.js';
import type { Event } from './events.js';
import { dropProcessHints, dropQueueHints, hasProcessHints } from './hints.js';
import { hearClient, noteProgress, refreshCompetes, watchQueue } from './liveness.js';
import { applyPriority, resolveClient, resolveLabel } from './priority.js';
import { describeQueue, Device, isOlder } from './state.js';
import type { Client, ClientIdentity, Queue, State } from './state.js';
import { noteWaiting } from './waits.js';

/** Queues of all clients together: as many as a LIST_REPLY may carry. */
const QUEUES_MAX = 65536;

/** A client for which there is no room is told so this often, in milliseconds. */
const TURNED_AWAY_MS = 60_000;

type AgentMessage = Extract<Event, { type: 'message' }>['message'];

/**
 * A client said HELLO and is who it says. On a new link it replaces what was known of its process;
 * on its own link it has only missed an answer.
 */
export function welcomeClient(turn: Turn, identity: ClientIdentity): void {
  const { state } = turn;
  const before = state.clientByPid.get(identity.pid);
  const sameProcess = before?.startTime === identity.startTime;
  if (before !== undefined && sameProcess && before.link === identity.link) {
    hearClient(turn, before);
    sendWelcome(turn, before);
    // Who floods the daemon with HELLO has not lost all the answers.
    if (turn.now - before.welcomedAt < LIMITS.READY_REPEAT_MS) return;
    before.welcomedAt = turn.now;
    for (const queue of before.queues.values()) turn.answer(queue);
    return;
  }
  if (before !== undefined) {
    if (!sameProcess) dropProcessHints(state.hints, before.pid);
    removeClient(turn, before);
    if (before.link !== identity.link) forgetLink(turn, before.link);
  } else if (state.clients.size >= LIMITS.CLIENTS) {
    turnAway(turn, identity);
    return;
  }
  state.turnedAway.delete(identity.pid);
  const cameBack = sameProcess || takeBack(turn, identity);
  const client: Client = {
    ...identity,
    ...resolveClient(state, identity),
    queues: new Map(),
    heardAt: turn.now,
    welcomedAt: -Infinity,
    silent: false,
  };
  state.clients.set(client.link, client);
  state.clientByPid.set(client.pid, client);
  sendWelcome(turn, client);
  turn.later({
    type: 'report',
    kind: 'registered',
    level: 'info',
    id: String(client.pid),
    text: `process ${String(client.pid)} '${client.name}' ${cameBack ? 'came back' : 'came'}`,
  });
}

/** A client goes on saying HELLO until it is welcome, and is let in when there is room. */
function turnAway(turn: Turn, { pid, link }: ClientIdentity): void {
  const { turnedAway } = turn.state;
  const before = turnedAway.get(pid);
  if (before !== undefined && before.link !== link) forgetLink(turn, before.link);
  // Its program's log shows every complaint.
  if (before?.link === link && turn.now - before.toldAt < TURNED_AWAY_MS) return;
  turnedAway.set(pid, { link, toldAt: turn.now });
  const text = `${String(LIMITS.CLIENTS)} clients are served already`;
  refuse(turn, link, ERROR_CODES.LIMIT, text);
}

/**
 * A process says HELLO that may have been here before: hints wait for it, or for one that had its pid.
 * @returns whether it is one that lost its link.
 */
function takeBack(turn: Turn, { pid, startTime, link }: ClientIdentity): boolean {
  const { state } = turn;
  const absent = state.absent.get(pid);
  if (absent === undefined) return false;
  state.absent.delete(pid);
  if (absent.link !== link) forgetLink(turn, absent.link);
  const same = absent.startTime === startTime;
  if (!same) dropProcessHints(state.hints, pid);
  return same;
}

function sendWelcome(turn: Turn, client: Client): void {
  const { state } = turn;
  turn.effects.push({
    type: 'send',
    link: client.link,
    message: {
      type: 'WELCOME',
      version: PROTOCOL_VERSION,
      generation: state.generation,
      enabled: state.enabled,
      streamPriority: client.streamPriority,
    },
  });
}

/**
 * The link is no more. Hints that name its process end with the process, not with the link.
 * @param ended whether the process is no more either
 */
export function loseClient(turn: Turn, link: string, cause: string, ended: boolean): void {
  const { state } = turn;
  const client = state.clients.get(link);
  if (client === undefined) {
    loseAbsent(turn, link, ended);
    return;
  }
  const { pid, startTime } = client;
  removeClient(turn, client);
  if (ended) dropProcessHints(state.hints, pid);
  const stillWatch = hasProcessHints(state.hints, pid);
  if (stillWatch) state.absent.set(pid, { link, startTime });
  turn.effects.push({ type: 'forget', link, stillWatch });
  turn.later({
    type: 'report',
    kind: 'gone',
    level: 'info',
    id: String(client.pid),
    text: `process ${String(client.pid)} '${client.name}' is gone: ${cause}`,
  });
}

/** A link is no more whose client is not served: it was refused, or lost before. */
function loseAbsent({ state, effects }: Turn, link: string, ended: boolean): void {
  for (const [pid, away] of state.turnedAway) {
    if (away.link === link) state.turnedAway.delete(pid);
  }
  const [pid] = [...state.absent].find(([, absent]) => absent.link === link) ?? [];
  if (ended && pid !== undefined) {
    dropProcessHints(state.hints, pid);
    state.absent.delete(pid);
  }
  effects.push({ type: 'forget', link, stillWatch: !ended && pid !== undefined });
}

/** A message of a client that said HELLO before. */
export function hearMessage(turn: Turn, link: string, message: AgentMessage): void {
  const client = turn.state.clients.get(link);
  if (client === undefined) {
    refuse(turn, link, ERROR_CODES.STATE, `${message.type} came before HELLO`);
    return;
  }
  hearClient(turn, client);
  if (message.type === 'BYE') {
    loseClient(turn, link, 'it said goodbye', false);
    return;
  }
  if (message.type === 'REGISTER') {
    registerQueue(turn, client, message);
    return;
  }
  const queue = client.queues.get(message.queue);
  if (queue === undefined) {
    const text = `${message.type} names queue ${String(message.queue)}, which is not registered`;
    refuse(turn, link, ERROR_CODES.STATE, text);
    return;
  }
  switch (message.type) {
    case 'READY':
      if (!isOlder(message.seq, queue.clientSeq)) {
        queue.clientSeq = message.seq;
        setReady(turn, queue, true, message.waiting);
      }
      // Whoever waits is answered, so that a lost answer delays and never hangs.
      if (message.waiting) turn.answer(queue);
      return;
    case 'IDLE':
      if (isOlder(message.seq, queue.clientSeq)) return;
      queue.clientSeq = message.seq;
      setReady(turn, queue, false, false);
      return;
    case 'STATS':
      takeStats(turn, queue, message);
      return;
    case 'UNREGISTER':
      removeQueue(turn, queue);
      dropQueueHints(turn.state.hints, queue.id);
      turn.later({
        type: 'report',
        kind: 'gone',
        level: 'debug',
        id: queue.id,
        text: `queue ${describeQueue(queue)} is gone`,
      });
      return;
  }
}

function registerQueue(turn: Turn, client: Client, message: RegisterMessage): void {
  const known = client.queues.get(message.queue);
  if (known !== undefined) {
    if (isSameQueue(known, message)) {
      // A repetition: the answer was lost, or is on its way.
      if (!isOlder(message.seq, known.clientSeq)) {
        known.clientSeq = message.seq;
        setReady(turn, known, message.ready, known.waiting && message.ready);
      }
      turn.answer(known);
      return;
    }
    removeQueue(turn, known);
  }
  const { state } = turn;
  if (client.queues.size >= LIMITS.QUEUES_PER_CLIENT || state.queueCount >= QUEUES_MAX) {
    const text =
      client.queues.size >= LIMITS.QUEUES_PER_CLIENT
        ? `a client has at most ${String(LIMITS.QUEUES_PER_CLIENT)} queues`
        : `the daemon serves at most ${String(QUEUES_MAX)} queues`;
    refuse(
      turn,
      client.link,
      ERROR_CODES.LIMIT,
      `queue ${String(message.queue)} is refused: ${text}`,
    );
    return;
  }
  const queue = createQueue(turn, client, message);
  // The numbering of decisions goes on, so that nothing old is taken for new.
  if (known !== undefined) queue.seq = known.seq;
  applyPriority(state, queue);
  client.queues.set(queue.number, queue);
  state.queueCount++;
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
}

function isSameQueue(queue: Queue, message: RegisterMessage): boolean {
  return (
    queue.device.id === message.device &&
    queue.context === message.context &&
    queue.stream === message.stream &&
    queue.ownLabel === message.label
  );
}

function createQueue(turn: Turn, client: Client, message: RegisterMessage): Queue {
  const { state, now } = turn;
  return {
    id: `${String(client.pid)}.${String(message.queue)}`,
    owner: client.link,
    client,
    number: message.queue,
    device: findDevice(state, message.device),
    context: message.context,
    stream: message.stream,
    ownLabel: message.label,
    label: resolveLabel(state, client, message.label),
    clientSeq: message.seq,
    ready: false,
    waiting: false,
    submitted: 0,
    completed: 0,
    waitedNs: 0,
    waitingSince: undefined,
    readySince: now,
    readyMs: 0,
    progressAt: now,
    stalled: false,
    competes: false,
    priority: 0,
    source: 'default',
    rank: 0,
    allowed: true,
    seq: 0,
    permit: true,
    window: 0,
    notify: false,
    enabled: state.enabled,
    sentPriority: NaN,
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

function setReady(turn: Turn, queue: Queue, ready: boolean, waiting: boolean): void {
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
  if (refreshCompetes(queue)) turn.touch(queue);
}

function takeStats(turn: Turn, queue: Queue, message: StatsMessage): void {
  if (!isOlder(message.seq, queue.clientSeq)) {
    queue.clientSeq = message.seq;
    setReady(turn, queue, message.ready, message.waiting);
  }
  // Who can still submit does not hang either: the hardware queue of one that does fills up.
  const moved = message.completed !== queue.completed || message.submitted !== queue.submitted;
  if (moved) noteProgress(turn, queue);
  queue.submitted = message.submitted;
  queue.completed = message.completed;
  queue.waitedNs = message.waitedNs;
  if (message.applied === queue.seq) return;
  // Something was lost on the way. A number from the future is none of ours: go on after it, so
  // that what is sent now is not taken for old.
  if (isOlder(queue.seq, message.applied)) queue.seq = message.applied;
  turn.answer(queue);
}

function removeClient(turn: Turn, client: Client): void {
  for (const queue of client.queues.values()) removeQueue(turn, queue);
  turn.state.clients.delete(client.link);
  if (turn.state.clientByPid.get(client.pid) === client) turn.state.clientByPid.delete(client.pid);
}

function removeQueue(turn: Turn, queue: Queue): void {
  const { device, client } = queue;
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

function forgetLink(turn: Turn, link: string): void {
  turn.effects.push({ type: 'forget', link, stillWatch: false });
}

function refuse(turn: Turn, link: string, code: number, message: string): void {
  turn.effects.push({ type: 'send', link, message: { type: 'ERROR', code, message } });
}
