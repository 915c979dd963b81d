/** Where a priority comes from: hint, rule, environment, default. */
import { describe, expect, it } from 'vitest';
import { HINTS_MAX } from '../../../../daemon/core/hints.js';
import { listQueues } from '../../../../daemon/core/report.js';
import { ERROR_CODES } from '../../../../protocol/messages.js';
import { World } from './world.js';

const RULES = `
rules:
  - name: server
    match: { exe: python3(\\.\\d+)? , command: --model \\S+ }
    priority: 20
  - match: { exe: /opt/.*/batch, user: 1000 }
    priority: -5
    label: nightly
  - match: { label: bert-.* }
    priority: 7
`;

describe('rules', () => {
  it('match the last part of the executable, or its whole path if they have a slash', () => {
    const world = new World(RULES);
    const python = world.hello(1, { exe: '/usr/bin/python3.11', command: 'python3 --model x' });
    world.register(python);
    expect(world.queue(python)).toMatchObject({ priority: 20, source: 'rule' });
    expect(world.queue(python).client.name).toBe('server');
    const batch = world.hello(2, { exe: '/opt/tools/batch' });
    world.register(batch);
    expect(world.queue(batch)).toMatchObject({ priority: -5, label: 'nightly' });
    const elsewhere = world.hello(3, { exe: '/srv/opt/tools/batch' });
    world.register(elsewhere);
    expect(world.queue(elsewhere)).toMatchObject({ priority: 0, source: 'default' });
    const other = world.hello(4, { exe: '/opt/tools/batch', uid: 1001 });
    world.register(other);
    expect(world.queue(other).priority).toBe(0);
  });

  it('match labels, queue by queue', () => {
    const world = new World(RULES);
    const link = world.hello(1);
    world.register(link, { queue: 1, label: 'bert-large' });
    world.register(link, { queue: 2, label: 'resnet' });
    world.register(link, { queue: 3, label: 'not-bert-large' });
    expect([1, 2, 3].map((n) => world.queue(link, n).priority)).toEqual([7, 0, 0]);
  });

  it('name the process only without a label', () => {
    const world = new World('rules: [{name: x, match: {label: a}}, {name: y, match: {exe: .*}}]');
    const link = world.hello(1);
    expect(world.state.clients.get(link)?.name).toBe('y');
  });
});

describe('the environment', () => {
  it('counts where no rule does', () => {
    const world = new World(RULES);
    const link = world.hello(1, { ownPriority: 100, ownName: 'mine' });
    world.register(link);
    expect(world.queue(link)).toMatchObject({ priority: 100, source: 'environment' });
    expect(world.queue(link).client.name).toBe('mine');
  });

  it('does not lift anybody above his ceiling by a rule on what he says of himself', () => {
    const world = new World(`
rules:
  - { match: { user: 1001, exe: serve }, priority: 90 }
  - { match: { exe: serve }, priority: 80 }
  - { match: { label: bert }, priority: -3 }
limits:
  - { group: 44, max_priority: 50 }
  - { max_priority: 0 }
`);
    const priority = (pid: number, uid: number, gids: number[], exe: string, label = '') => {
      const link = world.hello(pid, { uid, gids, exe });
      world.register(link, { label });
      return world.queue(link).priority;
    };
    expect(priority(1, 1001, [7], '/bin/serve')).toBe(90);
    expect(priority(2, 1002, [7, 44], '/bin/serve')).toBe(50);
    expect(priority(3, 1002, [7], '/bin/serve')).toBe(0);
    expect(priority(4, 1002, [7], '/bin/x', 'bert')).toBe(-3);
  });

  it('is capped for those that the limits name, in their order', () => {
    const world = new World(`
limits:
  - { user: 1001, max_priority: 50 }
  - { group: 44, max_priority: 200 }
  - { max_priority: 0 }
`);
    const ask = (pid: number, uid: number, gids: number[], ownPriority: number) => {
      const link = world.hello(pid, { uid, gids, ownPriority });
      world.register(link);
      return world.queue(link).priority;
    };
    expect(ask(1, 1001, [44], 255)).toBe(50);
    expect(ask(2, 1002, [7, 44], 255)).toBe(200);
    expect(ask(3, 1003, [7], 255)).toBe(0);
    expect(ask(4, 1003, [7], -9)).toBe(-9);
  });
});

