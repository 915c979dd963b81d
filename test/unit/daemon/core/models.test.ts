/** What servers serve, and the processes that work for it. */
import { describe, expect, it } from 'vitest';
import type { ServeMessage } from '../../../../protocol/generated/messages.js';
import { ERROR_CODES, LEVELS, LIMITS } from '../../../../protocol/messages.js';
import { listQueues } from '../../../../daemon/core/report.js';
import { World } from './world.js';

const SERVER = 50;
const OTHER = 60;

function serve(world: World, link: string, fields: Partial<ServeMessage> = {}): void {
  const message: ServeMessage = {
    ...{ type: 'SERVE', label: 1, model: 'bert-high', modelVersion: '3' },
    ...{ instance: 'bert-high_0_0', level: LEVELS.MAX },
    ...fields,
  };
  world.dispatch({ type: 'message', link, message });
}

function unserve(world: World, link: string, label = 1): void {
  world.dispatch({ type: 'message', link, message: { type: 'UNSERVE', label } });
}

/** What the last step sent. */
function messages(world: World) {
  return world.sent.map(({ message }) => message);
}

/** A stub of the Python backend as Triton starts it. */
function stubCommand(instance: string): string {
  return `triton_python_backend_stub /models/m/1/model.py shm 1048576 1048576 50 /b 336 ${instance} DEFAULT`;
}

/** @returns model, version, instance, priority and where that came from */
function shown(world: World, pid: number) {
  const queue = listQueues(world.state, world.now, 100).find((info) => info.pid === pid);
  if (queue === undefined) throw new Error(`process ${String(pid)} has no queue`);
  const { label, version, instance, priority, source } = queue;
  return { label, version, instance, priority, source };
}

const NOTHING = { label: '', version: '', instance: '', priority: 0, source: 'default' };
const HIGH = {
  ...{ label: 'bert-high', version: '3', instance: 'bert-high_0_0' },
  ...{ priority: 100, source: 'model' },
};

describe('a queue of a server', () => {
  it('has the priority that the configuration of its model states', () => {
    const world = new World();
    const link = world.hello(SERVER);
    const levels = [LEVELS.NONE, LEVELS.MIN, LEVELS.DEFAULT, LEVELS.MAX];
    for (const [index, level] of levels.entries()) {
      world.register(link, { queue: index + 1, label: `m${String(index)}`, level });
    }
    const queues = listQueues(world.state, world.now, 100);
    expect(queues.map(({ priority, source }) => [priority, source])).toEqual([
      [0, 'default'],
      [-100, 'model'],
      [0, 'model'],
      [100, 'model'],
    ]);
  });

  it('has another one where the daemon is told so, a rule, the environment or a hint', () => {
    const yaml = [
      'model_priority: { max: 7, min: -7 }',
      'rules: [{ match: { label: ruled }, priority: 5 }]',
    ].join('\n');
    const world = new World(yaml);
    const plain = world.hello(SERVER);
    world.register(plain, { queue: 1, label: 'max', level: LEVELS.MAX });
    world.register(plain, { queue: 2, label: 'ruled', level: LEVELS.MAX });
    world.register(plain, { queue: 3, label: 'hinted', level: LEVELS.MAX });
    world.hint('model=hinted', 9);
    const own = world.hello(OTHER, { ownPriority: 2 });
    world.register(own, { queue: 1, label: 'max', level: LEVELS.MAX });
    const queues = listQueues(world.state, world.now, 100);
    expect(queues.map(({ priority, source }) => [priority, source])).toEqual([
      [7, 'model'],
      [5, 'rule'],
      [9, 'hint'],
      [2, 'environment'],
    ]);
  });

  it('is lifted above nobody’s ceiling', () => {
    const world = new World('limits: [{ max_priority: 10 }]');
    const link = world.hello(SERVER);
    world.register(link, { label: 'm', level: LEVELS.MAX });
    expect(shown(world, SERVER)).toMatchObject({ priority: 10, source: 'model' });
  });
});

