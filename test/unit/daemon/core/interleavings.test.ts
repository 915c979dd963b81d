/** Random interleavings of everything that can happen, checked against what has to hold always. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Queue } from '../../../../daemon/core/state.js';
import { SEED } from '../seed.js';
import { World } from './world.js';

const PIDS = [1, 2, 3] as const;
const QUEUES = [1, 2, 3] as const;
const WINDOW = 8;
/** So that queues of one process differ in priority. */
const RULES = `rules:
  - { match: { label: low }, priority: -1 }
  - { match: { label: high }, priority: 1 }
`;

/** A shim's own picture of its queues, by `pid/queue`. */
interface Shim {
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
const operation = fc.oneof(
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
  { weight: 1, arbitrary: fc.record({ op: fc.constant('gone' as const), pid }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('hint' as const),
      pid,
      queue: fc.option(queue),
      priority,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('enable' as const), on: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 400, 3100, 10_100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('probe' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Shims around a core; messages in either direction may be lost. */
class Model {
  readonly shims = new Map<string, Shim>();
  readonly links = new Map<number, string>();
  #links = 0;
  #losses = 0;

  constructor(
    readonly world: World,
    private readonly losses: readonly boolean[],
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
          world.hello(operation.pid, { link: known });
          return;
        }
        const link = `link-${String(operation.pid)}-${String(this.#links++)}`;
        this.#forgetShims(operation.pid);
        this.links.set(operation.pid, link);
        world.hello(operation.pid, { link, ownPriority: operation.priority ?? undefined });
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
        if (link === undefined) return;
        this.#forgetShims(operation.pid);
        this.links.delete(operation.pid);
        world.dispatch({ type: 'gone', link, cause: 'test' });
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
      case 'enable':
        world.enable(operation.on);
        return;
      case 'advance':
        world.advance(operation.ms);
        return;
      case 'probe':
        world.dispatch({ type: 'probe' });
        return;
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

/** What HPF means, said independently of how it is computed. */
function expectedState(world: World, one: Queue) {
  const beside = world.allQueues().filter((other) => other.device === one.device);
  const strangers = beside.filter((other) => other.client !== one.client);
  const { enabled } = world.state;
  return {
    permit: !enabled || !strangers.some((other) => other.competes && other.priority > one.priority),
    window: enabled && beside.some((other) => other.priority > one.priority) ? WINDOW : 0,
    notify: strangers.some((other) => other.priority < one.priority),
    enabled,
  };
}

function checkDecisions(world: World): void {
  for (const one of world.allQueues()) {
    expect(one, one.id).toMatchObject(expectedState(world, one));
    expect(one.competes).toBe(one.ready && !one.stalled && !one.client.silent);
    expect(one.seq).toBeGreaterThan(0);
  }
}

function checkSending(world: World): void {
  const types = world.sent.map(({ message }) => message.type);
  const firstPermit = types.indexOf('PERMIT');
  if (firstPermit >= 0) expect(types.lastIndexOf('SUSPEND')).toBeLessThan(firstPermit);
  const receivers = world.sent
    .filter(({ message }) => 'queue' in message)
    .map(({ link, message }) => `${link}/${'queue' in message ? String(message.queue) : ''}`);
  expect(new Set(receivers).size, 'one message a queue').toBe(receivers.length);
}

function checkViews(world: World): void {
  for (const one of world.allQueues()) {
    expect(world.view(one.client.link, one.number), one.id).toMatchObject({
      type: one.permit ? 'PERMIT' : 'SUSPEND',
      seq: one.seq,
      priority: one.priority,
      window: one.window,
      notify: one.notify,
      enabled: one.enabled,
    });
  }
}

function checkBooks(world: World): void {
  const { state } = world;
  expect(state.queueCount).toBe(world.allQueues().length);
  expect(state.clientByPid.size).toBe(state.clients.size);
  const devices = new Set(world.allQueues().map((one) => one.device));
  expect(new Set(state.devices.values())).toEqual(devices);
  // A timer belongs to a device that is there, and a queue that has work is watched.
  for (const name of world.timers.keys()) expect(state.devices.has(name)).toBe(true);
  for (const one of world.allQueues()) {
    if (one.competes) expect(world.timers.has(one.device.id), 'a timer').toBe(true);
  }
}

const run = { seed: SEED, numRuns: 200 };
// By default fast-check would keep to ten operations.
const history = fc.array(operation, { maxLength: 80, size: 'max' });

describe(`random interleavings (seed ${String(SEED)})`, () => {
  it('leave every queue as HPF means it, and every client knowing it', () => {
    fc.assert(
      fc.property(history, (operations) => {
        const model = new Model(new World(RULES), []);
        for (const operation of operations) {
          model.run(operation);
          checkDecisions(model.world);
          if (operation.op !== 'advance') checkSending(model.world);
          checkViews(model.world);
          checkBooks(model.world);
        }
      }),
      run,
    );
  });

  it('with lost messages: one STATS of each queue puts all right', () => {
    fc.assert(
      fc.property(
        history,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 50 }),
        (operations, losses) => {
          const model = new Model(new World(RULES), losses);
          for (const operation of operations) {
            model.run(operation);
            checkDecisions(model.world);
          }
          model.repair();
          checkViews(model.world);
          for (const [name, shim] of model.shims) {
            const [owner = 0, number = 0] = name.split('/').map(Number);
            const known = model.world.queue(model.links.get(owner) ?? '', number);
            expect(known, name).toMatchObject({ ready: shim.ready, waiting: shim.waiting });
          }
        },
      ),
      run,
    );
  });

  it('send nothing to anybody whose state is as it was, unless asked', () => {
    fc.assert(
      fc.property(history, (operations) => {
        const world = new World(RULES);
        const model = new Model(world, []);
        for (const operation of operations) {
          const before = new Map(world.told);
          world.sent = [];
          model.run(operation);
          if (!['ready', 'idle', 'enable', 'gone'].includes(operation.op)) continue;
          for (const { link, message } of world.sent) {
            if (!('queue' in message)) continue;
            const asked = operation.op === 'ready' && operation.waiting;
            const old = before.get(`${link}/${String(message.queue)}`);
            if (!asked || message.queue !== operation.queue) {
              expect(message.seq, 'a new decision').toBe((old?.seq ?? 0) + 1);
            }
          }
        }
      }),
      run,
    );
  });
});
