/** Clients that come, come back and go: who has a link, who waits for one, who is turned away. */
import { ERROR_CODES, LIMITS, PROTOCOL_VERSION } from '../../protocol/messages.js';
import { endArrival, expectClient } from './arrivals.js';
import { abandonSlots, hasSlots, vacateNamesakes, vacateSlots } from './board.js';
import { forgetCalls } from './calls.js';
import type { Turn } from './decide.js';
import { hearClient } from './liveness.js';
import { joinFamily, leaveFamily } from './models.js';
import { resolveClient } from './priority.js';
import { removeQueue } from './queues.js';
import type { Client, ClientIdentity } from './state.js';

/** A client for which there is no room is told so this often, in milliseconds. */
const TURNED_AWAY_MS = 60_000;

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
    if (before.board !== identity.board) {
      before.board = identity.board;
      for (const queue of before.queues.values()) turn.touch(queue);
    }
    // Who floods the daemon with HELLO has not lost all the answers.
    if (turn.now - before.welcomedAt < LIMITS.READY_REPEAT_MS) return;
    before.welcomedAt = turn.now;
    for (const queue of before.queues.values()) turn.answer(queue);
    return;
  }
  if (before !== undefined) {
    if (!sameProcess) state.hints.dropProcess(before.pid);
    removeClient(turn, before);
    if (before.link !== identity.link) forgetLink(turn, before.link);
  } else if (state.clients.size >= LIMITS.CLIENTS) {
    turnAway(turn, identity);
    return;
  }
  state.turnedAway.delete(identity.pid);
  vacateNamesakes(turn, identity);
  const cameBack = sameProcess || takeBack(turn, identity);
  const client: Client = {
    ...identity,
    ...resolveClient(state, identity),
    queues: new Map(),
    devices: new Set(),
    spans: false,
    serves: new Map(),
    worksFor: undefined,
    calls: new Map(),
    unknownCalls: 0,
    callsRefusedAt: -Infinity,
    heardAt: turn.now,
    welcomedAt: -Infinity,
    silent: false,
  };
  state.clients.set(client.link, client);
  state.clientByPid.set(client.pid, client);
  joinFamily(state, client);
  expectClient(turn, client);
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
  if (!same) state.hints.dropProcess(pid);
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
  if (ended) {
    state.hints.dropProcess(pid);
    vacateSlots(turn, client);
  }
  const stillWatch = state.hints.hasProcess(pid) || hasSlots(state, client);
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
function loseAbsent(turn: Turn, link: string, ended: boolean): void {
  const { state, effects } = turn;
  for (const [pid, away] of state.turnedAway) {
    if (away.link === link) state.turnedAway.delete(pid);
  }
  const [pid, absent] = [...state.absent].find(([, other]) => other.link === link) ?? [];
  if (ended && pid !== undefined && absent !== undefined) {
    state.hints.dropProcess(pid);
    vacateSlots(turn, { pid, startTime: absent.startTime });
    state.absent.delete(pid);
  }
  effects.push({ type: 'forget', link, stillWatch: !ended && pid !== undefined });
}

function removeClient(turn: Turn, client: Client): void {
  endArrival(turn, client);
  abandonSlots(turn, client);
  for (const queue of client.queues.values()) removeQueue(turn, queue);
  forgetCalls(turn.state, client);
  turn.state.clients.delete(client.link);
  if (turn.state.clientByPid.get(client.pid) === client) turn.state.clientByPid.delete(client.pid);
  leaveFamily(turn, client);
}

function forgetLink(turn: Turn, link: string): void {
  turn.effects.push({ type: 'forget', link, stillWatch: false });
}

/** Tells a client what was wrong. @param code one of ERROR_CODES */
export function refuse(turn: Turn, link: string, code: number, message: string): void {
  turn.effects.push({ type: 'send', link, message: { type: 'ERROR', code, message } });
}
