/** What becomes of the moments in which a busy program has nothing on the GPU. */
import { describe, expect, it } from 'vitest';
import { runDaemon } from '../daemon/harness.js';
import { moves, startHigh, startLow } from './contenders.js';
import { makeStage, readKernels } from './programs.js';

describe('a program that launches more slowly than the GPU runs', () => {
  it('lets others launch beside it, and is waited for when it synchronises', async () => {
    const stage = makeStage();
    await runDaemon({ runtimeDir: stage.runtimeDir });
    const low = await startLow(stage, {}, 100_000);
    const high = await startHigh(stage);
    await moves(stage, low);
    // It keeps the GPU busy for a tenth of the time.
    await high.doAll('a trickle 1 30000 5000', 'a sync 1');
    const own = readKernels(stage, high.pid).slice(1);
    const [from, to] = [own[0]?.submit ?? NaN, own.at(-1)?.submit ?? NaN];
    const beside = readKernels(stage, low.pid).filter(({ start }) => start > from && start < to);
    expect(own).toHaveLength(30_000);
    // The GPU has time for ten times as many; without slack there are some dozens.
    expect(beside.length).toBeGreaterThan((to - from) / 100_000 / 12);
  });
});
