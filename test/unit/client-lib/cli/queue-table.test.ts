import { describe, expect, it } from 'vitest';
import {
  formatReason,
  formatStream,
  queueColumns,
  sortQueues,
} from '../../../../client-lib/cli/queue-table.js';
import { sampleQueue } from '../samples.js';

function titles(...args: Parameters<typeof queueColumns>): readonly string[] {
  return queueColumns(...args).map((column) => column.title);
}

describe('queueColumns', () => {
  it('leaves out what says nothing', () => {
    expect(titles([sampleQueue()], false)).toEqual([
      ...['QUEUE', 'PID', 'NAME', 'PRIORITY', 'FROM', 'STATE', 'LAUNCHES', 'WAITED', 'COMMAND'],
    ]);
  });

  it('shows models, devices and reasons where there are any', () => {
    const queues = [
      sampleQueue({ label: 'bert' }),
      sampleQueue({ id: '1.1', device: 'GPU-2', reason: 'suspended: by the policy' }),
    ];
    expect(titles(queues, false)).toEqual(expect.arrayContaining(['MODEL', 'DEVICE', 'REASON']));
  });

  it('shows everything where all is asked for', () => {
    expect(titles([sampleQueue()], true)).toHaveLength(20);
  });
});

it('sorts by device, then priority, then process and number', () => {
  const queues = [
    sampleQueue({ id: '2.10', pid: 2 }),
    sampleQueue({ id: '2.9', pid: 2 }),
    sampleQueue({ id: '3.1', pid: 3, priority: 5 }),
    sampleQueue({ id: '1.1', pid: 1, device: 'GPU-0', priority: -9 }),
  ];
  expect(sortQueues(queues).map((queue) => queue.id)).toEqual(['1.1', '3.1', '2.9', '2.10']);
});

it('names the special streams', () => {
  expect([1, 2, 0x55aa].map(formatStream)).toEqual(['legacy', 'per-thread', '0x55aa']);
});

it('leaves the state out of the reason', () => {
  const queue = sampleQueue({ state: 'suspended', reason: 'suspended: 4711.1 is ready' });
  expect(formatReason(queue)).toBe('4711.1 is ready');
  expect(formatReason(sampleQueue({ state: 'stalled', reason: 'no news' }))).toBe('no news');
  expect(formatReason(sampleQueue())).toBe('-');
});
