import { describe, expect, it } from 'vitest';
import { compareSamples } from '../../../../../client-lib/cli/top/sample.js';
import type { Sample } from '../../../../../client-lib/cli/top/sample.js';
import type { QueueInfo } from '../../../../../protocol/generated/messages.js';
import { sampleQueue, sampleStatus } from '../../samples.js';

function makeSample(clockMs: number, queue: Partial<QueueInfo>, generation = 1): Sample {
  const status = sampleStatus({ generation });
  return { timeMs: 0, clockMs, status, queues: [sampleQueue(queue)] };
}

describe('compareSamples', () => {
  it('divides what happened by the time that passed', () => {
    const earlier = makeSample(1000, { submitted: 100, readyNs: 0, waitedNs: 5e6 });
    const now = makeSample(1500, { submitted: 600, readyNs: 250e6, waitedNs: 15e6 });
    expect(compareSamples(earlier, now)[0]?.rates).toEqual({
      launchesPerSecond: 1000,
      readyShare: 0.5,
      waitedNsPerSecond: 20e6,
    });
  });

  it('knows no rates of a queue that is new', () => {
    const earlier = makeSample(1000, { id: '1.1' });
    expect(compareSamples(earlier, makeSample(1500, { id: '1.2' }))[0]?.rates).toBeUndefined();
    expect(compareSamples(undefined, makeSample(0, {}))[0]?.rates).toBeUndefined();
  });

  it('compares nothing across a restart of the daemon', () => {
    const earlier = makeSample(1000, { submitted: 100 }, 1);
    const now = makeSample(1500, { submitted: 200 }, 2);
    expect(compareSamples(earlier, now)[0]?.rates).toBeUndefined();
  });

  it('never shows less than nothing or more than all of the time', () => {
    const earlier = makeSample(1000, { submitted: 100, readyNs: 0 });
    const now = makeSample(1100, { submitted: 0, readyNs: 200e6 });
    const rates = compareSamples(earlier, now)[0]?.rates;
    expect(rates).toMatchObject({ launchesPerSecond: 0, readyShare: 1 });
  });
});
