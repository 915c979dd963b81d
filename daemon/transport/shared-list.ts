/** The reply to LIST, rendered once for all who ask at about the same time. */
import { encodeMessage } from '../../protocol/codec.js';
import type { QueueInfo } from '../../protocol/generated/messages.js';

/** A rendered list is given out for so long, in milliseconds. */
const SHARED_MS = 50;

/** Renders LIST_REPLY messages, which differ in nothing but the number of their request. */
export class SharedList {
  #queues: Buffer = Buffer.alloc(0);
  #renderedAt = -Infinity;

  /**
   * @param clock monotonic, in milliseconds
   * @param list what is rendered
   */
  constructor(
    private readonly clock: () => number,
    private readonly list: () => readonly QueueInfo[],
  ) {}

  /** The bytes of a reply. */
  render(request: number): Buffer {
    const head = encodeHead(request);
    const now = this.clock();
    if (now - this.#renderedAt >= SHARED_MS) {
      const bytes = encodeMessage({ type: 'LIST_REPLY', request, queues: this.list() });
      this.#queues = bytes.subarray(head.length);
      this.#renderedAt = now;
    }
    return Buffer.concat([head, this.#queues]);
  }

  /** Somebody changed what it shows, and wants to see it. */
  forget(): void {
    this.#renderedAt = -Infinity;
  }
}

/** All of a reply but its last field. */
function encodeHead(request: number): Buffer {
  // No queues at all are one byte.
  return encodeMessage({ type: 'LIST_REPLY', request, queues: [] }).subarray(0, -1);
}
