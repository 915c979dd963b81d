/** The ledger as the log tells it, beside what a profiler counted. */
import { describe, expect, it } from 'vitest';
import { compareCounts, parseLedger } from '../../conformance/counts.js';

const LOG = [
  'xsched[7]: debug: no daemon at /run/xsched/agent.sock: No such file or directory',
  'xsched[7]: debug: cuLaunchKernel: 30 passed, 2 gated, 0 bypassed, 40 captured, 0 unknown',
  'xsched[7]: debug: cuLaunchKernelEx_ptsz: 5 passed, 0 gated, 0 bypassed, 0 captured, 0 unknown',
  'xsched[7]: debug: cuLaunchHostFunc: 0 passed, 0 gated, 9 bypassed, 0 captured, 0 unknown',
  'xsched[7]: debug: cuMemcpyHtoDAsync_v2: 3 passed, 0 gated, 1 bypassed, 0 captured, 0 unknown',
  'xsched[8]: debug: cuLaunchKernel: 1 passed, 0 gated, 0 bypassed, 0 captured, 0 unknown',
].join('\n');

describe('the ledger of a log', () => {
  it('has what the device was given, of all processes, and nothing that was captured', () => {
    expect([...parseLedger(LOG)]).toEqual([
      ['cuLaunchKernel', 33],
      ['cuLaunchKernelEx_ptsz', 5],
      ['cuLaunchHostFunc', 9],
      ['cuMemcpyHtoDAsync_v2', 4],
    ]);
  });

  it('is compared by kinds of work', () => {
    expect(compareCounts({ kernel: 38, gpu_memcpy: 5 }, parseLedger(LOG))).toEqual([
      { kind: 'kernel', cupti: 38, ledger: 38 },
      { kind: 'gpu_memcpy', cupti: 5, ledger: 4 },
      { kind: 'gpu_memset', cupti: 0, ledger: 0 },
    ]);
  });
});
