/** Connections beyond all measure, and messages that never end: the daemon outlives them. */
import fs from 'node:fs';
import net from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Dealer } from 'zeromq';
import { encodeMessage } from '../../../protocol/codec.js';
import { ERROR_CODES, LIMITS } from '../../../protocol/messages.js';
import { makeRegister } from '../../samples/messages.js';
import { makeHello, newRoutingId } from './agent-client.js';
import type { AgentClient } from './agent-client.js';
import { makeFolder, openClient, PROGRAM, Program, runDaemon, spawnDaemon } from './harness.js';

/** Starts a daemon that may have few files open. */
function startWithFiles(count: number, runtimeDir: string): Program {
  const script = `ulimit -n ${String(count)} && exec "$@"`;
  return new Program('sh', [
    '-c',
    script,
    'sh',
    process.execPath,
    PROGRAM,
    '--runtime-dir',
    runtimeDir,
  ]);
}

async function isServed(client: AgentClient): Promise<void> {
  client.send(makeHello());
  await client.next('WELCOME');
}

function countDescriptors(pid: number): number {
  return fs.readdirSync(`/proc/${String(pid)}/fd`).length;
}

/** Opens bare connections that say nothing. Resolves when each is open or was closed again. */
async function crowd(socketPath: string, count: number): Promise<net.Socket[]> {
  const sockets = Array.from({ length: count }, () => net.connect(socketPath));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(
    sockets.map(async (socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      await new Promise<void>((resolve) => {
        socket.once('connect', resolve);
        socket.once('close', () => {
          resolve();
        });
      });
    }),
  );
  return sockets;
}

/** A link that may be turned away before it has said HELLO. */
function sayHello(runtimeDir: string): void {
  const id = newRoutingId();
  const link = new Dealer({
    ...{ routingId: id, plainUsername: id, linger: 0, sendTimeout: 0, reconnectInterval: -1 },
  });
  onTestFinished(() => {
    link.close();
  });
  link.connect(`ipc://${runtimeDir}/agent.sock`);
  link.send(encodeMessage(makeHello())).catch(() => undefined);
}

