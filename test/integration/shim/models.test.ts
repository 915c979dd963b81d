/**
 * A server of models in one process, by the public C API of Triton's core: whose a launch is, also on
 * a stream that several models use in turn. The core and its backend are the tests' own.
 */
import { describe, expect, it } from 'vitest';
import { Decisions, FakeAgentDaemon, serveAll } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import { makeEnvironment, makeStage, readKernels, Script, STREAM_RING } from './programs.js';
import type { Environment, Stage } from './programs.js';

/** Levels as the protocol counts them. */
const [NONE, MIN, DEFAULT, MAX] = [0, 1, 2, 3];
const KERNEL_NS = 500_000;

interface Scene {
  readonly stage: Stage;
  readonly daemon: FakeAgentDaemon;
  readonly script: Script;
}

async function start(behave: Behaviour = serveAll, core = 'libcore.so'): Promise<Scene> {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
  const script = new Script(makeEnvironment(stage));
  await script.doAll(`a core ${core}`, 'a create 1 0', 'a create 2 0');
  return { stage, daemon, script };
}

/** Its answers to the same orders without the shim. */
async function withoutShim(orders: readonly string[], more: Environment = {}): Promise<string[]> {
  const script = new Script(makeEnvironment(makeStage(), more, false));
  await script.doAll('a core libcore.so', 'a create 1 0', 'a create 2 0');
  const answers = await script.doAll(...orders);
  expect((await script.end()).code).toBe(0);
  return answers;
}

/** The registration of an instance's queue, on the stream that it uses. */
async function queueOf({ daemon }: Scene, instance: string, from = 0) {
  return daemon.next('REGISTER', (message) => message.instance === instance, from);
}

/** All queues that were ever registered, with their labels, in the order of their numbers. */
function listQueues({ daemon }: Scene) {
  const byId = new Map(daemon.list('REGISTER').map(({ message }) => [message.queue, message]));
  return [...byId.values()].toSorted((a, b) => a.queue - b.queue);
}

/** Waits until a queue has said that it submitted so many launches. */
async function expectSubmitted({ daemon }: Scene, queue: number, count: number): Promise<void> {
  await daemon.next('STATS', (m) => m.queue === queue && m.submitted >= count);
  const last = daemon.list('STATS').findLast(({ message }) => message.queue === queue);
  expect(last?.message).toMatchObject({ submitted: count });
}

async function end({ script }: Scene): Promise<void> {
  expect(await script.do('a objects')).toBe('0');
  expect((await script.end()).code).toBe(0);
}

