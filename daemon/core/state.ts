/**
 * What the daemon knows: clients, their queues, and devices.
 *
 * The state belongs to the core. `step` changes it in place and hands it back, since a copy for
 * each message would cost more than the decision; nobody else writes to it.
 */
import type { CallsMessage } from '../../protocol/generated/messages.js';
import { DeviceQueues } from '../policy/device-queues.js';
import type { Policy, PolicyQueue, Survey } from '../policy/policy.js';
import { QueueIndex } from '../policy/queue-index.js';
import type { Top } from '../policy/queue-index.js';
import type { BoardState, Slot } from './board.js';
import { Arrivals } from './arrivals.js';
import { Hints } from './hints.js';
import { Sharing } from './latency.js';
import type { CoreSettings } from './settings.js';

/** Where a priority came from. */
export type PrioritySource = 'hint' | 'rule' | 'environment' | 'model' | 'default';

/** A model instance as its server calls it. */
export interface Model {
  readonly name: string;
  readonly version: string;
  /** Empty for the model as a whole. */
  readonly instance: string;
  /** One of LEVELS: how important its own configuration calls it. */
  readonly level: number;
}

/** A process above a client. */
export interface Ancestor {
  readonly pid: number;
  /** Its command line, arguments joined by spaces; empty where it cannot be read. */
  readonly command: string;
}

/** Who a client is: the first part from the kernel, the rest by its own word. */
export interface ClientIdentity {
  /** Its routing id: one link. */
  readonly link: string;
  /** As the daemon sees it, from the kernel. */
  readonly pid: number;
  readonly uid: number;
  readonly gids: readonly number[];
  /** Checked against /proc. */
  readonly startTime: number;
  readonly exe: string;
  readonly command: string;
  /** XSCHED_NAME, or empty. */
  readonly ownName: string;
  /** XSCHED_PRIORITY, if there was one. */
  readonly ownPriority: number | undefined;
  /** The nonce that it reads on the board, 0 without one. */
  readonly board: number;
  /** The processes above it, its parent first, as far as they were read. */
  readonly ancestors: readonly Ancestor[];
}

/** What became of a client's calls of one function of the driver. */
export type Calls = Omit<CallsMessage, 'type' | 'function'>;

/** A process with a link. */
export interface Client extends ClientIdentity {
  /** As its newest HELLO says. */
  board: number;
  /** Name by a rule, by XSCHED_NAME, or the executable's. */
  readonly name: string;
  /** Whether streams' CUDA priorities rank queues inside the process. */
  readonly streamPriority: boolean;
  readonly queues: Map<number, Queue>;
  /** Devices that it has used. */
  readonly devices: Set<string>;
  /** It or its family has used several. */
  spans: boolean;
  /** The model instances that it serves, by its own numbers for them. */
  readonly serves: Map<number, Model>;
  /** The model instance of an ancestor that the whole process works for. */
  worksFor: Model | undefined;
  /** What it has called the driver for, by function. */
  readonly calls: Map<string, Calls>;
  /** The calls of functions that its shim does not know, of all functions together. */
  unknownCalls: number;
  /** When it was last told that its functions are too many. */
  callsRefusedAt: number;
  /** When its last message came. */
  heardAt: number;
  /** When a repeated HELLO was last answered with the state of all its queues. */
  welcomedAt: number;
  /** It has work and said nothing for `silentMs`: its queues hold nobody back until it speaks. */
  silent: boolean;
}

/** A device that some queue was registered on. */
export class Device extends DeviceQueues<Queue> {
  /** By rank, the highest first: its levels are the ranks with the sign changed. */
  readonly byRank = new QueueIndex<Queue>();
  /** What the verdicts in force rest on; undefined before the first. */
  survey: Survey | undefined;
  /** What windows and `watched` in force rest on. */
  ranks: Ranks = {
    ...{ changes: 0, arriving: -Infinity, highest: -Infinity },
    bottom: { first: undefined, other: undefined },
  };
  /** The queues that are not on the board, and whether `notify` in force rests on there being some. */
  readonly apart = new Set<Queue>();
  hadApart = false;
  /** Among whom the latency targets of its queues are split. */
  readonly sharing = new Sharing();
  /** When its timer is set to, or undefined. */
  timerAt: number | undefined;
  /** When its timer came last. */
  checkedAt = -Infinity;

  override remove(queue: Queue): void {
    super.remove(queue);
    this.byRank.delete(queue);
    this.sharing.delete(queue);
    this.apart.delete(queue);
  }
}

/** The extremes of the ranks on a device. */
export interface Ranks {
  /** `changes` of `byRank` when they were found. */
  readonly changes: number;
  /** That of the foremost expected client, as the policy would rank its queue; -Infinity without one. */
  readonly arriving: number;
  /** Of it and all queues; -Infinity without any. */
  readonly highest: number;
  /** The queues of the lowest ranks, as the top of `byRank`. */
  readonly bottom: Top;
}

/**
 * A queue. Three kinds of facts: what the client says of it, how it gets on, what was decided.
 * Times are milliseconds of the daemon's monotonic clock.
 */