describe('more connections than the daemon may have files open', () => {
  it.each(['agent.sock', 'control.sock'])('are turned away on %s, and it says so', async (name) => {
    const folder = makeFolder();
    const daemon = startWithFiles(200, folder);
    await daemon.line('serves');
    const early = openClient(folder);
    await isServed(early);
    await crowd(`${folder}/${name}`, 1000);
    expect(await daemon.line('turned away')).toMatch(
      /\d+ connections were turned away, the last of uid \d+: \d+ are open, at most \d+ in all/,
    );
    expect(countDescriptors(daemon.pid)).toBeLessThan(200);
    // Who was there is served on.
    early.send(makeRegister());
    await early.next('PERMIT');
    // Those that never finish their handshake are given up, and there is room again.
    await expect.poll(() => countDescriptors(daemon.pid), { timeout: 15_000 }).toBeLessThan(50);
    await isServed(openClient(folder));
  });

  it('do not cost it its life when they finish their handshake and say HELLO', async () => {
    const folder = makeFolder();
    const daemon = startWithFiles(120, folder);
    await daemon.line('serves');
    for (let n = 0; n < 60; n++) sayHello(folder);
    await daemon.line('turned away');
    expect(countDescriptors(daemon.pid)).toBeLessThan(120);
    daemon.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('cannot come about when there is no room for any: it does not start', async () => {
    const daemon = startWithFiles(60, makeFolder());
    expect(await daemon.ended).toBe(1);
    expect(daemon.lines).toEqual([
      expect.stringMatching(
        /^xschedd: at most 60 files may be open \(RLIMIT_NOFILE\), at least \d+ are needed: /,
      ),
    ]);
  });
});

/** Opens a link as a ZMTP 3 client without libzmq does. */
async function openBareLink(socketPath: string): Promise<net.Socket> {
  const socket = net.connect(socketPath);
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on('error', () => undefined);
  let heard = '';
  const hears = (text: string) =>
    new Promise<void>((resolve) => {
      socket.on('data', (bytes) => {
        heard += bytes.toString('latin1');
        if (heard.includes(text)) resolve();
      });
    });
  const id = newRoutingId();
  const greeting = Buffer.alloc(64);
  greeting.write('\u00ff\0\0\0\0\0\0\0\0\u007f\u0003\0PLAIN', 'latin1');
  const text = (value: string) => `${String.fromCharCode(value.length)}${value}`;
  const property = (key: string, value: string) => `${text(key)}\0\0\0${text(value)}`;
  const command = (body: string) => Buffer.from(`\u0004${text(body)}`, 'latin1');
  // Where the stream is cut makes no difference.
  socket.write(greeting.subarray(0, 11));
  socket.write(Buffer.concat([greeting.subarray(11), command(`${text('HELLO')}${text(id)}\0`)]));
  await hears('WELCOME');
  const properties = `${property('Socket-Type', 'DEALER')}${property('Identity', id)}`;
  socket.write(command(`${text('INITIATE')}${properties}`));
  await hears('READY');
  return socket;
}

/** A frame that says that more of its message follows. */
function makeFrame(length: number): Buffer {
  const header = Buffer.alloc(9);
  header[0] = 3;
  header.writeBigUInt64BE(BigInt(length), 1);
  return Buffer.concat([header, Buffer.alloc(length)]);
}

describe('a message that never ends', () => {
  it.each([
    ['large frames', 16_000],
    ['empty frames', 0],
  ])('in %s ends the link of its sender before it takes memory', async (_what, length) => {
    const folder = makeFolder();
    const daemon = spawnDaemon(['--runtime-dir', folder]);
    await daemon.line('serves');
    const other = openClient(folder);
    await isServed(other);
    const socket = await openBareLink(`${folder}/agent.sock`);
    const frames = Buffer.concat(Array.from({ length: 64 }, () => makeFrame(length)));
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
    const endless = new Readable({
      read() {
        this.push(frames);
      },
    });
    endless.pipe(socket);
    await closed;
    expect(await daemon.line('links were ended')).toMatch(
      new RegExp(
        `a message had more than 65536 bytes; the last was of process ${String(process.pid)}`,
      ),
    );
    other.send(makeRegister());
    await other.next('PERMIT');
  });
});

describe('a long message', () => {
  it('is refused in so many words, and its sender is served on', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    await isServed(client);
    for (const length of [LIMITS.MESSAGE_BYTES + 1, 4 * LIMITS.MESSAGE_BYTES]) {
      client.sendRaw(Buffer.alloc(length));
      expect(await client.next('ERROR')).toMatchObject({
        code: ERROR_CODES.LIMIT,
        message: `a message of ${String(length)} bytes is over the limit of 16384`,
      });
    }
    expect(daemon.status().refused).toBe(2);
    client.send(makeRegister());
    await client.next('PERMIT');
  });

  it('beyond all measure ends its link; that is counted and logged', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    await isServed(client);
    client.sendRaw(Buffer.alloc(4 * LIMITS.MESSAGE_BYTES + 1));
    await client.disconnected;
    expect(daemon.status().refused).toBe(1);
    await expect
      .poll(() => daemon.logged.at(-1), { timeout: 5000 })
      .toBe(
        'warn 1 links were ended, since a message had more than 65536 bytes; ' +
          `the last was of process ${String(process.pid)}`,
      );
    await isServed(openClient(daemon.runtimeDir));
  });

  it('of several frames is refused as long as it ends', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.sendRaw(encodeMessage(makeHello()), ...Array<Buffer>(40).fill(Buffer.alloc(1000)));
    expect((await client.next('ERROR')).message).toBe('a message is one frame, received 41');
  });
});
