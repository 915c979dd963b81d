/** `xsched set`: gives queues a priority, or says how long they may keep others waiting. */
import { ERROR_CODES } from '../../../protocol/limits.js';
import type { Controller } from '../../controller.js';
import { RemoteError } from '../../errors.js';
import { CommandError, EXIT } from '../exit-codes.js';
import { countOf } from '../format.js';
import { writeJson, writeLine } from '../output.js';
import { printable } from '../text.js';
import type { Asking } from './asking.js';

export type Hint = 'priority' | 'latency';

/** What is set: a priority, microseconds, or that there is none by hint. */
export type HintValue = number | 'default';

export interface Change {
  readonly target: string;
  readonly hint: Hint;
  readonly value: HintValue;
}

/**
 * Sets or clears a hint for what a target names.
 * @throws {CommandError} NO_MATCH when the daemon knows nothing of that name.
 */
export async function setHint(
  { controller, output, json }: Asking,
  change: Change,
): Promise<number> {
  const { target, hint, value } = change;
  let queues: readonly string[];
  try {
    queues = await ask(controller, change);
  } catch (error) {
    if (error instanceof RemoteError && error.code === ERROR_CODES.NOT_FOUND) {
      throw new CommandError(EXIT.NO_MATCH, error.message);
    }
    throw error;
  }
  if (json) writeJson(output, { target, [hint]: value, queues });
  else writeLine(output, describeChange(change, queues));
  // Taking a hint back succeeds whether or not a queue had it.
  return queues.length === 0 && value !== 'default' ? EXIT.NO_MATCH : EXIT.OK;
}

function ask(controller: Controller, { target, hint, value }: Change): Promise<readonly string[]> {
  if (hint === 'priority') {
    return value === 'default'
      ? controller.clearPriority(target)
      : controller.setPriority(target, value);
  }
  return value === 'default'
    ? controller.clearLatency(target)
    : controller.setLatency(target, value);
}

function describeChange({ target, hint, value }: Change, queues: readonly string[]): string {
  const name = printable(target);
  const what = value === 'default' ? `default ${hint}` : describeHint(hint, value);
  if (queues.length > 0) {
    return `${name}: ${what} for ${countOf(queues.length, 'queue')} (${queues.join(', ')})`;
  }
  if (value === 'default') return `${name}: ${what}; no queue matches now`;
  return `${name}: no queue matches now; ${what} is kept for those to come`;
}

/** `priority 5`, `latency 100 µs`. */
export function describeHint(hint: string, value: number): string {
  return `${hint} ${String(value)}${hint === 'latency' ? ' µs' : ''}`;
}
