/** Tells a person how far the demo is: one line kept up to date on a terminal, else one a phase. */
import type { WriteStream } from 'node:tty';

const UPDATE_MS = 250;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[2K';

export class Progress {
  readonly #stream: WriteStream;
  readonly #totalSeconds: number;
  readonly #startedMs = performance.now();
  #doneSeconds = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param totalSeconds how long all phases together are planned to take */
  constructor(stream: WriteStream, totalSeconds: number) {
    this.#stream = stream;
    this.#totalSeconds = totalSeconds;
  }

  /** Prints a line of its own above the progress. */
  note(text: string): void {
    this.#stream.write(`${this.#stream.isTTY ? CLEAR_LINE : ''}${text}\n`);
  }

  /**
   * Shows a phase while its work goes on.
   * @param seconds how long it is planned to take
   * @param detail asked for what to add to the line, on a terminal only
   */
  async phase<T>(
    title: string,
    seconds: number,
    detail: () => string,
    work: () => Promise<T>,
  ): Promise<T> {
    const startedMs = performance.now();
    if (this.#stream.isTTY) {
      this.#timer = setInterval(() => {
        const spent = Math.min((performance.now() - startedMs) / 1000, seconds);
        this.#draw(title, this.#doneSeconds + spent, detail());
      }, UPDATE_MS);
    }
    try {
      const result = await work();
      const took = (performance.now() - startedMs) / 1000;
      this.#doneSeconds += seconds;
      this.note(`${this.#percent(this.#doneSeconds)}  ${title}: done in ${took.toFixed(1)} s`);
      return result;
    } finally {
      this.stop();
    }
  }

  /** Ends the line that is kept up to date; harmless when there is none. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stream.write(CLEAR_LINE);
  }

  #percent(seconds: number): string {
    return `${String(Math.round((100 * seconds) / this.#totalSeconds)).padStart(3)}%`;
  }

  #draw(title: string, seconds: number, detail: string): void {
    const elapsed = Math.round((performance.now() - this.#startedMs) / 1000);
    const left = Math.max(0, Math.round(this.#totalSeconds - seconds));
    const text = `${this.#percent(seconds)}  ${title}  ${detail}`;
    const times = `${String(elapsed)} s, about ${String(left)} s left`;
    // A line that wraps could not be cleared. A terminal that does not know its width says 0.
    const width = (this.#stream.columns || DEFAULT_COLUMNS) - 1;
    this.#stream.write(CLEAR_LINE + `${text}  (${times})`.slice(0, width));
  }
}
