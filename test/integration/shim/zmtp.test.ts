/** The shim's ZMTP client and its sockets against the real libzmq. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Context, Reply, Router } from 'zeromq';
import type { SocketOptions } from 'zeromq';
import { ASAN_PROGRAMS, buildAsanPrograms, expectSuccess } from '../../unit/shim/programs.js';

beforeAll(buildAsanPrograms, 150_000);

const LENGTHS = [0, 1, 100, 255, 256, 257, 1000, 16_384, 20_000];

function makeSocketPath(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-zmtp-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  return path.join(folder, 'agent.sock');
}

/** The bytes that a message of this length has. */
function makeMessage(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => length + index * 7));
}

/** The client program: takes orders, says what happened. */
class Client {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  constructor(mechanism: 'NULL' | 'PLAIN', socketPath: string) {
    const program = path.join(ASAN_PROGRAMS, 'zmtp_client');
    this.#child = spawn(program, [mechanism, socketPath], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {},
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  order(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async next(): Promise<string> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the client ended');
    return line.value;
  }

  /** Ends it; returns how often it answered a heartbeat. */
  async quit(): Promise<number> {
    const exit = once(this.#child, 'exit');
    this.order('quit');
    const last = await this.next();
    expect(await exit).toEqual([0, null]);
    return Number(/^pongs (\d+)$/.exec(last)?.[1]);
  }
}

/** A ROUTER of the real libzmq on a path of its own. */
async function startRouter(options: SocketOptions<Router> = {}) {
  const socketPath = makeSocketPath();
  const router = new Router({ linger: 0, receiveTimeout: 10_000, sendTimeout: 10_000, ...options });
  onTestFinished(() => router.close());
  await router.bind(`ipc://${socketPath}`);
  return { router, socketPath };
}

async function receive(router: Router): Promise<[string, Buffer]> {
  const [id, body, ...rest] = await router.receive();
  if (id === undefined || body === undefined) throw new Error('a message without a body');
  expect(rest).toEqual([]);
  return [id.toString(), body];
}

/** Messages of many lengths both ways, all in flight at once. */
async function exchange(client: Client, router: Router, identity: string): Promise<void> {
  for (const length of LENGTHS) client.order(`send ${length}`);
  for (const length of LENGTHS) {
    const [id, body] = await receive(router);
    expect(id).toBe(identity);
    expect(body.equals(makeMessage(length)), `${length} bytes`).toBe(true);
  }
  await Promise.all(LENGTHS.map((length) => router.send([identity, makeMessage(length)])));
  for (const length of LENGTHS) expect(await client.next()).toBe(`message ${length}`);
}

/** Answers libzmq's questions whether to let somebody in; keeps what they said of themselves. */
async function startAuthenticator(context: Context, admit: (username: string) => boolean) {
  const socket = new Reply({ context, linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind('inproc://zeromq.zap.01');
  const requests: { mechanism: string; username: string; password: string; address: string }[] = [];
  const serve = async () => {
    for await (const frames of socket) {
      const [version, id, , address, , mechanism, username, password] = frames.map(String);
      requests.push({
        mechanism: mechanism ?? '',
        username: username ?? '',
        password: password ?? '',
        address: address ?? '',
      });
      const [code, text] = admit(username ?? '') ? ['200', 'OK'] : ['400', 'no'];
      await socket.send([version ?? '', id ?? '', code, text, username ?? '', '']);
    }
  };
  void serve();
  return requests;
}

describe('the ZMTP client against libzmq', () => {
  it('talks by the mechanism NULL', async () => {
    const { router, socketPath } = await startRouter();
    const client = new Client('NULL', socketPath);
    client.order('connect plain-client');
    expect(await client.next()).toBe('open');
    await exchange(client, router, 'plain-client');
    expect(await client.quit()).toBe(0);
  });

  it('has an identity of up to 255 bytes', async () => {
    const { router, socketPath } = await startRouter();
    const identity = 'i'.repeat(255);
    const client = new Client('NULL', socketPath);
    client.order(`connect ${identity}`);
    expect(await client.next()).toBe('open');
    await exchange(client, router, identity);
    await client.quit();
  });

  it('talks by PLAIN where the authenticator lets it in', async () => {
    const context = new Context();
    const requests = await startAuthenticator(context, () => true);
    const { router, socketPath } = await startRouter({ context, plainServer: true });
    const identity = '0123456789abcdef0123456789abcdef';
    const client = new Client('PLAIN', socketPath);
    client.order(`connect ${identity}`);
    expect(await client.next()).toBe('open');
    await exchange(client, router, identity);
    await client.quit();
    expect(requests).toEqual([
      {
        mechanism: 'PLAIN',
        username: identity,
        password: '',
        address: expect.stringMatching(/^localhost:\d+:\d+:\d+$/) as string,
      },
    ]);
  });

  it('is told by PLAIN that it is not let in, and may try again by another name', async () => {
    const context = new Context();
    const requests = await startAuthenticator(context, (username) => username !== 'stranger');
    const { router, socketPath } = await startRouter({ context, plainServer: true });
    const client = new Client('PLAIN', socketPath);
    client.order('connect stranger');
    expect(await client.next()).toBe('failed the daemon refused the connection: 400');
    client.order('connect friend');
    expect(await client.next()).toBe('open');
    await exchange(client, router, 'friend');
    await client.quit();
    expect(requests.map(({ username }) => username)).toEqual(['stranger', 'friend']);
  });

  it('names the mechanism of a peer that wants another', async () => {
    const plain = await startRouter({ plainServer: true });
    const impatient = new Client('NULL', plain.socketPath);
    impatient.order('connect a');
    // libzmq closes at once; its own greeting may or may not be out by then.
    expect(await impatient.next()).toMatch(
      /^(closed|failed the peer's mechanism is 'PLAIN', not 'NULL')$/,
    );
    const open = await startRouter();
    const careful = new Client('PLAIN', open.socketPath);
    careful.order('connect b');
    expect(await careful.next()).toMatch(
      /^(closed|failed the peer's mechanism is 'NULL', not 'PLAIN')$/,
    );
  });

  it('answers heartbeats, so that libzmq keeps the connection', async () => {
    const { router, socketPath } = await startRouter({
      heartbeatInterval: 20,
      heartbeatTimeout: 2000,
      heartbeatTimeToLive: 2000,
    });
    const client = new Client('NULL', socketPath);
    client.order('connect alive');
    expect(await client.next()).toBe('open');
    // Not a race: however slow the machine is, heartbeats come while messages go to and fro.
    const began = Date.now();
    while (Date.now() - began < 500) {
      client.order('send 10');
      await receive(router);
      await router.send(['alive', makeMessage(300)]);
      expect(await client.next()).toBe('message 300');
    }
    expect(await client.quit()).toBeGreaterThan(2);
  });

  it('comes back under a fresh identity, and the old one is gone', async () => {
    const { router, socketPath } = await startRouter({ mandatory: true });
    const client = new Client('NULL', socketPath);
    for (const identity of ['first', 'second', 'third']) {
      client.order(`connect ${identity}`);
      expect(await client.next()).toBe('open');
      await exchange(client, router, identity);
    }
    // libzmq may need a moment to see the end of the older ones; it has seen it at last.
    await expect
      .poll(async () => {
        const results = ['first', 'second'].map((identity) => router.send([identity, 'x']));
        return (await Promise.allSettled(results)).map(({ status }) => status);
      })
      .toEqual(['rejected', 'rejected']);
    await exchange(client, router, 'third');
    await client.quit();
  });

  it('notices that the peer closes', async () => {
    const { router, socketPath } = await startRouter();
    const client = new Client('NULL', socketPath);
    client.order('connect left-alone');
    expect(await client.next()).toBe('open');
    router.close();
    expect(await client.next()).toBe('closed');
    await client.quit();
  });
});

describe('a socket inside somebody else’s process', () => {
  it('is known by its cookie, sits high and is never mistaken for another', async () => {
    const socketPath = makeSocketPath();
    const server = net.createServer().listen(socketPath);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    expect(expectSuccess('descriptor_cases', [socketPath])).toBe('');
  });
});
