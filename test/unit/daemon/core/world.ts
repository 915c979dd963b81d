/** The core with clients around it that remember what they were told. No clock, no socket. */
import type {
  AgentDown,
  ControlDown,
  PermitMessage,
  RegisterMessage,
  StatsMessage,
  SuspendMessage,
} from '../../../../protocol/generated/messages.js';
import { EXPECTED_MS } from '../../../../daemon/core/arrivals.js';
import { createBoard } from '../../../../daemon/core/board.js';
import type { BoardChange, SlotLeft } from '../../../../daemon/core/board.js';
import type { Effect, Event } from '../../../../daemon/core/events.js';
import type { CoreSettings } from '../../../../daemon/core/settings.js';
import { resolveArrival } from '../../../../daemon/core/priority.js';
import { createState } from '../../../../daemon/core/state.js';
import type { Client, ClientIdentity, Queue, State } from '../../../../daemon/core/state.js';
import { step } from '../../../../daemon/core/step.js';
import { parseConfig } from '../../../../daemon/config/load.js';
import { POLICIES } from '../../../../daemon/policy/registry.js';
import { makeRegister } from '../../../samples/messages.js';

export type Verdict = PermitMessage | SuspendMessage;
type Report = Extract<Effect, { type: 'report' }>;

/** What clients of the world's board have read on it. */
export const NONCE = 77;

/** The settings of a configuration text. */
export function settingsOf(yaml = ''): CoreSettings {
  return parseConfig(yaml, 'test.yaml').core;
}

/** Facts of a made-up process; its link is `link-PID` unless said otherwise. */
export function identityOf(pid: number, fields: Partial<ClientIdentity> = {}): ClientIdentity {
  return {
    link: `link-${String(pid)}`,
    pid,
    uid: 1000,
    gids: [1000],
    startTime: pid * 7,
    exe: '/usr/bin/example',
    command: 'example --serve',
    ownName: '',
    ownPriority: undefined,
    board: 0,
    ancestors: [],
    ...fields,
  };
}

/** One core and the messages that it sent. */
export class World {
  readonly state: State;
  now = 0;
  /** What clients were told last, by `link/queue`. */
  readonly told = new Map<string, Verdict>();
  /** Messages of the last step, in their order. */
  sent: { readonly link: string; readonly message: AgentDown }[] = [];
  replies: { readonly controller: string; readonly message: ControlDown }[] = [];
  reports: Report[] = [];
  /** Links that are served no more, and of those the ones whose process is still watched. */
  forgotten: string[] = [];
  watched: string[] = [];
  readonly timers = new Map<string, number>();
  /** Decides whether a message to a client arrives. */
  arrives: () => boolean = () => true;
  /** Sees all that the core wants. */
  observe: (effect: Effect) => void = () => undefined;

  /** What the board has: by slot whom it belongs to, and what it yields to. */
  readonly owners = new Map<number, Extract<BoardChange, { kind: 'give' }>>();
  readonly masks = new Map<number, bigint>();
  /** Changes of the board in the last step, in their order. */
  written: BoardChange[] = [];

  /** When clients came, and those that nobody expects any more. */
  readonly #came = new Map<Client, number>();
  readonly #settled = new Set<Client>();

  /** @param left the slots of an earlier daemon; undefined for a daemon without a board */
  constructor(yaml = '', policies = POLICIES, left?: readonly SlotLeft[]) {
    const board = left === undefined ? undefined : createBoard(NONCE, left);
    this.state = createState(settingsOf(yaml), policies, 1, board);
    for (const { mask, ...owner } of left ?? []) {
      this.owners.set(owner.slot, { kind: 'give', ...owner });
      this.masks.set(owner.slot, mask);
    }
    this.dispatch({ type: 'begin' });
  }

  dispatch(event: Event): void {
    this.sent = [];
    this.replies = [];
    this.reports = [];
    this.forgotten = [];
    this.watched = [];
    this.written = [];
    for (const effect of step(this.state, event, this.now).effects) this.#perform(effect);
    this.#noteExpected(event);
  }

  hello(pid: number, fields: Partial<ClientIdentity> = {}): string {
    const client = identityOf(pid, fields);
    this.dispatch({ type: 'hello', client });
    return client.link;
  }

  register(link: string, fields: Partial<RegisterMessage> = {}): void {
    this.dispatch({ type: 'message', link, message: makeRegister(fields) });
  }

  ready(link: string, seq: number, waiting = false, queue = 1): void {
    this.dispatch({ type: 'message', link, message: { type: 'READY', queue, seq, waiting } });
  }

  idle(link: string, seq: number, queue = 1): void {
    this.dispatch({ type: 'message', link, message: { type: 'IDLE', queue, seq } });
  }

  stats(link: string, fields: Partial<StatsMessage> = {}): void {
    const message: StatsMessage = {
      type: 'STATS',
      queue: 1,
      seq: 1,
      ready: true,
      waiting: false,
      submitted: 0,
      completed: 0,
      readyNs: 0,
      waitedNs: 0,
      suspends: 0,
      latencyP50: 0,
      latencyP99: 0,
      applied: this.told.get(`${link}/${String(fields.queue ?? 1)}`)?.seq ?? 0,
      ...fields,
    };
    this.dispatch({ type: 'message', link, message });
  }

