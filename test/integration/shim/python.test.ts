/** Python, and the processes that it makes; see test/shim/python/children.py. */
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from 'winston';
import { parseConfig } from '../../../daemon/config/load.js';
import { startDaemon } from '../../../daemon/daemon.js';
import { countLinks, expectProcesses, runAlike } from './alike.js';
import { serveAll } from './fake-daemon.js';
import { makeEnvironment, makeStage, ROOT, runClient } from './programs.js';

const PROGRAM = path.join(ROOT, 'test', 'shim', 'python', 'children.py');
const FOLDER = '/usr/bin';

/** Processes that use the GPU, the first among them. */
const WAYS = [
  ['fork', 4],
  ['spawn', 4],
  ['forkserver', 4],
  ['subprocess', 5],
] as const;

describe('a program in Python that makes others', () => {
  it.each(WAYS)('by %s has each of %i served by a link of its own', async (way, processes) => {
    const rest = { folder: FOLDER };
    const { daemon, ended } = await runAlike('python3', [PROGRAM, way], {}, serveAll, rest);
    expect(new Set(ended.stdout.match(/[0-9a-f]{8}/g)).size).toBe(1);
    await expectProcesses(daemon, processes);
    expect([...countLinks(daemon).values()]).toEqual(Array(processes).fill(1));
  });

  it('leaves none of them behind in the daemon', async () => {
    const stage = makeStage();
    const daemon = await startDaemon({
      runtimeDir: stage.runtimeDir,
      config: parseConfig('', 'default'),
      log: createLogger({ silent: true }),
    });
    onTestFinished(() => daemon.stop());
    for (const [way] of WAYS) {
      const args = [PROGRAM, way];
      const ended = await runClient('python3', args, makeEnvironment(stage), FOLDER);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
    }
    await expect.poll(() => daemon.queues(), { timeout: 10_000, interval: 20 }).toEqual([]);
  });
});
