/** Who may launch, across processes, as clients come, work and go. */
import { describe, expect, it } from 'vitest';
import { World } from './world.js';

/** A world with a process of priority 10 and one of priority 0, one idle queue each. */
function twoProcesses(yaml = ''): { world: World; high: string; low: string } {
  const world = new World(yaml);
  const high = world.hello(100, { ownPriority: 10 });
  const low = world.hello(200);
  world.register(high);
  world.register(low);
  return { world, high, low };
}

describe('highest priority first', () => {
  it('suspends a lower queue of another process while the higher one has work', () => {
    const { world, high, low } = twoProcesses();
    world.ready(low, 2);
    expect(world.verdicts()).toEqual([]);
    world.ready(high, 2);
    expect(world.verdicts()).toEqual([`${low}/1 SUSPEND`]);
    world.idle(high, 3);
    expect(world.verdicts()).toEqual([`${low}/1 PERMIT`]);
  });

  it('sends the suspensions before the answer to the higher queue', () => {
    const { world, high, low } = twoProcesses();
    world.ready(low, 2);
    world.ready(high, 2, true);
    expect(world.verdicts()).toEqual([`${low}/1 SUSPEND`, `${high}/1 PERMIT`]);
  });

  it('tells those that are launching first', () => {
    const { world, high, low } = twoProcesses();
    const third = world.hello(300);
    world.register(third, { ready: true });
    world.ready(high, 2);
    expect(world.verdicts()).toEqual([`${third}/1 SUSPEND`, `${low}/1 SUSPEND`]);
  });

  it('lets equal priorities run together', () => {
    const world = new World();
    for (const pid of [1, 2, 3]) world.register(world.hello(pid), { ready: true });
    for (const queue of world.allQueues()) expect(queue.permit).toBe(true);
  });

  it('leaves the queues of one process to its shim', () => {
    const world = new World('rules: [{match: {label: high}, priority: 10}]');
    const link = world.hello(1);
    world.register(link, { queue: 1 });
    world.register(link, { queue: 2, label: 'high', ready: true });
    expect(world.view(link, 1)).toMatchObject({ type: 'PERMIT', priority: 0, window: 8 });
    expect(world.view(link, 2)).toMatchObject({ type: 'PERMIT', priority: 10, window: 0 });
    expect(world.view(link, 2).notify).toBe(false);
  });

  it('gives a window to who is outranked and asks who outranks for notice', () => {
    const { world, high, low } = twoProcesses('window: 5');
    expect(world.view(low)).toMatchObject({ type: 'PERMIT', window: 5, notify: false });
    expect(world.view(high)).toMatchObject({ type: 'PERMIT', window: 0, notify: true });
    world.dispatch({ type: 'gone', link: high, cause: 'test', ended: true });
    expect(world.view(low)).toMatchObject({ type: 'PERMIT', window: 0, notify: false });
  });

  it('keeps devices apart', () => {
    const { world, high, low } = twoProcesses();
    world.register(low, { queue: 2, device: 'GPU-1', ready: true });
    world.ready(high, 2);
    expect(world.view(low, 1).type).toBe('SUSPEND');
    expect(world.view(low, 2)).toMatchObject({ type: 'PERMIT', window: 0 });
  });

  it('resumes the others when a process dies', () => {
    const { world, high, low } = twoProcesses();
    world.ready(low, 2);
    world.ready(high, 2);
    world.dispatch({ type: 'gone', link: high, cause: 'the process ended', ended: true });
    expect(world.verdicts()).toEqual([`${low}/1 PERMIT`]);
    expect(world.forgotten).toEqual([high]);
    expect(world.reports[0]).toMatchObject({ kind: 'gone', id: '100' });
  });

  it('resumes the others when a queue or its process says goodbye', () => {
    const { world, high, low } = twoProcesses();
    world.ready(high, 2);
    world.dispatch({ type: 'message', link: high, message: { type: 'UNREGISTER', queue: 1 } });
    expect(world.verdicts()).toEqual([`${low}/1 PERMIT`]);
    world.register(high, { ready: true });
    expect(world.view(low).type).toBe('SUSPEND');
    world.dispatch({ type: 'message', link: high, message: { type: 'BYE' } });
    expect(world.view(low).type).toBe('PERMIT');
  });

  it('opens every gate when it is switched off, and closes them again', () => {
    const { world, high, low } = twoProcesses();
    world.ready(high, 2);
    world.enable(false);
    expect(world.view(low)).toMatchObject({ type: 'PERMIT', window: 0, enabled: false });
    expect(world.view(high)).toMatchObject({ type: 'PERMIT', enabled: false });
    world.enable(false);
    expect(world.sent).toEqual([]);
    world.enable(true);
    expect(world.verdicts()).toEqual([`${low}/1 SUSPEND`, `${high}/1 PERMIT`]);
    expect(world.view(low)).toMatchObject({ window: 8, enabled: true });
  });

  it('gives everybody a permit when the daemon leaves', () => {
    const { world, high, low } = twoProcesses();
    world.ready(high, 2);
    world.dispatch({ type: 'leave' });
    expect(world.view(low)).toMatchObject({ type: 'PERMIT', window: 0 });
  });

  it('refuses a policy that it lacks and names the ones there are', () => {
    const world = new World();
    const ask = (name: string) => {
      world.dispatch({ type: 'policy', controller: 'ctl', request: 4, name });
      return world.replies[0]?.message;
    };
    expect(ask('')).toMatchObject({ name: 'HPF', available: ['HPF'] });
    expect(ask('EDF')).toMatchObject({
      type: 'CONTROL_ERROR',
      message: "there is no policy 'EDF'; there is HPF",
    });
  });
});
