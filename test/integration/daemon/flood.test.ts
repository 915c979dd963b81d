/** A controller that only looks, as hard as it can: agents come first. */
import fs from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { Dealer } from 'zeromq';
import { encodeMessage } from '../../../protocol/codec.js';
import { makeRegister } from '../../samples/messages.js';
import { makeHello, newRoutingId } from './agent-client.js';
import { openClient, openController, runDaemon, makeFolder, spawnDaemon } from './harness.js';

/** A link to the control socket that sends and never reads. */
function openDeafController(runtimeDir: string): Dealer {
  const id = newRoutingId();
  const socket = new Dealer({
    ...{ routingId: id, plainUsername: id, linger: 0, sendTimeout: 0, reconnectInterval: -1 },
    ...{ sendHighWaterMark: 0, receiveHighWaterMark: 1 },
  });
  onTestFinished(() => {
    socket.close();
  });
  socket.connect(`ipc://${runtimeDir}/control.sock`);
  return socket;
}

it('LIST without end and without reading keeps no agent waiting, and takes little memory', async () => {
  const folder = makeFolder();
  const daemon = spawnDaemon(['--runtime-dir', folder]);
  await daemon.line('serves');
  const agent = openClient(folder);
  agent.send(makeHello({ exe: `/${'e'.repeat(4000)}`, command: 'c'.repeat(4000) }));
  for (let queue = 1; queue <= 200; queue++) {
    agent.send(makeRegister({ queue, stream: queue }));
  }
  agent.send({ type: 'READY', queue: 200, seq: 2, waiting: true });
  await agent.nextMatching((message) => message.type === 'PERMIT' && message.acks === 2);
  // Each of the replies has 1.6 MB.
  const list = encodeMessage({ type: 'LIST', request: 1 });
  for (let link = 0; link < 4; link++) {
    const flood = openDeafController(folder);
    for (let n = 0; n < 1000; n++) flood.send(list).catch(() => undefined);
  }
  const waits: number[] = [];
  for (let seq = 4; seq < 60; seq += 2) {
    const begin = performance.now();
    agent.send({ type: 'READY', queue: 200, seq, waiting: true });
    await agent.nextMatching((message) => message.type === 'PERMIT' && message.acks === seq);
    waits.push(performance.now() - begin);
    agent.send({ type: 'IDLE', queue: 200, seq: seq + 1 });
  }
  waits.sort((a, b) => a - b);
  expect(waits[waits.length >> 1]).toBeLessThan(100);
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(
    fs.readFileSync(`/proc/${String(daemon.pid)}/status`, 'utf8'),
  )?.[1];
  expect(Number(peak)).toBeLessThan(400 * 1024);
});

it('events of a busy moment all arrive', async () => {
  const daemon = await runDaemon();
  const controller = openController(daemon.runtimeDir);
  await controller.ask({ type: 'SUBSCRIBE', request: 1, on: true });
  const agent = openClient(daemon.runtimeDir);
  agent.send(makeHello());
  for (let queue = 1; queue <= 100; queue++) agent.send(makeRegister({ queue, stream: queue }));
  for (let queue = 1; queue <= 100; queue++) {
    const event = await controller.take(
      (message) =>
        message.type === 'EVENT' && message.kind === 'registered' && message.id.includes('.'),
    );
    expect(event).toMatchObject({ id: `${String(process.pid)}.${String(queue)}` });
  }
});
