/** Asks the policy about a device and tells the queues for which its answer changed. */
import type { PermitMessage, SuspendMessage } from '../../protocol/generated/messages.js';
import type { Survey, Verdict } from '../policy/policy.js';
import { isOutdone } from '../policy/queue-index.js';
import { placeQueue, writeMasks } from './board.js';
import type { BoardDevice } from './board.js';
import type { Effect } from './events.js';
import { noteSharing } from './latency.js';
import { describeQueue, nextSeq } from './state.js';
import type { Device, Queue, Ranks, State } from './state.js';
import { arrangeTurns } from './turns.js';
import { noteWaiting } from './waits.js';

/**
 * Milliseconds between two timers of a device, for each queue on it: a hundred times what looking at
 * one costs.
 */
const CHECK_MS_PER_QUEUE = 0.01;

/** What one step has gathered: whom to ask about, whom to answer, what to do. */
export class Turn {
  /** What is done before the decisions are sent. */
  readonly effects: Effect[] = [];
  private readonly afterwards: Effect[] = [];
  /** Devices to decide on, each with the queues that changed themselves. */
  private readonly touched = new Map<Device, Set<Queue>>();
  private readonly answers = new Set<Queue>();
  /** Devices whose masks may have to be others. */
  private readonly unmasked = new Set<BoardDevice>();

  constructor(
    readonly state: State,
    readonly now: number,
  ) {}

  /** A queue is new or changed: decide on it, and on whom it concerns, at the end of the step. */
  touch(queue: Queue): void {
    this.touchDevice(queue.device).add(queue);
  }

  /**
   * Something about a device changed: a queue left, or time passed.
   * @param all whether every queue of it is decided on anew
   * @returns its queues that are decided on in any case
   */
  touchDevice(device: Device, all = false): Set<Queue> {
    let queues = this.touched.get(device);
    if (queues === undefined) this.touched.set(device, (queues = new Set()));
    if (all) for (const queue of device.queues) queues.add(queue);
    return queues;
  }

  /** The queue is no more: nothing is decided on it, and nobody told. */
  forget(queue: Queue): void {
    this.touched.get(queue.device)?.delete(queue);
    this.answers.delete(queue);
  }

  /** The queue gets its full state at the end of the step, changed or not. */
  answer(queue: Queue): void {
    this.answers.add(queue);
  }

  /** The masks of a device are looked at at the end of the step. */
  remask(device: BoardDevice): void {
    this.unmasked.add(device);
  }

  /** Something that can wait until the decisions are sent. */
  later(effect: Effect): void {
    this.afterwards.push(effect);
  }

  /** Lets the policy decide for what was touched and sends what changed, suspensions first. */
  settle(): void {
    const changed: Queue[] = [];
    for (const [device, touched] of this.touched) {
      decideDevice(this, device, touched, changed);
    }
    for (const device of this.unmasked) writeMasks(this, device);
    for (const queue of changed) {
      queue.seq = nextSeq(queue.seq);
      this.answers.add(queue);
    }
    for (const queue of sendingOrder(this.answers)) {
      this.effects.push({
        type: 'send',
        link: queue.client.link,
        message: renderState(queue),
      });
    }
    this.effects.push(...this.afterwards);
  }

  /**
   * Sets a device's timer unless it is set to something earlier. It comes at `at`, or later on a
   * device with so many queues that looking at all of them so often would cost the others time.
   */
  wakeAt(device: Device, wanted: number): void {
    const at = Math.max(wanted, device.checkedAt + device.queues.size * CHECK_MS_PER_QUEUE);
    if (device.timerAt !== undefined && device.timerAt <= at) return;
    device.timerAt = at;
    this.effects.push({ type: 'setTimer', key: device.id, at });
  }
}

/**
 * Whoever has to stop hears it first, and of those first who is launching now; then whoever may
 * go on, the most important first.
 */
function sendingOrder(queues: Iterable<Queue>): readonly Queue[] {
  const list = [...queues];
  if (list.length < 2) return list;
  const urgency = (queue: Queue) => (queue.permit ? 0 : queue.ready ? 2 : 1);
  return list.sort((a, b) => urgency(b) - urgency(a) || b.priority - a.priority);
}

function renderState(queue: Queue): PermitMessage | SuspendMessage {
  return {
    type: queue.permit ? 'PERMIT' : 'SUSPEND',
    queue: queue.number,
    seq: queue.seq,
    acks: queue.clientSeq,
    priority: queue.priority,
    window: queue.window,
    latency: queue.latency,
    watched: queue.watched,
    notify: queue.notify,
    enabled: queue.enabled,
    slot: queue.sentSlot,
  };
}

/** Decides on the queues that changed, and on those for which it matters that others did. */
function decideDevice(
  turn: Turn,
  device: Device,
  touched: ReadonlySet<Queue>,
  changed: Queue[],
): void {
  for (const queue of touched) {
    placeQueue(turn, queue);
    device.update(queue);
    if (queue.onBoard) device.apart.delete(queue);
    else device.apart.add(queue);
  }
  if (device.queues.size === 0) return;
  const hasApart = device.apart.size > 0;
  const concerned = new Set(hasApart === device.hadApart ? touched : device.queues);
  device.hadApart = hasApart;
  judgeQueues(turn, device, concerned);
  surveyRanks(turn.state, device, concerned);
  for (const queue of concerned) noteSharing(turn, queue, windowOf(turn.state, queue) !== 0);
  for (const queue of device.sharing.settle()) concerned.add(queue);
  for (const queue of arrangeTurns(turn, device)) concerned.add(queue);
  for (const queue of concerned) {
    if (applyVerdict(turn, queue)) changed.push(queue);
  }
}

