import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Whichever of its GPUs the machine's owner has chosen: the simulated one is asked for by number too.
delete process.env['CUDA_VISIBLE_DEVICES'];

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * The three kinds of tests run one after the other: unit tests first, since they are the quickest to
 * fail; end-to-end tests last and one file at a time, since they measure time with real processes.
 */
export default defineConfig({
  root,
  test: {
    // Some tests force garbage collections to see that native objects survive them.
    execArgv: ['--expose-gc'],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['default', 'json'],
    outputFile: { json: path.join(root, 'build', 'test-report.json') },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
