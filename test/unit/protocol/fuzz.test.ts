/** Random and hostile bytes: whatever comes in, a message comes out or a ProtocolError. */
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, ProtocolError } from '../../../protocol/codec.js';
import { LIMITS, MESSAGES } from '../../../protocol/messages.js';
import type { Direction } from '../../../protocol/messages.js';
import { VECTORS } from '../../vectors/vectors.js';
import { buildAsanPrograms, expectSuccess } from '../shim/programs.js';

const DIRECTIONS: readonly Direction[] = ['agent-up', 'agent-down', 'control-up', 'control-down'];
const SEEDS = [1, 2, 3, 20_261_122];

beforeAll(buildAsanPrograms, 150_000);

/** Numbers from 0 to `limit` - 1, the same for the same seed (a generator of 32 bits). */
function makeRandom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Decodes; true when the bytes were taken, false when they were refused as they should be. */
function tryDecode(direction: Direction, bytes: Uint8Array): boolean {
  try {
    const message = decodeMessage(direction, bytes);
    // What is taken is sound: it can be sent on and comes out the same.
    const again = decodeMessage(direction, encodeMessage(message));
    if (!isDeepStrictEqual(again, message)) throw new Error('a second round trip differs');
    return true;
  } catch (error) {
    if (!(error instanceof ProtocolError)) {
      const hex = Buffer.from(bytes).toString('hex');
      throw new Error(`${direction}: ${hex} threw ${String(error)}`, { cause: error });
    }
    if (error.message.length > 400) throw new Error('a sentence too long', { cause: error });
    return false;
  }
}

describe('the decoder of TypeScript', () => {
  it.each(SEEDS)('takes or refuses noise of seed %i', (seed) => {
    const random = makeRandom(seed);
    for (let round = 0; round < 4000; round++) {
      const bytes = Uint8Array.from({ length: random(80) }, () => random(256));
      if (random(2) === 0 && bytes.length > 2) {
        bytes[0] = 0x90 | random(16);
        bytes[1] = MESSAGES[random(MESSAGES.length)]?.opcode ?? 0;
      }
      for (const direction of DIRECTIONS) tryDecode(direction, bytes);
    }
  });

  it.each(SEEDS)('takes or refuses mutilated messages of seed %i', (seed) => {
    const random = makeRandom(seed);
    let taken = 0;
    const rounds = 8000;
    for (let round = 0; round < rounds; round++) {
      const vector = VECTORS[random(VECTORS.length)];
      if (vector === undefined) throw new Error('no vectors');
      const bytes = Buffer.from(vector.hex, 'hex');
      for (let changes = random(4); changes > 0; changes--) {
        bytes[random(Math.min(bytes.length, 40))] = random(256);
      }
      const cut = random(4) === 0 ? random(bytes.length + 1) : bytes.length;
      if (tryDecode(vector.spec.direction, bytes.subarray(0, cut))) taken++;
    }
    // Both happen often, so neither branch goes untested.
    expect(taken).toBeGreaterThan(rounds / 10);
    expect(taken).toBeLessThan((rounds * 9) / 10);
  });

  it.each([
    ['arrays in arrays', Buffer.alloc(LIMITS.MESSAGE_BYTES, 0x91)],
    ['maps in maps', Buffer.alloc(LIMITS.MESSAGE_BYTES, 0x81)],
    ['arrays that promise 16 million values', repeat([0xdd, 0x00, 0xff, 0xff, 0xff])],
    ['arrays that promise 65,535 values', repeat([0xdc, 0xff, 0xff])],
    ['arrays that promise 4 billion values', repeat([0xdd, 0xff, 0xff, 0xff, 0xff])],
    ['maps that promise 4 billion values', repeat([0xdf, 0xff, 0xff, 0xff, 0xff])],
    ['a text that promises 4 billion bytes', Buffer.from([0x91, 0xdb, 0xff, 0xff, 0xff, 0xff])],
    ['bytes that promise 4 billion bytes', Buffer.from([0x91, 0xc6, 0xff, 0xff, 0xff, 0xff])],
    ['an extension that promises 4 billion bytes', Buffer.from([0xc9, 0xff, 0xff, 0xff, 0xff, 1])],
  ])('survives %s', (_, bytes) => {
    for (const direction of DIRECTIONS) expect(tryDecode(direction, bytes)).toBe(false);
  });

  it('survives every extension type and keeps nothing of it for the next message', () => {
    const idle = Buffer.from([0x93, 4, 0x40, 0x41]);
    expect(decodeMessage('agent-up', idle)).toEqual({ type: 'IDLE', queue: 0x40, seq: 0x41 });
    for (let type = 0; type < 256; type++) {
      for (const body of [[0x91, 1], [0x40], [0x93, 0xa1, 0x61, 1, 2], [0x80], []]) {
        for (const head of [
          [0xd4, type],
          [0xd5, type, 0x40],
          [0xc7, body.length, type],
        ]) {
          const bytes = Uint8Array.from([0x93, 4, ...head, ...body, 1]);
          for (const direction of DIRECTIONS) tryDecode(direction, bytes);
        }
      }
    }
    expect(decodeMessage('agent-up', idle)).toEqual({ type: 'IDLE', queue: 0x40, seq: 0x41 });
  });

  it('gives no message a property that the table does not have', () => {
    const hostile = Buffer.concat([
      Buffer.from([0x93, 33, 1, 0x81, 0xa9]),
      Buffer.from('__proto__'),
      Buffer.from([0x81, 0xa8]),
      Buffer.from('polluted'),
      Buffer.from([0xc3]),
    ]);
    expect(tryDecode('control-down', hostile)).toBe(false);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('the decoder of the shim, under sanitizers', () => {
  it.each(SEEDS)('takes or refuses noise and mutilated messages of seed %i', (seed) => {
    const output = expectSuccess('codec_fuzz', [String(seed), '60000']);
    const taken = Number(/^(\d+) of 60000 taken\n$/.exec(output)?.[1]);
    expect(taken).toBeGreaterThan(6000);
    expect(taken).toBeLessThan(54_000);
  });
});

function repeat(bytes: readonly number[]): Buffer {
  const times = Math.floor(LIMITS.MESSAGE_BYTES / bytes.length);
  return Buffer.concat(Array.from({ length: times }, () => Buffer.from(bytes)));
}
