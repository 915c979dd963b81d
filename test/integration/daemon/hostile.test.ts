/** Nonsense on both sockets: who sends it hears what was wrong, and nobody else notices. */
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeMessage } from '../../../protocol/codec.js';
import { ERROR_CODES, LIMITS } from '../../../protocol/messages.js';
import { makeRandom, SEED } from '../../unit/daemon/seed.js';
import { makeCalls, makeRegister } from '../../samples/messages.js';
import { makeHello } from './agent-client.js';
import type { AgentClient } from './agent-client.js';
import { helperPath, openClient, openController, Program, runDaemon } from './harness.js';
import type { TestDaemon } from './harness.js';

/** Other processes than the one that sends nonsense, with a queue each that has work. */
async function startOthers(daemon: TestDaemon): Promise<() => Promise<void>> {
  const others = new Program('python3', [
    helperPath('raw_agent.py'),
    `${daemon.runtimeDir}/agent.sock`,
    '2',
  ]);
  await others.line('registered');
  return async () => {
    others.write('ready\n');
    await others.line('answered');
    const states = daemon.queues().filter((queue) => queue.command.startsWith('raw_agent'));
    // Priorities 0 and 1: the second one has suspended the first.
    expect(states.map((queue) => queue.state).sort()).toEqual(['running', 'suspended']);
  };
}

const VALID = [
  encodeMessage(makeHello()),
  encodeMessage(makeRegister({ queue: 3, label: 'model' })),
  encodeMessage({ type: 'READY', queue: 3, seq: 5, waiting: true }),
  encodeMessage({
    ...{ type: 'STATS', queue: 3, seq: 5, ready: true, waiting: false },
    ...{
      submitted: 9,
      completed: 7,
      readyNs: 2,
      waitedNs: 1,
      suspends: 1,
      applied: 1,
      latencyP50: 3,
      latencyP99: 9,
    },
  }),
  encodeMessage(makeCalls({ passed: 9, unknown: 1 })),
];
const VALID_CONTROL = [
  encodeMessage({ type: 'LIST', request: 1 }),
  encodeMessage({ type: 'CALLS_LIST', request: 1 }),
  encodeMessage({
    ...{ type: 'HINT', request: 2, target: 'name=nobody', hint: 'priority' },
    ...{ value: 3, clear: false },
  }),
];

/** Random bytes; whole messages cut short, with bytes changed, and with bytes at their end. */
function* makeNonsense(valid: readonly Buffer[], count: number): Iterable<Buffer> {
  const random = makeRandom(SEED);
  for (let n = 0; n < count; n++) {
    const message = Buffer.from(valid[random() % valid.length] ?? Buffer.of(0));
    switch (n % 4) {
      case 0:
        yield Buffer.from(Array.from({ length: random() % 64 }, () => random() & 0xff));
        break;
      case 1:
        yield message.subarray(0, random() % message.length);
        break;
      case 2:
        for (let hits = 1 + (random() % 3); hits > 0; hits--) {
          message[random() % message.length] = random() & 0xff;
        }
        yield message;
        break;
      default:
        yield Buffer.concat([message, Buffer.of(random() & 0xff)]);
    }
  }
}

async function isServed(client: AgentClient): Promise<void> {
  client.send(makeHello());
  await client.next('WELCOME');
  client.send(makeRegister());
  await client.next('PERMIT', 'SUSPEND');
}

