import path from 'node:path';
import { ROOT } from '../demo/paths.js';

/** How a program is started. */
export interface Command {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

/** One of the suite's own programs, as it was built. */
export function ownCommand(name: string): Command {
  return { name, argv: [path.join(ROOT, 'build', 'conformance', name)] };
}

/** The programs of the suite, in the order in which they run; each is programs/NAME.c. */
export const PROGRAMS = [
  'launches',
  'copies',
  'ordered_memory',
  'events',
  'callbacks',
  'values',
  'graphs',
  'captures',
  'lifetimes',
  'green',
  'threads',
  'dependencies',
  'lookup',
] as const;

/** What the programs compete with in the mode `random`. */
export const RIVAL = 'rival';

/** The lines by which a program says what its driver lacks. */
export function listSkipped(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.includes(': skipped: '));
}
