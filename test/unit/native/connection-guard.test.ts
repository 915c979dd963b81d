/** Limits for libzmq, seen from the sockets of this process. */
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Dealer, Router } from 'zeromq';
import { countConnections, guardConnections } from '../../../native/index.js';
import { catchError, makeFolder } from './programs.js';

const UNLIMITED = { connections: 1e6, connectionsPerUser: 1e6, messageBytes: 1e9 };

async function bindRouter(): Promise<{ router: Router; address: string }> {
  const address = `ipc://${path.join(makeFolder(), 'socket')}`;
  const router = new Router();
  onTestFinished(() => {
    router.close();
    guardConnections(UNLIMITED);
  });
  await router.bind(address);
  // libzmq closes those of the test before in its own time.
  await expect.poll(() => countConnections().open).toBe(0);
  return { router, address };
}

function connect(address: string): Dealer {
  const dealer = new Dealer({ linger: 0, reconnectInterval: -1 });
  onTestFinished(() => {
    dealer.close();
  });
  dealer.connect(address);
  return dealer;
}

describe('guardConnections', () => {
  it.each(['connections', 'connectionsPerUser'] as const)('keeps to %s', async (limit) => {
    const { router, address } = await bindRouter();
    const before = countConnections();
    expect(guardConnections({ ...UNLIMITED, [limit]: before.open + 2 })).toBe(true);
    const [first, second] = [connect(address), connect(address)];
    await first.send('1');
    await second.send('2');
    await router.receive();
    await router.receive();
    connect(address);
    await expect.poll(() => countConnections().turnedAway).toBe(before.turnedAway + 1);
    expect(countConnections()).toMatchObject({
      open: before.open + 2,
      turnedAwayUid: process.getuid?.(),
    });
    // A connection that ends makes room for another one.
    first.close();
    await expect.poll(() => countConnections().open).toBe(before.open + 1);
    expect(countConnections().closed).toBe(before.closed + 1);
    await connect(address).send('4');
    expect(String((await router.receive())[1])).toBe('4');
  });

  it('lets messages pass up to their limit, all frames together', async () => {
    const { router, address } = await bindRouter();
    const before = countConnections();
    guardConnections({ ...UNLIMITED, messageBytes: 10_000 });
    const dealer = connect(address);
    for (const size of [0, 1, 255, 256, 9999, 10_000]) {
      await dealer.send(Buffer.alloc(size));
      expect((await router.receive())[1]).toHaveLength(size);
    }
    for (let n = 0; n < 100; n++) {
      await dealer.send([Buffer.alloc(4000), Buffer.alloc(4000)]);
      expect(await router.receive()).toHaveLength(3);
    }
    expect(countConnections().cutOff).toBe(before.cutOff);
    await dealer.send([Buffer.alloc(6000), Buffer.alloc(6000)]);
    await expect.poll(() => countConnections().cutOff).toBe(before.cutOff + 1);
    expect(countConnections().cutOffPid).toBe(process.pid);
  });

  it.each([0, -1, 1.5, 2 ** 32, Number.NaN])('refuses a limit of %d', (connections) => {
    expect(catchError(() => guardConnections({ ...UNLIMITED, connections }))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: `connections must be an integer from 1 to 4294967295, received ${String(connections)}`,
    });
  });
});
