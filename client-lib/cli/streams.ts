/**
 * The standard streams, taken only when something is written: merely looking at process.stdout or
 * process.stderr makes a pipe non-blocking, for the program that `xsched run` starts as well.
 */
import fs from 'node:fs';
import tty from 'node:tty';
import { EXIT } from './exit-codes.js';

let guarded = false;

/**
 * Standard output. Where nobody reads it any more the process ends quietly with 0; any other failure
 * to write ends it with a message and 1.
 */
export function takeStdout(): NodeJS.WriteStream {
  const { stdout } = process;
  if (!guarded) {
    guarded = true;
    stdout.on('error', endOnFailure);
  }
  return stdout;
}

/** Writes a text to standard error. One that cannot be written is lost: nobody could be told. */
export function writeError(text: string): void {
  try {
    fs.writeSync(2, text);
  } catch {
    // The exit code still says it.
  }
}

/**
 * Lets the process end where its terminal has been closed. At its end Node gives a terminal its
 * settings back, and aborts with a core file where that fails; a closed descriptor it leaves alone.
 */
export function allowHangup(): void {
  const terminals = [0, 1, 2].filter((fd) => tty.isatty(fd));
  process.on('exit', () => {
    for (const fd of terminals) if (!tty.isatty(fd)) fs.closeSync(fd);
  });
}

function endOnFailure(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(EXIT.OK);
  writeError(`xsched: cannot write: ${error.message}\n`);
  process.exit(EXIT.REFUSED);
}
