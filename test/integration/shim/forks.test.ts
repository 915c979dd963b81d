/** Programs that make others, by every call that there is for it; see test/shim/clients/forks.c. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SEED } from '../../unit/daemon/seed.js';
import { expectAllGone, expectProcesses, runAlike } from './alike.js';
import { makeMoody } from './moody.js';
import { BUILD } from './programs.js';

/** The driver that keeps no state: the simulated GPU, like a real one, is lost in a raw clone. */
const STATELESS = { LD_LIBRARY_PATH: path.join(BUILD, 'bench', 'null') };

describe('a program that makes another', () => {
  it.each([
    ['a child is the first to use the GPU', 'first', 1],
    ['child and parent use it by functions that were found before', 'both', 2],
    ['the child of one that uses it only tries to, and ends', 'used', 1],
    ['fork and exec', 'exec', 2],
    ['vfork and exec', 'vfork', 2],
    ['posix_spawn', 'spawn', 2],
    ['a daemon by two forks, all of its descriptors closed', 'daemon', 2],
    ['the same of one that has used the GPU, by an exec', 'daemonize', 2],
  ])('%s', async (_, name, processes) => {
    const { daemon } = await runAlike('forks', [name]);
    await expectAllGone(daemon, processes);
  });

  it('many times, while its threads launch', async () => {
    const { daemon } = await runAlike('forks', ['crowd', '60']);
    // The parent, and every fourth child, which executes a program.
    await expectAllGone(daemon, 16);
  });

  it('many times, while its threads are held at their gates now and then', async () => {
    const { daemon } = await runAlike('forks', ['crowd', '40'], {}, makeMoody(SEED));
    await expectProcesses(daemon, 11);
  });

  it('while another thread looks for the driver’s functions', async () => {
    const { daemon } = await runAlike('forks', ['looking', '100']);
    expect(daemon.heard).toEqual([]);
  });

  it('by a raw clone, whose child begins afresh as a forked one does', async () => {
    const { daemon } = await runAlike('forks', ['raw'], STATELESS);
    // The one that launched and the parent; the one that only ended has nothing to say.
    await expectAllGone(daemon, 2);
    const [parent, child] = daemon.list('HELLO');
    expect(child?.message.pid).not.toBe(parent?.message.pid);
    const registered = daemon.list('REGISTER').map(({ link }) => link);
    expect(new Set(registered)).toEqual(new Set([parent?.link, child?.link]));
  });
});
