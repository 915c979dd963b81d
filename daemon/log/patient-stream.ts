/** A stream for the log that neither ends the daemon nor fills its memory, whoever reads it. */
import { Writable } from 'node:stream';

/** Bytes that may wait for the reader of the log; lines beyond that are dropped. */
const WAITING_BYTES = 1024 * 1024;

/**
 * Hands lines on to another stream while that takes them. A line is dropped and counted when too
 * much is waiting already, or when its write fails: nobody reads any more, or the disk is full.
 */
export class PatientStream extends Writable {
  #dropped = 0;

  /**
   * @param target usually process.stderr
   * @param onDropped told how many lines were dropped, as soon as one is taken again
   */
  constructor(
    private readonly target: Writable,
    private readonly onDropped: (count: number) => void,
  ) {
    super({ decodeStrings: false });
    // The callback of each write is told, too; without a listener the error would end the process.
    target.on('error', () => undefined);
  }

  override _write(line: string, _encoding: BufferEncoding, done: () => void): void {
    // What was not taken is lost; the next line is tried all the same.
    done();
    if (this.target.writableLength > WAITING_BYTES) {
      this.#dropped++;
      return;
    }
    this.target.write(line, (error) => {
      if (error) this.#dropped++;
      else this.#tellDropped();
    });
  }

  #tellDropped(): void {
    const count = this.#dropped;
    // One more line must find room, or it would be among those that it speaks of.
    if (count === 0 || this.target.writableLength > WAITING_BYTES) return;
    this.#dropped = 0;
    this.onDropped(count);
  }
}
