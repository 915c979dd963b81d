/** `xsched ps`: the queues of the machine, or what the driver was called for. */
import { CALL_COLUMNS, LEAVE_OUT_OF_CALLS, sortCalls } from '../call-table.js';
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../output.js';
import { LEAVE_OUT, queueColumns, sortQueues } from '../queue-table.js';
import { renderTable } from '../table.js';
import type { Column } from '../table.js';
import type { Asking } from './asking.js';

/** @param all shows every column and cuts nothing */
export async function showQueues(asking: Asking, all: boolean): Promise<number> {
  const queues = sortQueues(await asking.controller.list());
  const columns = queueColumns(queues, all);
  return showRows(asking, queues, { noun: 'queues', columns, leaveOut: LEAVE_OUT, all });
}

/** @param all cuts nothing */
export async function showCalls(asking: Asking, all: boolean): Promise<number> {
  const calls = sortCalls(await asking.controller.calls());
  const table = { noun: 'calls', columns: CALL_COLUMNS, leaveOut: LEAVE_OUT_OF_CALLS, all };
  return showRows(asking, calls, table);
}

interface RowsTable<Row> {
  /** What the rows are, for when there are none. */
  readonly noun: string;
  readonly columns: readonly Column<Row>[];
  readonly leaveOut: readonly string[];
  readonly all: boolean;
}

function showRows<Row>(
  { output, json }: Asking,
  rows: readonly Row[],
  { noun, columns, leaveOut, all }: RowsTable<Row>,
): number {
  if (json) writeJson(output, rows);
  else if (rows.length === 0) writeLine(output, `no ${noun}`);
  else {
    const width = all ? undefined : output.columns;
    const table = renderTable(columns, rows, { colors: output.colors, width, leaveOut });
    for (const line of table) writeLine(output, line);
  }
  return EXIT.OK;
}
