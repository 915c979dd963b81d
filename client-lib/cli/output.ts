/** Where a command writes. */
import { makeColors, wantsColors } from './colors.js';
import type { Colors } from './colors.js';
import { toJson } from './text.js';

export interface Output {
  /** Whether a person watches it on a terminal. */
  readonly isTTY: boolean;
  /** Columns of the terminal, or undefined where nothing needs to be cut. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  readonly colors: Colors;
  write(text: string): void;
}

/** Standard output. Ends the process in silence when nobody reads it any more. */
export function standardOutput(): Output {
  const { stdout, env } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const colors = makeColors(wantsColors(stdout.isTTY, env));
  return {
    isTTY: stdout.isTTY,
    get columns() {
      return stdout.isTTY ? stdout.columns : undefined;
    },
    get rows() {
      return stdout.isTTY ? stdout.rows : undefined;
    },
    colors,
    write: (text) => {
      stdout.write(text);
    },
  };
}

export function writeLine(output: Output, line: string): void {
  output.write(`${line}\n`);
}

export function writeJson(output: Output, value: unknown): void {
  output.write(`${toJson(value)}\n`);
}
