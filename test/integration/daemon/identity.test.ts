/** Who a client is: what it says is compared with what the kernel says. */
import { describe, expect, it } from 'vitest';
import { processStartTime } from '../../../native/index.js';
import { encodeMessage } from '../../../protocol/codec.js';
import { ERROR_CODES, PROTOCOL_VERSION } from '../../../protocol/messages.js';
import { makeRegister } from '../../samples/messages.js';
import { makeHello, newRoutingId } from './agent-client.js';
import { helperPath, openClient, Program, runDaemon } from './harness.js';

describe('a client', () => {
  it('is welcomed and gets its permit', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.send(makeHello({ hasPriority: true, priority: 4 }));
    expect(await client.next('WELCOME')).toMatchObject({
      version: PROTOCOL_VERSION,
      generation: daemon.generation,
      enabled: true,
    });
    client.send(makeRegister({ ready: true }));
    expect(await client.next('PERMIT')).toMatchObject({ queue: 1, seq: 1, acks: 1, priority: 4 });
    expect(daemon.status()).toMatchObject({ clients: 1, queues: 1, ready: 1, messages: 2 });
    expect(daemon.queues()[0]).toMatchObject({
      id: `${String(process.pid)}.1`,
      pid: process.pid,
      uid: process.getuid?.(),
      source: 'environment',
    });
  });

  it("that claims another's pid is refused, and the other is not harmed", async () => {
    const daemon = await runDaemon();
    const honest = new Program('python3', [
      helperPath('raw_agent.py'),
      `${daemon.runtimeDir}/agent.sock`,
      '1',
    ]);
    await honest.line('registered');
    const [victim] = daemon.queues();
    if (victim === undefined) throw new Error('the honest process has no queue');
    const { pid } = victim;
    const thief = openClient(daemon.runtimeDir);
    thief.send(makeHello({ pid, startTime: processStartTime(pid) }));
    expect(await thief.next('ERROR', 'WELCOME')).toEqual({
      type: 'ERROR',
      code: ERROR_CODES.IDENTITY,
      message: `HELLO.pid is ${String(pid)}, but the kernel says ${String(process.pid)}`,
    });
    thief.send({ type: 'BYE' });
    thief.send(makeRegister());
    const count = daemon.status().refused;
    expect(count).toBeGreaterThan(0);
    expect(daemon.queues().map((queue) => queue.pid)).toEqual([pid]);
    honest.write('ready\n');
    await honest.line('answered');
    expect(daemon.queues()[0]).toMatchObject({ pid, state: 'running' });
  });

  it('that claims another start time is refused', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    const { startTime } = makeHello();
    client.send(makeHello({ startTime: startTime + 1 }));
    expect(await client.next('ERROR')).toMatchObject({
      code: ERROR_CODES.IDENTITY,
      message:
        `HELLO.startTime is ${String(startTime + 1)}, but process ${String(process.pid)} ` +
        `started at ${String(startTime)}`,
    });
    expect(daemon.status().clients).toBe(0);
    // The same link may try again.
    client.send(makeHello());
    await client.next('WELCOME');
  });

  it.each(['XYZ', 'A'.repeat(32), newRoutingId() + '0'])(
    'with the user name %s is not let in',
    async (username) => {
      const daemon = await runDaemon();
      const client = openClient(daemon.runtimeDir, { username });
      client.send(makeHello());
      await client.refused;
      expect(daemon.logged.join('\n')).toMatch(/warn agent: .* may not connect: a user name has/);
      expect(daemon.status().messages).toBe(0);
    },
  );

  it('that uses another routing id than its user name is not heard', async () => {
    const daemon = await runDaemon();
    const liar = openClient(daemon.runtimeDir, { username: newRoutingId() });
    for (let n = 0; n < 10; n++) liar.send(makeHello());
    await expect.poll(() => daemon.status().refused).toBe(10);
    expect(liar.takeAll()).toEqual([]);
    expect(daemon.status()).toMatchObject({ clients: 0, messages: 0 });
  });

  it('of another version is told both versions, though its HELLO looks otherwise', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.send(makeHello({ version: 7 }));
    expect(await client.next('ERROR')).toEqual({
      type: 'ERROR',
      code: ERROR_CODES.VERSION,
      message: 'the client speaks version 7 of the protocol, the daemon version 6',
    });
    const other = openClient(daemon.runtimeDir);
    // [1, 8, "new field"]
    other.sendRaw(Buffer.from('9301' + '08' + 'a96e6577206669656c64', 'hex'));
    expect(await other.next('ERROR')).toMatchObject({
      code: ERROR_CODES.VERSION,
      message: 'HELLO speaks version 8 of the protocol, this side version 6',
    });
  });

  it('has to say HELLO first', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.send(makeRegister());
    expect(await client.next('ERROR')).toMatchObject({
      code: ERROR_CODES.STATE,
      message: 'REGISTER came before HELLO',
    });
  });

  it('that comes back replaces its older link', async () => {
    const daemon = await runDaemon();
    const old = openClient(daemon.runtimeDir);
    old.send(makeHello());
    old.send(makeRegister({ queue: 1 }));
    await old.next('PERMIT');
    const fresh = openClient(daemon.runtimeDir);
    fresh.send(makeHello());
    fresh.send(makeRegister({ queue: 2 }));
    await fresh.next('PERMIT');
    expect(daemon.queues().map((queue) => queue.id)).toEqual([`${String(process.pid)}.2`]);
    old.send(makeRegister({ queue: 3 }));
    await expect.poll(() => daemon.status().refused).toBe(1);
    expect(daemon.status()).toMatchObject({ clients: 1, queues: 1 });
  });

  it('that closes its link and lives on is noticed when it is next told something', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    // The other one will have priority 0, so that this one has to tell when it has work.
    client.send(makeHello({ hasPriority: true, priority: 5 }));
    client.send(makeRegister({ device: 'GPU-raw' }));
    await client.next('PERMIT');
    client.close();
    // Whoever comes changes what the other one has to know.
    const newcomer = new Program('python3', [
      helperPath('raw_agent.py'),
      `${daemon.runtimeDir}/agent.sock`,
      '1',
    ]);
    await newcomer.line('registered');
    await expect.poll(() => daemon.status().clients, { timeout: 15_000 }).toBe(1);
    expect(daemon.logged.at(-1)).toMatch(/is gone: it closed its link$/);
  });

  it('that closes its link and lives on is noticed when nobody has anything to tell it', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.send(makeHello());
    client.send(makeRegister());
    await client.next('PERMIT');
    client.close();
    await expect.poll(() => daemon.status().clients, { timeout: 20_000 }).toBe(0);
    expect(daemon.logged.at(-1)).toMatch(/is gone: it closed its link$/);
  });
});

describe('a link that never says HELLO', () => {
  it('does not keep a message waiting for the daemon to forget it', async () => {
    const daemon = await runDaemon();
    const client = openClient(daemon.runtimeDir);
    client.sendRaw(encodeMessage({ type: 'BYE' }));
    expect(await client.next('ERROR')).toMatchObject({ code: ERROR_CODES.STATE });
    client.send(makeHello());
    await client.next('WELCOME');
  });
});
