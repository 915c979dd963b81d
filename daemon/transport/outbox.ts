/** Messages that wait until a peer's queue inside libzmq has room for them. */

/** Bytes that may wait for one link; what is beyond that is dropped. */
const WAITING_BYTES = 256 * 1024;
/** What was not taken is tried again after so long, in milliseconds. */
const RETRY_MS = 2;
/** Who has taken nothing in so many tries does not read: what waits for it is dropped. */
const TRIES = 500;

interface Waiting {
  /** The first one is being sent; the others wait for it. */
  readonly frames: Buffer[];
  /** Of those that wait. */
  bytes: number;
  tries: number;
  timer?: NodeJS.Timeout;
}

/**
 * Keeps the queue inside libzmq short, where messages are counted and not their bytes, without losing
 * the many small ones of a busy moment. One message of a link is tried at a time, so that none
 * overtakes another.
 */
export class Outbox {
  readonly #waiting = new Map<string, Waiting>();

  /** @param send tries to send, and says by `taken` or `refused` what became of it */
  constructor(private readonly send: (id: string, frame: Buffer) => void) {}

  /** Sends a message after those that wait already. */
  post(id: string, frame: Buffer): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      this.#waiting.set(id, { frames: [frame], bytes: 0, tries: 0 });
      this.send(id, frame);
    } else if (waiting.bytes + frame.length <= WAITING_BYTES) {
      waiting.frames.push(frame);
      waiting.bytes += frame.length;
    }
  }

  /** The message that was being sent is on its way. */
  taken(id: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    waiting.frames.shift();
    waiting.tries = 0;
    const [next] = waiting.frames;
    if (next === undefined) {
      this.#waiting.delete(id);
      return;
    }
    waiting.bytes -= next.length;
    this.send(id, next);
  }

  /** The message that was being sent found no room. */
  refused(id: string): void {
    const waiting = this.#waiting.get(id);
    const [frame] = waiting?.frames ?? [];
    if (waiting === undefined || frame === undefined) return;
    if (frame.length > WAITING_BYTES) {
      // Whoever wants so much has to read; the small ones behind it may still find room.
      this.taken(id);
      return;
    }
    if (++waiting.tries >= TRIES) {
      this.forget(id);
      return;
    }
    waiting.timer = setTimeout(() => {
      this.send(id, frame);
    }, RETRY_MS);
  }

  /** Drops what waits for a link. */
  forget(id: string): void {
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
  }

  close(): void {
    for (const id of [...this.#waiting.keys()]) this.forget(id);
  }
}
