/** Programs that tests need and machines lack: installed before the first test of a file. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll } from 'vitest';
import type { TestContext } from 'vitest';

/** The first time it is downloaded. */
const INSTALL_MS = 240_000;

/**
 * Runs an installer before the tests of the file.
 * @param installer path of a script that prints what it installed as one line of JSON
 * @returns what a test asks for that, which is skipped where there is none; in CI there has to be one
 */
export function prepare(installer: string): (context: TestContext) => unknown {
  let tool: unknown;
  let missing = '';
  beforeAll(async () => {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [installer]);
      tool = JSON.parse(stdout) as unknown;
    } catch (error) {
      if (process.env['CI'] !== undefined) throw error;
      missing = error instanceof Error ? error.message : String(error);
    }
  }, INSTALL_MS);
  return (context) => tool ?? context.skip(missing);
}
