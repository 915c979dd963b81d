import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Dealer } from 'zeromq';
import {
  connect,
  NoDaemonError,
  RemoteError,
  VersionMismatchError,
} from '../../../client-lib/index.js';
import type { Controller } from '../../../client-lib/index.js';
import { ERROR_CODES, PROTOCOL_VERSION } from '../../../protocol/messages.js';
import { sampleCalls, sampleQueue, sampleStatus } from '../../unit/client-lib/samples.js';
import { agree, FakeDaemon, makeRuntimeDir, removeRuntimeDirs } from './fake-daemon.js';

let daemon: FakeDaemon;
let controllers: Controller[];

beforeEach(async () => {
  daemon = await FakeDaemon.start();
  controllers = [];
});
afterEach(async () => {
  vi.useRealTimers();
  for (const controller of controllers) await controller.close();
  daemon.stop();
  removeRuntimeDirs();
});

async function connectTo(timeoutMs?: number): Promise<Controller> {
  const controller = await connect({ runtimeDir: daemon.runtimeDir, timeoutMs });
  controllers.push(controller);
  return controller;
}

describe('requests', () => {
  it('carry what the methods were given, and come back typed', async () => {
    daemon.answer = (message) => {
      const { request } = message;
      switch (message.type) {
        case 'LIST':
          return { type: 'LIST_REPLY', request, queues: [sampleQueue()] };
        case 'CALLS_LIST':
          return { type: 'CALLS_REPLY', request, calls: [sampleCalls()] };
        default:
          return agree(message);
      }
    };
    const controller = await connectTo();
    expect(await controller.status()).toEqual(sampleStatus());
    expect(await controller.list()).toEqual([sampleQueue()]);
    expect(await controller.calls()).toEqual([sampleCalls()]);
    expect(await controller.setPriority('model=bert', -7)).toEqual(['4711.1']);
    expect(await controller.clearPriority('4711')).toEqual(['4711.1']);
    expect(await controller.policy()).toEqual({ name: 'HPF', available: ['HPF'] });
    expect(await controller.policy('HPF')).toMatchObject({ name: 'HPF' });
    expect(await controller.enable(false)).toBe(false);
    const hint = { type: 'HINT', hint: 'priority' };
    expect(daemon.requests).toMatchObject([
      { type: 'STATUS', version: PROTOCOL_VERSION },
      { type: 'STATUS' },
      { type: 'LIST' },
      { type: 'CALLS_LIST' },
      { ...hint, target: 'model=bert', value: -7, clear: false },
      { ...hint, target: '4711', clear: true },
      { type: 'POLICY', name: '' },
      { type: 'POLICY', name: 'HPF' },
      { type: 'ENABLE', enabled: false },
    ]);
  });

  it('find their replies whatever their order', async () => {
    const controller = await connectTo();
    const held: number[] = [];
    daemon.answer = (message) => {
      if (message.type === 'ENABLE') return agree(message);
      held.push(message.request);
      return undefined;
    };
    const [first, second] = [controller.policy(), controller.policy()];
    await controller.enable(true);
    expect(held).toHaveLength(2);
    for (const [index, request] of [...held].reverse().entries()) {
      const name = `P${String(index)}`;
      await daemon.broadcast({ type: 'POLICY_REPLY', request, name, available: [] });
    }
    expect((await first).name).toBe('P1');
    expect((await second).name).toBe('P0');
  });

  it('of two controllers come under two routing ids of 32 hexadecimal digits', async () => {
    await connectTo();
    await connectTo();
    expect(new Set(daemon.peers).size).toBe(2);
    for (const peer of daemon.peers) expect(peer).toMatch(/^[0-9a-f]{32}$/);
  });

  it('give and take back latencies, and send none that is wrong', async () => {
    const controller = await connectTo();
    expect(await controller.setLatency('model=bert', 70)).toEqual(['4711.1']);
    expect(await controller.clearLatency('model=bert')).toEqual(['4711.1']);
    const hint = { type: 'HINT', hint: 'latency', target: 'model=bert' };
    expect(daemon.requests.slice(1)).toMatchObject([
      { ...hint, value: 70, clear: false },
      { ...hint, clear: true },
    ]);
    for (const value of [1_000_001, -1, 0.5, NaN]) {
      await expect(controller.setLatency('x', value)).rejects.toThrow(
        `latency ${String(value)} is not a whole number from 0 to 1000000`,
      );
    }
    expect(daemon.requests).toHaveLength(3);
  });

  it('with a wrong priority are not sent', async () => {
    const controller = await connectTo();
    for (const value of [256, -256, 0.5, NaN]) {
      await expect(controller.setPriority('x', value)).rejects.toThrow(
        `priority ${String(value)} is not a whole number from -255 to 255`,
      );
    }
    expect(daemon.requests.map((request) => request.type)).toEqual(['STATUS']);
  });
});

