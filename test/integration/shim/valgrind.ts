/** Valgrind for tests: found or installed before the first of a file. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll } from 'vitest';
import type { TestContext } from 'vitest';
import { ROOT } from './programs.js';
import type { Environment } from './programs.js';

/** Its suppressions and its installer. */
export const VALGRIND_FOLDER = path.join(ROOT, 'test', 'valgrind');

/** The first time it is downloaded. */
const INSTALL_MS = 240_000;

/** How to start it, as `test/valgrind/install.mjs` prints it. */
export interface Valgrind {
  readonly program: string;
  readonly options: readonly string[];
  readonly env: Environment;
}

/**
 * Finds or installs it before the tests of the file.
 * @returns what a test asks for it, which is skipped where there is none; in CI there has to be one
 */
export function prepareValgrind(): (context: TestContext) => Valgrind {
  let valgrind: Valgrind | undefined;
  let missing = '';
  beforeAll(async () => {
    const installer = path.join(VALGRIND_FOLDER, 'install.mjs');
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [installer]);
      valgrind = JSON.parse(stdout) as Valgrind;
    } catch (error) {
      if (process.env['CI'] !== undefined) throw error;
      missing = error instanceof Error ? error.message : String(error);
    }
  }, INSTALL_MS);
  return (context) => valgrind ?? context.skip(missing);
}
