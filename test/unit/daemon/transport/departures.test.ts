/** Links that end, and processes that end with a link or without one. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from 'winston';
import type { Event } from '../../../../daemon/core/events.js';
import { AgentServer } from '../../../../daemon/transport/agent-server.js';
import { PeerTable } from '../../../../daemon/transport/peers.js';
import type { MessageSocket, Receive } from '../../../../daemon/transport/router-socket.js';
import { processStartTime } from '../../../../native/index.js';
import { encodeMessage } from '../../../../protocol/codec.js';
import { PROTOCOL_VERSION } from '../../../../protocol/messages.js';

const LINK = 'a'.repeat(32);
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** An agent server without sockets or core, and a process that said HELLO to it. */
class Bench {
  readonly events: Event[] = [];
  readonly peers = new PeerTable();
  readonly child = spawn('sleep', ['60'], { stdio: 'ignore' });
  readonly server: AgentServer;
  breakLink: () => void = () => undefined;

  constructor() {
    children.push(this.child);
    let receive: Receive = () => undefined;
    const socket: MessageSocket = {
      start: (onMessage, onFailure) => {
        receive = onMessage;
        this.breakLink = () => {
          onFailure(LINK, 'unreachable');
        };
      },
      send: () => undefined,
      close: () => undefined,
    };
    this.server = new AgentServer({
      socket,
      peers: this.peers,
      log: createLogger({ silent: true }),
      clock: () => 0,
      dispatch: (event) => this.events.push(event),
    });
    this.server.start();
    const pid = this.child.pid ?? 0;
    this.peers.admit(LINK, 'agent', `localhost:1:1:${String(pid)}`, 0);
    const hello = encodeMessage({
      ...{ type: 'HELLO', version: PROTOCOL_VERSION, pid, startTime: processStartTime(pid) },
      ...{ exe: '/bin/sleep', command: 'sleep 60', name: '', hasPriority: false, priority: 0 },
      ...{ shim: 'test', board: 0 },
    });
    receive(LINK, [hello]);
    expect(this.events).toMatchObject([{ type: 'hello' }]);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

const ended = { type: 'gone', link: LINK, cause: 'the process ended', ended: true };

describe('the end of a process', () => {
  it('is told of one that has its link', async () => {
    const bench = new Bench();
    await bench.kill();
    await vi.waitFor(() => {
      expect(bench.events.slice(1)).toEqual([ended]);
    });
  });

  it('is told of one without a link that the core still wants to hear of', async () => {
    const bench = new Bench();
    bench.breakLink();
    const lost = { type: 'gone', link: LINK, cause: 'it closed its link', ended: false };
    expect(bench.events.slice(1)).toEqual([lost]);
    bench.server.forget(LINK, true);
    expect(bench.peers.find('agent', LINK)).toBeUndefined();
    await bench.kill();
    await vi.waitFor(() => {
      expect(bench.events.slice(1)).toEqual([lost, ended]);
    });
  });

  it('is not told of one that the core has forgotten', async () => {
    const bench = new Bench();
    const other = new Bench();
    bench.server.forget(LINK, false);
    await bench.kill();
    await other.kill();
    await vi.waitFor(() => {
      expect(other.events.slice(1)).toEqual([ended]);
    });
    expect(bench.events).toHaveLength(1);
  });
});
