/** Daemons that are there and yet never decide: the shim must not wait for them again and again. */
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../protocol/messages.js';
import { beSilent, FakeAgentDaemon, serveAll } from './fake-daemon.js';
import { expectSame, listComplaints, startServer } from './outcome.js';
import { makeEnvironment, makeStage, Script } from './programs.js';

describe('a program under the shim ends as without', () => {
  it('with a daemon whose heart beats but who says nothing', async () => {
    const stage = makeStage();
    // libzmq's own thread goes on beating when the program above it hangs.
    await FakeAgentDaemon.start(stage.runtimeDir, beSilent, { heartbeatInterval: 50 });
    await expectSame(stage);
  });

  it('with a daemon that complains all the time', async () => {
    const stage = makeStage();
    const error = { type: 'ERROR', code: ERROR_CODES.STATE, message: 'no HELLO' } as const;
    await FakeAgentDaemon.start(stage.runtimeDir, (self, { link }) => {
      self.send(link, error);
    });
    await expectSame(stage);
  });
});

describe('a daemon that never answers', () => {
  it('holds a program up once, not with every new stream', async () => {
    const stage = makeStage();
    const sockets: net.Socket[] = [];
    let onConnection: () => void = () => undefined;
    await startServer(stage, (socket) => {
      sockets.push(socket);
      onConnection();
    });
    const script = new Script(makeEnvironment(stage));
    // Its first launch waits, until the shim gives the connection up.
    expect(await script.do('a create 1 0')).toBe('0');
    expect(await script.do('a launch 1 1 1000')).toBe('0');
    // Then it tries again; a new stream must not wait for that.
    while (sockets.length < 2) await new Promise<void>((resolve) => (onConnection = resolve));
    const second = sockets[1];
    let given = false;
    // A socket that nobody reads from never sees its end.
    second?.resume().on('end', () => (given = true));
    expect(await script.doAll('a create 2 0', 'a launch 2 1 1000')).toEqual(['0', '0']);
    expect(given).toBe(false);
    expect((await script.end()).code).toBe(0);
  });
});

describe('a daemon that sends nonsense', () => {
  it('does not fill the standard error of a program', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, (self, heard) => {
      serveAll(self, heard);
      self.sendRaw(heard.link, Buffer.from('no message at all'));
    });
    const stderr = await expectSame(stage);
    // The program runs for less than a second.
    expect(listComplaints(stderr).length).toBeLessThan(8);
    expect(daemon.applicants.length).toBeLessThan(12);
  });
});
