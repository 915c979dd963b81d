/**
 * Who has work but does not get on with it: silent processes, stalled queues, and queues that wait
 * for too long. Each device has one timer, set to the earliest moment at which something may be due
 * and armed only while a queue of it has work.
 */
import { LIMITS } from '../../protocol/messages.js';
import { endRestored, noteCompeting, noteStalling, remaskClient } from './board.js';
import type { Turn } from './decide.js';
import { checkWork } from './latency.js';
import { describeQueue } from './state.js';
import type { Client, Device, Queue } from './state.js';

/**
 * A timer that comes later than this, in milliseconds, says that the daemon itself stood still:
 * what it has not heard meanwhile proves nothing about the others.
 */
const LATE_MS = 500;

/** A client that has said nothing for so long, in milliseconds, is sent its state once more. */
const QUIET_MS = 5000;

/**
 * Sends something to whoever has been quiet: a process may have closed its link and live on, which
 * shows only when something is sent to it.
 */
export function probeClients(turn: Turn): void {
  for (const client of turn.state.clients.values()) {
    if (turn.now - client.heardAt < QUIET_MS) continue;
    for (const queue of client.queues.values()) {
      turn.answer(queue);
      break;
    }
  }
}

/** Brings `competes` in line with the facts. @returns whether it changed. */
export function refreshCompetes(turn: Turn, queue: Queue): boolean {
  const competes = queue.ready && !queue.stalled && !queue.client.silent;
  if (competes === queue.competes) return false;
  queue.competes = competes;
  queue.workedAt = turn.now;
  noteCompeting(turn, queue);
  return true;
}

/** A message came: the client is alive to its work. */
export function hearClient(turn: Turn, client: Client): void {
  client.heardAt = turn.now;
  if (client.silent) setSilent(turn, client, false);
}

/**
 * Looks at which slots of the board have work: others wait for these, whether their clients have said
 * so or not. A client that has some and says nothing is silent.
 */
export function checkBits(turn: Turn, bits: ReadonlyMap<string, bigint>): void {
  const { board, clientByPid, settings } = turn.state;
  if (board === undefined) return;
  endRestored(turn, board);
  const late = turn.now - board.sampledAt > LIMITS.BEAT_QUIET_MS + LATE_MS;
  board.sampledAt = turn.now;
  for (const device of board.devices.values()) {
    const shown = bits.get(device.id) ?? 0n;
    for (const [place, slot] of device.slots.entries()) {
      if (slot === undefined) continue;
      if ((shown & (1n << BigInt(place))) === 0n) slot.shownSince = undefined;
      else if (late || slot.shownSince === undefined) slot.shownSince = turn.now;
      const client = clientByPid.get(slot.pid);
      if (slot.shownSince === undefined || client === undefined || client.silent) continue;
      const heardAt = Math.max(slot.shownSince, client.heardAt);
      if (turn.now >= heardAt + settings.silentMs) setSilent(turn, client, true);
    }
  }
}

/** The queue got work: from now on it is watched. */
export function watchQueue(turn: Turn, queue: Queue): void {
  const { silentMs, stallMs } = turn.state.settings;
  turn.wakeAt(queue.device, turn.now + Math.min(silentMs, stallMs));
}

/** Work moved, or there is none that should: whatever stall there was is over. */
export function noteProgress(turn: Turn, queue: Queue): void {
  queue.progressAt = turn.now;
  if (!queue.stalled) return;
  setStalled(turn, queue, false);
  report(turn, queue, 'info', `${describeQueue(queue)} moves again`);
}

/** The device's timer came. */
export function checkDevice(turn: Turn, device: Device, dueAt: number): void {
  device.timerAt = undefined;
  device.checkedAt = turn.now;
  if (turn.now - dueAt > LATE_MS) forgiveAll(turn, device);
  // A policy may have asked to be asked again.
  turn.touchDevice(device);
  for (const queue of device.queues) {
    checkSilence(turn, queue);
    checkStall(turn, queue);
    checkSlice(turn, queue);
    checkWork(turn, queue);
  }
}

function forgiveAll(turn: Turn, device: Device): void {
  for (const queue of device.queues) {
    queue.client.heardAt = Math.max(queue.client.heardAt, turn.now);
    queue.progressAt = turn.now;
  }
}

function checkSilence(turn: Turn, queue: Queue): void {
  const { client } = queue;
  if (!queue.ready || client.silent) return;
  const due = client.heardAt + turn.state.settings.silentMs;
  if (turn.now >= due) setSilent(turn, client, true);
  else turn.wakeAt(queue.device, due);
}

function setSilent(turn: Turn, client: Client, silent: boolean): void {
  client.silent = silent;
  remaskClient(turn, client);
  for (const queue of client.queues.values()) {
    if (refreshCompetes(turn, queue)) turn.touch(queue);
    if (queue.ready && !silent) watchQueue(turn, queue);
  }
  const what = silent
    ? `has work but said nothing for ${String(turn.state.settings.silentMs)} ms: it holds nobody back until it speaks`
    : 'speaks again';
  turn.later({
    type: 'report',
    kind: 'stalled',
    level: silent ? 'warn' : 'info',
    id: String(client.pid),
    text: `process ${String(client.pid)} '${client.name}' ${what}`,
  });
}

function checkStall(turn: Turn, queue: Queue): void {
  const { stallMs } = turn.state.settings;
  // A queue without a launch in flight counts too: its thread may be stuck inside the driver.
  if (!queue.ready || queue.stalled || queue.waiting) return;
  const due = queue.progressAt + stallMs;
  if (turn.now < due) {
    turn.wakeAt(queue.device, due);
    return;
  }
  setStalled(turn, queue, true);
  const open = String(queue.submitted - queue.completed);
  report(
    turn,
    queue,
    'warn',
    `${describeQueue(queue)} has work (${open} launches in flight) of which nothing moved for ` +
      `${String(stallMs)} ms: it holds nobody back until it moves`,
  );
}

function setStalled(turn: Turn, queue: Queue, stalled: boolean): void {
  queue.stalled = stalled;
  noteStalling(turn, queue);
  if (refreshCompetes(turn, queue)) turn.touch(queue);
}

/** A queue that has waited for `maxSuspendMs` gets a slice, and then waits anew. */
function checkSlice(turn: Turn, queue: Queue): void {
  const { maxSuspendMs, sliceMs } = turn.state.settings;
  if (maxSuspendMs === 0) return;
  if (queue.permit) {
    if (queue.sliceUntil > turn.now) turn.wakeAt(queue.device, queue.sliceUntil);
    // At the end of a slice the decision takes the permit back and starts the next wait.
    else if (queue.sliceUntil !== 0) turn.touch(queue);
    return;
  }
  if (!queue.ready) return;
  const due = queue.suspendedAt + maxSuspendMs;
  if (turn.now < due) {
    turn.wakeAt(queue.device, due);
    return;
  }
  queue.sliceUntil = turn.now + sliceMs;
  turn.touch(queue);
  turn.wakeAt(queue.device, queue.sliceUntil);
}

function report(turn: Turn, queue: Queue, level: 'info' | 'warn', text: string): void {
  turn.later({ type: 'report', kind: 'stalled', level, id: queue.id, text });
}
