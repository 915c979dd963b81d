/** The terminal while `xsched top` owns it. */

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_L = '\x0c';
const CTRL_Z = '\x1a';
const ENDING_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export interface ScreenEvents {
  /** A key or a signal asks for the end. */
  readonly onQuit: () => void;
  /** What was drawn has gone or has another size now. */
  readonly onRedraw: () => void;
}

/**
 * The alternate screen and the keyboard. However the command ends, leave() gives the terminal back
 * as it was.
 */
export class Screen {
  readonly #onKey = (chunk: Buffer): void => {
    this.#takeKeys(chunk.toString('latin1'));
  };

  constructor(private readonly events: ScreenEvents) {}

  enter(): void {
    for (const signal of ENDING_SIGNALS) process.on(signal, this.events.onQuit);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#resume);
    process.stdout.on('resize', this.events.onRedraw);
    // What comes from elsewhere than a keyboard is not meant for us.
    if (process.stdin.isTTY) {
      process.stdin.on('data', this.#onKey);
      // A terminal that has gone away.
      process.stdin.on('error', this.events.onQuit);
    }
    this.#take();
  }

  leave(): void {
    this.#release();
    for (const signal of ENDING_SIGNALS) process.removeListener(signal, this.events.onQuit);
    process.removeListener('SIGTSTP', this.#onStop);
    process.removeListener('SIGCONT', this.#resume);
    process.stdout.removeListener('resize', this.events.onRedraw);
    if (process.stdin.isTTY) {
      process.stdin.removeListener('data', this.#onKey);
      process.stdin.pause();
    }
  }

  /** Replaces what is shown; the lines must fit. */
  draw(lines: readonly string[]): void {
    // Cleared before a line and not behind it: there the cursor stands on the last letter of a line
    // that fills the terminal.
    const body = lines.map((line) => `${CLEAR_LINE}${line}`).join('\r\n');
    const below = lines.length < (process.stdout.rows || Infinity) ? `\r\n${CLEAR_BELOW}` : '';
    process.stdout.write(`${HOME}${body}${below}`);
  }

  readonly #onStop = (): void => {
    this.#stop(process.pid);
  };

  /**
   * Stops what `target` says to kill(2): this process or, with 0, its group. The terminal is given
   * back before that, because a shell takes it away as soon as the first of the group has stopped.
   */
  #stop(target: number): void {
    this.#release();
    // The default action stops us, unless nobody could wake us again (an orphaned group).
    process.removeListener('SIGTSTP', this.#onStop);
    process.kill(target, 'SIGTSTP');
    process.on('SIGTSTP', this.#onStop);
    this.#resume();
  }

  readonly #resume = (): void => {
    this.#take();
    this.events.onRedraw();
  };

  #take(): void {
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      process.stdin.resume();
    }
    process.stdout.write(ENTER);
  }

  #release(): void {
    process.stdout.write(LEAVE);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
  }

  #takeKeys(keys: string): void {
    for (const key of keys) {
      if (key === 'q' || key === 'Q' || key === CTRL_C || key === CTRL_D) this.events.onQuit();
      else if (key === CTRL_L || key === ' ') this.events.onRedraw();
      // To the whole group, as the terminal would: whoever started us in a script stops with us.
      else if (key === CTRL_Z) this.#stop(0);
    }
  }
}
