/** Asks the policy about a device and tells the queues for which its answer changed. */
import type { PermitMessage, SuspendMessage } from '../../protocol/generated/messages.js';
import type { Verdict } from '../policy/policy.js';
import type { Effect } from './events.js';
import { describeQueue, nextSeq } from './state.js';
import type { Device, Queue, State } from './state.js';

/** What one step has gathered: whom to ask about, whom to answer, what to do. */
export class Turn {
  /** What is done before the decisions are sent. */
  readonly effects: Effect[] = [];
  private readonly afterwards: Effect[] = [];
  private readonly devices = new Set<Device>();
  private readonly answers = new Set<Queue>();

  constructor(
    readonly state: State,
    readonly now: number,
  ) {}

  /** The queues of a device changed: decide anew at the end of the step. */
  touch(device: Device): void {
    this.devices.add(device);
  }

  /** The queue gets its full state at the end of the step, changed or not. */
  answer(queue: Queue): void {
    this.answers.add(queue);
  }

  /** Something that can wait until the decisions are sent. */
  later(effect: Effect): void {
    this.afterwards.push(effect);
  }

  /** Lets the policy decide for what was touched and sends what changed, suspensions first. */
  settle(): void {
    const changed: Queue[] = [];
    for (const device of this.devices) {
      if (device.queues.size > 0) decideDevice(this, device, changed);
    }
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

  /** Sets a device's timer unless it is set to something earlier. */
  wakeAt(device: Device, at: number): void {
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
    notify: queue.notify,
    enabled: queue.enabled,
  };
}

/** The extremes of the ranks on a device, and of those of other processes than the first's. */
interface Ranks {
  readonly highest: number;
  readonly lowest: number;
  readonly lowestOwner: string;
  /** Lowest rank of any process other than `lowestOwner`; Infinity without one. */
  readonly secondLowest: number;
}

function decideDevice(turn: Turn, device: Device, changed: Queue[]): void {
  const { state, now } = turn;
  const decision = state.policy.decide(device, now);
  if (decision.askAgainAt !== undefined) turn.wakeAt(device, decision.askAgainAt);
  const ranks = surveyRanks(device, decision.verdicts);
  let index = 0;
  for (const queue of device.queues) {
    const verdict = decision.verdicts[index++];
    if (verdict === undefined) {
      throw new Error(`policy ${state.policy.name} has no verdict on queue ${queue.id}`);
    }
    if (applyVerdict(turn, queue, verdict, ranks)) changed.push(queue);
  }
}

function surveyRanks(device: Device, verdicts: readonly Verdict[]): Ranks {
  let highest = -Infinity;
  let lowest = Infinity;
  let lowestOwner = '';
  let secondLowest = Infinity;
  let index = 0;
  for (const queue of device.queues) {
    const rank = verdicts[index++]?.rank ?? 0;
    if (rank > highest) highest = rank;
    if (rank < lowest) {
      if (lowestOwner !== queue.owner) secondLowest = lowest;
      lowest = rank;
      lowestOwner = queue.owner;
    } else if (queue.owner !== lowestOwner && rank < secondLowest) {
      secondLowest = rank;
    }
  }
  return { highest, lowest, lowestOwner, secondLowest };
}

/** @returns whether anything that the queue has to know changed. */
function applyVerdict(turn: Turn, queue: Queue, verdict: Verdict, ranks: Ranks): boolean {
  const { state, now } = turn;
  const free = !state.enabled || state.leaving;
  const sliced = queue.sliceUntil > now;
  const permit = free || verdict.permit || sliced;
  const window = free || verdict.rank >= ranks.highest ? 0 : state.settings.window;
  const lowestOther = queue.owner === ranks.lowestOwner ? ranks.secondLowest : ranks.lowest;
  const notify = lowestOther < verdict.rank;
  queue.yieldsTo = permit ? undefined : verdict.yieldsTo;
  queue.reason = permit ? '' : (verdict.reason ?? '');
  if (verdict.permit || free) queue.sliceUntil = 0;
  const { priority } = queue;
  const before = queue.permit;
  const same =
    queue.seq !== 0 &&
    before === permit &&
    queue.window === window &&
    queue.notify === notify &&
    queue.enabled === state.enabled &&
    queue.sentPriority === priority;
  if (same) return false;
  queue.permit = permit;
  queue.window = window;
  queue.notify = notify;
  queue.enabled = state.enabled;
  queue.sentPriority = priority;
  if (before !== permit) noteTransition(turn, queue);
  return true;
}

/** The permit was given or withdrawn just now. */
function noteTransition(turn: Turn, queue: Queue): void {
  const { state, now } = turn;
  // Time that it was not allowed to move in is no stall.
  queue.progressAt = now;
  if (!queue.permit) {
    queue.suspends++;
    queue.suspendedAt = now;
    const { maxSuspendMs } = state.settings;
    if (maxSuspendMs > 0) turn.wakeAt(queue.device, now + maxSuspendMs);
  }
  if (!state.observed) return;
  turn.later({
    type: 'report',
    kind: queue.permit ? 'resumed' : 'suspended',
    level: 'debug',
    id: queue.id,
    text: `${describeQueue(queue)} ${queue.permit ? 'resumed' : 'suspended'}`,
  });
}