/** Lets the policy judge; adds to `concerned` whomever the changes of others concern. */
function judgeQueues(turn: Turn, device: Device, concerned: Set<Queue>): void {
  const { policy } = turn.state;
  const before = device.survey;
  const survey = policy.survey(device, turn.now);
  device.survey = survey;
  if (survey.askAgainAt !== undefined) turn.wakeAt(device, survey.askAgainAt);
  const others =
    before === undefined
      ? device.queues
      : (policy.affected?.(device, before, survey) ?? device.queues);
  for (const queue of others) concerned.add(queue);
  for (const queue of concerned) {
    const { rank, permit } = policy.judge(queue, survey);
    queue.rank = rank;
    queue.allowed = permit;
    queue.masked = queue.onBoard && !judgeAmongAll(turn.state, queue, survey).permit;
    device.byRank.set(queue, -rank);
  }
}

/** The policy's word on a queue beside all others, whether they are on the board or not. */
export function judgeAmongAll({ policy }: State, queue: Queue, survey: Survey): Verdict {
  const { id, owner, priority, competes } = queue;
  return policy.judge({ id, owner, priority, competes, onBoard: false }, survey);
}

/** Finds the extremes of the ranks; adds to `concerned` whose window or `watched` they change. */
function surveyRanks(state: State, device: Device, concerned: Set<Queue>): void {
  const { byRank, ranks: before } = device;
  const arriving = rankArriving(state, device);
  // A queue that has work or has none keeps its rank.
  if (byRank.changes === before.changes && arriving === before.arriving) return;
  const after: Ranks = {
    changes: byRank.changes,
    arriving,
    highest: Math.max(-byRank.lowest, arriving),
    bottom: byRank.top(),
  };
  device.ranks = after;
  for (const queue of byRank.crossed(before.bottom, after.bottom)) concerned.add(queue);
  if (before.highest === after.highest) return;
  // Whoever had the highest rank may be outranked now, and the other way round.
  for (const queue of byRank.at(-Math.min(before.highest, after.highest))) concerned.add(queue);
}

/** The rank that a queue of the foremost expected client would have. */
function rankArriving({ arrivals, policy }: State, { survey }: Device): number {
  const { foremost } = arrivals;
  if (foremost === undefined || survey === undefined) return -Infinity;
  return policy.judge(foremost, survey).rank;
}

/** Whether everybody may launch as he likes. */
function isFree({ enabled, leaving }: State): boolean {
  return !enabled || leaving;
}

/** How many launches a queue may have in flight by the ranks there are; 0 for no limit. */
function windowOf(state: State, { rank, device }: Queue): number {
  return isFree(state) || rank >= device.ranks.highest ? 0 : state.settings.window;
}

/** Whether processes of its own priority wait for the end of its work. */
function isInTurns({ board }: State, { device, slot }: Queue): boolean {
  return board?.devices.get(device.id)?.orders.has(slot) === true;
}

/** @returns whether anything that the queue has to know changed. */
function applyVerdict(turn: Turn, queue: Queue): boolean {
  const { state, now } = turn;
  const { device, target } = queue;
  const free = isFree(state);
  const permit = free || queue.allowed || queue.sliceUntil > now;
  const window = windowOf(state, queue);
  // Whoever is outranked inside its process alone shares with nobody.
  const latency = window === 0 ? target : device.sharing.partOf(target);
  const isAbove = isOutdone(device.ranks.bottom, queue.owner, -queue.rank);
  const watched = isAbove || isInTurns(state, queue);
  // Who is on the board sees there what all others do; whoever observes wants to be told of it.
  const notify = (isAbove && (!queue.onBoard || device.hadApart)) || (watched && state.observed);
  if (queue.allowed || free) queue.sliceUntil = 0;
  const { priority } = queue;
  // Where messages decide the client is to go by them, its window too.
  const slot = queue.onBoard ? (queue.slot?.slot ?? 0) : 0;
  const heldBack = !permit || (!free && queue.masked);
  if (heldBack !== queue.heldBack) noteTransition(turn, queue, heldBack);
  const same =
    queue.seq !== 0 &&
    queue.permit === permit &&
    queue.window === window &&
    queue.latency === latency &&
    queue.watched === watched &&
    queue.notify === notify &&
    queue.enabled === state.enabled &&
    queue.sentPriority === priority &&
    queue.sentSlot === slot;
  if (same) return false;
  queue.permit = permit;
  queue.window = window;
  queue.latency = latency;
  queue.watched = watched;
  queue.notify = notify;
  queue.enabled = state.enabled;
  queue.sentPriority = priority;
  queue.sentSlot = slot;
  return true;
}

/** The queue has to stop just now, or may go on. */
function noteTransition(turn: Turn, queue: Queue, heldBack: boolean): void {
  const { state, now } = turn;
  queue.heldBack = heldBack;
  // Time that it was not allowed to move in is no stall.
  queue.progressAt = now;
  // Whoever waited may launch now; if it waits on, for something else, its next message says so.
  if (!heldBack) noteWaiting(queue, false, now);
  if (heldBack) {
    queue.suspendedAt = now;
    const { maxSuspendMs } = state.settings;
    if (maxSuspendMs > 0) turn.wakeAt(queue.device, now + maxSuspendMs);
  }
  if (!state.observed) return;
  turn.later({
    type: 'report',
    kind: heldBack ? 'suspended' : 'resumed',
    level: 'debug',
    id: queue.id,
    text: `${describeQueue(queue)} ${heldBack ? 'suspended' : 'resumed'}`,
  });
}
