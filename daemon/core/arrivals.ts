/**
 * Clients on their way to the GPU: they said HELLO with their first context, and have no queue yet.
 * What others have in flight by then cannot be recalled when the first launch comes, so whoever will
 * be outranked keeps a window from now on. Nobody knows which device it will be, so this concerns all;
 * and as a client without work holds nobody back, it is not suspended for.
 */
import type { PolicyQueue } from '../policy/policy.js';
import { QueueIndex } from '../policy/queue-index.js';
import type { Turn } from './decide.js';
import { resolveArrival } from './priority.js';
import type { Client } from './state.js';

/**
 * For so long after its HELLO a client is expected, in milliseconds: large models take most of that to
 * load, and a window costs the others little. Who has launched nothing by then may never do so.
 */
export const EXPECTED_MS = 60_000;

/** An expected client, as policies see the queue that it may have soon. */
export interface Arrival extends PolicyQueue {
  /** When its client said HELLO. */
  readonly since: number;
}

/** The expected clients. */
export class Arrivals {
  /** The one that said HELLO first comes first. */
  readonly #expected = new Map<Client, Arrival>();
  /** The highest first: its levels are the priorities with the sign changed. */
  readonly #byPriority = new QueueIndex<Arrival>();
  #foremost: Arrival | undefined;

  /** The one of the highest priority. */
  get foremost(): Arrival | undefined {
    return this.#foremost;
  }

  has(client: Client): boolean {
    return this.#expected.has(client);
  }

  set(client: Client, since: number, priority: number): void {
    const before = this.#expected.get(client);
    if (before?.priority === priority) return;
    if (before !== undefined) this.#byPriority.delete(before);
    const arrival = {
      ...{ id: String(client.pid), owner: client.link, priority },
      ...{ competes: false, onBoard: false, since },
    };
    this.#expected.set(client, arrival);
    this.#byPriority.set(arrival, -priority);
    this.#findForemost();
  }

  delete(client: Client): void {
    const arrival = this.#expected.get(client);
    if (arrival === undefined) return;
    this.#expected.delete(client);
    this.#byPriority.delete(arrival);
    this.#findForemost();
  }

  [Symbol.iterator](): Iterator<readonly [Client, Arrival]> {
    return this.#expected.entries();
  }

  #findForemost(): void {
    const [first] = this.#byPriority.at(this.#byPriority.lowest);
    this.#foremost = first;
  }
}

/** A client came: it is expected to launch something. */
export function expectClient(turn: Turn, client: Client): void {
  change(turn, (arrivals) => {
    arrivals.set(client, turn.now, resolveArrival(turn.state, client));
  });
}

/** The client has a queue, which counts for itself; or it is gone. */
export function endArrival(turn: Turn, client: Client): void {
  if (!turn.state.arrivals.has(client)) return;
  change(turn, (arrivals) => {
    arrivals.delete(client);
  });
}

/** What priorities come from has changed. */
export function rankArrivals(turn: Turn): void {
  change(turn, (arrivals) => {
    for (const [client, { since }] of [...arrivals]) {
      arrivals.set(client, since, resolveArrival(turn.state, client));
    }
  });
}

/** Time has passed: who was expected for long enough is expected no more. */
export function checkArrivals(turn: Turn): void {
  change(turn, (arrivals) => {
    for (const [client, { since }] of [...arrivals]) {
      if (turn.now < since + EXPECTED_MS) return;
      arrivals.delete(client);
    }
  });
}

/** Changes who is expected, and has windows decided on where that matters. */
function change(turn: Turn, how: (arrivals: Arrivals) => void): void {
  const { arrivals, devices } = turn.state;
  const before = arrivals.foremost?.priority;
  how(arrivals);
  if (arrivals.foremost?.priority === before) return;
  for (const device of devices.values()) turn.touchDevice(device);
}
