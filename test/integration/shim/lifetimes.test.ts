/** Queues whose streams end with work on them, and queues beside a capture. */
import { describe, expect, it } from 'vitest';
import { FakeAgentDaemon, notifyAll } from './fake-daemon.js';
import { makeEnvironment, makeStage, readKernels, Script } from './programs.js';

const KERNEL_NS = 500_000;
const KERNELS = 40;

async function start() {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, notifyAll);
  const script = new Script(makeEnvironment(stage));
  return { stage, daemon, script };
}

/** When the last kernel of the program left the device. */
function lastFinish(stage: Parameters<typeof readKernels>[0], pid: number, count: number): number {
  const kernels = readKernels(stage, pid);
  expect(kernels).toHaveLength(count);
  return Math.max(...kernels.map(({ finish }) => finish));
}

describe('a stream that is destroyed with work on it', () => {
  it('keeps its queue until the work has left the device', async () => {
    const { stage, daemon, script } = await start();
    await script.doAll('a create 1 0', `a launch 1 ${KERNELS} ${KERNEL_NS}`);
    const { queue } = (await daemon.next('REGISTER', ({ stream }) => stream > 2)).message;
    expect(await script.do('a destroy 1')).toBe('0');
    const { at } = await daemon.next('UNREGISTER', (m) => m.queue === queue);
    expect(Number(at)).toBeGreaterThan(lastFinish(stage, script.pid, KERNELS));
    expect((await script.end()).code).toBe(0);
  });

  it('gives its handle to a new stream with a queue of its own', async () => {
    const { stage, daemon, script } = await start();
    const queues = new Set<number>();
    for (let life = 0; life < 8; life++) {
      const from = daemon.heard.length;
      await script.doAll('a create 1 0', `a launch 1 4 ${KERNEL_NS}`, 'a destroy 1');
      const { message } = await daemon.next('REGISTER', ({ stream }) => stream > 2, from);
      queues.add(message.queue);
    }
    expect(queues.size).toBe(8);
    for (const queue of queues) await daemon.next('UNREGISTER', (m) => m.queue === queue);
    lastFinish(stage, script.pid, 32);
  });
});

describe('while a stream captures in the strictest mode', () => {
  it('other queues are known to be idle, and the capture comes to its end', async () => {
    const { stage, daemon, script } = await start();
    await script.doAll('a create 1 0', 'a create 2 0', 'b launch 9 1 1000');
    expect(await script.do('a begin 1 0')).toBe('0');
    const from = daemon.heard.length;
    // Neither thread synchronises: only a question to the driver can tell.
    await script.doAll(`b launch 2 10 ${KERNEL_NS}`, `b launch 9 10 ${KERNEL_NS}`);
    expect(await script.do('a launch 1 5 1000')).toBe('0');
    const idle = async (stream: (handle: number) => boolean) => {
      const isIt = daemon.list('REGISTER').find(({ message }) => stream(message.stream));
      const queue = isIt?.message.queue;
      return daemon.waitFor('idle queue', () =>
        daemon.heard
          .slice(from)
          .find(
            ({ message: m }) =>
              (m.type === 'IDLE' && m.queue === queue) ||
              (m.type === 'STATS' && m.queue === queue && !m.ready && m.completed >= 10),
          ),
      );
    };
    await idle((handle) => handle > 2);
    await idle((handle) => handle === 2);
    expect(await script.doAll('a launch 1 5 1000', 'a end 1', 'a replay 1', 'a sync 1')).toEqual([
      ...['0', '0', '0', '0'],
    ]);
    lastFinish(stage, script.pid, 31);
  });

  it('a busy stream may join the capture', async () => {
    const { stage, script } = await start();
    await script.doAll('a create 1 0', 'a create 2 0');
    for (let round = 0; round < 20; round++) {
      // The second stream is being asked about when it joins.
      const answers = await script.doAll(
        ...['a launch 2 1 300000', 'a begin 1 0', 'a join 2 1', 'a launch 2 3 1000'],
        ...['a join 1 2', 'a end 1', 'a replay 1', 'a sync 1'],
      );
      expect(answers).toEqual(answers.map(() => '0'));
    }
    lastFinish(stage, script.pid, 80);
  });
});
