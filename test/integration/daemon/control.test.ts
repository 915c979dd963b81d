/** Steering and watching a daemon over its control socket. */
import { describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../../protocol/messages.js';
import { makeCalls, makeRegister } from '../../samples/messages.js';
import { makeHello } from './agent-client.js';
import { helperPath, openClient, openController, Program, runDaemon } from './harness.js';
import type { TestDaemon } from './harness.js';

/** This process with a ready queue of priority -1, and another one of priority 0 with work. */
async function startContest(daemon: TestDaemon) {
  const low = openClient(daemon.runtimeDir);
  low.send(makeHello({ hasPriority: true, priority: -1, name: 'low' }));
  low.send(makeRegister({ device: 'GPU-raw', label: 'bert', ready: true }));
  await low.next('PERMIT');
  const socket = `${daemon.runtimeDir}/agent.sock`;
  const high = new Program('python3', [helperPath('raw_agent.py'), socket, '1']);
  await high.line('registered');
  high.write('ready\n');
  await low.next('SUSPEND');
  return low;
}

describe('a controller', () => {
  it('sees the daemon and its queues', async () => {
    const daemon = await runDaemon();
    await startContest(daemon);
    const controller = openController(daemon.runtimeDir);
    const status = await controller.ask({ type: 'STATUS', request: 1, version: PROTOCOL_VERSION });
    expect(status).toMatchObject({
      type: 'STATUS_REPLY',
      status: {
        ...{ pid: process.pid, generation: 1, runtimeDir: daemon.runtimeDir, policy: 'HPF' },
        ...{ enabled: true, clients: 2, queues: 2, ready: 2, suspended: 1, refused: 0 },
      },
    });
    const list = await controller.ask({ type: 'LIST', request: 2 });
    expect(list).toMatchObject({
      queues: [
        { id: `${String(process.pid)}.1`, name: 'low', label: 'bert', state: 'suspended' },
        { name: 'raw_agent', priority: 0, state: 'running' },
      ],
    });
  });

  it('changes a priority at once, and takes it back', async () => {
    const daemon = await runDaemon();
    const low = await startContest(daemon);
    const controller = openController(daemon.runtimeDir);
    const hint = { type: 'HINT', target: 'model=bert', hint: 'priority', value: 100 } as const;
    const id = `${String(process.pid)}.1`;
    expect(await controller.ask({ ...hint, request: 3, clear: false })).toEqual({
      type: 'HINT_REPLY',
      request: 3,
      queues: [id],
    });
    expect(await low.next('PERMIT')).toMatchObject({ priority: 100, window: 0 });
    await controller.ask({ ...hint, request: 4, clear: true });
    expect(await low.next('SUSPEND')).toMatchObject({ priority: -1, window: 8 });
    expect(await controller.ask({ ...hint, request: 5, value: 300, clear: false })).toMatchObject({
      type: 'CONTROL_ERROR',
      message: 'priority must be from -255 to 255, received 300',
    });
  });

  it('gives a process a priority that outlives its link', async () => {
    const daemon = await runDaemon();
    const low = await startContest(daemon);
    const controller = openController(daemon.runtimeDir);
    const target = String(process.pid);
    const hint = { type: 'HINT', target, hint: 'priority', value: 77, clear: false } as const;
    await controller.ask({ ...hint, request: 1 });
    expect(await low.next('PERMIT')).toMatchObject({ priority: 77 });
    low.close();
    // The daemon finds that a link is closed when it sends something.
    for (let request = 2; daemon.queues().length > 1; request++) {
      await controller.ask({ type: 'ENABLE', request, enabled: request % 2 === 0 });
    }
    const back = openClient(daemon.runtimeDir);
    back.send(makeHello({ name: 'low' }));
    back.send(makeRegister({ device: 'GPU-raw', label: 'bert', ready: true }));
    expect(await back.next('PERMIT')).toMatchObject({ priority: 77 });
    expect(daemon.status().hints).toEqual([{ target, hint: 'priority', value: 77 }]);
  });

  it('switches scheduling off and on', async () => {
    const daemon = await runDaemon();
    const low = await startContest(daemon);
    const controller = openController(daemon.runtimeDir);
    await controller.ask({ type: 'ENABLE', request: 1, enabled: false });
    expect(await low.next('PERMIT')).toMatchObject({ enabled: false, window: 0 });
    await controller.ask({ type: 'ENABLE', request: 2, enabled: true });
    expect(await low.next('SUSPEND')).toMatchObject({ enabled: true });
  });

  it('sees what the driver was called for, and hears of calls that nobody knows', async () => {
    const daemon = await runDaemon();
    const agent = openClient(daemon.runtimeDir);
    agent.send(makeHello({ name: 'serve' }));
    await agent.next('WELCOME');
    const controller = openController(daemon.runtimeDir);
    await controller.ask({ type: 'SUBSCRIBE', request: 1, on: true });
    const launches = { passed: 5, gated: 4, bypassed: 3, captured: 2, unknown: 0 };
    agent.send(makeCalls(launches));
    agent.send(makeCalls({ function: 'cuFooAsync', unknown: 1 }));
    agent.send(makeCalls({ function: 'cuFooAsync', unknown: 2 }));
    const pid = String(process.pid);
    const text =
      `process ${pid} 'serve' calls cuFooAsync, which this version of the shim does not know: ` +
      'it may launch work that nobody schedules';
    const heard = await controller.take(({ type }) => type === 'EVENT');
    expect(heard).toMatchObject({ kind: 'unknown-call', id: pid, text });
    await expect.poll(() => daemon.status().unknownCalls).toBe(2);
    expect(daemon.logged.filter((line) => line.startsWith('warn'))).toEqual([`warn ${text}`]);
    const who = { pid: process.pid, name: 'serve' };
    const nothing = { passed: 0, gated: 0, bypassed: 0, captured: 0 };
    expect(await controller.ask({ type: 'CALLS_LIST', request: 2 })).toEqual({
      type: 'CALLS_REPLY',
      request: 2,
      calls: [
        { ...who, function: 'cuFooAsync', ...nothing, unknown: 2 },
        { ...who, function: 'cuLaunchKernel', ...launches },
      ],
    });
  });

  it('hears what happens while it wants to', async () => {
    const daemon = await runDaemon();
    const low = await startContest(daemon);
    const controller = openController(daemon.runtimeDir);
    await controller.ask({ type: 'SUBSCRIBE', request: 1, on: true });
    low.send({ type: 'UNREGISTER', queue: 1 });
    low.send(makeRegister({ queue: 2, device: 'GPU-raw', ready: true }));
    low.send({ type: 'BYE' });
    const heard = [];
    for (let n = 0; n < 4; n++) heard.push(await controller.take(({ type }) => type === 'EVENT'));
    const pid = String(process.pid);
    expect(heard).toMatchObject([
      { kind: 'gone', id: `${pid}.1`, text: `queue ${pid}.1 'bert' is gone` },
      {
        kind: 'registered',
        id: `${pid}.2`,
        text: `queue ${pid}.2 'low' on GPU-raw, priority -1 (environment)`,
      },
      { kind: 'suspended', id: `${pid}.2` },
      { kind: 'gone', id: pid, text: `process ${pid} 'low' is gone: it said goodbye` },
    ]);
  });
});
