/**
 * The agent socket: takes what shims say, checks who they are and that it makes sense, and hands it
 * to the core.
 */
import type { Logger } from 'winston';
import { processStartTime, watchProcess } from '../../native/index.js';
import type { ProcessWatch } from '../../native/index.js';
import { decodeMessage, encodeMessage, ProtocolError } from '../../protocol/codec.js';
import type { AgentDown, HelloMessage } from '../../protocol/generated/messages.js';
import { ERROR_CODES, PROTOCOL_VERSION } from '../../protocol/messages.js';
import type { Event } from '../core/events.js';
import type { ClientIdentity } from '../core/state.js';
import { Decisions, isDecision } from './decisions.js';
import { mayComplain } from './peers.js';
import type { Peer, PeerTable } from './peers.js';
import { readAncestors, readProcess } from './processes.js';
import type { MessageSocket, SendFailure } from './router-socket.js';

/** After so many messages that make no sense a client is ignored until it says HELLO anew. */
export const BAD_MESSAGES_MAX = 100;

/**
 * Decisions wait while messages are at hand, since those may change them again; after so many
 * messages at the latest they are sent, which keeps the first of them waiting for a fifth of a
 * millisecond.
 */
export const HELD_MESSAGES_MAX = 16;

/** Errors that say nothing of the client, only that the daemon or the machine is short of something. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC']);

export interface AgentServerOptions {
  readonly socket: MessageSocket;
  readonly peers: PeerTable;
  readonly log: Logger;
  /** The daemon's monotonic clock, in milliseconds. */
  readonly clock: () => number;
  /** Hands an event to the core, which carries out the effects before it returns. */
  readonly dispatch: (event: Event) => void;
}

/** A message that was refused, with the code that tells its sender why. */
class Refusal extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** Serves the agent socket. */
export class AgentServer {
  readonly #watches = new Map<string, { readonly pid: number; readonly watch: ProcessWatch }>();
  /** Messages that were understood, and that were not. */
  #messages = 0;
  #refused = 0;
  /** Messages that a peer's full queue did not take; STATS makes good for them. */
  #undelivered = 0;
  readonly #decisions: Decisions;
  /** Messages since decisions wait. */
  #held = 0;