describe('models that use one stream in turn', () => {
  const orders = [
    'a load high 3 high_0 PRIORITY_MAX 1',
    'a load low 1 low_0 PRIORITY_MIN 1',
    'b execute high_0 1 3 1000',
    'c execute low_0 1 5 1000',
    'b execute high_0 1 7 1000',
    'c execute low_0 1 11 1000',
    // What a thread launches outside any execution is the last model's.
    'd launch 1 13 1000',
    'b nest high_0 low_0 1',
    'a sync 1',
    'a read 1',
  ];

  it('have a queue each, with what they say of themselves', async () => {
    const scene = await start();
    expect(await scene.script.doAll(...orders)).toEqual(await withoutShim(orders));
    const high = (await queueOf(scene, 'high_0')).message;
    const low = (await queueOf(scene, 'low_0')).message;
    expect(high).toMatchObject({ label: 'high', modelVersion: '3', level: MAX });
    expect(low).toMatchObject({ label: 'low', modelVersion: '1', level: MIN, stream: high.stream });
    await expectSubmitted(scene, high.queue, 1 + 3 + 7 + 2);
    await expectSubmitted(scene, low.queue, 1 + 5 + 11 + 13 + 1);
    // The legacy stream's and theirs: none was made anew as the stream came back to them.
    expect(listQueues(scene).map(({ label }) => label)).toEqual(['', 'high', 'low']);
    expect(scene.daemon.list('SERVE').length).toBeGreaterThanOrEqual(2);
    await end(scene);
  });

  it('have their queues end with the stream', async () => {
    const scene = await start();
    await scene.script.doAll(...orders.slice(0, 4), 'a destroy 1');
    for (const instance of ['high_0', 'low_0']) {
      const { queue } = (await queueOf(scene, instance)).message;
      await scene.daemon.next('UNREGISTER', (m) => m.queue === queue);
    }
    await end(scene);
  });

  it('are gated as the model that executes', async () => {
    const decisions = new Decisions();
    const scene = await start(decisions.behave);
    const { daemon, script } = scene;
    await script.doAll(...orders.slice(0, 4));
    const low = await queueOf(scene, 'low_0');
    const suspended = decisions.decide(daemon, low, low.message.queue, false);
    await daemon.next('STATS', (m) => m.queue === low.message.queue && m.applied === suspended.seq);
    const from = script.lines.length;
    script.begin('c execute low_0 1 1 1000');
    await daemon.next('READY', (m) => m.queue === low.message.queue && m.waiting);
    // The other model launches on the very stream meanwhile.
    expect(await script.doAll('b execute high_0 1 20 1000', 'b sync 1')).toEqual(['0', '0']);
    expect(script.lines.slice(from)).not.toContain('c execute low_0 1 1 1000 0');
    decisions.decide(daemon, low, low.message.queue, true);
    expect(await script.answer('c execute low_0 1 1 1000', from)).toBe('0');
    // What it launched belongs to it, though the stream was the other's by then.
    await daemon.next('STATS', (m) => m.queue === low.message.queue && m.submitted === 7);
    await daemon.next(
      'STATS',
      (m) => m.queue === low.message.queue && m.completed === 7 && !m.ready,
    );
    await end(scene);
  });

  it('wait for each other by their priorities, without any daemon', async () => {
    const stage = makeStage();
    const script = new Script(makeEnvironment(stage, { XSCHED_GATE_MAX_MS: '0' }));
    await script.doAll('a core libcore.so', 'a create 1 0', ...orders.slice(0, 2), 'a sync 1');
    const before = readKernels(stage, script.pid).length;
    await script.do(`b execute high_0 1 20 ${KERNEL_NS}`);
    await script.doAll('c execute low_0 1 1 1000', 'a sync 1');
    const kernels = readKernels(stage, script.pid).slice(before);
    expect(kernels).toHaveLength(21);
    const [last, ...rest] = kernels.toReversed();
    // Nobody synchronises: the shim found out by the event behind the high one's work.
    const drained = Math.max(...rest.map(({ finish }) => finish));
    expect(last?.submit).toBeGreaterThan(drained);
    expect((await script.end()).code).toBe(0);
  });

  it('keep nobody else waiting while the driver has no room for the event between them', async () => {
    const { script } = await start();
    await script.doAll(...orders.slice(0, 2), 'c create 3 0', 'e create 4 0');
    await script.do('b execute high_0 1 1 2000000000');
    const from = script.lines.length;
    const [fill, take] = [
      `b record 1 ${2 * STREAM_RING}`,
      `c execute low_0 1 ${2 * STREAM_RING} 1000`,
    ];
    script.begin(fill);
    const count = async () => Number(await script.do('d recorded 1'));
    await expect.poll(count, { timeout: 15_000 }).toBeGreaterThan(STREAM_RING - 100);
    script.begin(take);
    // Orders that come after it; by their answers it is at its event, most likely.
    for (let order = 0; order < 10; order++) await count();
    // A third thread uses a new stream while neither of the two gets on.
    expect(await script.do('e launch 4 1 1000')).toBe('0');
    const answers = script.lines.slice(from);
    expect(answers).not.toContain(`${fill} 0`);
    expect(answers).not.toContain(`${take} 0`);
    script.kill();
  });
});

