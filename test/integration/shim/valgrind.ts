/** Valgrind for tests: found or installed before the first of a file. */
import path from 'node:path';
import type { TestContext } from 'vitest';
import { prepare } from '../../install/prepare.js';
import { ROOT } from './programs.js';
import type { Environment } from './programs.js';

/** Its suppressions and its installer. */
export const VALGRIND_FOLDER = path.join(ROOT, 'test', 'valgrind');

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
  const find = prepare(path.join(VALGRIND_FOLDER, 'install.mjs'));
  return (context) => find(context) as Valgrind;
}
