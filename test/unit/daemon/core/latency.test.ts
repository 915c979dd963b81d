/** How long work may keep others waiting: whose target holds, and who shares it. */
import { describe, expect, it } from 'vitest';
import { LATELY_MS } from '../../../../daemon/core/latency.js';
import { listQueues } from '../../../../daemon/core/report.js';
import { ERROR_CODES, LIMITS } from '../../../../protocol/messages.js';
import { World } from './world.js';

const RULES = `
rules:
  - { match: { exe: python3 }, priority: 1 }
  - { match: { label: slow }, preempt_latency_us: 5000 }
  - { match: { label: counted }, preempt_latency_us: 0 }
`;

/** A process of priority 10 that outranks others; its link. */
function addHigh(world: World): string {
  const high = world.hello(100, { ownPriority: 10 });
  world.register(high);
  return high;
}

/** A high process and some of low priority, each with a queue that has no work; their links. */
function outranked(
  processes: number,
  yaml = '',
): { world: World; high: string; low: readonly string[] } {
  const world = new World(yaml);
  const high = addHigh(world);
  const low = Array.from({ length: processes }, (_, index) => world.hello(200 + index));
  for (const link of low) world.register(link);
  return { world, high, low };
}

function latencies(world: World, links: readonly string[]): readonly number[] {
  return links.map((link) => world.view(link).latency);
}

describe('the target of a queue', () => {
  it('is the configuration’s, a rule’s, or a hint’s, the newest of these', () => {
    const world = new World(`preempt_latency_us: 300${RULES}`);
    const link = world.hello(1, { exe: '/bin/x' });
    world.register(link);
    world.register(link, { queue: 2, stream: 2, label: 'slow' });
    world.register(link, { queue: 3, stream: 3, label: 'counted' });
    const targets = () => [1, 2, 3].map((queue) => world.queue(link, queue).target);
    expect(targets()).toEqual([300, 5000, 0]);
    world.hintLatency('1', 70);
    world.hintLatency('model=slow', 80);
    expect(targets()).toEqual([70, 80, 70]);
    expect([1, 2, 3].map((queue) => world.view(link, queue).latency)).toEqual([70, 80, 70]);
    world.hintLatency('1', 0, true);
    world.hintLatency('model=slow', 0, true);
    expect(targets()).toEqual([300, 5000, 0]);
  });

  it('is not looked for behind the first rule that matches, as a priority is not', () => {
    const world = new World(RULES);
    const link = world.hello(1, { exe: '/usr/bin/python3' });
    world.register(link, { label: 'slow' });
    expect(world.queue(link)).toMatchObject({ priority: 1, target: LIMITS.LATENCY_US });
  });

  it('and the priority are hinted at without regard to each other', () => {
    const world = new World();
    const link = world.hello(1);
    world.register(link);
    world.hint('1', 5);
    world.hintLatency('1', 90);
    expect(world.queue(link)).toMatchObject({ priority: 5, source: 'hint', target: 90 });
    expect(world.state.hints.list()).toEqual([
      { target: '1', hint: 'priority', value: 5 },
      { target: '1', hint: 'latency', value: 90 },
    ]);
    world.hint('1', 0, true);
    expect(world.queue(link)).toMatchObject({ priority: 0, source: 'default', target: 90 });
    expect(world.hint('1', 0, true)).toMatchObject({
      code: ERROR_CODES.NOT_FOUND,
      message: "there is no priority hint for '1'",
    });
    world.hint('1', 6);
    world.hintLatency('1', 0, true);
    expect(world.queue(link)).toMatchObject({ priority: 6, target: LIMITS.LATENCY_US });
  });

  it('by hint ends with the process that it names, and outlives its link', () => {
    const world = new World();
    world.register(world.hello(1));
    world.hintLatency('1.1', 90);
    world.dispatch({ type: 'gone', link: 'link-1', cause: 'it closed its link', ended: false });
    const back = world.hello(1, { link: 'back' });
    world.register(back);
    expect(world.queue(back).target).toBe(90);
    world.dispatch({ type: 'gone', link: back, cause: 'it ended', ended: true });
    expect(world.state.hints.size).toBe(0);
  });

  it.each([
    [-1, 'latency must be from 0 to 1000000 µs, received -1'],
    [1_000_001, 'latency must be from 0 to 1000000 µs, received 1000001'],
  ])('is not %i', (value, message) => {
    const world = new World();
    world.register(world.hello(1));
    expect(world.hintLatency('1', value)).toMatchObject({ code: ERROR_CODES.INVALID, message });
  });

  it('is no matter of ceilings, which are for priorities', () => {
    const world = new World('limits: [{ max_priority: 0 }]');
    world.register(world.hello(1));
    expect(world.hintLatency('1', 500, false, { uid: 5, gids: [5] })).toMatchObject({
      type: 'HINT_REPLY',
      queues: ['1.1'],
    });
  });
});

