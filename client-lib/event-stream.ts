/** Events that wait for their reader. */
import type { EventMessage } from '../protocol/generated/messages.js';

/** Events that may wait; a reader that is further behind loses the oldest. */
const WAITING_MAX = 10_000;

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly error: Error };

interface Reader {
  readonly resolve: (result: IteratorResult<EventMessage, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The daemon's events from the moment at which `ready` resolves, in their order, for one reader:
 * `for await (const event of stream)`. Leaving the loop closes the stream. It fails with the error
 * that broke the link to the daemon.
 */
export class EventStream implements AsyncIterableIterator<EventMessage, undefined> {
  /** Resolves when the daemon has accepted the subscription; rejects where it did not. */
  readonly ready: Promise<void>;
  /** Events thrown away because nobody read them. */
  dropped = 0;
  #state: State = { kind: 'open' };
  #waiting: EventMessage[] = [];
  #reader: Reader | undefined;

  /** @param onClose Called once, when the reader wants no more. */
  constructor(
    subscribed: Promise<void>,
    private readonly onClose: () => Promise<void>,
  ) {
    this.ready = subscribed;
    subscribed.catch((error: unknown) => {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  push(event: EventMessage): void {
    if (this.#state.kind !== 'open') return;
    const reader = this.#takeReader();
    if (reader !== undefined) {
      reader.resolve({ value: event, done: false });
      return;
    }
    this.#waiting.push(event);
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift();
      this.dropped += 1;
    }
  }

  /** Ends the stream with an error, after the events that already wait. */
  fail(error: Error): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'failed', error };
    this.#takeReader()?.reject(error);
  }

  /** Ends the stream; events that wait are thrown away. */
  async close(): Promise<void> {
    this.#waiting = [];
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'closed' };
    this.#takeReader()?.resolve({ value: undefined, done: true });
    await this.onClose();
  }

  next(): Promise<IteratorResult<EventMessage, undefined>> {
    const event = this.#waiting.shift();
    if (event !== undefined) return Promise.resolve({ value: event, done: false });
    if (this.#state.kind === 'closed') return Promise.resolve({ value: undefined, done: true });
    if (this.#state.kind === 'failed') return Promise.reject(this.#state.error);
    if (this.#reader !== undefined) {
      return Promise.reject(new Error('next() was called while an earlier next() still waits'));
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  async return(): Promise<IteratorResult<EventMessage, undefined>> {
    await this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #takeReader(): Reader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }
}