describe('failures', () => {
  it('name the directory in which there is no socket', async () => {
    const runtimeDir = makeRuntimeDir();
    await expect(connect({ runtimeDir })).rejects.toThrow(NoDaemonError);
    await expect(connect({ runtimeDir })).rejects.toMatchObject({ runtimeDir });
    await expect(connect({ runtimeDir })).rejects.toThrow(
      `no daemon in ${runtimeDir}: there is no`,
    );
  });

  it('say that a socket is too deep for an address', async () => {
    const runtimeDir = `/tmp/${'x'.repeat(100)}`;
    await expect(connect({ runtimeDir })).rejects.toThrow('over the limit of 107');
  });

  it('say at once that nobody listens on a socket that was left behind', async () => {
    const runtimeDir = makeRuntimeDir();
    fs.writeFileSync(path.join(runtimeDir, 'control.sock'), '');
    await expect(connect({ runtimeDir })).rejects.toThrow('nobody listens on it');
  });

  it('say that a daemon keeps silent', async () => {
    const controller = await connectTo(50);
    daemon.answer = () => undefined;
    await expect(controller.list()).rejects.toThrow(NoDaemonError);
    await expect(controller.list()).rejects.toThrow('nobody answered within 50 ms');
  });

  it('carry the code and the words of a daemon that refuses', async () => {
    const controller = await connectTo();
    daemon.answer = ({ request }) => ({
      ...{ type: 'CONTROL_ERROR', request, code: ERROR_CODES.FORBIDDEN },
      message: 'user 7 may not',
    });
    const error: unknown = await controller.enable(true).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ codeName: 'FORBIDDEN', message: 'user 7 may not' });
  });

  it('say that the daemon does not let this user in', async () => {
    daemon.admission = '400';
    await expect(connect({ runtimeDir: daemon.runtimeDir })).rejects.toMatchObject({
      name: 'RemoteError',
      codeName: 'FORBIDDEN',
    });
  });

  it('reach all who wait when the daemon goes away', async () => {
    const controller = await connectTo(60_000);
    daemon.answer = () => undefined;
    const waiting = [controller.list(), controller.status()];
    await vi.waitFor(() => {
      expect(daemon.requests).toHaveLength(3);
    });
    daemon.stop();
    for (const request of waiting) await expect(request).rejects.toThrow('closed the connection');
    await expect(controller.list()).rejects.toThrow(NoDaemonError);
  });

  it('reach requests that close() cuts off', async () => {
    const controller = await connectTo();
    daemon.answer = () => undefined;
    const request = controller.list();
    const rejected = expect(request).rejects.toThrow('the link was closed');
    await controller.close();
    await rejected;
  });
});

