/** `xsched set`: gives queues a priority. */
import { ERROR_CODES } from '../../../protocol/limits.js';
import { RemoteError } from '../../errors.js';
import { CommandError, EXIT } from '../exit-codes.js';
import { countOf } from '../format.js';
import { writeJson, writeLine } from '../output.js';
import { printable } from '../text.js';
import type { Asking } from './asking.js';

/** What is set: a priority, or that there is none by hint. */
export type PriorityValue = number | 'default';

/**
 * Sets or clears the priority of what a target names.
 * @throws {CommandError} NO_MATCH when the daemon knows nothing of that name.
 */
export async function setPriority(
  { controller, output, json }: Asking,
  target: string,
  value: PriorityValue,
): Promise<number> {
  let queues: readonly string[];
  try {
    queues =
      value === 'default'
        ? await controller.clearPriority(target)
        : await controller.setPriority(target, value);
  } catch (error) {
    if (error instanceof RemoteError && error.code === ERROR_CODES.NOT_FOUND) {
      throw new CommandError(EXIT.NO_MATCH, error.message);
    }
    throw error;
  }
  if (json) writeJson(output, { target, priority: value, queues });
  else writeLine(output, describeChange(printable(target), value, queues));
  // Taking a hint back succeeds whether or not a queue had it.
  return queues.length === 0 && value !== 'default' ? EXIT.NO_MATCH : EXIT.OK;
}

function describeChange(target: string, value: PriorityValue, queues: readonly string[]): string {
  const what = value === 'default' ? 'default priority' : `priority ${String(value)}`;
  if (queues.length > 0) {
    return `${target}: ${what} for ${countOf(queues.length, 'queue')} (${queues.join(', ')})`;
  }
  if (value === 'default') return `${target}: ${what}; no queue matches now`;
  return `${target}: no queue matches now; ${what} is kept for those to come`;
}