describe('a process below a server', () => {
  const below = (pid: number, command: string) => ({
    command,
    ancestors: [
      { pid: 49, command: 'sh -c triton_python_backend_stub' },
      { pid, command: 'tritonserver --model-repository /models' },
    ],
  });

  it('works for the instance that its command line names, whoever came first', () => {
    const world = new World();
    const server = world.hello(SERVER);
    const first = world.hello(100, below(SERVER, stubCommand('bert-high_0_0')));
    world.register(first);
    expect(shown(world, 100)).toEqual(NOTHING);
    serve(world, server);
    expect(messages(world)).toContainEqual({ type: 'SERVED', label: 1 });
    expect(shown(world, 100)).toEqual(HIGH);
    const second = world.hello(101, below(SERVER, stubCommand('bert-high_0_0')));
    world.register(second);
    expect(shown(world, 101)).toEqual(HIGH);
    // Another instance, or another server's, is none of theirs.
    for (const [pid, server_, instance] of [
      [102, SERVER, 'bert-high_0_1'],
      [103, OTHER, 'bert-high_0_0'],
      [104, SERVER, 'bert-high_0_0x'],
    ] as const) {
      world.register(world.hello(pid, below(server_, stubCommand(instance))));
      expect(shown(world, pid)).toEqual(NOTHING);
    }
  });

  it('may be a child of the one whose command line names it', () => {
    const world = new World();
    serve(world, world.hello(SERVER));
    const engine = world.hello(200, {
      command: 'python3 -m engine',
      ancestors: [
        { pid: 150, command: stubCommand('bert-high_0_0') },
        { pid: SERVER, command: 'tritonserver' },
      ],
    });
    world.register(engine);
    expect(shown(world, 200)).toEqual(HIGH);
  });

  it('follows what the server loads and unloads, and is told so', () => {
    const world = new World();
    const server = world.hello(SERVER);
    serve(world, server);
    const stub = world.hello(100, below(SERVER, stubCommand('bert-high_0_0')));
    const rival = world.hello(300, { ownPriority: 50 });
    world.register(stub, { ready: true });
    world.register(rival, { ready: true });
    expect(world.view(rival).type).toBe('SUSPEND');
    serve(world, server, { label: 1, level: LEVELS.MIN });
    expect(shown(world, 100)).toEqual({ ...HIGH, priority: -100 });
    expect(world.view(stub)).toMatchObject({ type: 'SUSPEND', priority: -100 });
    expect(world.view(rival).type).toBe('PERMIT');
    unserve(world, server);
    expect(shown(world, 100)).toEqual(NOTHING);
    unserve(world, server);
    serve(world, server, { label: 2 });
    expect(world.view(rival).type).toBe('SUSPEND');
  });

  it('loses its model with its server, and finds it again when the server comes back', () => {
    const world = new World();
    const server = world.hello(SERVER);
    serve(world, server);
    world.register(world.hello(100, below(SERVER, stubCommand('bert-high_0_0'))));
    world.dispatch({ type: 'gone', link: server, cause: 'test', ended: false });
    expect(shown(world, 100)).toEqual(NOTHING);
    serve(world, world.hello(SERVER, { link: 'again' }));
    expect(shown(world, 100)).toEqual(HIGH);
  });

  it('keeps hints by model, and has rules by model', () => {
    const world = new World('rules: [{ match: { label: bert-high }, priority: 33 }]');
    serve(world, world.hello(SERVER));
    world.register(world.hello(100, below(SERVER, stubCommand('bert-high_0_0'))));
    expect(shown(world, 100)).toMatchObject({ priority: 33, source: 'rule' });
    world.hint('model=bert-high', 44);
    expect(shown(world, 100)).toMatchObject({ priority: 44, source: 'hint' });
  });
});

describe('SERVE', () => {
  it('is answered each time, and reported once', () => {
    const world = new World();
    const server = world.hello(SERVER);
    serve(world, server);
    expect(world.reports.map(({ text }) => text)).toEqual([
      "process 50 'example' serves model 'bert-high' version 3 as 'bert-high_0_0'",
    ]);
    serve(world, server);
    expect(messages(world)).toEqual([{ type: 'SERVED', label: 1 }]);
    expect(world.reports).toEqual([]);
  });

  it('is refused beyond the limit', () => {
    const world = new World();
    const server = world.hello(SERVER);
    for (let label = 0; label < LIMITS.LABELS; label++) {
      serve(world, server, { label, instance: `i${String(label)}` });
    }
    serve(world, server, { label: LIMITS.LABELS });
    expect(messages(world)).toEqual([
      {
        ...{ type: 'ERROR', code: ERROR_CODES.LIMIT },
        message: `model 'bert-high' is refused: a process serves at most ${String(LIMITS.LABELS)} instances`,
      },
    ]);
  });

  it('leaves nothing behind', () => {
    const world = new World();
    const server = world.hello(SERVER);
    serve(world, server);
    const stub = world.hello(100, below100());
    for (const link of [stub, server]) {
      world.dispatch({ type: 'gone', link, cause: 'test', ended: true });
    }
    expect(world.state.descendants.size).toBe(0);
    expect(world.state.clients.size).toBe(0);
  });
});

function below100() {
  return { command: stubCommand('x'), ancestors: [{ pid: SERVER, command: 'tritonserver' }] };
}
