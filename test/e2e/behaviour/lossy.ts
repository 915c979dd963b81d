/** A bad connection between the agent socket and the daemon. */
import type { MessageSocket } from '../../../daemon/transport/router-socket.js';

/** Messages that were lost on the way to the daemon, and on the way to its clients. */
export interface Losses {
  up: number;
  down: number;
}

/**
 * Loses one message of ten on average, in each direction.
 * @param random numbers from 0 to 2^32 - 1
 */
export function makeLossy(
  random: () => number,
  losses: Losses,
): (socket: MessageSocket) => MessageSocket {
  const isLost = (direction: keyof Losses): boolean => {
    if (random() % 10 !== 0) return false;
    losses[direction]++;
    return true;
  };
  return (socket) => ({
    start: (receive, onFailure) => {
      socket.start((id, frames) => {
        if (!isLost('up')) receive(id, frames);
      }, onFailure);
    },
    send: (id, frame) => {
      if (!isLost('down')) socket.send(id, frame);
    },
    close: () => {
      socket.close();
    },
  });
}