describe(`nonsense on the agent socket (seed ${String(SEED)})`, () => {
  it('harms nobody else, and who sent it may begin anew', async () => {
    const daemon = await runDaemon();
    const checkOthers = await startOthers(daemon);
    const client = openClient(daemon.runtimeDir);
    for (const bytes of makeNonsense(VALID, 2000)) client.sendRaw(bytes);
    await expect
      .poll(() => daemon.status().messages + daemon.status().refused)
      .toBeGreaterThanOrEqual(2000);
    expect(daemon.status().refused).toBeGreaterThan(1000);
    expect(client.takeAll().some(({ type }) => type === 'ERROR')).toBe(true);
    // A BYE may have been among it, after which a link is served no more.
    await isServed(openClient(daemon.runtimeDir));
    await checkOthers();
    expect(daemon.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it.each([
    ['nothing', '', /^not msgpack: /],
    ['a number', '05', /^a message is an array, not 5$/],
    ['an empty array', '90', /^opcode nothing is not one of agent-up$/],
    ['a map', '8101c0', /^a message is an array, not /],
    ['an unknown opcode', '91cc63', /^opcode 99 is not one of agent-up$/],
    ['a message of the daemon', '95100101c3c2', /^opcode 16 is not one of agent-up$/],
    ['a message of a controller', '922201', /^opcode 34 is not one of agent-up$/],
    ['too few fields', '920401', /^IDLE has 1 fields, expected 2$/],
    ['too many fields', '9404010203', /^IDLE has 3 fields, expected 2$/],
    ['a string for a number', '9304a13101', /^IDLE\.queue must be integer, got "1"$/],
    ['a negative number', '9304ff01', /^IDLE\.queue must be >= 0, got -1$/],
    ['a fraction', '9304cb3ff800000000000001', /^IDLE\.queue must be integer, got 1\.5$/],
    ['a large number', '9304cf000000010000000001', /^IDLE\.queue must be <= 4294967295, got /],
    ['nothing for a number', '9304c001', /^IDLE\.queue must be integer, got null$/],
  ])('%s is refused in so many words', async (_what, hex, message) => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    await isServed(client);
    client.sendRaw(Buffer.from(hex, 'hex'));
    expect((await client.next('ERROR')).message).toMatch(message);
    // It is still served as before.
    client.send({ type: 'READY', queue: 1, seq: 2, waiting: true });
    expect(await client.next('PERMIT', 'ERROR')).toMatchObject({ type: 'PERMIT', acks: 2 });
  });

  it('a message of several frames is refused', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.sendRaw(encodeMessage(makeHello()), Buffer.from('more'));
    expect(await client.next('ERROR')).toMatchObject({
      code: ERROR_CODES.MALFORMED,
      message: 'a message is one frame, received 2',
    });
  });

  it('a message over the limit is refused in so many words', async () => {
    const daemon = await runDaemon();
    const checkOthers = await startOthers(daemon);
    const client = openClient(daemon.runtimeDir);
    await isServed(client);
    client.sendRaw(Buffer.alloc(LIMITS.MESSAGE_BYTES + 1));
    expect(await client.next('ERROR')).toMatchObject({
      code: ERROR_CODES.LIMIT,
      message: 'a message of 16385 bytes is over the limit of 16384',
    });
    expect(daemon.status().refused).toBe(1);
    // It is still served as before.
    client.send({ type: 'READY', queue: 1, seq: 2, waiting: true });
    expect(await client.next('PERMIT', 'ERROR')).toMatchObject({ type: 'PERMIT', acks: 2 });
    await checkOthers();
  });

  it('strings over their limit are refused', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.send(makeHello({ name: 'x'.repeat(257) }));
    const { code, message } = await client.next('ERROR');
    expect(code).toBe(ERROR_CODES.INVALID);
    expect(message).toMatch(/^HELLO\.name must be at most 256 bytes long, got "xxx/);
  });

  it('who goes on is ignored until it says HELLO anew', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    await isServed(client);
    for (let n = 0; n < 300; n++) client.sendRaw(Buffer.of(5));
    client.send({ type: 'READY', queue: 1, seq: 2, waiting: true });
    await expect.poll(() => daemon.status().refused).toBe(301);
    expect(daemon.queues()[0]).toMatchObject({ state: 'idle' });
    // It was told ten times, not three hundred times.
    expect(client.takeAll().filter(({ type }) => type === 'ERROR')).toHaveLength(10);
    await isServed(client);
    client.send({ type: 'READY', queue: 1, seq: 2, waiting: true });
    await client.next('PERMIT');
  });
});

describe(`nonsense on the control socket (seed ${String(SEED)})`, () => {
  it('harms nobody else, and who sent it is answered as before', async () => {
    const daemon = await runDaemon();
    const checkOthers = await startOthers(daemon);
    const vandal = openController(daemon.runtimeDir);
    for (const bytes of makeNonsense(VALID_CONTROL, 2000)) vandal.sendRaw(bytes);
    vandal.sendRaw(Buffer.of(0x91), Buffer.of(0));
    const other = openController(daemon.runtimeDir);
    expect(await other.ask({ type: 'LIST', request: 77 })).toMatchObject({ type: 'LIST_REPLY' });
    const reply = await vandal.ask({ type: 'LIST', request: 4_000_000_000 });
    expect(reply).toMatchObject({ type: 'LIST_REPLY' });
    await checkOthers();
    expect(daemon.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('a request that cannot be read is answered under its number', async () => {
    const daemon = await runDaemon();
    const controller = openController(daemon.runtimeDir);
    // [40, 1234, "yes"]: ENABLE
    controller.sendRaw(Buffer.from('9328cd04d2a3796573', 'hex'));
    expect(await controller.take(() => true)).toEqual({
      type: 'CONTROL_ERROR',
      request: 1234,
      code: ERROR_CODES.INVALID,
      message: 'ENABLE.enabled must be boolean, got "yes"',
    });
  });
});

describe.each(['agent.sock', 'control.sock'])('bytes that are not ZeroMQ on %s', (name) => {
  it('end the connection that they came on, and no other', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    await isServed(client);
    const random = makeRandom(SEED);
    const greeting = Buffer.alloc(64);
    greeting.write('\u00ff\0\0\0\0\0\0\0\u0001\u007f\u0003\0PLAIN', 'latin1');
    for (let n = 0; n < 60; n++) {
      const noise = Buffer.from(Array.from({ length: 200 }, () => random() & 0xff));
      const bytes = n % 2 === 0 ? noise : Buffer.concat([greeting, noise]);
      await shout(`${daemon.runtimeDir}/${name}`, bytes.subarray(0, 1 + (random() % 264)));
    }
    client.send({ type: 'READY', queue: 1, seq: 2, waiting: true });
    await client.next('PERMIT');
    expect(daemon.status()).toMatchObject({ clients: 1 });
  });

  it('and many connections that say nothing leave room for those who do', async () => {
    const daemon = await runDaemon();
    const silent = Array.from({ length: 300 }, () => net.connect(`${daemon.runtimeDir}/${name}`));
    onTestFinished(() => {
      for (const socket of silent) socket.destroy();
    });
    await isServed(openClient(daemon.runtimeDir));
  });
});

/** Says something on a bare connection and hangs up. */
async function shout(socketPath: string, bytes: Buffer): Promise<void> {
  const socket = net.connect(socketPath);
  // The daemon may hang up first.
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    socket.on('close', () => {
      resolve();
    });
    socket.end(bytes);
    socket.resume();
    // A handshake that goes well as far as it goes is not ended by the daemon at once.
    setTimeout(() => socket.destroy(), 20);
  });
}
