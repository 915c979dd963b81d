/** One connection to the daemon's control socket: requests, their replies, and events. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Dealer } from 'zeromq';
import { decodeMessage, encodeMessage, ProtocolError } from '../protocol/codec.js';
import type { ControlDown, ControlUp, EventMessage } from '../protocol/generated/messages.js';
import { ERROR_CODES, LIMITS, PROTOCOL_VERSION } from '../protocol/messages.js';
import { CONTROL_SOCKET } from '../protocol/runtime-dir.js';
import { AccessDeniedError, NoDaemonError, RemoteError, VersionMismatchError } from './errors.js';

/** A reply, less what is not one. */
export type Reply = Exclude<ControlDown, { type: 'EVENT' | 'CONTROL_ERROR' }>;

/** A request without its number, which the link chooses. */
export type Request = ControlUp extends infer M
  ? M extends ControlUp
    ? Omit<M, 'request'>
    : never
  : never;

export interface LinkOptions {
  /** Absolute path of the runtime directory. */
  readonly runtimeDir: string;
  /** How long a reply may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly onEvent: (event: EventMessage) => void;
  /** Called once, when the link broke; not after close(). */
  readonly onBroken: (error: Error) => void;
}

/** Bytes that the kernel takes as the path of a unix socket. */
const SOCKET_PATH_MAX = 107;

interface Pending {
  readonly expects: Reply['type'];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A link never reconnects: its routing id would still be taken in the daemon, and libzmq drops a
 * second peer of the same id in silence. A new link has a new id.
 */
export class Link {
  readonly #socket: Dealer;
  readonly #pending = new Map<number, Pending>();
  #lastRequest = 0;
  #broken: Error | undefined;

  /**
   * Begins to connect. Whether anybody answers shows with the first request.
   * @throws {NoDaemonError} when there is no socket; {AccessDeniedError} when it may not be opened.
   */
  constructor(private readonly options: LinkOptions) {
    const file = path.join(options.runtimeDir, CONTROL_SOCKET);
    checkSocket(options.runtimeDir, file);
    const id = randomBytes(LIMITS.ROUTING_ID_BYTES / 2).toString('hex');
    this.#socket = new Dealer({
      routingId: id,
      // The password stays empty, which zeromq.js would not take as a value.
      plainUsername: id,
      linger: 0,
      sendTimeout: 0,
      // Only so that a refused connection is reported; the link closes before it tries again.
      reconnectInterval: 1000,
      maxMessageSize: LIMITS.REPLY_BYTES,
    });
    this.#watchConnection();
    this.#socket.connect(`ipc://${file}`);
    void this.#receive();
  }

  /**
   * Sends a request and waits for its reply.
   * @throws {RemoteError} when the daemon refuses; {NoDaemonError} when it does not answer in time
   *   or the link breaks; {VersionMismatchError} when its answer cannot be read.
   */
  request<T extends Reply['type']>(
    message: Request,
    expects: T,
  ): Promise<Extract<Reply, { type: T }>> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    this.#lastRequest = this.#lastRequest >= 0xffffffff ? 1 : this.#lastRequest + 1;
    const request = this.#lastRequest;
    return new Promise<Extract<Reply, { type: T }>>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(request);
        reject(this.#noDaemon(`nobody answered within ${String(this.options.timeoutMs)} ms`));
      }, this.options.timeoutMs);
      this.#pending.set(request, {
        expects,
        // settle() has compared the reply's type with `expects`.
        resolve: (reply) => {
          resolve(reply as Extract<Reply, { type: T }>);
        },
        reject,
        timer,
      });
      const bytes = encodeMessage({ ...message, request });
      this.#socket.send(bytes).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#settle(request, this.#noDaemon(`the request could not be sent: ${reason}`));
      });
    });
  }

  /** Closes the link; requests under way fail. */
  close(): void {
    this.#end(this.#noDaemon('the link was closed'));
  }

  #noDaemon(reason: string): NoDaemonError {
    return new NoDaemonError(this.options.runtimeDir, reason);
  }

  #break(error: Error): void {
    if (this.#end(error)) this.options.onBroken(error);
  }

  #end(error: Error): boolean {
    if (this.#broken !== undefined) return false;
    this.#broken = error;
    for (const request of [...this.#pending.keys()]) this.#settle(request, error);
    this.#socket.close();
    return true;
  }

  #settle(request: number, result: Reply | Error): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    this.#pending.delete(request);
    clearTimeout(pending.timer);
    if (result instanceof Error) pending.reject(result);
    else if (result.type === pending.expects) pending.resolve(result);
    else {
      const seen = `it answered ${result.type} where ${pending.expects} was expected`;
      pending.reject(new VersionMismatchError(`the daemon's answer is not understood: ${seen}`));
    }
  }

  #watchConnection(): void {
    const { events } = this.#socket;
    events.on('connect:retry', () => {
      this.#break(this.#noDaemon('its socket is there, but nobody listens on it'));
    });
    events.on('disconnect', () => {
      this.#break(this.#noDaemon('it closed the connection'));
    });
    events.on('handshake:error:auth', () => {
      const message = 'the daemon does not let this user control it';
      this.#break(new RemoteError(ERROR_CODES.FORBIDDEN, message));
    });
    events.on('handshake:error:protocol', () => {
      this.#break(this.#noDaemon('who listens on its socket is not an xschedd'));
    });
  }

  async #receive(): Promise<void> {
    try {
      for await (const frames of this.#socket) {
        const [frame] = frames;
        if (frame !== undefined) this.#take(frame);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#break(this.#noDaemon(`reading failed: ${reason}`));
    }
  }

  #take(frame: Buffer): void {
    let message: ControlDown;
    try {
      message = decodeMessage('control-down', frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#takeUnreadable(error);
      return;
    }
    if (message.type === 'EVENT') this.options.onEvent(message);
    else if (message.type === 'CONTROL_ERROR') {
      const { code, message: text, request } = message;
      const error =
        code === ERROR_CODES.VERSION ? new VersionMismatchError(text) : new RemoteError(code, text);
      this.#settle(request, error);
    } else this.#settle(message.request, message);
  }

  #takeUnreadable(error: ProtocolError): void {
    const mismatch = new VersionMismatchError(
      `the daemon's answer cannot be read (${error.message}): ` +
        `does it speak another version than ${String(PROTOCOL_VERSION)} of the protocol?`,
    );
    if (error.request !== 0) this.#settle(error.request, mismatch);
    else this.#break(mismatch);
  }
}

function checkSocket(runtimeDir: string, file: string): void {
  const length = Buffer.byteLength(file);
  if (length > SOCKET_PATH_MAX) {
    const reason = `the path of its socket would be ${String(length)} bytes long`;
    throw new NoDaemonError(runtimeDir, `${reason}, over the limit of ${String(SOCKET_PATH_MAX)}`);
  }
  try {
    fs.accessSync(file, fs.constants.R_OK | fs.constants.W_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw new AccessDeniedError(file, { cause: error });
    const reason = code === 'ENOENT' ? `there is no ${CONTROL_SOCKET}` : message;
    throw new NoDaemonError(runtimeDir, reason, { cause: error });
  }
}