  /** @param limitedAs who asks, if his ceiling holds for it */
  hint(
    target: string,
    value: number,
    clear = false,
    limitedAs?: { readonly uid: number; readonly gids: readonly number[] },
  ): ControlDown | undefined {
    return this.#hint('priority', { target, value, clear, limitedAs });
  }

  /** The same for how long the work of the queues may keep others waiting, in microseconds. */
  hintLatency(
    target: string,
    value: number,
    clear = false,
    limitedAs?: { readonly uid: number; readonly gids: readonly number[] },
  ): ControlDown | undefined {
    return this.#hint('latency', { target, value, clear, limitedAs });
  }

  enable(enabled: boolean): void {
    this.dispatch({ type: 'enable', controller: 'ctl', request: 9, enabled });
  }

  /** Lets time pass; timers come when they are due. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      let next: readonly [string, number] | undefined;
      for (const timer of this.timers) if (next === undefined || timer[1] < next[1]) next = timer;
      if (next === undefined || next[1] > end) break;
      const [key, at] = next;
      this.now = Math.max(this.now, at);
      this.timers.delete(key);
      this.dispatch({ type: 'timer', key, dueAt: at });
    }
    this.now = end;
  }

  /** Tells the core which slots of the first device have work. */
  sample(...slots: readonly number[]): void {
    const bits = slots.reduce((sum, slot) => sum | (1n << BigInt(slot - 1)), 0n);
    this.dispatch({ type: 'bits', bits: new Map([['GPU-0', bits]]) });
  }

  queue(link: string, number = 1): Queue {
    const queue = this.state.clients.get(link)?.queues.get(number);
    if (queue === undefined) throw new Error(`there is no queue ${link}/${String(number)}`);
    return queue;
  }

  allQueues(): readonly Queue[] {
    return [...this.state.clients.values()].flatMap((client) => [...client.queues.values()]);
  }

  /** The priorities of clients that came lately and never had a queue, the highest first. */
  arriving(): readonly number[] {
    return [...this.state.clients.values()]
      .filter((client) => !this.#settled.has(client))
      .map((client) => resolveArrival(this.state, client))
      .sort((a, b) => b - a);
  }

  /** What a client was told last about a queue. */
  view(link: string, queue = 1): Verdict {
    const message = this.told.get(`${link}/${String(queue)}`);
    if (message === undefined) throw new Error(`${link}/${String(queue)} was told nothing`);
    return message;
  }

  /** PERMIT and SUSPEND of the last step, as `link/queue TYPE`. */
  verdicts(): readonly string[] {
    return this.sent.flatMap(({ link, message }) =>
      'queue' in message ? [`${link}/${String(message.queue)} ${message.type}`] : [],
    );
  }

  #hint(
    hint: string,
    what: Pick<Extract<Event, { type: 'hint' }>, 'target' | 'value' | 'clear' | 'limitedAs'>,
  ): ControlDown | undefined {
    this.dispatch({ type: 'hint', controller: 'ctl', request: 9, hint, ...what });
    return this.replies[0]?.message;
  }

  /** Keeps track of who came when, by other means than the core's. */
  #noteExpected(event: Event): void {
    const { clients } = this.state;
    if (event.type === 'hello') {
      const client = clients.get(event.client.link);
      if (client !== undefined && !this.#came.has(client)) this.#came.set(client, this.now);
    } else if (event.type === 'message') {
      const client = clients.get(event.link);
      if (client !== undefined && client.queues.size > 0) this.#settled.add(client);
    } else if (event.type === 'probe') {
      for (const client of clients.values()) {
        const came = this.#came.get(client) ?? -Infinity;
        if (this.now >= came + EXPECTED_MS) this.#settled.add(client);
      }
    }
  }

  #write(change: BoardChange): void {
    this.written.push(change);
    switch (change.kind) {
      case 'give':
        this.owners.set(change.slot, change);
        return;
      case 'free':
        this.owners.delete(change.slot);
        this.masks.delete(change.slot);
        return;
      case 'mask':
        this.masks.set(change.slot, change.mask);
        return;
    }
  }

  #perform(effect: Effect): void {
    this.observe(effect);
    switch (effect.type) {
      case 'send':
        this.sent.push(effect);
        if ('queue' in effect.message && this.arrives()) {
          this.told.set(`${effect.link}/${String(effect.message.queue)}`, effect.message);
        }
        return;
      case 'board':
        this.#write(effect.change);
        return;
      case 'forget':
        this.forgotten.push(effect.link);
        if (effect.stillWatch) this.watched.push(effect.link);
        return;
      case 'reply':
        this.replies.push(effect);
        return;
      case 'report':
        this.reports.push(effect);
        return;
      case 'setTimer':
        this.timers.set(effect.key, effect.at);
        return;
      case 'clearTimer':
        this.timers.delete(effect.key);
        return;
    }
  }
}