export interface Queue extends PolicyQueue {
  /** As policies see it; kept by placeQueue. */
  onBoard: boolean;
  readonly id: string;
  readonly owner: string;
  readonly client: Client;
  readonly number: number;
  readonly device: Device;
  readonly context: number;
  readonly stream: number;
  /** Whether its device runs kernels of several processes beside each other. */
  readonly mps: boolean;
  /** As the client registered it; its name may be empty. */
  readonly ownModel: Model;
  /** The model's name: its own, that of its process, or that of a rule. */
  label: string;

  /** The newest `seq` of the client. */
  clientSeq: number;
  ready: boolean;
  waiting: boolean;
  submitted: number;
  completed: number;
  /** As the client said last, and what was seen of waits that it has not counted yet. */
  waitedNs: number;
  /** Since when a thread is known to wait at the gate; undefined while none is. */
  waitingSince: number | undefined;
  /** How long what was in flight took of late, in microseconds, by its client; 0: not measured. */
  latencyP50: number;
  latencyP99: number;

  /** Since when it is ready, if it is; or what follows counts. */
  readySince: number;
  /** Time spent ready before that; by its client, which alone knows of times too short to tell. */
  readyMs: number;
  /** When its work last moved. */
  progressAt: number;
  /** When it is known to have had work last, if it does not compete now. */
  workedAt: number;
  stalled: boolean;
  competes: boolean;

  priority: number;
  source: PrioritySource;
  /** How long its work may keep those waiting who outrank it, in microseconds; 0: launches count. */
  target: number;
  /** Its slot on the board, and those that its client may still use instead. */
  slot: Slot | undefined;
  readonly formerSlots: Slot[];
  /** What the policy said of it last. */
  rank: number;
  allowed: boolean;
  /** Its mask on the board holds it back, as far as the daemon knows who has work. */
  masked: boolean;
  /** Whether it may not launch, for want of a permit or by its mask. */
  heldBack: boolean;
  /** The newest `seq` of a PERMIT or SUSPEND; 0 before the first. */
  seq: number;
  permit: boolean;
  window: number;
  /** The part of the target that is its process's. */
  latency: number;
  watched: boolean;
  notify: boolean;
  /** `enabled`, `priority` and the name of the slot as they were last sent. */
  enabled: boolean;
  sentPriority: number;
  sentSlot: number;
  /** Times that launches came to wait, by its client. */
  suspends: number;
  suspendedAt: number;
  /** Until when it may launch although the policy says no; 0 without a slice. */
  sliceUntil: number;
}

/** A process that lost its link and did not end. */
export interface AbsentProcess {
  /** The link that it had, by which its end will be told. */
  readonly link: string;
  readonly startTime: number;
}

/** A process for which there was no room. */
export interface TurnedAway {
  readonly link: string;
  /** When it was told so last. */
  readonly toldAt: number;
}

export interface State {
  readonly settings: CoreSettings;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly generation: number;
  /** Undefined where all goes by messages. */
  readonly board: BoardState | undefined;
  policy: Policy;
  enabled: boolean;
  /** Set when the daemon leaves: everybody gets a permit. */
  leaving: boolean;
  /** Whether anybody wants reports of each suspension; they are many. */
  observed: boolean;
  readonly clients: Map<string, Client>;
  readonly clientByPid: Map<number, Client>;
  /** The clients below a process, by its pid. */
  readonly descendants: Map<number, Set<Client>>;
  readonly devices: Map<string, Device>;
  readonly arrivals: Arrivals;
  readonly hints: Hints;
  /** Processes that live on without a link and that hints name, by pid: the hints wait for them. */
  readonly absent: Map<number, AbsentProcess>;
  /** By pid. */
  readonly turnedAway: Map<number, TurnedAway>;
  queueCount: number;
  /** Functions in the `calls` of all clients. */
  functionCount: number;
}

/**
 * The state of a daemon that has just begun.
 * @throws {Error} when the settings name a policy that `policies` lacks.
 */
export function createState(
  settings: CoreSettings,
  policies: ReadonlyMap<string, Policy>,
  generation: number,
  board?: BoardState,
): State {
  const policy = policies.get(settings.policy);
  if (policy === undefined) throw new Error(`there is no policy '${settings.policy}'`);
  return {
    settings,
    policies,
    generation,
    board,
    policy,
    enabled: settings.enabled,
    leaving: false,
    observed: false,
    clients: new Map(),
    clientByPid: new Map(),
    descendants: new Map(),
    devices: new Map(),
    arrivals: new Arrivals(),
    hints: new Hints(),
    absent: new Map(),
    turnedAway: new Map(),
    queueCount: 0,
    functionCount: 0,
  };
}

/** A queue as a person reads it: `4711.1 'bert-high'`. */
export function describeQueue(queue: Queue): string {
  return `${queue.id} '${queue.label === '' ? queue.client.name : queue.label}'`;
}

/** Whether serial number `a` is older than `b`, both counting modulo 2^32. */
export function isOlder(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** The serial number after `seq`; 0 is left out, since it means "none yet". */
export function nextSeq(seq: number): number {
  return seq === 0xffffffff ? 1 : seq + 1;
}
