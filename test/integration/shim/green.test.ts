/** Queues of streams in green contexts: what only the daemon hears of them. */
import { describe, expect, it } from 'vitest';
import { FakeAgentDaemon, notifyAll } from './fake-daemon.js';
import { groupByStream, makeEnvironment, makeStage, readKernels, Script } from './programs.js';

/** One kernel of these is enough: between several a busy machine might really be idle. */
const KERNEL_NS = 30_000_000;

async function start() {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, notifyAll);
  const script = new Script(makeEnvironment(stage));
  // The program fills memory first, on the default stream of the primary context.
  const { message: first } = await daemon.next('REGISTER');
  /** The queues that came after that one, of which `count` have to be there. */
  const registered = async (count: number) =>
    daemon.waitFor(`${count} queues`, () => {
      // A link that is opened anew registers all of them again.
      const byQueue = new Map(daemon.list('REGISTER').map(({ message: m }) => [m.queue, m]));
      byQueue.delete(first.queue);
      return byQueue.size < count ? undefined : [...byQueue.values()];
    });
  /** When a queue was first said to be idle. */
  const idle = async (queue: number) => {
    const heard = await daemon.waitFor('idle queue', () =>
      daemon.heard.find(
        ({ message: m }) =>
          (m.type === 'IDLE' && m.queue === queue) ||
          (m.type === 'STATS' && m.queue === queue && !m.ready && m.submitted > 0),
      ),
    );
    return Number(heard.at);
  };
  /** When the last kernel of the program left the device. */
  const lastFinish = () => {
    const kernels = readKernels(stage, script.pid);
    expect(kernels).not.toEqual([]);
    return Math.max(...kernels.map(({ finish }) => finish));
  };
  return { stage, daemon, script, first, registered, idle, lastFinish };
}

describe('the stream of a green context', () => {
  it('has a queue in the primary context, which is known to be idle when it is', async () => {
    const { script, first, registered, idle, lastFinish } = await start();
    await script.doAll('a green 1 2', `a launch 2 1 ${KERNEL_NS}`);
    const [green] = await registered(1);
    expect(green?.context).toBe(first.context);
    expect(await idle(green?.queue ?? 0)).toBeGreaterThan(lastFinish());
    expect((await script.end()).code).toBe(0);
  });

  it('has no queue any more when the green context is gone and the work has drained', async () => {
    const { daemon, script, registered, lastFinish } = await start();
    await script.doAll('a green 1 2', `a launch 2 1 ${KERNEL_NS}`);
    const [green] = await registered(1);
    expect(await script.do('a part 1')).toBe('0');
    const { at } = await daemon.next('UNREGISTER', (m) => m.queue === green?.queue);
    expect(Number(at)).toBeGreaterThan(lastFinish());
    // It is detached, and the driver has to say so.
    expect(await script.do('a launch 2 1 1000')).toBe('917');
    expect(await registered(1)).toHaveLength(1);
    expect((await script.end()).code).toBe(0);
  });
});

describe('the default stream of a green context', () => {
  it.each([
    ['while it is current', []],
    ['when it no longer is', ['a leave 1']],
  ])('is known to be idle when it is, %s', async (_, after) => {
    const { stage, script, registered, idle, lastFinish } = await start();
    await script.doAll('a green 1 2', 'a enter 1', `a launch 0 1 ${KERNEL_NS}`, ...after);
    const [green] = await registered(1);
    expect(await idle(green?.queue ?? 0)).toBeGreaterThan(lastFinish());
    expect(readKernels(stage, script.pid)).toHaveLength(1);
  });

  it('has a queue of its own in each life', async () => {
    const { daemon, script, registered, lastFinish } = await start();
    for (let life = 1; life <= 4; life++) {
      await script.doAll('a green 1 2', 'a enter 1', `a launch 0 1 ${KERNEL_NS}`, 'a leave 1');
      const queue = (await registered(life)).at(-1)?.queue;
      expect(await script.do('a part 1')).toBe('0');
      const { at } = await daemon.next('UNREGISTER', (m) => m.queue === queue);
      expect(Number(at)).toBeGreaterThan(lastFinish());
    }
    expect(await registered(4)).toHaveLength(4);
  });
});

describe('the own stream of a thread in which a green context is current', () => {
  it('is refused, and its queue does not stay busy', async () => {
    const { script, registered, idle } = await start();
    await script.doAll('a green 1 2', 'a enter 1');
    expect(await script.do('a launch 9 1 1000')).toBe('400');
    const [own] = await registered(1);
    expect(await idle(own?.queue ?? 0)).toBeGreaterThan(0);
    expect((await script.end()).code).toBe(0);
  });
});

describe('an event that is recorded anew in a green context', () => {
  it('proves nothing about the stream that it was recorded on before', async () => {
    const { script, registered, idle, lastFinish } = await start();
    await script.doAll('a green 1 2', 'a create 3 0', `a launch 3 1 ${KERNEL_NS}`);
    expect(await script.do('a move 1 3')).toBe('0');
    const [ordinary] = await registered(1);
    expect(await idle(ordinary?.queue ?? 0)).toBeGreaterThan(lastFinish());
    expect((await script.end()).code).toBe(0);
  });
});

describe('cuCtxSynchronize', () => {
  it('proves nothing about streams outside the green context that is current', async () => {
    const { stage, script, registered, idle } = await start();
    await script.doAll('a green 1 2', 'a green 3 4', 'a create 5 0');
    for (const stream of [4, 5]) await script.do(`a launch ${stream} 2 ${KERNEL_NS}`);
    await script.doAll('a enter 1', 'a launch 0 1 1000', 'a finish 1');
    // In the order of their first work: those of another green context, of the primary one, of this.
    const idleAt = await Promise.all((await registered(3)).map(async ({ queue }) => idle(queue)));
    const finishedAt = groupByStream(readKernels(stage, script.pid)).map(
      (kernels) => kernels.at(-1)?.finish ?? Infinity,
    );
    expect(finishedAt).toHaveLength(3);
    for (const [index, at] of idleAt.entries()) expect(at).toBeGreaterThan(finishedAt[index] ?? 0);
    expect(finishedAt[2]).toBeLessThan(finishedAt[0] ?? 0);
    expect((await script.end()).code).toBe(0);
  });
});
