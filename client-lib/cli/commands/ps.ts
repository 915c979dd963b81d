/** `xsched ps`: the queues of the machine. */
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../output.js';
import { queueColumns, sortQueues } from '../queue-table.js';
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
    const width = all ? undefined : output.columns;
    const table = renderTable(queueColumns(queues, all), queues, { colors: output.colors, width });
    for (const line of table) writeLine(output, line);
  }
  return EXIT.OK;
}