describe('a model that is unloaded', () => {
  it('is nobody afterwards, and its queue ends once its stream is another model’s', async () => {
    const scene = await start();
    const { daemon, script } = scene;
    const orders = ['a load m 1 m_0 PRIORITY_MAX 1', 'a execute m_0 1 2 1000', 'a unload m_0'];
    await script.doAll(...orders);
    const first = (await queueOf(scene, 'm_0')).message.queue;
    const { label } = (await daemon.next('SERVE')).message;
    await daemon.next('UNSERVE', (m) => m.label === label);
    // No server executes what it has finalized; if one does, the launch is the stream's.
    await script.do('a execute m_0 1 4 1000');
    await expectSubmitted(scene, first, 1 + 2 + 4);
    expect(daemon.list('UNREGISTER')).toEqual([]);
    const from = daemon.heard.length;
    await script.doAll(...orders.slice(0, 2), 'a sync 1');
    const second = (await queueOf(scene, 'm_0', from)).message.queue;
    expect(second).not.toBe(first);
    await daemon.next('UNREGISTER', (m) => m.queue === first);
    await expectSubmitted(scene, second, 1 + 2);
    await end(scene);
  });

  it('is nobody where another is loaded, also if its backend has no function for its end', async () => {
    const scene = await start();
    const { daemon, script } = scene;
    await script.doAll('a load before 1 m_0 PRIORITY_MAX 1', 'a execute m_0 1 2 1000');
    const { label } = (await daemon.next('SERVE')).message;
    await script.doAll('a replace after 1 m_0 PRIORITY_MIN 1', 'a execute m_0 1 3 1000');
    const { message } = await daemon.next('REGISTER', (m) => m.label === 'after');
    expect(message).toMatchObject({ level: MIN });
    await expectSubmitted(scene, message.queue, 1 + 3);
    await daemon.next('UNSERVE', (m) => m.label === label);
    await end(scene);
  });

  it('is no more served when its backend refused it', async () => {
    const scene = await start();
    expect(await scene.script.do('a refuse m 1 m_0 PRIORITY_MAX 1')).toBe('refused');
    const { label } = (await scene.daemon.next('SERVE')).message;
    await scene.daemon.next('UNSERVE', (m) => m.label === label);
    await end(scene);
  });

  it('leaves room for the next, however often', async () => {
    const scene = await start();
    for (let time = 0; time < 1100; time++) {
      await scene.script.doAll('a load m 1 m_0 PRIORITY_MAX 0', 'a unload m_0');
    }
    const from = scene.daemon.heard.length;
    await scene.script.doAll('a load m 1 last PRIORITY_MAX 2', 'a execute last 2 2 1000');
    expect((await queueOf(scene, 'last', from)).message).toMatchObject({ label: 'm', level: MAX });
    expect((await scene.script.end()).stderr).not.toContain('not scheduled');
  });
});

describe('names', () => {
  it('of any length are cut at the end of a character', async () => {
    const scene = await start();
    const [model, instance] = ['m'.padEnd(300, 'é'), 'i'.padEnd(257, 'i')];
    await scene.script.do(`a load ${model} 18446744073709551615 ${instance} PRIORITY_DEFAULT 1`);
    const { message } = await scene.daemon.next('REGISTER', (m) => m.label !== '');
    expect(message).toMatchObject({
      ...{ label: 'm'.padEnd(128, 'é'), instance: 'i'.repeat(256) },
      ...{ modelVersion: '18446744073709551615', level: DEFAULT },
    });
    await end(scene);
  });

  it.each(['none', '?'])(
    'that the core does not tell (%s) leave the model unlabelled',
    async (name) => {
      const scene = await start();
      await scene.script.doAll(`a load ${name} 1 m_0 PRIORITY_MAX 1`, 'a execute m_0 1 2 1000');
      const { message } = await scene.daemon.next('REGISTER', ({ stream }) => stream > 2);
      expect(message).toMatchObject({ label: '', instance: '', level: NONE });
      await end(scene);
    },
  );

  it.each(['none', '?'])('of an instance that is not told (%s) leave the model’s', async (name) => {
    const scene = await start();
    await scene.script.doAll(`a load m 1 ${name} PRIORITY_MAX 1`, `a execute ${name} 1 2 1000`);
    const { message } = await scene.daemon.next('REGISTER', ({ stream }) => stream > 2);
    expect(message).toMatchObject({ label: 'm', instance: '', level: MAX });
    await end(scene);
  });
});

describe('a server that lacks one of the functions', () => {
  it('runs as any other program', async () => {
    const orders = ['a load m 1 m_0 PRIORITY_MAX 1', 'b execute m_0 1 3 1000', 'a read 1'];
    const scene = await start(serveAll, 'libcore-old.so');
    expect(await scene.script.doAll(...orders)).toEqual(await withoutShim(orders));
    expect(listQueues(scene).map(({ label, level }) => [label, level])).toEqual([
      ['', NONE],
      ['', NONE],
    ]);
    expect(scene.daemon.list('SERVE')).toEqual([]);
    await end(scene);
  });
});
