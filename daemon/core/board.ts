/**
 * Slots of the board: which process has which, and which others it yields to. `protocol/board.h` says
 * what the board is, `test/board/README.md` by which rules it is written.
 *
 * A slot is one (process, device, priority), and keeps its priority: a queue whose priority changes
 * goes to another slot. So no two slots can ever yield to each other, but those of one priority that take
 * turns, one after the other. It belongs to its process until
 * nothing of that can write its bit any more: until the process ends, or has confirmed that its queues
 * are elsewhere.
 */
import { LIMITS } from '../../protocol/messages.js';
import type { Turn } from './decide.js';
import type { Client, Queue, State } from './state.js';
import { Orders } from './turns.js';

/** How long the slots of an earlier daemon hold others back before their processes come, in milliseconds. */
const RESTORED_MS = 1000;

/** What the board can call a device; on others all goes by messages. */
const DEVICE_NAME = /^[!-~]{1,63}$/;

/** The process that a slot belongs to: with its start time a pid names one for ever. */
export interface SlotProcess {
  readonly pid: number;
  readonly startTime: number;
}

/** A slot as the board's file has it. */
export interface SlotOwner extends SlotProcess {
  /** Its name: 1 + device * BOARD_SLOTS + place. */
  readonly slot: number;
  readonly device: string;
  readonly priority: number;
}

/** One that an earlier daemon gave, with its mask. */
export interface SlotLeft extends SlotOwner {
  readonly mask: bigint;
}

/** Something to be written on the board. */
export type BoardChange =
  | ({ readonly kind: 'give' } & SlotOwner)
  | { readonly kind: 'free'; readonly slot: number }
  | { readonly kind: 'mask'; readonly slot: number; readonly mask: bigint };

/** A slot that a process has. */
export interface Slot extends SlotOwner {
  /** Queues that have it by the last decision, and those that may not have heard of another yet. */
  readonly queues: Set<Queue>;
  /** It is an earlier daemon's, whose process has not come yet. */
  restored: boolean;
  /** Since when its bit is seen to be set; undefined while it is not. */
  shownSince: number | undefined;
  /** As it was written last. */
  mask: bigint;
}

/** The slots of one device. */
export class BoardDevice {
  /** Of those of one priority, who goes first. */
  readonly orders = new Orders();
  readonly slots: (Slot | undefined)[] = Array<undefined>(LIMITS.BOARD_SLOTS).fill(undefined);

  constructor(
    readonly id: string,
    /** Its place on the board. */
    readonly index: number,
  ) {}
}

/** The board, as far as the core knows it. */
export interface BoardState {
  /** What clients must have read on it. */
  readonly nonce: number;
  /** By UUID. */
  readonly devices: Map<string, BoardDevice>;
  /** Until when slots of an earlier daemon count; Infinity when they do not any more. */
  restoredUntil: number;
  /** When it was last looked which slots have work. */
  sampledAt: number;
}

/** @param owners what an earlier daemon left, of processes that live */
export function createBoard(nonce: number, owners: readonly SlotLeft[]): BoardState {
  const devices = new Map<string, BoardDevice>();
  const board: BoardState = { nonce, devices, restoredUntil: -Infinity, sampledAt: -Infinity };
  for (const owner of owners) {
    const [index, place] = placeOf(owner.slot);
    const device = board.devices.get(owner.device) ?? new BoardDevice(owner.device, index);
    board.devices.set(owner.device, device);
    device.slots[place] = { ...owner, queues: new Set(), restored: true, shownSince: undefined };
  }
  return board;
}

/** The daemon begins: slots of an earlier one count for a while, until their processes come. */
export function beginBoard(turn: Turn): void {
  const { board } = turn.state;
  if (board === undefined) return;
  board.restoredUntil = turn.now + RESTORED_MS;
  remaskAll(turn);
}

/** Whoever has not come in time holds nobody back any more. */
export function endRestored(turn: Turn, board: BoardState): void {
  if (turn.now < board.restoredUntil) return;
  board.restoredUntil = Infinity;
  for (const device of board.devices.values()) {
    for (const slot of device.slots) if (slot !== undefined) slot.restored = false;
    turn.remask(device);
  }
}

/** Whether masks decide: a policy that is more than an order of priorities needs messages. */
export function masksDecide({ board, policy, settings }: State): boolean {
  return board !== undefined && policy.goesByPriority === true && settings.maxSuspendMs === 0;
}