describe('a target', () => {
  it('is split among the outranked processes that have work', () => {
    const { world, high, low } = outranked(3);
    const [first = '', second = '', third = ''] = low;
    expect(latencies(world, low)).toEqual([200, 200, 200]);
    world.ready(first, 2);
    // One shares with nobody.
    expect(world.sent).toEqual([]);
    world.ready(second, 2);
    expect(world.verdicts()).toHaveLength(3);
    expect(latencies(world, low)).toEqual([100, 100, 100]);
    world.ready(third, 2);
    expect(latencies(world, low)).toEqual([66, 66, 66]);
    // Nobody waits for who is not outranked.
    expect(world.view(high).latency).toBe(200);
    world.ready(high, 2);
    expect(latencies(world, low)).toEqual([66, 66, 66]);
  });

  it('is split among processes, not among their queues', () => {
    const { world, low } = outranked(2);
    const [first = '', second = ''] = low;
    for (const queue of [2, 3]) world.register(first, { queue, stream: queue, ready: true });
    expect(world.view(first, 3).latency).toBe(200);
    world.ready(second, 2);
    expect([1, 2, 3].map((queue) => world.view(first, queue).latency)).toEqual([100, 100, 100]);
  });

  it('is split on its own device only', () => {
    const { world, low } = outranked(2);
    const [first = '', second = ''] = low;
    world.ready(first, 2);
    world.register(second, { queue: 2, stream: 2, device: 'GPU-1', ready: true });
    expect(latencies(world, low)).toEqual([200, 200]);
  });

  it('is each queue’s own', () => {
    const { world, low } = outranked(2);
    const [first = '', second = ''] = low;
    world.hintLatency('201', 1000);
    world.ready(first, 2);
    world.ready(second, 2);
    expect(latencies(world, low)).toEqual([100, 500]);
    world.hintLatency('201', 50);
    expect(world.verdicts()).toEqual([`${second}/1 PERMIT`]);
    expect(latencies(world, low)).toEqual([100, 25]);
  });

  it('is never less than a microsecond, and 0 counts launches whoever has work', () => {
    const { world, low } = outranked(3);
    world.hintLatency('200', 2);
    world.hintLatency('201', 0);
    for (const link of low) world.ready(link, 2);
    expect(latencies(world, low)).toEqual([1, 0, 66]);
    const counted = outranked(3, 'preempt_latency_us: 0');
    for (const link of counted.low) {
      counted.world.ready(link, 2);
      expect(counted.world.sent).toEqual([]);
    }
  });

  it('goes to the others when a process has had no work for a while', () => {
    const { world, low } = outranked(2);
    const [first = '', second = ''] = low;
    world.ready(first, 2);
    world.ready(second, 2);
    world.idle(second, 3);
    expect(world.sent).toEqual([]);
    world.advance(LATELY_MS - 1);
    world.stats(first, { seq: 2 });
    expect(latencies(world, low)).toEqual([100, 100]);
    world.advance(1);
    expect(latencies(world, low)).toEqual([200, 200]);
    expect(world.verdicts()).toHaveLength(2);
    world.ready(second, 4);
    expect(latencies(world, low)).toEqual([100, 100]);
  });

  it('is left alone while processes pause for less than that', () => {
    const { world, low } = outranked(3);
    low.forEach((link) => {
      world.ready(link, 2);
    });
    const before = low.map((link) => world.view(link).seq);
    for (let turn = 0, seq = 3; turn < 40; turn++, seq += 2) {
      for (const link of low) world.idle(link, seq);
      world.advance(LATELY_MS - 100);
      for (const link of low) world.ready(link, seq + 1);
      world.advance(100);
    }
    expect(low.map((link) => world.view(link).seq)).toEqual(before);
  });

  it('is split with work that was over before anybody told of it', () => {
    const { world, low } = outranked(2);
    const [first = '', second = ''] = low;
    world.ready(first, 2);
    world.stats(second, { seq: 3, ready: false, submitted: 9, completed: 9 });
    expect(latencies(world, low)).toEqual([100, 100]);
    world.stats(first, { seq: 2 });
    world.advance(LATELY_MS);
    expect(latencies(world, low)).toEqual([200, 200]);
  });

  it('is not split with who says nothing or has gone', () => {
    const { world, low } = outranked(3);
    const [first = '', second = '', third = ''] = low;
    for (const link of low) world.ready(link, 2);
    world.dispatch({ type: 'gone', link: third, cause: 'test', ended: true });
    expect(latencies(world, [first, second])).toEqual([100, 100]);
    for (let passed = 0; passed < 3000 + LATELY_MS; passed += 500) {
      world.stats(first, { seq: 2, submitted: passed });
      world.advance(500);
    }
    expect(latencies(world, [first, second])).toEqual([200, 200]);
  });

  it('is split as soon as somebody outranks those who have work', () => {
    const world = new World();
    const low = [world.hello(200), world.hello(201)];
    for (const link of low) world.register(link, { ready: true });
    world.idle('link-201', 2);
    expect(latencies(world, low)).toEqual([200, 200]);
    world.advance(500);
    const high = addHigh(world);
    expect(latencies(world, low)).toEqual([100, 100]);
    world.dispatch({ type: 'gone', link: high, cause: 'test', ended: true });
    expect(latencies(world, low)).toEqual([200, 200]);
    addHigh(world);
    expect(latencies(world, low)).toEqual([100, 100]);
    world.stats('link-200', { seq: 1 });
    world.advance(LATELY_MS - 500);
    expect(latencies(world, low)).toEqual([200, 200]);
  });

  it('is whole while scheduling is off', () => {
    const { world, low } = outranked(2);
    for (const link of low) world.ready(link, 2);
    world.enable(false);
    expect(low.map((link) => world.view(link))).toMatchObject([
      { window: 0, latency: 200 },
      { window: 0, latency: 200 },
    ]);
    world.enable(true);
    expect(latencies(world, low)).toEqual([100, 100]);
  });
});

it('is listed with what was measured', () => {
  const { world, low } = outranked(2);
  for (const link of low) world.ready(link, 2);
  world.stats('link-201', { seq: 2, latencyP50: 94, latencyP99: 1180 });
  expect(listQueues(world.state, world.now, 100)[2]).toMatchObject({
    ...{ target: 200, window: 8, latency: 100, latencyP50: 94, latencyP99: 1180 },
  });
});
