import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedDevice, elementAt } from './device.js';

describe('driver programs on the simulated GPU', () => {
  let device: SimulatedDevice;
  beforeEach(() => {
    device = new SimulatedDevice();
  });
  afterEach(() => device.close());

  it.each([
    ['ordering', []],
    ['capture', []],
    ['shapes', []],
    ['resolve', []],
    ['handles', []],
    ['init', []],
    ['stress', ['8', '10']],
  ])('%s', async (program, args) => {
    const outcome = await device.run(program, args);
    expect(outcome).toMatchObject({ code: 0, signal: null });
    expect(outcome.stdout).toBe('ok\n');
  });

  it('runs kernels by stream priority, then in order', async () => {
    const { stdout, code } = await device.run('priority');
    expect(code).toBe(0);
    const { low, high } = JSON.parse(stdout) as { low: number; high: number };
    const kernels = (await device.log()).sort((a, b) => a.start - b.start);
    expect(kernels.map((k) => k.stream)).toEqual([
      ...Array<number>(5).fill(high),
      ...Array<number>(5).fill(low),
    ]);
    for (const [index, kernel] of kernels.entries())
      if (index > 0)
        expect(kernel.start).toBeGreaterThanOrEqual(elementAt(kernels, index - 1).finish);
  });

  it('holds a thread that has 1021 launches outstanding', async () => {
    const child = device.start('busy', ['1100', '20000']);
    child.stdin.write('\n');
    const kernels = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => resolve(device.log()));
    });
    const log = kernels as Awaited<ReturnType<SimulatedDevice['log']>>;
    expect(log).toHaveLength(1100);
    for (const [index, kernel] of log.entries())
      if (index >= 1021)
        expect(kernel.submit).toBeGreaterThanOrEqual(elementAt(log, index - 1021).finish);
  });
});
