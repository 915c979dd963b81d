/** Death at any point: clients and daemon are killed by chance, and whoever lives comes through. */
import { describe, expect, it } from 'vitest';
import { makeRandom, SEED } from '../../unit/daemon/seed.js';
import { Place } from './place.js';
import type { Program } from './program.js';
import { HANG_MS, until } from './until.js';

const DEATHS = 30;
/** Every fourth death is the daemon's. */
const DAEMON_EVERY = 4;
const CLIENTS = 6;
const WORK = ['24', '1000'] as const;
const PRIORITIES = [-10, 0, 0, 10] as const;

describe(`death at any point (seed ${SEED})`, () => {
  it('costs nobody else a result', async () => {
    const random = makeRandom(SEED);
    const place = new Place();
    const alone = place.bare('steady', WORK);
    alone.dismiss();
    const expected = await alone.end(HANG_MS);
    expect(expected).toMatchObject({ code: 0 });

    const pick = <T>(from: readonly T[]): T => {
      const one = from[random() % from.length];
      if (one === undefined) throw new Error('there is nothing to pick from');
      return one;
    };
    const start = (): Program => {
      const client = place.preloaded('steady', WORK, { XSCHED_PRIORITY: String(pick(PRIORITIES)) });
      client.dismiss();
      return client;
    };
    let daemon = await place.startDaemon();
    const clients: Program[] = Array.from({ length: CLIENTS }, start);
    const progress = (): number => clients.reduce((sum, { lines }) => sum + lines.length, 0);
    let finished = 0;
    let daemons = 0;
    for (let death = 0; death < DEATHS; death++) {
      // So that death comes at another point each time, and only while there is life.
      const from = progress();
      const steps = 1 + (random() % 8);
      await until('the others go on', () => progress() >= from + steps);
      if (death % DAEMON_EVERY === 0) {
        await daemon.kill();
        daemon = await place.startDaemon();
        daemons++;
      } else {
        const victim = random() % CLIENTS;
        await clients[victim]?.kill();
        clients[victim] = start();
      }
      for (const [index, client] of clients.entries()) {
        if (!client.isOver) continue;
        expect(await client.end(HANG_MS)).toEqual(expected);
        clients[index] = start();
        finished++;
      }
    }
    for (const client of clients) expect(await client.end(HANG_MS)).toEqual(expected);
    await until('no queue is left', async () => (await place.queues()).length === 0);
    daemon.signal('SIGTERM');
    expect((await daemon.end(HANG_MS)).code).toBe(0);
    console.log(
      `${DEATHS - daemons} clients and ${daemons} daemons were killed; ` +
        `${finished + CLIENTS} clients came to their end`,
    );
  });
});
