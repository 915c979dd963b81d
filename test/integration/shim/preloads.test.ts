/** Other preload libraries beside the shim, before it and behind it; see test/shim/preloads. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { prependPreload } from '../../../client-lib/cli/run/environment.js';
import { expectAllGone, runAlike } from './alike.js';
import { serveAll } from './fake-daemon.js';
import { BUILD, SHIM } from './programs.js';
import type { Environment } from './programs.js';

const FOLDER = path.join(BUILD, 'shim-test', 'preloads');
const [HEAP, SHIFTED, LOOKUPS] = ['heap', 'shifted', 'lookups'].map((name) =>
  path.join(FOLDER, `lib${name}.so`),
) as [string, string, string];
/** The simulated GPU waits by a clock that is not shifted for it. */
const STATELESS = { LD_LIBRARY_PATH: path.join(BUILD, 'bench', 'null') };

const ROWS: readonly (readonly [string, string, Environment])[] = [
  ['that has a heap of its own', HEAP, {}],
  ['that shifts the clocks', SHIFTED, STATELESS],
];

/** The program does the same, and its launches pass the gate. */
async function expectGated(others: string, preload: string, more: Environment = {}) {
  const rest = { others, preload };
  const { daemon } = await runAlike('forks', ['both'], more, serveAll, rest);
  await expectAllGone(daemon, 2);
  expect(daemon.list('REGISTER').length).toBeGreaterThan(2);
}

describe('a preload library', () => {
  it.each(ROWS)('%s may come behind the shim', async (_, library, more) => {
    await expectGated(library, `${SHIM}:${library}`, more);
  });

  it.each(ROWS)('%s may come before the shim', async (_, library, more) => {
    await expectGated(library, `${library}:${SHIM}`, more);
  });

  it('that replaces dlsym has its place behind the shim, where xsched run puts it', async () => {
    const preload = prependPreload(SHIM, `${LOOKUPS}:${HEAP}`);
    expect(preload).toBe(`${SHIM}:${LOOKUPS}:${HEAP}`);
    await expectGated(`${LOOKUPS}:${HEAP}`, preload);
  });

  it('that replaces dlsym before the shim hides the program from it, and harms nobody', async () => {
    const rest = { others: LOOKUPS, preload: `${LOOKUPS}:${HEAP}:${SHIM}` };
    const { daemon } = await runAlike('forks', ['both'], {}, serveAll, rest);
    expect(daemon.heard).toEqual([]);
  });
});
