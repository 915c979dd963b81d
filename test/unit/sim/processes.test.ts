import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedDevice, elementAt, firstOutput, outcomeOf } from './device.js';

describe('processes that share the simulated GPU', () => {
  let device: SimulatedDevice | undefined;
  afterEach(async () => {
    await device?.close();
    device = undefined;
  });

  /** Starts programs that wait for a word, and gives it to all once all are ready. */
  async function startTogether(target: SimulatedDevice, count: number, args: string[]) {
    const children = Array.from({ length: count }, () => target.start('busy', args));
    await Promise.all(children.map(firstOutput));
    for (const child of children) child.stdin.write('\n');
    return children;
  }

  it('takes turns by time slices, one process at a time', async () => {
    device = new SimulatedDevice({ XSCHED_SIM_JITTER: '0' });
    const children = await startTogether(device, 2, ['100', '5000000']);
    const outcomes = await Promise.all(children.map(outcomeOf));
    expect(outcomes.map((o) => o.code)).toEqual([0, 0]);
    const kernels = (await device.log()).sort((a, b) => a.finish - b.finish);
    expect(kernels).toHaveLength(200);
    const of = (pid: number | undefined) => kernels.filter((k) => k.pid === pid);
    const [a, b] = children.map((child) => of(child.pid));
    const begin = Math.max(elementAt(a, 0).start, elementAt(b, 0).start);
    const end = Math.min(elementAt(a, -1).finish, elementAt(b, -1).finish);
    // While both have work, 5 ms kernels are suspended by 2 ms slices: each takes longer than alone,
    // and the two processes' kernels end alternately.
    const shared = kernels.filter((k) => k.start >= begin && k.finish <= end);
    expect(shared.length).toBeGreaterThan(20);
    for (const kernel of shared) expect(kernel.finish - kernel.start).toBeGreaterThan(7_000_000);
    const turns = shared.filter((k, i) => i > 0 && k.pid !== elementAt(shared, i - 1).pid).length;
    expect(turns).toBeGreaterThan(shared.length / 2);
    // Nothing runs twice at once: all of it takes at least the sum.
    const span = elementAt(kernels, -1).finish - Math.min(...kernels.map((k) => k.start));
    expect(span).toBeGreaterThanOrEqual(200 * 5_000_000);
  });

  it('interleaves whole kernels under MPS', async () => {
    device = new SimulatedDevice({ XSCHED_SIM_MPS: '1', XSCHED_SIM_JITTER: '0' });
    const children = await startTogether(device, 2, ['60', '5000000']);
    await Promise.all(children.map(outcomeOf));
    for (const kernel of await device.log())
      expect(kernel.finish - kernel.start).toBeLessThanOrEqual(5_000_002);
  });

  it('goes on when a process is killed at any moment', async () => {
    device = new SimulatedDevice({ XSCHED_SIM_JITTER: '0' });
    for (let round = 0; round < 12; round++) {
      const children = await startTogether(device, 2, ['300', '20000']);
      const victim = elementAt(children, 0);
      const survivor = elementAt(children, 1);
      const survived = outcomeOf(survivor);
      const died = once(victim, 'close');
      // Different moments: while it submits, while its kernels run, while it waits.
      await new Promise((resolve) => setTimeout(resolve, round));
      victim.kill('SIGKILL');
      await died;
      expect(await survived).toMatchObject({ code: 0 });
    }
    // The dead hold nothing: the device is free for a process that comes later.
    const { code } = await device.run('handles');
    expect(code).toBe(0);
  });

  it('refuses another scale than the device was made with', async () => {
    device = new SimulatedDevice();
    expect((await device.run('resolve')).code).toBe(0);
    expect((await device.run('handles', [], { XSCHED_SIM_SCALE: '2' })).code).toBe(0);
    expect((await device.run('handles')).code).toBe(0);
    const other = await device.run('handles', [], { XSCHED_SIM_SCALE: '3' });
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('XSCHED_SIM_SCALE is 3');
    expect(other.stderr).toContain('was made with 2');
    const nonsense = await device.run('handles', [], { XSCHED_SIM_SCALE: 'fast' });
    expect(nonsense.stderr).toContain('XSCHED_SIM_SCALE is "fast"');
  });

  it('stretches durations by the scale', async () => {
    device = new SimulatedDevice({ XSCHED_SIM_SCALE: '50', XSCHED_SIM_JITTER: '0' });
    const children = await startTogether(device, 1, ['1', '100000']);
    await outcomeOf(elementAt(children, 0));
    const kernel = elementAt(await device.log(), 0);
    expect(kernel.finish - kernel.start).toBeCloseTo(5_000_000, -3);
  });
});
