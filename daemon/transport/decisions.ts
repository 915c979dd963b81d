/** Decisions on their way out: of several on one queue only the last one is sent. */
import type {
  AgentDown,
  PermitMessage,
  SuspendMessage,
} from '../../protocol/generated/messages.js';

/** A message that says all there is to say of a queue, so that a newer one stands for it. */
export type Decision = PermitMessage | SuspendMessage;

/** @returns whether a message is one that may wait here. */
export function isDecision(message: AgentDown): message is Decision {
  return message.type === 'PERMIT' || message.type === 'SUSPEND';
}

interface Waiting {
  readonly link: string;
  readonly decision: Decision;
}

/**
 * Keeps decisions until they are sent together. Nothing is lost by it: a decision carries the whole
 * state of its queue and a number, and clients go by the newest. Suspensions leave first, as they do
 * from the core: whoever may go on must not begin before the others have been told to stop.
 */
export class Decisions {
  /** By link and queue, the one that was made last at the end. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(private readonly send: (link: string, decision: Decision) => void) {}

  get size(): number {
    return this.#waiting.size;
  }

  /** Takes a decision in place of what waits for its queue. */
  post(link: string, decision: Decision): void {
    const key = `${link}/${String(decision.queue)}`;
    // Set alone would leave it at the place of the one before.
    this.#waiting.delete(key);
    this.#waiting.set(key, { link, decision });
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const type of ['SUSPEND', 'PERMIT']) {
      for (const { link, decision } of waiting) {
        if (decision.type === type) this.send(link, decision);
      }
    }
  }

  /** A link is served no more: what waits for it concerns nobody. */
  forget(link: string): void {
    for (const [key, waiting] of this.#waiting) {
      if (waiting.link === link) this.#waiting.delete(key);
    }
  }
}
