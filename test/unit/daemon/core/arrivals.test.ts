/** Clients that have a context and no queue yet: who keeps a window for them, and for how long. */
import { describe, expect, it } from 'vitest';
import { EXPECTED_MS } from '../../../../daemon/core/arrivals.js';
import { LIMITS } from '../../../../protocol/messages.js';
import { World } from './world.js';

const WINDOW = 8;

/** A busy process of priority 0 that nobody outranks, on two devices. */
function withLow(yaml = ''): { world: World; low: string } {
  const world = new World(yaml);
  const low = world.hello(1);
  world.register(low, { ready: true });
  world.register(low, { queue: 2, stream: 2, device: 'GPU-1', ready: true });
  world.sent = [];
  return { world, low };
}

function windows(world: World, link: string): readonly number[] {
  return [1, 2].map((queue) => world.view(link, queue).window);
}

/** Time passes, and the daemon looks after its clients as it does every few seconds. */
function pass(world: World, ms: number): void {
  world.advance(ms);
  world.dispatch({ type: 'probe', closed: true });
}

describe('a client without a queue', () => {
  it('gives a window to lower queues on every device, and suspends nobody', () => {
    const { world, low } = withLow();
    world.hello(2, { ownPriority: 10 });
    expect(world.verdicts()).toEqual([`${low}/1 PERMIT`, `${low}/2 PERMIT`]);
    expect(windows(world, low)).toEqual([WINDOW, WINDOW]);
    expect(world.view(low)).toMatchObject({ latency: LIMITS.LATENCY_US, notify: false });
  });

  it.each([0, -5])('of priority %i concerns nobody who is at 0', (ownPriority) => {
    const { world, low } = withLow();
    world.hello(2, { ownPriority });
    expect(world.verdicts()).toEqual([]);
    expect(windows(world, low)).toEqual([0, 0]);
  });

  it('concerns queues that come after it too', () => {
    const world = new World();
    world.hello(2, { ownPriority: 10 });
    const low = world.hello(1);
    world.register(low);
    const top = world.hello(3, { ownPriority: 10 });
    world.register(top);
    expect(world.view(low).window).toBe(WINDOW);
    expect(world.view(top).window).toBe(0);
  });

  it('counts by its queues as soon as it has one, on their devices only', () => {
    const { world, low } = withLow();
    const high = world.hello(2, { ownPriority: 10 });
    world.register(high, { device: 'GPU-1' });
    expect(windows(world, low)).toEqual([0, WINDOW]);
    // The window stood all the time: only whoever has to stay below for it hears more.
    expect(world.verdicts()).toEqual([`${high}/1 PERMIT`, `${low}/1 PERMIT`]);
    world.dispatch({ type: 'message', link: high, message: { type: 'UNREGISTER', queue: 1 } });
    expect(windows(world, low)).toEqual([0, 0]);
  });

  it('is of no concern when it is gone', () => {
    const { world, low } = withLow();
    const high = world.hello(2, { ownPriority: 10 });
    world.dispatch({ type: 'gone', link: high, cause: 'it ended', ended: true });
    expect(world.verdicts()).toEqual([`${low}/1 PERMIT`, `${low}/2 PERMIT`]);
    expect(windows(world, low)).toEqual([0, 0]);
  });

  it('is one of several: the highest of them counts', () => {
    const { world, low } = withLow();
    const middle = world.hello(4, { ownPriority: 5 });
    world.register(middle);
    const links = [7, 3, 9].map((ownPriority, index) => world.hello(10 + index, { ownPriority }));
    const held = () => [windows(world, low)[0], world.view(middle).window];
    expect(held()).toEqual([WINDOW, WINDOW]);
    for (const link of links.slice(1)) {
      world.dispatch({ type: 'gone', link, cause: 'it ended', ended: true });
      expect(held()).toEqual([WINDOW, WINDOW]);
    }
    world.register(links[0] ?? '', { device: 'GPU-2' });
    expect(held()).toEqual([WINDOW, 0]);
  });
});

describe('a client is expected', () => {
  it(`for ${String(EXPECTED_MS / 1000)} s after it came, however often it says so`, () => {
    const { world, low } = withLow();
    world.hello(2, { ownPriority: 10 });
    pass(world, EXPECTED_MS / 2);
    const late = world.hello(3, { ownPriority: 1 });
    world.hello(2, { ownPriority: 10 });
    pass(world, EXPECTED_MS / 2 - 1);
    expect(windows(world, low)).toEqual([WINDOW, WINDOW]);
    pass(world, 1);
    // Another came later.
    expect(windows(world, low)).toEqual([WINDOW, WINDOW]);
    world.dispatch({ type: 'gone', link: late, cause: 'it ended', ended: true });
    expect(windows(world, low)).toEqual([0, 0]);
  });

  it('anew when it comes with another link', () => {
    const { world, low } = withLow();
    world.hello(2, { ownPriority: 10 });
    pass(world, EXPECTED_MS);
    expect(windows(world, low)).toEqual([0, 0]);
    world.hello(2, { ownPriority: 10, link: 'again' });
    expect(windows(world, low)).toEqual([WINDOW, WINDOW]);
  });

  it('no more after its first queue', () => {
    const { world, low } = withLow();
    const high = world.hello(2, { ownPriority: 10 });
    world.register(high);
    world.dispatch({ type: 'message', link: high, message: { type: 'UNREGISTER', queue: 1 } });
    world.hello(2, { ownPriority: 10 });
    expect(windows(world, low)).toEqual([0, 0]);
  });
});

describe('the priority of a client without a queue', () => {
  const RULES = `
rules:
  - { match: { exe: server, label: fast }, priority: 50 }
  - { match: { exe: server }, priority: 3, label: all }
`;

  it('is that of a rule for a queue that brings no label', () => {
    const { world, low } = withLow(RULES);
    const second = world.hello(3, { ownPriority: 3 });
    world.register(second);
    world.hello(2, { exe: '/bin/server' });
    expect(windows(world, low)[0]).toBe(WINDOW);
    expect(world.view(second).window).toBe(0);
  });

  it('is no higher than its user may ask for', () => {
    const { world, low } = withLow('limits: [{ max_priority: 0 }]');
    world.hello(2, { ownPriority: 9 });
    expect(windows(world, low)).toEqual([0, 0]);
  });

  it.each(['2', 'name=server', 'server', 'label=all'])('follows a hint for %s', (target) => {
    const { world, low } = withLow(RULES);
    world.hello(2, { exe: '/bin/server' });
    world.hint(target, -1);
    expect(windows(world, low)).toEqual([0, 0]);
    world.hint(target, 1);
    expect(windows(world, low)).toEqual([WINDOW, WINDOW]);
    world.hint(target, 0, true);
    expect(windows(world, low)).toEqual([WINDOW, WINDOW]);
  });

  it('is no matter while scheduling is off', () => {
    const { world, low } = withLow();
    world.enable(false);
    world.hello(2, { ownPriority: 10 });
    expect(windows(world, low)).toEqual([0, 0]);
    world.enable(true);
    expect(windows(world, low)).toEqual([WINDOW, WINDOW]);
  });
});
