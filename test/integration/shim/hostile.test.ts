/** A program under the shim does what it does without, whatever the daemon is like. */
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeMessage } from '../../../protocol/codec.js';
import { ERROR_CODES } from '../../../protocol/messages.js';
import { beSilent, FakeAgentDaemon, makePermit, serveAll } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import { expectSame, listComplaints, startServer } from './outcome.js';
import { makeStage } from './programs.js';

/** Serves, and answers everything with something wrong besides. */
function serveWith(makeWrong: (queue: number) => Buffer[]): Behaviour {
  return (daemon, heard) => {
    serveAll(daemon, heard);
    const queue = 'queue' in heard.message ? heard.message.queue : 1;
    for (const frame of makeWrong(queue)) daemon.sendRaw(heard.link, frame);
  };
}

describe('a program under the shim ends as without', () => {
  it('with no daemon', async () => {
    const stderr = await expectSame(makeStage());
    expect(listComplaints(stderr)).toEqual([]);
  });

  it('with a daemon that serves it', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
    const complaints = listComplaints(await expectSame(stage));
    // This daemon runs inside the test, which a busy machine may hold up for long enough that the
    // shim calls it silent, or says HELLO once more on the same link.
    expect(complaints.filter((line) => !line.includes('has been silent'))).toEqual([]);
    expect(new Set(daemon.list('HELLO').map(({ link }) => link)).size).toBe(1);
    expect(daemon.applicants).toHaveLength(1);
    expect(daemon.list('REGISTER').length).toBeGreaterThanOrEqual(7);
    await daemon.next('BYE');
  });

  it('with XSCHED_DISABLE=1, which keeps it from the daemon altogether', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, beSilent);
    const stderr = await expectSame(stage, { XSCHED_DISABLE: '1', XSCHED_LOG: 'debug' });
    expect(listComplaints(stderr)).toEqual([]);
    expect(daemon.applicants).toEqual([]);
  });

  it('with a daemon that accepts and never answers', async () => {
    const stage = makeStage();
    await startServer(stage, () => undefined);
    await expectSame(stage);
  });

  it('with a socket that nobody accepts on', async () => {
    const stage = makeStage();
    // The main thread of this process is its own worst enemy: it never takes the connection.
    const server = net.createServer({ pauseOnConnect: true });
    server.listen(path.join(stage.runtimeDir, 'agent.sock'));
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    await expectSame(stage);
  });

  it('with a daemon that shakes hands and then says nothing', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, beSilent);
    const stderr = await expectSame(stage);
    expect(daemon.list('REGISTER').length).toBeGreaterThan(0);
    expect(stderr).toContain('the daemon has been silent for 800 ms: launches pass');
  });

  it('with a daemon that does not let it in', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, beSilent, { admission: '400' });
    const stderr = await expectSame(stage);
    expect(daemon.applicants.length).toBeGreaterThan(0);
    expect(listComplaints(stderr)[0]).toBe(
      'error: the daemon does not serve this process: the daemon refused the connection: 400',
    );
  });

  it('with a daemon of another version', async () => {
    const stage = makeStage();
    const message = 'the client speaks version 1 of the protocol, the daemon version 6';
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, (self, { link }) => {
      self.send(link, { type: 'ERROR', code: ERROR_CODES.VERSION, message });
    });
    const stderr = await expectSame(stage);
    expect(listComplaints(stderr)).toEqual([
      `error: the daemon does not serve this process: ${message}`,
    ]);
    // It leaves the daemon alone then.
    expect(daemon.applicants).toHaveLength(1);
  });

  const permit = encodeMessage(makePermit(1));
  it.each<[string, (queue: number) => Buffer[]]>([
    ['nonsense', () => [Buffer.from('no message at all')]],
    ['empty messages', () => [Buffer.alloc(0)]],
    ['every beginning of a message', () => [...permit].map((_, end) => permit.subarray(0, end))],
    ['messages that are too long for it', () => [Buffer.alloc(30_000, 0x91)]],
    ['messages of a shim', () => [encodeMessage({ type: 'BYE' })]],
    ['a WELCOME of another version', () => [Buffer.from([0x96, 16, 2, 1, 0xc3, 0xc2, 7])]],
    ['decisions on queues of nobody', () => [encodeMessage(makePermit(4_000_000_000))]],
    [
      'priorities beyond the limit',
      (queue) => [encodeMessage(makePermit(queue, { priority: 256 }))],
    ],
    ['windows beyond the limit', (queue) => [encodeMessage(makePermit(queue, { window: 5000 }))]],
  ])('with a daemon that sends %s', async (_, makeWrong) => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, serveWith(makeWrong));
    await expectSame(stage);
    expect(daemon.list('HELLO').length).toBeGreaterThan(0);
  });

  it('with a daemon that sends messages of several frames', async () => {
    const stage = makeStage();
    await FakeAgentDaemon.start(stage.runtimeDir, (self, { link }) => {
      self.sendRaw(link, Buffer.from('one'), Buffer.from('two'));
    });
    await expectSame(stage);
  });

  it.each([
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(10))],
    ['zeros', Buffer.alloc(100_000)],
    ['a half greeting', Buffer.from('ff00000000000000017f', 'hex')],
  ])('with a server that speaks no ZMTP but %s', async (_, bytes) => {
    const stage = makeStage();
    await startServer(stage, (socket) => void socket.write(bytes));
    await expectSame(stage);
  });

  it('with a server that hangs up on everybody', async () => {
    const stage = makeStage();
    let connections = 0;
    await startServer(stage, (socket) => {
      connections++;
      socket.destroy();
    });
    await expectSame(stage);
    // It tries again, but does not storm.
    expect(connections).toBeGreaterThan(1);
    expect(connections).toBeLessThan(200);
  });

  it('with a daemon that suspends it and dies', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, (self, heard) => {
      const { link, message } = heard;
      if (message.type === 'HELLO') self.welcome(link);
      if (!('queue' in message)) return;
      self.send(link, { ...makePermit(message.queue), type: 'SUSPEND' });
      if (message.type === 'READY' && message.waiting) self.stop();
    });
    await expectSame(stage);
    expect(daemon.list('READY').some(({ message }) => message.waiting)).toBe(true);
  });

  it('with a daemon that suspends it and falls silent', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, (self, heard) => {
      const { link, message } = heard;
      if (self.list('READY').some((ready) => ready.message.waiting)) return;
      if (message.type === 'HELLO') self.welcome(link);
      if ('queue' in message) self.send(link, { ...makePermit(message.queue), type: 'SUSPEND' });
    });
    const stderr = await expectSame(stage);
    expect(daemon.list('READY').some(({ message }) => message.waiting)).toBe(true);
    expect(stderr).toContain('the daemon has been silent for 800 ms: launches pass');
  });

  it('with a daemon that drops every tenth message and says all else in its time', async () => {
    const stage = makeStage();
    let count = 0;
    await FakeAgentDaemon.start(stage.runtimeDir, (self, heard) => {
      count++;
      if (count % 10 !== 0) serveAll(self, heard);
    });
    await expectSame(stage);
  });

  it('with a daemon that comes and goes', async () => {
    const stage = makeStage();
    const run = expectSame(stage);
    // It is awaited below; until then a failure is no unhandled one.
    run.catch(() => undefined);
    for (let life = 0; life < 3; life++) {
      const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
      const { message } = await daemon.next('REGISTER');
      expect(message.device).toMatch(/^GPU-[0-9a-f-]{36}$/);
      daemon.stop();
    }
    await run;
  });
});