describe('hints', () => {
  function threeQueues(): World {
    const world = new World();
    const first = world.hello(100, { ownName: 'alpha' });
    world.register(first, { queue: 1, label: 'bert' });
    world.register(first, { queue: 2, stream: 2 });
    world.register(world.hello(200, { ownName: 'beta' }), { label: 'bert' });
    return world;
  }

  it.each([
    ['100.2', ['100.2']],
    ['100', ['100.1', '100.2']],
    ['alpha', ['100.1', '100.2']],
    ['name=alpha', ['100.1', '100.2']],
    ['bert', ['100.1', '200.1']],
    ['model=bert', ['100.1', '200.1']],
    ['label=bert', ['100.1', '200.1']],
    ['name=bert', []],
    ['model=alpha', []],
  ])('%s reaches %j', (target, ids) => {
    const world = threeQueues();
    expect(world.hint(target, 5)).toEqual({ type: 'HINT_REPLY', request: 9, queues: ids });
    const hinted = world.allQueues().filter((queue) => queue.source === 'hint');
    expect(hinted.map((queue) => queue.id)).toEqual(ids);
    world.hint(target, 0, true);
    expect(world.allQueues().every((queue) => queue.priority === 0)).toBe(true);
  });

  it('change decisions at once', () => {
    const world = threeQueues();
    world.ready('link-100', 2, false, 1);
    world.ready('link-200', 2);
    world.hint('beta', 9);
    expect(world.view('link-100', 1).type).toBe('SUSPEND');
    expect(world.view('link-200').priority).toBe(9);
    world.hint('alpha', 10);
    expect(world.view('link-100', 1).type).toBe('PERMIT');
    expect(world.view('link-200').type).toBe('SUSPEND');
  });

  it('hold for queues that come later', () => {
    const world = threeQueues();
    world.hint('model=late', 8);
    world.hint('200', 6);
    world.register('link-100', { queue: 3, stream: 3, label: 'late' });
    expect(world.queue('link-100', 3).priority).toBe(8);
    world.register('link-200', { queue: 2, stream: 3 });
    expect(world.queue('link-200', 2).priority).toBe(6);
  });

  it('win by being newer', () => {
    const world = threeQueues();
    world.hint('100', 3);
    world.hint('bert', 4);
    expect(world.queue('link-100', 1).priority).toBe(4);
    world.hint('100', 5);
    expect(world.queue('link-100', 1).priority).toBe(5);
    world.hint('100', 0, true);
    expect(world.queue('link-100', 1).priority).toBe(4);
  });

  it('end with the process or the queue that they name', () => {
    const world = threeQueues();
    world.hint('100', 3);
    world.hint('100.1', 4);
    world.hint('200.1', 5);
    world.dispatch({ type: 'gone', link: 'link-100', cause: 'test', ended: true });
    world.dispatch({
      type: 'message',
      link: 'link-200',
      message: { type: 'UNREGISTER', queue: 1 },
    });
    expect(world.state.hints.size).toBe(0);
  });

  it.each([
    ['100', 256, 'priority must be from -255 to 255, received 256'],
    ['100', -256, 'priority must be from -255 to 255, received -256'],
    ['name=', 1, 'target "name=" names nothing'],
    ['777', 1, 'process 777 is not registered'],
    ['100.9', 1, 'there is no queue 100.9'],
  ])('%s = %i is refused', (target, value, message) => {
    expect(threeQueues().hint(target, value)).toMatchObject({ type: 'CONTROL_ERROR', message });
  });

  it('outlive the link of the process that they name, not the process', () => {
    const world = threeQueues();
    world.hint('100', 3);
    world.hint('100.1', 4);
    world.dispatch({ type: 'gone', link: 'link-100', cause: 'it closed its link', ended: false });
    expect([world.forgotten, world.watched]).toEqual([['link-100'], ['link-100']]);
    const back = world.hello(100, { link: 'back' });
    expect(world.reports[0]?.text).toContain('came back');
    // The process is watched by its new link now.
    expect([world.forgotten, world.watched]).toEqual([['link-100'], []]);
    world.register(back, { queue: 1 });
    world.register(back, { queue: 2, stream: 2 });
    expect([1, 2].map((n) => world.queue(back, n).priority)).toEqual([4, 3]);
    world.dispatch({ type: 'message', link: back, message: { type: 'BYE' } });
    expect(world.watched).toEqual([back]);
    world.dispatch({ type: 'gone', link: back, cause: 'the process ended', ended: true });
    expect(world.state.hints.size).toBe(0);
    expect(world.state.absent.size).toBe(0);
  });

  it('for a process without a link are not for the next one of its pid, and can be taken back', () => {
    const world = threeQueues();
    for (const pid of [100, 200]) {
      world.hint(String(pid), 3);
      const link = `link-${String(pid)}`;
      world.dispatch({ type: 'gone', link, cause: 'it closed its link', ended: false });
    }
    const other = world.hello(100, { link: 'other', startTime: 1 });
    expect(world.reports[0]?.text).toMatch(/came$/);
    world.register(other);
    expect(world.queue(other).priority).toBe(0);
    expect(world.hint('200', 0, true)).toEqual({ type: 'HINT_REPLY', request: 9, queues: [] });
    expect(world.forgotten).toEqual(['link-200']);
    expect([world.state.hints.size, world.state.absent.size]).toEqual([0, 0]);
    expect(world.hint('200', 1)).toMatchObject({ message: 'process 200 is not registered' });
  });

  it('of who is limited go no higher than his own ceiling', () => {
    const world = new World('limits: [{ group: 44, max_priority: 50 }, { max_priority: 0 }]');
    world.register(world.hello(100));
    const [some, other] = [
      { uid: 1001, gids: [7] },
      { uid: 1002, gids: [7, 44] },
    ];
    expect(world.hint('100', 1, false, some)).toMatchObject({
      code: ERROR_CODES.FORBIDDEN,
      message:
        "priority 1 is above 0, the highest that the configuration's 'limits' allow uid 1001",
    });
    expect(world.hint('100', 0, false, some)).toMatchObject({ type: 'HINT_REPLY' });
    expect(world.hint('100', 50, false, other)).toMatchObject({ type: 'HINT_REPLY' });
    expect(world.hint('100', 51, false, other)).toMatchObject({ code: ERROR_CODES.FORBIDDEN });
    expect(world.queue('link-100').priority).toBe(50);
    expect(world.hint('100', 255)).toMatchObject({ type: 'HINT_REPLY' });
    expect(world.hint('100', 255, true, some)).toMatchObject({ type: 'HINT_REPLY' });
  });

  it.each([
    [[], 'name=alpha', "there is no priority hint for 'name=alpha'"],
    [
      ['alpha'],
      'name=alpha',
      "there is no priority hint for 'name=alpha'; its priority comes from the hint for 'alpha'",
    ],
    [
      ['100.1', '100.2', '200'],
      'model=bert',
      "there is no priority hint for 'model=bert'; its priority comes from the hint for '100.1', '200'",
    ],
  ])('with %j set, %s cannot be taken back', (set, target, message) => {
    const world = threeQueues();
    for (const other of set) world.hint(other, 5);
    expect(world.hint(target, 0, true)).toMatchObject({ code: ERROR_CODES.NOT_FOUND, message });
  });

  it('are listed as they were typed, the oldest first', () => {
    const world = threeQueues();
    world.hint('model=bert', 5);
    world.hint('100', -6);
    world.hint('model=bert', 7);
    expect(world.state.hints.list()).toEqual([
      { target: '100', hint: 'priority', value: -6 },
      { target: 'model=bert', hint: 'priority', value: 7 },
    ]);
  });

  it('are limited in number', () => {
    const world = threeQueues();
    for (let n = 0; n < HINTS_MAX; n++) world.hint(`name=${String(n)}`, 1);
    expect(world.hint('name=more', 1)).toMatchObject({ code: ERROR_CODES.LIMIT });
    expect(world.hint('name=5', 2)).toMatchObject({ type: 'HINT_REPLY' });
  });
});

