/**
 * A daemon as bad as the test wants it: a ROUTER by PLAIN on agent.sock that keeps what it hears and
 * answers as it is told.
 */
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { Context, Reply, Router } from 'zeromq';
import type { SocketOptions } from 'zeromq';
import { decodeMessage, encodeMessage } from '../../../protocol/codec.js';
import type { AgentDown, AgentUp, PermitMessage } from '../../../protocol/generated/messages.js';
import { PROTOCOL_VERSION } from '../../../protocol/messages.js';

/** How long a test waits for something that must come; a busy machine needs a while. */
const WAIT_MS = 15_000;

export interface Heard {
  /** Routing id of the link. */
  readonly link: string;
  readonly message: AgentUp;
  /** CLOCK_MONOTONIC in nanoseconds, the clock of the simulated device's log too. */
  readonly at: bigint;
}

/** What the daemon does about a message. */
export type Behaviour = (daemon: FakeAgentDaemon, heard: Heard) => void;

type Heart = Pick<SocketOptions<Router>, 'heartbeatInterval'>;

/** The decision that lets a queue launch freely, with some fields changed. */
export function makePermit(queue: number, changes: Partial<PermitMessage> = {}): PermitMessage {
  return {
    ...{ type: 'PERMIT', queue, seq: 1, acks: 0, priority: 0, window: 0 },
    ...{ latency: 0, watched: false, notify: false, enabled: true, slot: 0 },
    ...changes,
  };
}

/** Lets everybody launch. */
export const serveAll: Behaviour = (daemon, { link, message }) => {
  if (message.type === 'HELLO') daemon.welcome(link);
  if (message.type === 'REGISTER') daemon.send(link, makePermit(message.queue));
  if (message.type === 'READY' && message.waiting) daemon.send(link, makePermit(message.queue));
};

/** Lets everybody launch, and wants to know at once who has work. */
export const notifyAll: Behaviour = (daemon, { link, message }) => {
  if (message.type === 'HELLO') daemon.welcome(link);
  if (message.type !== 'REGISTER') return;
  daemon.send(link, makePermit(message.queue, { notify: true }));
};

/**
 * Lets everybody launch; `window` above 0 says that somebody outranks the queue.
 * @param latency what may be in flight, in microseconds; 0 counts launches
 */
export const permitWithin =
  (window: number, latency = 0): Behaviour =>
  (daemon, { link, message }) => {
    if (message.type === 'HELLO') daemon.welcome(link);
    if (message.type !== 'REGISTER') return;
    daemon.send(link, makePermit(message.queue, { window, latency }));
  };

/** Says nothing, ever. */
export const beSilent: Behaviour = () => undefined;

export class FakeAgentDaemon {
  /** Everything so far, in order. */
  readonly heard: Heard[] = [];
  /** User names that asked to be let in. */
  readonly applicants: string[] = [];
  readonly #context = new Context();
  readonly #authenticator = new Reply({ context: this.#context, linger: 0 });
  readonly #router: Router;
  readonly #watchers = new Set<() => void>();
  #closed = false;
  #sent: Promise<void> = Promise.resolve();

  private constructor(
    public behave: Behaviour,
    private readonly admission: '200' | '400',
    heart: Heart,
  ) {
    this.#router = new Router({ context: this.#context, plainServer: true, linger: 0, ...heart });
  }

  /** Starts one that ends with the test. */
  static async start(
    runtimeDir: string,
    behave: Behaviour = serveAll,
    options: { admission?: '200' | '400' } & Heart = {},
  ): Promise<FakeAgentDaemon> {
    const { admission = '200', ...heart } = options;
    const daemon = new FakeAgentDaemon(behave, admission, heart);
    onTestFinished(() => {
      daemon.stop();
    });
    await daemon.#authenticator.bind('inproc://zeromq.zap.01');
    daemon.#watch(daemon.#authenticate());
    await daemon.#router.bind(`ipc://${path.join(runtimeDir, 'agent.sock')}`);
    daemon.#watch(daemon.#serve());
    return daemon;
  }

