/** `xsched on` and `xsched off`. */
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../output.js';
import type { Asking } from './asking.js';

export async function switchScheduling(
  { controller, output, json }: Asking,
  wanted: boolean,
): Promise<number> {
  const enabled = await controller.enable(wanted);
  if (json) writeJson(output, { enabled });
  else writeLine(output, enabled ? 'scheduling is on' : 'scheduling is off: every launch passes');
  return EXIT.OK;
}
