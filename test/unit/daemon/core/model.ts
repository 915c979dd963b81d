/** Everything that can happen to a core, at random, and the shims that it happens to. */
import fc from 'fast-check';
import { makeCalls } from '../../../samples/messages.js';
import type { World } from './world.js';

const PIDS = [1, 2, 3] as const;
const QUEUES = [1, 2, 3] as const;
export const WINDOW = 8;
/** So that queues of one process differ in priority. */
export const RULES = `rules:
  - { match: { label: low }, priority: -1 }
  - { match: { label: high }, priority: 1 }
`;

/** A shim's own picture of its queues, by `pid/queue`. */
export interface Shim {
  device: string;
  label: string;
  seq: number;
  ready: boolean;
  waiting: boolean;
  submitted: number;
  completed: number;
}

const pid = fc.constantFrom(...PIDS);
const queue = fc.constantFrom(...QUEUES);
const priority = fc.integer({ min: -2, max: 2 });

/** Weights keep a handful of queues alive together, most of them on one device. */
export const operation = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('hello' as const),
      pid,
      priority: fc.option(priority),
      /** On the link that it has, as after a lost WELCOME. */
      again: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('register' as const),
      pid,
      queue,
      device: fc.constantFrom('GPU-0', 'GPU-0', 'GPU-0', 'GPU-1'),
      label: fc.constantFrom('', 'low', 'high'),
      ready: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('ready' as const),
      pid,
      queue,
      waiting: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('idle' as const), pid, queue }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('stats' as const), pid, queue, done: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('unregister' as const), pid, queue }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('gone' as const), pid, ended: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('hint' as const),
      pid,
      queue: fc.option(queue),
      priority,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('latency' as const),
      pid,
      us: fc.option(fc.constantFrom(0, 90, 1000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('enable' as const), on: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 400, 1100, 1350, 2000, 3100, 10_100, 60_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('probe' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('calls' as const),
      pid,
      function: fc.constantFrom('cuLaunchKernel', 'cuFooAsync'),
      unknown: fc.constantFrom(0, 1, 5),
    }),
  },
);
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Shims around a core; messages in either direction may be lost. */
export class Model {
  readonly shims = new Map<string, Shim>();
  readonly links = new Map<number, string>();
  readonly #lostLinks = new Map<number, string>();
  #links = 0;
  #losses = 0;

  constructor(
    readonly world: World,
    private readonly losses: readonly boolean[],
    /** What each process has read on the board. */
    private readonly boardOf: (pid: number) => number = () => 0,
  ) {
    world.arrives = () => !this.#lose();
    for (const owner of PIDS) this.run({ op: 'hello', pid: owner, priority: null, again: false });
  }

