/** Messages that are lost in either direction: they delay, and nobody hangs. */
import { describe, expect, it } from 'vitest';
import type { MessageSocket } from '../../../daemon/transport/router-socket.js';
import { LIMITS } from '../../../protocol/messages.js';
import { makeRandom, SEED } from '../../unit/daemon/seed.js';
import { makeRegister } from '../../samples/messages.js';
import { makeHello } from './agent-client.js';
import { openClient, runDaemon } from './harness.js';

/** Loses one message of ten on average, in each direction. */
function makeLossy(
  random: () => number,
  lost: { count: number },
): (s: MessageSocket) => MessageSocket {
  const loses = () => {
    if (random() % 10 !== 0) return false;
    lost.count++;
    return true;
  };
  return (socket) => ({
    start: (receive, onFailure) => {
      socket.start((id, frames) => {
        if (!loses()) receive(id, frames);
      }, onFailure);
    },
    send: (id, frame) => {
      if (!loses()) socket.send(id, frame);
    },
    close: () => {
      socket.close();
    },
  });
}

describe(`a daemon that loses every tenth message (seed ${String(SEED)})`, () => {
  it('answers whoever repeats, and ends up knowing what is', async () => {
    const lost = { count: 0 };
    const daemon = await runDaemon({ wrapAgentSocket: makeLossy(makeRandom(SEED), lost) });
    const client = openClient(daemon.runtimeDir);
    /** Repeats a message until its answer is there, as a shim does, but more quickly. */
    const insist = async <T>(send: () => void, answer: Promise<T>): Promise<T> => {
      send();
      const timer = setInterval(send, LIMITS.READY_REPEAT_MS / 10);
      try {
        return await answer;
      } finally {
        clearInterval(timer);
      }
    };
    await insist(() => {
      client.send(makeHello());
    }, client.next('WELCOME'));
    await insist(() => {
      client.send(makeRegister());
    }, client.next('PERMIT'));
    for (let seq = 2; seq < 300; seq += 2) {
      await insist(
        () => {
          client.send({ type: 'READY', queue: 1, seq, waiting: true });
        },
        client.nextMatching((message) => message.type === 'PERMIT' && message.acks === seq),
      );
      client.send({ type: 'IDLE', queue: 1, seq: seq + 1 });
    }
    await insist(
      () => {
        client.send({
          ...{ type: 'STATS', queue: 1, seq: 301, ready: false, waiting: false },
          ...{
            submitted: 300,
            completed: 300,
            readyNs: 0,
            waitedNs: 0,
            suspends: 0,
            applied: 0,
            latencyP50: 0,
            latencyP99: 0,
          },
        });
      },
      client.nextMatching((message) => message.type === 'PERMIT' && message.acks === 301),
    );
    expect(daemon.queues()[0]).toMatchObject({ state: 'idle', submitted: 300 });
    expect(lost.count).toBeGreaterThan(20);
  });
});
