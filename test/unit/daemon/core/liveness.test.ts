/** Processes that fall silent, queues that stall, queues that wait for long. */
import { describe, expect, it } from 'vitest';
import { listQueues } from '../../../../daemon/core/report.js';
import { World } from './world.js';

function contest(yaml = ''): { world: World; high: string; low: string } {
  const world = new World(yaml);
  const high = world.hello(100, { ownPriority: 10, ownName: 'bert-high' });
  const low = world.hello(200, { ownName: 'bert-low' });
  world.register(low, { ready: true });
  world.register(high, { ready: true });
  return { world, high, low };
}

/** Lets both processes speak every half second, as shims with work do. */
function speak(world: World, links: readonly string[], ms: number, completed = 0): void {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const link of links) {
      world.stats(link, { submitted: 10, completed, waiting: world.view(link).type === 'SUSPEND' });
    }
    world.advance(500);
  }
}

describe('a silent process', () => {
  it('loses its precedence until it speaks', () => {
    const { world, high, low } = contest();
    expect(world.view(low).type).toBe('SUSPEND');
    world.advance(2999);
    expect(world.view(low).type).toBe('SUSPEND');
    world.stats(low);
    world.advance(1);
    expect(world.view(low).type).toBe('PERMIT');
    expect(listQueues(world.state, world.now, 100).map((q) => q.state)).toContain('stalled');
    // Its own permit was never touched.
    expect(world.view(high).type).toBe('PERMIT');
    world.stats(high);
    expect(world.verdicts()).toEqual([`${low}/1 SUSPEND`]);
  });

  it('keeps it while it speaks', () => {
    const { world, high, low } = contest();
    for (let second = 0; second < 9; second++) {
      world.stats(high);
      world.stats(low, { waiting: true });
      world.advance(1000);
    }
    expect(world.view(low).type).toBe('SUSPEND');
  });

  it('is not called silent while it has no work', () => {
    const { world, high, low } = contest();
    world.idle(high, 2);
    world.idle(low, 2);
    world.advance(60_000);
    expect(world.allQueues().some((queue) => queue.client.silent)).toBe(false);
    expect(world.timers.size).toBe(0);
  });

  it('is forgiven when it was the daemon that stood still', () => {
    const { world, low } = contest();
    const [[key, dueAt] = ['', 0]] = world.timers;
    world.timers.clear();
    world.now = 20_000;
    world.dispatch({ type: 'timer', key, dueAt });
    expect(world.view(low).type).toBe('SUSPEND');
    world.advance(3000);
    expect(world.view(low).type).toBe('PERMIT');
  });
});

describe('a stalled queue', () => {
  it('is not one that still submits, even if nothing tells what has finished', () => {
    const { world, high, low } = contest();
    for (let passed = 0; passed < 20_000; passed += 500) {
      world.stats(high, { submitted: 10 + passed, completed: 0 });
      world.stats(low, { submitted: 10, completed: 0, waiting: true });
      world.advance(500);
    }
    expect(world.view(low).type).toBe('SUSPEND');
  });

  it('loses its precedence until its work moves', () => {
    const { world, high, low } = contest();
    speak(world, [high, low], 9500);
    expect(world.view(low).type).toBe('SUSPEND');
    speak(world, [high, low], 1000);
    expect(world.view(low).type).toBe('PERMIT');
    const stalled = listQueues(world.state, world.now, 100).find((queue) => queue.pid === 100);
    expect(stalled).toMatchObject({ state: 'stalled' });
    expect(stalled?.reason).toMatch(/^stalled: nothing of it finished for 10\.\d s$/);
    world.stats(high, { submitted: 10, completed: 1 });
    expect(world.view(low).type).toBe('SUSPEND');
  });

  it('is one whose thread is stuck inside the driver with nothing in flight', () => {
    const { world, high, low } = contest();
    for (let second = 0; second < 11; second++) {
      world.stats(high, { submitted: 5, completed: 5 });
      world.stats(low, { submitted: 9, completed: 3, waiting: true });
      world.advance(1000);
    }
    expect(world.view(low).type).toBe('PERMIT');
    world.stats(high, { submitted: 6, completed: 6 });
    expect(world.view(low).type).toBe('SUSPEND');
  });

  it('is none while it waits at the gate', () => {
    const { world, high, low } = contest();
    for (let second = 0; second < 30; second++) {
      world.stats(high, { submitted: 5, completed: second });
      world.stats(low, { submitted: 9, completed: 3, waiting: true });
      world.advance(1000);
    }
    expect(world.allQueues().some((queue) => queue.stalled)).toBe(false);
    expect(world.view(low).type).toBe('SUSPEND');
  });
});

describe('max_suspend_ms', () => {
  it('gives who waits a slice, again and again', () => {
    const { world, high, low } = contest('max_suspend_ms: 1000\nslice_ms: 100\nstall_ms: 86400000');
    const permitted: number[] = [];
    for (let at = 0; at < 3300; at += 50) {
      world.stats(high);
      world.stats(low, { waiting: world.view(low).type === 'SUSPEND' });
      world.advance(50);
      if (world.view(low).type === 'PERMIT') permitted.push(world.now);
    }
    expect(permitted).toEqual([1000, 1050, 2100, 2150, 3200, 3250]);
    expect(world.view(high).type).toBe('PERMIT');
  });

  it('is off by default', () => {
    const { world, high, low } = contest();
    for (let second = 0; second < 100; second++) {
      world.stats(high, { submitted: second, completed: second });
      world.stats(low, { waiting: true });
      world.advance(1000);
    }
    expect(world.view(low).type).toBe('SUSPEND');
  });
});

describe('a quiet client', () => {
  it('is sent its state, which shows whether its link is there', () => {
    const { world, high, low } = contest();
    world.idle(high, 2);
    world.idle(low, 2);
    world.advance(6000);
    world.stats(high, { seq: 3, ready: false });
    world.dispatch({ type: 'probe', closed: true });
    expect(world.verdicts()).toEqual([`${low}/1 PERMIT`]);
  });

  it('is left alone while nobody has closed a link', () => {
    const { world, high, low } = contest();
    world.idle(high, 2);
    world.idle(low, 2);
    world.advance(6000);
    world.stats(high, { seq: 3, ready: false });
    world.dispatch({ type: 'probe', closed: false });
    expect(world.verdicts()).toEqual([]);
  });
});
