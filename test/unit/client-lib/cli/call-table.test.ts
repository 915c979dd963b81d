import { describe, expect, it } from 'vitest';
import {
  CALL_COLUMNS,
  LEAVE_OUT_OF_CALLS,
  sortCalls,
} from '../../../../client-lib/cli/call-table.js';
import { makeColors } from '../../../../client-lib/cli/colors.js';
import { renderTable } from '../../../../client-lib/cli/table.js';
import { textWidth } from '../../../../client-lib/cli/text.js';
import { sampleCalls } from '../samples.js';

const CALLS = [
  sampleCalls({ passed: 48_213, gated: 517, captured: 300 }),
  sampleCalls({ function: 'cuFooAsync', unknown: 12 }),
  sampleCalls({ pid: 99, name: 'train', function: 'cuMemcpyAsync', bypassed: 7 }),
];

describe('the table of calls', () => {
  it('has a line for each process and function, numbers to the right', () => {
    expect(renderTable(CALL_COLUMNS, sortCalls(CALLS), { colors: makeColors(false) })).toEqual([
      ' PID  NAME   FUNCTION        PASSED  GATED  BYPASSED  CAPTURED  UNKNOWN',
      '  99  train  cuMemcpyAsync        0      0         7         0        0',
      '4711  serve  cuLaunchKernel   48.2k    517         0       300        0',
      '4711  serve  cuFooAsync           0      0         0         0       12',
    ]);
  });

  it('paints the functions that the shim does not know', () => {
    const lines = renderTable(CALL_COLUMNS, CALLS, { colors: makeColors(true) });
    const red = lines.map((line) => line.split('\x1b[31m').length - 1);
    expect(red).toEqual([0, 0, CALL_COLUMNS.length, 0]);
  });

  it.each([
    [80, ['PID', 'NAME', 'FUNCTION', 'PASSED', 'GATED', 'BYPASSED', 'CAPTURED', 'UNKNOWN']],
    [61, ['PID', 'NAME', 'FUNCTION', 'PASSED', 'GATED', 'BYPASSED', 'UNKNOWN']],
    [32, ['PID', 'FUNCTION', 'UNKNOWN']],
  ])('shows in %i columns what matters most', (width, shown) => {
    const options = { colors: makeColors(false), width, leaveOut: LEAVE_OUT_OF_CALLS };
    const lines = renderTable(CALL_COLUMNS, CALLS, options);
    expect((lines[0] ?? '').trim().split(/ +/)).toEqual(shown);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width);
  });
});

it('sorts by process, then by how often, then by name', () => {
  const calls = [
    sampleCalls({ pid: 2, function: 'b', passed: 1 }),
    sampleCalls({ pid: 2, function: 'a', gated: 1 }),
    sampleCalls({ pid: 2, function: 'c', bypassed: 1, unknown: 1 }),
    sampleCalls({ pid: 1, function: 'd' }),
  ];
  expect(sortCalls(calls).map((call) => call.function)).toEqual(['d', 'c', 'a', 'b']);
});
