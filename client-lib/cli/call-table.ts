/** Calls of the driver as `xsched ps --calls` shows them. */
import type { CallInfo } from '../../protocol/generated/messages.js';
import { formatCount } from './format.js';
import type { Column } from './table.js';

/** Calls by process, then the functions that are called most first. */
export function sortCalls(calls: readonly CallInfo[]): readonly CallInfo[] {
  return [...calls].sort(
    (a, b) => a.pid - b.pid || sumCalls(b) - sumCalls(a) || (a.function < b.function ? -1 : 1),
  );
}

const COLUMNS: readonly Column<CallInfo>[] = [
  { title: 'PID', align: 'right', value: (call) => String(call.pid) },
  { title: 'NAME', value: (call) => call.name, least: 8 },
  { title: 'FUNCTION', value: (call) => call.function, least: 16 },
  { title: 'PASSED', align: 'right', value: (call) => formatCount(call.passed) },
  { title: 'GATED', align: 'right', value: (call) => formatCount(call.gated) },
  { title: 'BYPASSED', align: 'right', value: (call) => formatCount(call.bypassed) },
  { title: 'CAPTURED', align: 'right', value: (call) => formatCount(call.captured) },
  { title: 'UNKNOWN', align: 'right', value: (call) => formatCount(call.unknown) },
];

/** The columns; a function that the shim does not know stands out in all of them. */
export const CALL_COLUMNS: readonly Column<CallInfo>[] = COLUMNS.map((column) => ({
  ...column,
  paint: (text, call, colors) => (call.unknown > 0 ? colors.red(text) : text),
}));

/** What is left out of a narrow terminal; PID, FUNCTION and UNKNOWN stay. */
export const LEAVE_OUT_OF_CALLS: readonly string[] = [
  ...['CAPTURED', 'NAME', 'BYPASSED', 'GATED', 'PASSED'],
];

function sumCalls({ passed, gated, bypassed, captured, unknown }: CallInfo): number {
  return passed + gated + bypassed + captured + unknown;
}