  run(operation: Operation): void {
    const { world } = this;
    switch (operation.op) {
      case 'hello': {
        const known = this.links.get(operation.pid);
        if (operation.again && known !== undefined) {
          world.hello(operation.pid, { link: known, board: this.boardOf(operation.pid) });
          return;
        }
        const link = `link-${String(operation.pid)}-${String(this.#links++)}`;
        this.#forgetShims(operation.pid);
        this.links.set(operation.pid, link);
        const [ownPriority, board] = [operation.priority ?? undefined, this.boardOf(operation.pid)];
        world.hello(operation.pid, { link, ownPriority, board });
        return;
      }
      case 'register':
        this.#register(operation);
        return;
      case 'ready':
      case 'idle': {
        const found = this.#find(operation.pid, operation.queue);
        if (found === undefined) return;
        const [link, shim] = found;
        shim.seq++;
        shim.ready = operation.op === 'ready';
        shim.waiting = operation.op === 'ready' && operation.waiting;
        if (shim.ready) shim.submitted++;
        else shim.completed = shim.submitted;
        if (this.#lose()) return;
        if (shim.ready) world.ready(link, shim.seq, shim.waiting, operation.queue);
        else world.idle(link, shim.seq, operation.queue);
        return;
      }
      case 'stats': {
        const shim = this.shims.get(key(operation.pid, operation.queue));
        if (shim !== undefined && operation.done) shim.completed = shim.submitted;
        if (!this.#lose()) this.sendStats(operation.pid, operation.queue);
        return;
      }
      case 'unregister': {
        const found = this.#find(operation.pid, operation.queue);
        if (found === undefined) return;
        this.shims.delete(key(operation.pid, operation.queue));
        const message = { type: 'UNREGISTER', queue: operation.queue } as const;
        world.dispatch({ type: 'message', link: found[0], message });
        return;
      }
      case 'gone': {
        const link = this.links.get(operation.pid);
        const lost = this.#lostLinks.get(operation.pid);
        if (link === undefined) {
          // It lost its link before, and ends now.
          if (lost !== undefined) {
            world.dispatch({ type: 'gone', link: lost, cause: 'test', ended: true });
          }
          return;
        }
        this.#forgetShims(operation.pid);
        this.links.delete(operation.pid);
        this.#lostLinks.set(operation.pid, link);
        world.dispatch({ type: 'gone', link, cause: 'test', ended: operation.ended });
        return;
      }
      case 'hint': {
        const target =
          operation.queue === null
            ? String(operation.pid)
            : `${String(operation.pid)}.${String(operation.queue)}`;
        world.hint(target, operation.priority);
        return;
      }
      case 'latency':
        world.hintLatency(String(operation.pid), operation.us ?? 0, operation.us === null);
        return;
      case 'enable':
        world.enable(operation.on);
        return;
      case 'advance':
        world.advance(operation.ms);
        return;
      case 'probe':
        world.dispatch({ type: 'probe', closed: true });
        return;
      case 'calls': {
        const link = this.links.get(operation.pid);
        if (link === undefined || this.#lose()) return;
        const { function: name, unknown } = operation;
        const message = makeCalls({ function: name, unknown });
        world.dispatch({ type: 'message', link, message });
        return;
      }
    }
  }

  /** Each shim says once more, without loss, what it is: all must be well afterwards. */
  repair(): void {
    this.world.arrives = () => true;
    for (const name of this.shims.keys()) {
      const [owner = 0, number = 0] = name.split('/').map(Number);
      const link = this.links.get(owner) ?? '';
      const shim = this.shims.get(name);
      if (shim !== undefined && !this.world.told.has(`${link}/${String(number)}`)) {
        this.#sendRegister(link, number, shim);
      }
      this.sendStats(owner, number);
    }
  }

  sendStats(owner: number, number: number): void {
    const found = this.#find(owner, number);
    if (found === undefined) return;
    const [link, shim] = found;
    const { seq, ready, waiting, submitted, completed } = shim;
    this.world.stats(link, { queue: number, seq, ready, waiting, submitted, completed });
  }

  #register(operation: Extract<Operation, { op: 'register' }>): void {
    const link = this.links.get(operation.pid);
    const name = key(operation.pid, operation.queue);
    if (link === undefined || this.shims.has(name)) return;
    const shim: Shim = {
      device: operation.device,
      label: operation.label,
      seq: 1,
      ready: operation.ready,
      waiting: false,
      submitted: 0,
      completed: 0,
    };
    this.shims.set(name, shim);
    this.world.told.delete(`${link}/${String(operation.queue)}`);
    if (!this.#lose()) this.#sendRegister(link, operation.queue, shim);
  }

  #sendRegister(link: string, number: number, shim: Shim): void {
    const { device, label, seq, ready } = shim;
    this.world.register(link, { queue: number, device, label, seq, ready });
  }

  #find(owner: number, number: number): readonly [string, Shim] | undefined {
    const shim = this.shims.get(key(owner, number));
    const link = this.links.get(owner);
    return shim === undefined || link === undefined ? undefined : [link, shim];
  }

  #forgetShims(owner: number): void {
    for (const number of QUEUES) this.shims.delete(key(owner, number));
  }

  #lose(): boolean {
    if (this.losses.length === 0) return false;
    return this.losses[this.#losses++ % this.losses.length] ?? false;
  }
}

function key(owner: number, number: number): string {
  return `${String(owner)}/${String(number)}`;
}
