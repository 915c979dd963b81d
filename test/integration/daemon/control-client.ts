/** A bare client of the control socket for tests: sends what it is told, keeps what arrives. */
import path from 'node:path';
import { Dealer } from 'zeromq';
import { decodeMessage, encodeMessage } from '../../../protocol/codec.js';
import type { ControlDown, ControlUp } from '../../../protocol/generated/messages.js';
import { newRoutingId } from './agent-client.js';

/** One link to a control socket. */
export class ControlClient {
  readonly #socket: Dealer;
  readonly #inbox: ControlDown[] = [];
  #wake: () => void = () => undefined;

  constructor(runtimeDir: string) {
    const id = newRoutingId();
    this.#socket = new Dealer({
      routingId: id,
      plainUsername: id,
      linger: 0,
      sendTimeout: 0,
      // A test may send faster than the daemon reads.
      sendHighWaterMark: 0,
      reconnectInterval: -1,
    });
    this.#socket.connect(`ipc://${path.join(runtimeDir, 'control.sock')}`);
    void this.#receive();
  }

  send(message: ControlUp): void {
    this.sendRaw(encodeMessage(message));
  }

  sendRaw(...frames: Buffer[]): void {
    this.#socket.send(frames).catch((error: unknown) => {
      if (!this.#socket.closed) throw error;
    });
  }

  /** Sends a request and takes the reply of its number. */
  async ask(message: ControlUp): Promise<ControlDown> {
    this.send(message);
    return this.take((reply) => 'request' in reply && reply.request === message.request);
  }

  /** The next message that a test is about; others stay. */
  async take(wanted: (message: ControlDown) => boolean): Promise<ControlDown> {
    for (;;) {
      const index = this.#inbox.findIndex(wanted);
      const [found] = index < 0 ? [] : this.#inbox.splice(index, 1);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.close();
  }

  async #receive(): Promise<void> {
    for await (const [frame] of this.#socket) {
      if (frame !== undefined) this.#inbox.push(decodeMessage('control-down', frame));
      this.#wake();
    }
  }
}
