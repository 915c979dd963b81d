/** A ZeroMQ ROUTER socket on a unix socket, as the daemon uses it. */
import { performance } from 'node:perf_hooks';
import { Router } from 'zeromq';
import type { Context } from 'zeromq';
import type { Domain } from './peers.js';

/** What arrived: the routing id, and the frames of the message after it. */
export type Receive = (id: string, frames: readonly Buffer[]) => void;

/** Why a message could not be sent: nobody is there any more, or the peer reads too slowly. */
export type SendFailure = 'unreachable' | 'full';

/** What the servers need of a socket; tests put themselves in between. */
export interface MessageSocket {
  /** Begins to hand on what arrives. */
  start(receive: Receive, onFailure: (id: string, failure: SendFailure) => void): void;
  /** Sends at once or not at all; `onTaken` is told once it is known to be on its way. */
  send(id: string, frame: Buffer, onTaken?: () => void): void;
  /** Closes; what was sent before still goes out, within LINGER_MS. */
  close(): void;
}

/** How long what was sent last may take to leave after the socket is closed, in milliseconds. */
const LINGER_MS = 500;
/** A peer has to finish its handshake within this, in milliseconds. */
const HANDSHAKE_MS = 5000;
/** Connections that may wait to be accepted: many processes may start at once. */
const BACKLOG = 4096;
/** Messages handled before timers and other sockets get their turn. */
const BURST = 128;

export interface RouterOptions {
  readonly context: Context;
  /** Tells the sockets apart in the authenticator. */
  readonly domain: Domain;
  /** Path of the unix socket. */
  readonly path: string;
  /** Messages that may wait for one peer, in each direction. */
  readonly sendHighWaterMark: number;
  readonly receiveHighWaterMark: number;
  /** A peer that sends a longer message is disconnected, in bytes. */
  readonly maxMessageSize: number;
  /** Other sockets get their turn after so long at the latest, or one message, in milliseconds. */
  readonly turnMs: number;
  /** Told when reading fails for good. */
  readonly onBroken: (error: unknown) => void;
}

/** A bound socket. `open` makes one. */
export class RouterSocket implements MessageSocket {
  #closed = false;
  #onFailure: (id: string, failure: SendFailure) => void = () => undefined;

  private constructor(
    private readonly socket: Router,
    private readonly options: RouterOptions,
  ) {}

  /** Binds a socket. @throws the error of libzmq when the path cannot be bound. */
  static async open(options: RouterOptions): Promise<RouterSocket> {
    const socket = new Router({
      context: options.context,
      plainServer: true,
      zapDomain: options.domain,
      // To learn that a peer has gone; without it such messages vanish.
      mandatory: true,
      // Each send succeeds or fails at once, and none waits for another.
      sendTimeout: 0,
      linger: LINGER_MS,
      handshakeInterval: HANDSHAKE_MS,
      backlog: BACKLOG,
      sendHighWaterMark: options.sendHighWaterMark,
      receiveHighWaterMark: options.receiveHighWaterMark,
      maxMessageSize: options.maxMessageSize,
    });
    try {
      await socket.bind(`ipc://${options.path}`);
    } catch (error) {
      socket.close();
      throw error;
    }
    return new RouterSocket(socket, options);
  }

  start(receive: Receive, onFailure: (id: string, failure: SendFailure) => void): void {
    this.#onFailure = onFailure;
    this.#serve(receive).catch((error: unknown) => {
      if (!this.#closed) this.options.onBroken(error);
    });
  }

  send(id: string, frame: Buffer, onTaken: () => void = () => undefined): void {
    if (this.#closed) return;
    // A routing id is hexadecimal digits, which are the same bytes in any encoding.
    const sent = this.socket.send([id, frame]);
    sent.then(onTaken, (error: unknown) => {
      if (this.#closed) return;
      const { code } = error as NodeJS.ErrnoException;
      this.#onFailure(id, code === 'EHOSTUNREACH' ? 'unreachable' : 'full');
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.socket.close();
  }

  async #serve(receive: Receive): Promise<void> {
    let handled = 0;
    const { turnMs } = this.options;
    const isLimited = turnMs !== Infinity;
    let turnEnds = performance.now() + turnMs;
    for (;;) {
      let message: Buffer[];
      try {
        // The socket's own iterator takes a promise more for each message.
        message = await this.socket.receive();
      } catch (error) {
        if (this.#closed) return;
        throw error;
      }
      const id = message.shift();
      if (id !== undefined) receive(id.toString('latin1'), message);
      if (++handled % BURST === 0 || (isLimited && performance.now() >= turnEnds)) {
        await nextTurn();
        turnEnds = performance.now() + turnMs;
      }
      if (this.#closed) return;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
