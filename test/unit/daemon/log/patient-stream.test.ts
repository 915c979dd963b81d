/** A log that nobody reads. */
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { PatientStream } from '../../../../daemon/log/patient-stream.js';

/** A stream whose reader takes lines when it is told to. */
class Reader extends Writable {
  readonly taken: string[] = [];
  #waiting: (() => void)[] | undefined = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = () => {
      this.taken.push(chunk.toString());
      done();
    };
    if (this.#waiting === undefined) take();
    else this.#waiting.push(take);
  }

  read(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const take of waiting) take();
  }
}

describe('a log that nobody reads', () => {
  it('keeps a megabyte, drops the rest and says how much that was', async () => {
    const reader = new Reader();
    const told: number[] = [];
    const stream = new PatientStream(reader, (count) => {
      told.push(count);
      stream.write(`${String(count)} dropped`);
    });
    const line = 'x'.repeat(1023);
    for (let n = 0; n < 5000; n++) stream.write(`${line}\n`);
    expect(reader.writableLength).toBeLessThanOrEqual(1025 * 1024);
    expect(stream.writableLength).toBe(0);
    expect(told).toEqual([]);
    reader.read();
    await expect.poll(() => reader.taken.at(-1)).toBe('3975 dropped');
    expect(told).toEqual([3975]);
    expect(reader.taken).toHaveLength(1025 + 1);
  });
});
