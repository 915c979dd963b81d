/**
 * Answers libzmq's question whether to let a connection in (ZAP, ZeroMQ RFC 27).
 *
 * zeromq.js hands no metadata of messages on, so this is the one place where a link can be tied to
 * the process behind it: the user name of the mechanism PLAIN is the routing id, and the address is
 * what the kernel says of the peer. Passwords say nothing; libzmq cannot send an empty one.
 */
import { Router } from 'zeromq';
import type { Context } from 'zeromq';

const ENDPOINT = 'inproc://zeromq.zap.01';
const VERSION = '1.0';

/** Who wants to come in. */
export interface Applicant {
  readonly domain: string;
  readonly address: string;
  readonly username: string;
}

/** @returns why not, or undefined to let it in. */
export type Admit = (applicant: Applicant) => string | undefined;

/** The one authenticator of a ZeroMQ context. */
export class Authenticator {
  readonly #socket: Router;
  #closed = false;

  constructor(
    context: Context,
    private readonly admit: Admit,
  ) {
    this.#socket = new Router({ context, linger: 0, sendTimeout: 0 });
  }

  /**
   * Has to be done before any socket is bound: libzmq lets everybody in until then.
   * @param onBroken told when reading fails for good
   */
  async start(onBroken: (error: unknown) => void): Promise<void> {
    await this.#socket.bind(ENDPOINT);
    this.#serve().catch((error: unknown) => {
      // Closing in the middle of an answer makes the next read fail.
      if (!this.#closed) onBroken(error);
    });
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  async #serve(): Promise<void> {
    for await (const frames of this.#socket) {
      const reply = this.#answer(frames);
      // A connection that was given up meanwhile wants no answer.
      if (reply !== undefined) this.#socket.send(reply).catch(() => undefined);
    }
  }

  /** Frames: return address, empty, version, request, domain, address, id, mechanism, credentials. */
  #answer(frames: readonly Buffer[]): (Buffer | string)[] | undefined {
    const [from, , version, request, domain, address, , mechanism, username] = frames;
    if (from === undefined || request === undefined) return undefined;
    let refusal: string | undefined;
    if (version?.toString() !== VERSION || mechanism?.toString() !== 'PLAIN') {
      refusal = 'only the mechanism PLAIN is served';
    } else {
      refusal = this.admit({
        domain: domain?.toString('latin1') ?? '',
        address: address?.toString('latin1') ?? '',
        username: username?.toString('latin1') ?? '',
      });
    }
    const [code, text, user] =
      refusal === undefined ? ['200', 'OK', username ?? ''] : ['400', refusal, ''];
    return [from, '', VERSION, request, code, text, user, ''];
  }
}