/** Whether a client reads and writes this very board. */
function isOnBoard({ board }: State, client: Client): boolean {
  return board !== undefined && client.board === board.nonce;
}

/** The queue is new or its priority has changed: it gets the slot that it needs, if there is one. */
export function placeQueue(turn: Turn, queue: Queue): void {
  const { state } = turn;
  const isMember = isOnBoard(state, queue.client);
  const before = queue.slot;
  if (isMember ? before?.priority !== queue.priority : before !== undefined) {
    queue.slot = isMember ? takeSlot(turn, queue) : undefined;
    // The client may use it until it has heard of the other.
    if (before !== undefined) queue.formerSlots.push(before);
  }
  queue.onBoard = queue.slot !== undefined && masksDecide(state);
}

/** The client has confirmed where the queue is: nothing of it writes to its former slots any more. */
export function settleQueue(turn: Turn, queue: Queue): void {
  for (const slot of queue.formerSlots.splice(0)) leaveSlot(turn, queue, slot);
}

/** The queue is no more, by the word of its client, which lives on. */
export function unplaceQueue(turn: Turn, queue: Queue): void {
  if (queue.slot !== undefined) queue.formerSlots.push(queue.slot);
  queue.slot = undefined;
  settleQueue(turn, queue);
}

/** The link is no more. The process may go on writing its bits, which hold nobody back now. */
export function abandonSlots(turn: Turn, client: Client): void {
  for (const [device, slot] of slotsOf(turn.state, client)) {
    slot.queues.clear();
    turn.remask(device);
  }
  for (const queue of client.queues.values()) {
    queue.slot = undefined;
    queue.formerSlots.length = 0;
  }
}

/** Whether the process has slots: then its end has to be told. */
export function hasSlots(state: State, process: SlotProcess): boolean {
  return slotsOf(state, process).next().done === false;
}

/** The process has ended, or another has its pid now: its slots are free. */
export function vacateSlots(turn: Turn, process: SlotProcess): void {
  for (const [device, slot] of [...slotsOf(turn.state, process)]) freeSlot(turn, device, slot);
}

/** The slots of processes that had this pid and are not this one are free. */
export function vacateNamesakes(turn: Turn, { pid, startTime }: SlotProcess): void {
  for (const device of turn.state.board?.devices.values() ?? []) {
    for (const slot of device.slots) {
      if (slot?.pid === pid && slot.startTime !== startTime) freeSlot(turn, device, slot);
    }
  }
}

/** The queue competes now, or no more: for a slot of which some work stands still, that matters. */
export function noteCompeting(turn: Turn, queue: Queue): void {
  for (const slot of usedBy(queue)) {
    for (const { stalled } of slot.queues) if (stalled) remaskSlot(turn, slot);
  }
}

/** The queue's work stands still, or moves again. */
export function noteStalling(turn: Turn, queue: Queue): void {
  for (const slot of usedBy(queue)) remaskSlot(turn, slot);
}

/** Queues of the client hold others back again, or no more. */
export function remaskClient(turn: Turn, client: Client): void {
  for (const [device] of slotsOf(turn.state, client)) turn.remask(device);
}

/** All masks may be others: scheduling was switched on or off, or the policy changed. */
export function remaskAll(turn: Turn): void {
  for (const device of turn.state.board?.devices.values() ?? []) turn.remask(device);
}

/** Writes the masks of a device that are to be others, those first that let somebody pass. */
export function writeMasks({ state, effects }: Turn, device: BoardDevice): void {
  const free = !state.enabled || state.leaving || !masksDecide(state);
  const changed: { readonly slot: Slot; readonly mask: bigint }[] = [];
  const slots = device.slots.filter((slot) => slot !== undefined);
  const leaders = free ? [] : slots.filter(hasPrecedence);
  for (const slot of slots) {
    const isUsed = slot.restored || slot.queues.size > 0;
    const mask = isUsed ? maskOf(device, slot, leaders) : 0n;
    if (mask !== slot.mask) changed.push({ slot, mask });
  }
  // Nobody begins to yield to somebody who may still yield to him.
  const write = (slot: Slot, mask: bigint) => {
    if (mask === slot.mask) return;
    effects.push({ type: 'board', change: { kind: 'mask', slot: slot.slot, mask } });
    slot.mask = mask;
  };
  for (const { slot, mask } of changed) write(slot, mask & slot.mask);
  for (const { slot, mask } of changed) write(slot, mask);
}

