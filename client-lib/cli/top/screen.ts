/** The terminal while `xsched top` owns it. */

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE_END = '\x1b[K';
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
    process.on('SIGCONT', this.#resume);
    process.stdout.on('resize', this.events.onRedraw);
    process.stdin.on('data', this.#onKey);
    this.#take();
  }

  leave(): void {
    this.#release();
    for (const signal of ENDING_SIGNALS) process.removeListener(signal, this.events.onQuit);
    process.removeListener('SIGCONT', this.#resume);
    process.stdout.removeListener('resize', this.events.onRedraw);
    process.stdin.removeListener('data', this.#onKey);
    process.stdin.pause();
  }

  /** Replaces what is shown; the lines must fit. */
  draw(lines: readonly string[]): void {
    const body = lines.map((line) => `${line}${CLEAR_LINE_END}`).join('\r\n');
    process.stdout.write(`${HOME}${body}${CLEAR_BELOW}`);
  }

  readonly #resume = (): void => {
    this.#take();
    this.events.onRedraw();
  };

  #take(): void {
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.resume();
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
      else if (key === CTRL_Z) {
        this.#release();
        process.kill(process.pid, 'SIGTSTP');
      }
    }
  }
}
