/** A reply with a long list, rendered once for all who ask at about the same time. */
import { encodeMessage } from '../../protocol/codec.js';
import type { ControlDown } from '../../protocol/generated/messages.js';

/** A rendered list is given out for so long, in milliseconds. */
const SHARED_MS = 50;
/** And for so many times as long as it took: who only looks gets no more of the daemon's time. */
const SHARED_FACTOR = 10;

/** Renders the replies to one kind of request, which differ in nothing but its number. */
export class SharedList<Row> {
  #rows: Buffer = Buffer.alloc(0);
  #validUntil = -Infinity;

  /**
   * @param clock monotonic, in milliseconds
   * @param list what is rendered
   * @param reply the message around it, whose last field it is
   */
  constructor(
    private readonly clock: () => number,
    private readonly list: () => readonly Row[],
    private readonly reply: (request: number, rows: readonly Row[]) => ControlDown,
  ) {}

  /** The bytes of a reply. */
  render(request: number): Buffer {
    const head = this.#encodeHead(request);
    const begin = this.clock();
    if (begin >= this.#validUntil) {
      const bytes = encodeMessage(this.reply(request, this.list()));
      this.#rows = bytes.subarray(head.length);
      const end = this.clock();
      this.#validUntil = end + Math.max(SHARED_MS, SHARED_FACTOR * (end - begin));
    }
    return Buffer.concat([head, this.#rows]);
  }

  /** Somebody changed what it shows, and wants to see it. */
  forget(): void {
    this.#validUntil = -Infinity;
  }

  /** All of a reply but its last field. */
  #encodeHead(request: number): Buffer {
    // No rows at all are one byte.
    return encodeMessage(this.reply(request, [])).subarray(0, -1);
  }
}
