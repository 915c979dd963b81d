/** Hosts that bring what the shim has as well. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { expectAllGone, runAlike } from './alike.js';
import { serveAll } from './fake-daemon.js';
import { CLIENTS, ROOT } from './programs.js';

/** Talks to itself by libzmq, and meanwhile has a program that it started use the GPU. */
const PROGRAM = `
  const { spawnSync } = require('node:child_process');
  const { Dealer, Router } = require(process.argv[1]);
  async function main() {
    const [router, dealer] = [new Router(), new Dealer()];
    await router.bind('tcp://127.0.0.1:*');
    dealer.connect(router.lastEndpoint);
    for (let i = 0; i < 100; i++) {
      await dealer.send(String(i));
      const [id, text] = await router.receive();
      await router.send([id, text]);
      const [echo] = await dealer.receive();
      if (echo.toString() !== String(i)) throw new Error(echo.toString());
      if (i === 50) process.stdout.write(spawnSync(process.argv[2], ['work']).stdout);
    }
    router.close();
    dealer.close();
    console.log('all came back');
  }
  main();
`;

it('a program with a libzmq of its own uses that, and its children the GPU', async () => {
  const args = ['-e', PROGRAM, path.join(ROOT, 'node_modules', 'zeromq'), `${CLIENTS}/forks`];
  const rest = { folder: path.dirname(process.execPath) };
  const name = path.basename(process.execPath);
  const { daemon, ended } = await runAlike(name, args, {}, serveAll, rest);
  expect(ended.stdout).toMatch(/^work: [0-9a-f]{8}\nall came back\n$/);
  await expectAllGone(daemon, 1);
});