describe('versions', () => {
  it('that the daemon refuses are named in its words', async () => {
    daemon.answer = ({ request }) => ({
      ...{ type: 'CONTROL_ERROR', request, code: ERROR_CODES.VERSION },
      message: 'the controller speaks 1, the daemon 2',
    });
    const attempt = connect({ runtimeDir: daemon.runtimeDir });
    await expect(attempt).rejects.toThrow(VersionMismatchError);
    await expect(attempt).rejects.toThrow('the controller speaks 1, the daemon 2');
  });

  it('that differ are named by the client too', async () => {
    daemon.answer = ({ request }) => ({
      ...{ type: 'STATUS_REPLY', request, status: sampleStatus({ protocol: 99 }) },
    });
    const attempt = connect({ runtimeDir: daemon.runtimeDir });
    await expect(attempt).rejects.toThrow(VersionMismatchError);
    await expect(attempt).rejects.toThrow(/version 99 of the protocol, this program \d/);
  });

  it('that make an answer unreadable are suspected', async () => {
    for (const answer of [Buffer.from([0x93, 33, 1, 2]), Buffer.from('nonsense')]) {
      daemon.answer = () => answer;
      const attempt = connect({ runtimeDir: daemon.runtimeDir });
      await expect(attempt).rejects.toThrow(VersionMismatchError);
      await expect(attempt).rejects.toThrow('cannot be read');
    }
  });
});

describe('events', () => {
  const event = { type: 'EVENT', timeMs: 1, kind: 'hint', id: '1.1', text: 'x' } as const;

  it('come from when the subscription is ready until the loop is left', async () => {
    const controller = await connectTo();
    const events = controller.events();
    await events.ready;
    await daemon.broadcast(event);
    await daemon.broadcast({ ...event, text: 'y' });
    const texts: string[] = [];
    for await (const { text } of events) {
      texts.push(text);
      if (text === 'y') break;
    }
    expect(texts).toEqual(['x', 'y']);
    expect(daemon.requests.slice(1)).toMatchObject([
      { type: 'SUBSCRIBE', on: true },
      { type: 'SUBSCRIBE', on: false },
    ]);
  });

  it('keep coming to one reader when another leaves', async () => {
    const controller = await connectTo();
    const [first, second] = [controller.events(), controller.events()];
    await Promise.all([first.ready, second.ready]);
    await first.close();
    await daemon.broadcast(event);
    expect((await second.next()).value?.text).toBe('x');
    expect(daemon.requests.filter((one) => one.type === 'SUBSCRIBE' && !one.on)).toEqual([]);
  });

  it('are asked for again every 5 s', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const controller = await connectTo();
    const events = controller.events();
    await events.ready;
    const renewals = (): number => daemon.requests.filter((one) => one.type === 'SUBSCRIBE').length;
    for (const expected of [2, 3]) {
      vi.advanceTimersByTime(5000);
      await controller.status();
      expect(renewals()).toBe(expected);
    }
    await events.close();
    vi.advanceTimersByTime(60_000);
    await controller.status();
    expect(renewals()).toBe(4);
  });

  it('end with an error when the daemon goes away', async () => {
    const controller = await connectTo();
    const events = controller.events();
    await events.ready;
    daemon.stop();
    await expect(events.next()).rejects.toThrow(NoDaemonError);
  });

  it('fail where the daemon refuses the subscription', async () => {
    const controller = await connectTo();
    daemon.answer = ({ request }) => ({
      ...{ type: 'CONTROL_ERROR', request, code: ERROR_CODES.LIMIT, message: 'too many' },
    });
    await expect(controller.events().next()).rejects.toThrow('too many');
  });
});

it('fits the real Dealer: a peer without a user name is not let in', async () => {
  const dealer = new Dealer({ linger: 0, reconnectInterval: -1 });
  const refused = new Promise<void>((resolve) => {
    dealer.events.on('handshake:error:protocol', () => {
      resolve();
    });
    dealer.events.on('disconnect', () => {
      resolve();
    });
  });
  dealer.connect(`ipc://${daemon.runtimeDir}/control.sock`);
  await refused;
  dealer.close();
});