/** A process orders its own queues by itself: it yields to others' slots only. */
function maskOf({ orders }: BoardDevice, slot: Slot, leaders: readonly Slot[]): bigint {
  let mask = 0n;
  for (const leader of leaders) {
    const isAhead = leader.priority > slot.priority || orders.precedes(leader, slot);
    if (isAhead && leader.pid !== slot.pid) {
      mask |= 1n << BigInt(placeOf(leader.slot)[1]);
    }
  }
  return mask;
}

/** Whether others yield to the slot when its bit is set. */
function hasPrecedence({ queues, restored }: Slot): boolean {
  if (restored) return true;
  let some = false;
  let stalls = false;
  let moves = false;
  for (const queue of queues) {
    if (queue.client.silent) return false;
    some = true;
    stalls ||= queue.stalled;
    moves ||= queue.ready && !queue.stalled;
  }
  return some && (moves || !stalls);
}

/** The slot for the queue: one that its process has, or a new one; undefined when none is left. */
function takeSlot(turn: Turn, queue: Queue): Slot | undefined {
  const { client, priority } = queue;
  const device = findDevice(turn.state, queue.device.id);
  if (device === undefined) return undefined;
  const { pid, startTime } = client;
  const own = (slot: Slot | undefined) =>
    slot?.pid === pid && slot.startTime === startTime && slot.priority === priority;
  let slot = device.slots.find(own);
  if (slot === undefined) {
    const place = device.slots.findIndex((other) => other === undefined);
    if (place < 0) return undefined;
    slot = {
      ...{ slot: 1 + device.index * LIMITS.BOARD_SLOTS + place, device: device.id },
      ...{ pid, startTime, priority, queues: new Set(), restored: false, mask: 0n },
      shownSince: undefined,
    };
    device.slots[place] = slot;
    const { slot: name, device: id } = slot;
    const change = { kind: 'give', slot: name, device: id, pid, startTime, priority } as const;
    turn.effects.push({ type: 'board', change });
  }
  turn.remask(device);
  slot.restored = false;
  slot.queues.add(queue);
  return slot;
}

function findDevice({ board }: State, id: string): BoardDevice | undefined {
  if (board === undefined || !DEVICE_NAME.test(id)) return undefined;
  const known = board.devices.get(id);
  if (known !== undefined) return known;
  const taken = new Set([...board.devices.values()].map(({ index }) => index));
  let index = 0;
  while (taken.has(index)) index++;
  if (index >= LIMITS.BOARD_DEVICES) return undefined;
  const device = new BoardDevice(id, index);
  board.devices.set(id, device);
  return device;
}

/** The slots that a queue may show its work in. */
function usedBy({ slot, formerSlots }: Queue): readonly Slot[] {
  return slot === undefined ? formerSlots : [slot, ...formerSlots];
}

function remaskSlot(turn: Turn, slot: Slot): void {
  const device = turn.state.board?.devices.get(slot.device);
  if (device !== undefined) turn.remask(device);
}

function leaveSlot(turn: Turn, queue: Queue, slot: Slot): void {
  // It may have come back to this one since.
  if (queue.slot === slot) return;
  slot.queues.delete(queue);
  const device = turn.state.board?.devices.get(slot.device);
  if (device?.slots[placeOf(slot.slot)[1]] !== slot) return;
  if (slot.queues.size === 0) freeSlot(turn, device, slot);
  else turn.remask(device);
}

/** Nobody yields to it any more, then it is nobody's. */
function freeSlot(turn: Turn, device: BoardDevice, slot: Slot): void {
  const [, place] = placeOf(slot.slot);
  device.slots[place] = undefined;
  writeMasks(turn, device);
  turn.effects.push({ type: 'board', change: { kind: 'free', slot: slot.slot } });
  if (device.slots.every((other) => other === undefined)) {
    turn.state.board?.devices.delete(device.id);
  }
}

function* slotsOf(
  { board }: State,
  { pid, startTime }: SlotProcess,
): Generator<readonly [BoardDevice, Slot]> {
  for (const device of board?.devices.values() ?? []) {
    for (const slot of device.slots) {
      if (slot?.pid === pid && slot.startTime === startTime) yield [device, slot];
    }
  }
}

/** The device and the place on it that a slot's name stands for. */
function placeOf(slot: number): readonly [number, number] {
  const index = slot - 1;
  return [Math.floor(index / LIMITS.BOARD_SLOTS), index % LIMITS.BOARD_SLOTS];
}
