/** When decisions leave: with the tick, or after so many messages that keep it from coming. */
import { expect, it } from 'vitest';
import { createLogger } from 'winston';
import { AgentServer, HELD_MESSAGES_MAX } from '../../../../daemon/transport/agent-server.js';
import { PeerTable } from '../../../../daemon/transport/peers.js';
import type { Receive } from '../../../../daemon/transport/router-socket.js';
import { decodeMessage, encodeMessage } from '../../../../protocol/codec.js';
import type { AgentDown } from '../../../../protocol/generated/messages.js';

const ID = 'a'.repeat(32);

/** A server whose core answers each message by a PERMIT of the same number. */
function serve() {
  const peers = new PeerTable();
  peers.admit(ID, 'agent', `localhost:0:0:${String(process.pid)}`, 0);
  const peer = peers.find('agent', ID);
  if (peer !== undefined) peer.kept = true;
  const sent: AgentDown[] = [];
  let receive: Receive = () => undefined;
  const server: AgentServer = new AgentServer({
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
    dispatch: (event) => {
      if (event.type !== 'message' || event.message.type !== 'READY') return;
      const { queue, seq } = event.message;
      const rest = { acks: seq, priority: 0, window: 0, latency: 0 };
      const flags = { watched: false, notify: false, enabled: true, slot: 0 };
      server.send(ID, { type: 'PERMIT', queue, seq, ...rest, ...flags });
    },
  });
  server.start();
  const ready = (seq: number) => {
    receive(ID, [encodeMessage({ type: 'READY', queue: 1, seq, waiting: false })]);
  };
  const numbers = () => sent.map((message) => ('seq' in message ? message.seq : 0));
  return { server, ready, numbers };
}

it('decisions leave once nothing else is to be done, the last of each queue', async () => {
  const { ready, numbers } = serve();
  ready(1);
  ready(2);
  // Whoever has a message at hand goes on without a tick.
  await Promise.resolve();
  ready(3);
  expect(numbers()).toEqual([]);
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  expect(numbers()).toEqual([3]);
});

it('messages without end do not keep them', () => {
  const { ready, numbers } = serve();
  for (let seq = 1; seq <= 2 * HELD_MESSAGES_MAX + 1; seq++) ready(seq);
  expect(numbers()).toEqual([HELD_MESSAGES_MAX, 2 * HELD_MESSAGES_MAX]);
});

it('they leave before the socket is closed', () => {
  const { server, ready, numbers } = serve();
  ready(1);
  server.close();
  expect(numbers()).toEqual([1]);
});
