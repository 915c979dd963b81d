/** A daemon that is short of descriptors: that is no fault of its clients. */
import { describe, expect, it, vi } from 'vitest';
import { createLogger } from 'winston';
import { AgentServer } from '../../../../daemon/transport/agent-server.js';
import { PeerTable } from '../../../../daemon/transport/peers.js';
import type { Receive } from '../../../../daemon/transport/router-socket.js';
import type * as native from '../../../../native/index.js';
import { decodeMessage, encodeMessage } from '../../../../protocol/codec.js';
import type { AgentDown } from '../../../../protocol/generated/messages.js';
import { ERROR_CODES } from '../../../../protocol/messages.js';
import { makeHello } from '../../../integration/daemon/agent-client.js';

const failure = vi.hoisted(() => ({ code: '' }));

vi.mock('../../../../native/index.js', async (original) => ({
  ...(await original<typeof native>()),
  watchProcess: () => {
    throw Object.assign(new Error('cannot watch it'), { code: failure.code });
  },
}));

/** What a client is told that says HELLO to a daemon which fails to watch it. */
function greet(code: string): AgentDown | undefined {
  failure.code = code;
  const id = 'a'.repeat(32);
  const peers = new PeerTable();
  peers.admit(id, 'agent', `localhost:0:0:${String(process.pid)}`, 0);
  const sent: AgentDown[] = [];
  let receive: Receive = () => undefined;
  const server = new AgentServer({
    socket: {
      start: (listener) => {
        receive = listener;
      },
      send: (_id, frame) => sent.push(decodeMessage('agent-down', frame)),
      close: () => undefined,
    },
    peers,
    log: createLogger({ silent: true }),
    clock: () => 0,
    dispatch: () => undefined,
  });
  server.start();
  receive(id, [encodeMessage(makeHello())]);
  return sent[0];
}

describe('a process that cannot be watched', () => {
  it.each(['EMFILE', 'ENFILE', 'ENOMEM'])('for %s is refused by LIMIT', (code) => {
    expect(greet(code)).toEqual({
      type: 'ERROR',
      code: ERROR_CODES.LIMIT,
      message:
        `process ${String(process.pid)} cannot be watched, since the daemon has nothing left to do ` +
        'it with: cannot watch it',
    });
  });

  it('since it is not there is refused by IDENTITY', () => {
    expect(greet('ESRCH')).toMatchObject({ code: ERROR_CODES.IDENTITY });
  });
});