  /** Closes both sockets; its clients see the connection end. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#router.close();
    this.#authenticator.close();
  }

  welcome(link: string): void {
    const fields = { version: PROTOCOL_VERSION, generation: 1, enabled: true };
    this.send(link, { type: 'WELCOME', ...fields, streamPriority: false });
  }

  send(link: string, message: AgentDown): void {
    this.sendRaw(link, encodeMessage(message));
  }

  /** Sends frames as they are. */
  sendRaw(link: string, ...frames: Buffer[]): void {
    // The socket takes one at a time, and after some hundreds it is no longer done at once.
    const sent = this.#sent.then(() => this.#router.send([link, ...frames]));
    this.#sent = sent.catch((error: unknown) => {
      if (!this.#closed) throw error;
    });
  }

  /** The messages of some types, of all links. */
  list<T extends AgentUp['type']>(...types: T[]): (Heard & { message: { type: T } })[] {
    return this.heard.filter((heard): heard is Heard & { message: { type: T } } =>
      (types as string[]).includes(heard.message.type),
    );
  }

  /** Waits until `find` returns something. */
  async waitFor<T>(what: string, find: () => T | undefined): Promise<T> {
    const found = find();
    if (found !== undefined) return found;
    return new Promise<T>((resolve, reject) => {
      const watcher = () => {
        const result = find();
        if (result === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve(result);
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        const last = this.heard.slice(-5).map(({ message }) => JSON.stringify(message));
        reject(new Error(`no ${what} within ${WAIT_MS} ms; heard last: ${last.join(' ')}`));
      }, WAIT_MS);
      this.#watchers.add(watcher);
    });
  }

  /** Waits for a message that is not among the first `from`. */
  async next<T extends AgentUp['type']>(
    type: T,
    matches: (message: Extract<AgentUp, { type: T }>) => boolean = () => true,
    from = 0,
  ): Promise<Heard & { message: Extract<AgentUp, { type: T }> }> {
    return this.waitFor(type, () =>
      this.heard
        .slice(from)
        .find(
          (heard): heard is Heard & { message: Extract<AgentUp, { type: T }> } =>
            heard.message.type === type && matches(heard.message as Extract<AgentUp, { type: T }>),
        ),
    );
  }

  /** A failure is one of the test, unless the sockets were closed in the middle of an answer. */
  #watch(loop: Promise<void>): void {
    loop.catch((error: unknown) => {
      if (!this.#closed) throw error;
    });
  }

  async #authenticate(): Promise<void> {
    for await (const [version = '', id = '', , , , , username = ''] of this.#authenticator) {
      this.applicants.push(username.toString());
      const { admission } = this;
      await this.#authenticator.send([version, id, admission, '', username, '']);
    }
  }

  async #serve(): Promise<void> {
    for await (const [link, frame] of this.#router) {
      if (link === undefined || frame === undefined) continue;
      // A message of the shim that the codec refuses fails the test here.
      const message = decodeMessage('agent-up', frame);
      const heard = { link: link.toString(), message, at: process.hrtime.bigint() };
      this.heard.push(heard);
      this.behave(this, heard);
      for (const watcher of [...this.#watchers]) watcher();
    }
  }
}

/** Says once what each queue may do, and answers whoever waits with the latest word on it. */
export class Decisions {
  readonly #latest = new Map<number, PermitMessage>();

  readonly behave: Behaviour = (daemon, { link, message }) => {
    if (message.type === 'HELLO') daemon.welcome(link);
    if (message.type !== 'REGISTER' && message.type !== 'READY') return;
    if (message.type === 'READY' && !message.waiting) return;
    const { permit, state } = this.#state(message.queue);
    daemon.send(link, { ...state, type: permit ? 'PERMIT' : 'SUSPEND' });
  };

  readonly #suspended = new Set<number>();

  /** From now on the queue may launch, or may not. */
  decide(daemon: FakeAgentDaemon, heard: Heard, queue: number, permit: boolean): PermitMessage {
    const before = this.#state(queue).state;
    const state = { ...before, seq: before.seq + 1 };
    this.#latest.set(queue, state);
    if (permit) this.#suspended.delete(queue);
    else this.#suspended.add(queue);
    daemon.send(heard.link, { ...state, type: permit ? 'PERMIT' : 'SUSPEND' });
    return state;
  }

  #state(queue: number): { permit: boolean; state: PermitMessage } {
    const state = this.#latest.get(queue) ?? makePermit(queue, { seq: 10 });
    return { permit: !this.#suspended.has(queue), state };
  }
}
