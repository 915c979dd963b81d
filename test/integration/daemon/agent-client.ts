/** A client of the agent socket for tests: what a shim does, without a shim. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Dealer } from 'zeromq';
import { processStartTime } from '../../../native/index.js';
import { decodeMessage, encodeMessage } from '../../../protocol/codec.js';
import type { AgentDown, AgentUp, HelloMessage } from '../../../protocol/generated/messages.js';
import { PROTOCOL_VERSION } from '../../../protocol/messages.js';

/** A fresh routing id. */
export function newRoutingId(): string {
  return randomBytes(16).toString('hex');
}

/** A HELLO of this process, as the daemon wants it. */
export function makeHello(fields: Partial<HelloMessage> = {}): HelloMessage {
  return {
    type: 'HELLO',
    version: PROTOCOL_VERSION,
    pid: process.pid,
    startTime: processStartTime(process.pid),
    exe: '/usr/bin/example',
    command: 'example --serve',
    name: 'example',
    hasPriority: false,
    priority: 0,
    shim: 'test',
    board: 0,
    ...fields,
  };
}

/** One link to an agent socket. Received messages are kept until somebody takes them. */
export class AgentClient {
  readonly id: string;
  /** Settles when the daemon refuses to let the link in. */
  readonly refused: Promise<void>;
  /** Settles when the daemon ends the link. */
  readonly disconnected: Promise<void>;
  readonly #socket: Dealer;
  readonly #inbox: AgentDown[] = [];
  #wake: () => void = () => undefined;

  /**
   * @param credentials `comesBack`: the link is made again when it ends. Only then does libzmq hand
   * out what arrived just before its end.
   */
  constructor(
    runtimeDir: string,
    credentials: { id?: string; username?: string; comesBack?: boolean } = {},
  ) {
    this.id = credentials.id ?? newRoutingId();
    this.#socket = new Dealer({
      routingId: this.id,
      plainUsername: credentials.username ?? this.id,
      linger: 0,
      sendTimeout: 0,
      // A test may send faster than the daemon reads.
      sendHighWaterMark: 0,
      // A link does not come back by itself: a refused one would try for ever.
      reconnectInterval: credentials.comesBack === true ? 100 : -1,
    });
    this.refused = new Promise((resolve) => {
      this.#socket.events.on('handshake:error:auth', () => {
        resolve();
      });
    });
    this.disconnected = new Promise((resolve) => {
      this.#socket.events.on('disconnect', () => {
        resolve();
      });
    });
    this.#socket.connect(`ipc://${path.join(runtimeDir, 'agent.sock')}`);
    void this.#receive();
  }

  send(message: AgentUp): void {
    this.sendRaw(encodeMessage(message));
  }

  sendRaw(...frames: Buffer[]): void {
    this.#socket.send(frames).catch((error: unknown) => {
      if (!this.#socket.closed) throw error;
    });
  }

  /** The next message of the types named; what comes before it is thrown away. */
  async next<T extends AgentDown['type']>(...types: T[]): Promise<Extract<AgentDown, { type: T }>> {
    const message = await this.nextMatching(({ type }) => (types as string[]).includes(type));
    return message as Extract<AgentDown, { type: T }>;
  }

  /** The next message that is wanted; what comes before it is thrown away. */
  async nextMatching(wanted: (message: AgentDown) => boolean): Promise<AgentDown> {
    for (;;) {
      for (const message of this.#take()) if (wanted(message)) return message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What has arrived and was not taken. */
  takeAll(): AgentDown[] {
    return this.#inbox.splice(0);
  }

  close(): void {
    this.#socket.close();
  }

  *#take(): Iterable<AgentDown> {
    for (;;) {
      const message = this.#inbox.shift();
      if (message === undefined) return;
      yield message;
    }
  }

  async #receive(): Promise<void> {
    for await (const [frame] of this.#socket) {
      if (frame !== undefined) this.#inbox.push(decodeMessage('agent-down', frame));
      this.#wake();
    }
  }
}
