/** `xsched ps`: the queues of the machine. */
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../output.js';
import { LEAVE_OUT, queueColumns, sortQueues } from '../queue-table.js';
import { renderTable } from '../table.js';
import type { Asking } from './asking.js';

/** @param all shows every column and cuts nothing */
export async function showQueues(
  { controller, output, json }: Asking,
  all: boolean,
): Promise<number> {
  const queues = sortQueues(await controller.list());
  if (json) writeJson(output, queues);
  else if (queues.length === 0) writeLine(output, 'no queues');
  else {
    const { colors, columns } = output;
    const width = all ? undefined : columns;
    const options = { colors, width, leaveOut: LEAVE_OUT };
    const table = renderTable(queueColumns(queues, all), queues, options);
    for (const line of table) writeLine(output, line);
  }
  return EXIT.OK;
}
