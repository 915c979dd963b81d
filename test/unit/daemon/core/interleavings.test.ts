/** Random interleavings of everything that can happen, checked against what has to hold always. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Queue } from '../../../../daemon/core/state.js';
import { SEED } from '../seed.js';
import { Model, operation, RULES, WINDOW } from './model.js';
import { World } from './world.js';

/** What HPF means, said independently of how it is computed. */
function expectedState(world: World, one: Queue) {
  const beside = world.allQueues().filter((other) => other.device === one.device);
  const strangers = beside.filter((other) => other.client !== one.client);
  const { enabled } = world.state;
  const others = [...beside.map(({ priority }) => priority), ...world.arriving()];
  return {
    permit: !enabled || !strangers.some((other) => other.competes && other.priority > one.priority),
    window: enabled && others.some((priority) => priority > one.priority) ? WINDOW : 0,
    watched: strangers.some((other) => other.priority < one.priority),
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
      latency: one.latency,
      watched: one.watched,
      notify: one.notify,
      enabled: one.enabled,
    });
  }
}

function checkBooks(world: World): void {
  const { state } = world;
  expect(state.queueCount).toBe(world.allQueues().length);
  expect(state.clientByPid.size).toBe(state.clients.size);
  const clients = [...state.clients.values()];
  expect(state.functionCount).toBe(clients.reduce((sum, { calls }) => sum + calls.size, 0));
  for (const { calls, unknownCalls } of clients) {
    const unknown = [...calls.values()].reduce((sum, totals) => sum + totals.unknown, 0);
    expect(unknownCalls).toBe(unknown);
  }
  const devices = new Set(world.allQueues().map((one) => one.device));
  expect(new Set(state.devices.values())).toEqual(devices);
  // Hints by pid are kept for processes that are there, or may come back: no others are waited for.
  const awaited = new Set<number>();
  for (const key of state.hints.keys()) {
    const [, hinted] = /^(?:pid|queue):(\d+)/.exec(key) ?? [];
    if (hinted !== undefined && !state.clientByPid.has(Number(hinted))) awaited.add(Number(hinted));
  }
  expect(new Set(state.absent.keys())).toEqual(awaited);
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