  constructor(private readonly options: AgentServerOptions) {
    this.#decisions = new Decisions((id, decision) => {
      options.socket.send(id, encodeMessage(decision));
    });
  }

  get messages(): number {
    return this.#messages;
  }

  get refused(): number {
    return this.#refused;
  }

  get undelivered(): number {
    return this.#undelivered;
  }

  start(): void {
    this.options.socket.start(
      (id, frames) => {
        this.#receive(id, frames);
      },
      (id, failure) => {
        this.#fail(id, failure);
      },
    );
  }

  close(): void {
    this.#flush();
    this.options.socket.close();
    for (const { watch } of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  /**
   * Sends a message; complaints only as often as anybody could want to read them. Decisions leave when
   * no message is at hand, or after HELD_MESSAGES_MAX.
   */
  send(id: string, message: AgentDown): void {
    if (isDecision(message)) {
      // The tick begins when no promise is left to be settled: a read that has to wait is not.
      if (this.#decisions.size === 0) process.nextTick(this.#flush);
      this.#decisions.post(id, message);
      return;
    }
    if (message.type === 'ERROR') {
      const peer = this.options.peers.find('agent', id);
      if (peer === undefined || !mayComplain(peer, this.options.clock())) return;
    }
    this.options.socket.send(id, encodeMessage(message));
  }

  /**
   * The link is served no more.
   * @param stillWatch whether the end of its process is told all the same
   */
  forget(id: string, stillWatch: boolean): void {
    this.#decisions.forget(id);
    if (!stillWatch) {
      this.#watches.get(id)?.watch.close();
      this.#watches.delete(id);
    }
    this.options.peers.drop(id, this.options.clock());
  }

  readonly #flush = (): void => {
    this.#held = 0;
    this.#decisions.flush();
  };

  #receive(id: string, frames: readonly Buffer[]): void {
    if (this.#decisions.size > 0 && ++this.#held >= HELD_MESSAGES_MAX) this.#flush();
    const peer = this.options.peers.find('agent', id);
    if (peer === undefined) {
      // The last words of a process are read after the kernel has told of its death.
      if (!this.options.peers.isOfTheDead(id)) this.#refused++;
      return;
    }
    try {
      this.#take(peer, frames);
      this.#messages++;
    } catch (error) {
      if (error instanceof ProtocolError || error instanceof Refusal) {
        this.#complain(peer, error.code, error.message);
        return;
      }
      // A fault of our own must not cost the others their service.
      this.options.log.error(`agent: a message of process ${String(peer.pid)} failed`, { error });
      this.#complain(peer, ERROR_CODES.INTERNAL, 'the daemon failed on this message');
    }
  }

  #take(peer: Peer, frames: readonly Buffer[]): void {
    const [frame] = frames;
    if (frame === undefined || frames.length !== 1) {
      const count = String(frames.length);
      throw new Refusal(ERROR_CODES.MALFORMED, `a message is one frame, received ${count}`);
    }
    const message = decodeMessage('agent-up', frame);
    if (message.type === 'HELLO') {
      this.#greet(peer, message);
      return;
    }
    if (peer.muted) throw new Refusal(ERROR_CODES.STATE, `${message.type} came without a HELLO`);
    if (!peer.kept) {
      throw new Refusal(ERROR_CODES.STATE, `${message.type} came before HELLO`);
    }
    this.options.dispatch({ type: 'message', link: peer.id, message });
  }

  #greet(peer: Peer, hello: HelloMessage): void {
    let identity: ClientIdentity;
    try {
      identity = this.#identify(peer, hello);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Whatever it was before, it is not served any more, unless it says a better HELLO.
      this.options.dispatch({ type: 'gone', link: peer.id, cause: error.message, ended: false });
      peer.kept = false;
      peer.usedAt = this.options.clock();
      this.options.peers.restore(peer);
      this.#complain(peer, error.code, error.message);
      return;
    }
    peer.bad = 0;
    peer.muted = false;
    peer.kept = true;
    this.options.dispatch({ type: 'hello', client: identity });
  }

  /** @throws {Refusal} VERSION or IDENTITY; LIMIT when the daemon has no descriptor to spare. */
  #identify(peer: Peer, hello: HelloMessage): ClientIdentity {
    if (hello.version !== PROTOCOL_VERSION) {
      const [theirs, ours] = [String(hello.version), String(PROTOCOL_VERSION)];
      throw new Refusal(
        ERROR_CODES.VERSION,
        `the client speaks version ${theirs} of the protocol, the daemon version ${ours}`,
      );
    }
    if (peer.pid === 0) {
      throw new Refusal(
        ERROR_CODES.IDENTITY,
        'the kernel does not tell the pid of this client: it is in a pid namespace out of sight',
      );
    }
    try {
      const startTime = processStartTime(peer.pid);
      const { ownPid, gids } = readProcess(peer.pid);
      if (hello.pid !== peer.pid && hello.pid !== ownPid) {
        throw new Refusal(
          ERROR_CODES.IDENTITY,
          `HELLO.pid is ${String(hello.pid)}, but the kernel says ${String(peer.pid)}`,
        );
      }
      if (hello.startTime !== startTime) {
        throw new Refusal(
          ERROR_CODES.IDENTITY,
          `HELLO.startTime is ${String(hello.startTime)}, but process ${String(peer.pid)} ` +
            `started at ${String(startTime)}`,
        );
      }
      this.#watch(peer, startTime);
      return {
        link: peer.id,
        pid: peer.pid,
        uid: peer.uid,
        gids: [peer.gid, ...gids],
        startTime,
        exe: hello.exe,
        command: hello.command,
        ownName: hello.name,
        ownPriority: hello.hasPriority ? hello.priority : undefined,
        board: hello.board,
        ancestors: readAncestors(peer.pid),
      };
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      const pid = String(peer.pid);
      if (code !== undefined && EXHAUSTED.has(code)) {
        throw new Refusal(
          ERROR_CODES.LIMIT,
          `process ${pid} cannot be watched, since the daemon has nothing left to do it with: ` +
            message,
        );
      }
      throw new Refusal(ERROR_CODES.IDENTITY, `process ${pid} cannot be watched: ${message}`);
    }
  }

  #watch(peer: Peer, startTime: number): void {
    if (this.#watches.has(peer.id)) return;
    const { id, pid } = peer;
    const onExit = () => {
      this.#watches.delete(id);
      this.options.dispatch({ type: 'gone', link: id, cause: 'the process ended', ended: true });
    };
    this.#watches.set(id, { pid, watch: watchProcess(pid, onExit, startTime) });
  }

  #complain(peer: Peer, code: number, message: string): void {
    this.#refused++;
    peer.bad++;
    if (!peer.muted) this.send(peer.id, { type: 'ERROR', code, message: message.slice(0, 300) });
    if (peer.bad === 1) {
      this.options.log.warn(
        `agent: process ${String(peer.pid)} sent a message that is refused: ${message}`,
      );
    } else if (peer.bad === BAD_MESSAGES_MAX) {
      peer.muted = true;
      this.options.log.warn(
        `agent: process ${String(peer.pid)} is ignored until it says HELLO anew, ` +
          `after ${String(BAD_MESSAGES_MAX)} bad messages`,
      );
    }
  }

  #fail(id: string, failure: SendFailure): void {
    if (failure === 'full') {
      this.#undelivered++;
      return;
    }
    // Its socket is closed. A process that lives on comes back with a link of its own.
    this.options.dispatch({ type: 'gone', link: id, cause: 'it closed its link', ended: false });
  }
}