describe('the list', () => {
  it('says why a queue waits', () => {
    const world = new World();
    const high = world.hello(4711, { ownPriority: 10, ownName: 'bert-high' });
    world.register(high, { ready: true });
    world.register(world.hello(4712), { ready: true });
    world.advance(1500);
    const [first, second] = listQueues(world.state, world.now, 4096);
    expect(first).toMatchObject({
      id: '4711.1',
      state: 'running',
      reason: '',
      source: 'environment',
    });
    expect(first?.readyNs).toBe(1_500_000_000);
    expect(second).toMatchObject({
      state: 'suspended',
      reason: "suspended: 4711.1 'bert-high' (priority 10) is ready",
      window: 8,
    });
  });

  it('has from the client what the daemon cannot see: short work, and each wait', () => {
    const world = new World();
    const link = world.hello(1);
    world.register(link, { ready: true });
    const listed = () => listQueues(world.state, world.now, 100)[0];
    world.advance(100);
    world.stats(link, { seq: 2, ready: false, readyNs: 250e6, suspends: 7 });
    world.advance(100);
    expect(listed()).toMatchObject({ readyNs: 250e6, suspends: 7 });
    world.stats(link, { seq: 3, readyNs: 260e6, suspends: 8 });
    world.advance(100);
    expect(listed()).toMatchObject({ readyNs: 360e6, suspends: 8 });
  });

  it('counts a wait that goes on, and what the client says of it when it is over', () => {
    const world = new World();
    const high = world.hello(1, { ownPriority: 1 });
    world.register(high, { ready: true });
    const low = world.hello(2);
    world.register(low);
    const waited = () => (listQueues(world.state, world.now, 100)[1]?.waitedNs ?? 0) / 1e6;
    world.ready(low, 2, true);
    world.advance(300);
    expect(waited()).toBe(300);
    // What a client has counted is without the wait that goes on.
    world.stats(low, { seq: 2, waiting: true, waitedNs: 7e6 });
    world.stats(high, {});
    expect(waited()).toBe(307);
    world.advance(100);
    expect(waited()).toBe(407);
    world.idle(high, 2);
    expect(world.view(low).type).toBe('PERMIT');
    world.advance(100);
    expect(waited()).toBe(407);
    world.stats(low, { seq: 2, waiting: false, waitedNs: 408e6 });
    expect(waited()).toBe(408);
    world.advance(100);
    expect(waited()).toBe(408);
  });

  it('keeps texts within their limits, at whole characters', () => {
    const world = new World();
    world.register(world.hello(1, { command: 'ä'.repeat(100) }));
    const [queue] = listQueues(world.state, 0, 21);
    expect(queue?.command).toBe('ä'.repeat(10));
  });
});
