/** A daemon that takes its permits back all the time. */
import { makeRandom } from '../../unit/daemon/seed.js';
import { makePermit } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';

/** Changes its mind with every message; whoever waits at a gate is let through. */
export function makeMoody(seed: number): Behaviour {
  const random = makeRandom(seed);
  let seq = 1;
  return (daemon, { link, message }) => {
    if (message.type === 'HELLO') daemon.welcome(link);
    if (!('queue' in message) || message.type === 'UNREGISTER') return;
    const state = makePermit(message.queue, {
      ...{ seq: ++seq, priority: random() % 3, window: random() % 5 },
      watched: random() % 2 === 0,
      notify: random() % 2 === 0,
    });
    const waits = message.type === 'READY' && message.waiting;
    daemon.send(link, waits || random() % 3 > 0 ? state : { ...state, type: 'SUSPEND' });
  };
}
