/** Which device a program's queues are on, whatever number the program knows it by. */
import { describe, expect, it } from 'vitest';
import { FakeAgentDaemon, serveAll } from './fake-daemon.js';
import { makeEnvironment, makeStage, Script } from './programs.js';
import type { Environment } from './programs.js';

const UUID = /^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function start() {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, serveAll);
  /** The device of the first queue of a program with these settings. */
  const deviceOf = async (more: Environment): Promise<string> => {
    const from = daemon.heard.length;
    const env = { XSCHED_SIM_DEVICES: '3', ...more };
    const script = new Script(makeEnvironment(stage, env));
    await script.doAll('a create 1 0', 'a launch 1 1 1000', 'a sync 1');
    const { message } = await daemon.next('REGISTER', () => true, from);
    expect((await script.end()).code).toBe(0);
    return message.device;
  };
  return { daemon, deviceOf };
}

describe('a device', () => {
  it('is the same for programs that know it by different numbers', async () => {
    const { deviceOf } = await start();
    const first = await deviceOf({});
    const third = await deviceOf({ CUDA_VISIBLE_DEVICES: '2' });
    expect(first).toMatch(UUID);
    expect(third).toMatch(UUID);
    expect(third).not.toBe(first);
    expect(await deviceOf({ CUDA_VISIBLE_DEVICES: '0' })).toBe(first);
    expect(await deviceOf({ CUDA_VISIBLE_DEVICES: '2,0' })).toBe(third);
    // By its UUID, or as much of that as is enough.
    expect(await deviceOf({ CUDA_VISIBLE_DEVICES: third })).toBe(third);
    expect(await deviceOf({ CUDA_VISIBLE_DEVICES: third.slice(0, 12) })).toBe(third);
  });

  it('is the slice of a GPU where a program has one', async () => {
    const { deviceOf } = await start();
    const slice = { XSCHED_SIM_MIG: '1' };
    const first = await deviceOf(slice);
    const second = await deviceOf({ ...slice, CUDA_VISIBLE_DEVICES: '1' });
    expect(first.replace('MIG', 'GPU')).toMatch(UUID);
    expect(second.replace('MIG', 'GPU')).toMatch(UUID);
    expect([first, second].every((device) => device.startsWith('MIG-'))).toBe(true);
    expect(second).not.toBe(first);
    expect(await deviceOf({ ...slice, CUDA_VISIBLE_DEVICES: second })).toBe(second);
  });
});
