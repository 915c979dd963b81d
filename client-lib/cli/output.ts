/** Where a command writes. */
import { makeColors, wantsColors } from './colors.js';
import type { Colors } from './colors.js';
import { takeStdout } from './streams.js';
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

/** Standard output. Ends the process when it cannot be written, as `takeStdout()` says. */
export function standardOutput(): Output {
  const stdout = takeStdout();
  const colors = makeColors(wantsColors(stdout.isTTY, process.env));
  return {
    isTTY: stdout.isTTY,
    get columns() {
      return sizeOf(stdout.columns);
    },
    get rows() {
      return sizeOf(stdout.rows);
    },
    colors,
    write: (text) => {
      stdout.write(text);
    },
  };
}

/** Undefined where there is no terminal, or one that was never told its size and says 0. */
function sizeOf(said: number | undefined): number | undefined {
  return said === undefined || said === 0 ? undefined : said;
}

export function writeLine(output: Output, line: string): void {
  output.write(`${line}\n`);
}

export function writeJson(output: Output, value: unknown): void {
  output.write(`${toJson(value)}\n`);
}
