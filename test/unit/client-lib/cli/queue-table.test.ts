import { describe, expect, it } from 'vitest';
import { makeColors } from '../../../../client-lib/cli/colors.js';
import {
  LEAVE_OUT,
  formatReason,
  formatStream,
  queueColumns,
  sortQueues,
} from '../../../../client-lib/cli/queue-table.js';
import { renderTable } from '../../../../client-lib/cli/table.js';
import { textWidth } from '../../../../client-lib/cli/text.js';
import { sampleQueue, widelyNamedQueues } from '../samples.js';

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
    expect(titles([sampleQueue()], true)).toHaveLength(25);
  });
});

describe('on a narrow terminal', () => {
  const titlesAt = (width: number): readonly string[] => {
    const queues = widelyNamedQueues();
    const options = { colors: makeColors(false), width, leaveOut: LEAVE_OUT };
    return (renderTable(queueColumns(queues, false), queues, options)[0] ?? '').split(/ +/);
  };
  const KEPT = ['QUEUE', 'NAME', 'PRIORITY', 'STATE'];

  it.each([
    [40, KEPT],
    [60, [...KEPT, 'REASON']],
    [80, [...KEPT, 'LAUNCHES', 'REASON']],
    [120, ['QUEUE', 'PID', ...KEPT.slice(1, 3), 'FROM', 'STATE', 'LAUNCHES', 'WAITED', 'REASON']],
  ])('shows in %i columns what matters most', (width, shown) => {
    const titles = titlesAt(width);
    expect(titles.filter((title) => title !== 'COMMAND')).toEqual(shown);
    expect(titles.includes('COMMAND')).toBe(width === 120);
  });

  it('never lets a line be longer, for any width', () => {
    const queues = widelyNamedQueues();
    const columns = queueColumns(queues, false);
    for (let width = 1; width <= 130; width++) {
      const options = { colors: makeColors(true), width, leaveOut: LEAVE_OUT };
      const widths = renderTable(columns, queues, options).map(textWidth);
      expect(Math.max(...widths), `at ${String(width)}`).toBeLessThanOrEqual(width);
    }
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
