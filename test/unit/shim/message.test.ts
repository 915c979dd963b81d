/** What the shim's codec refuses, and in which words; and how it cuts what is too large. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Packr } from 'msgpackr';
import { LIMITS, MESSAGES } from '../../../protocol/messages.js';
import type { Field } from '../../../protocol/messages.js';
import { buildAsanPrograms, expectSuccess } from './programs.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });

beforeAll(buildAsanPrograms, 150_000);

function runCodecLines(lines: readonly string[]): readonly string[] {
  const input = lines.map((line) => `${line}\n`).join('');
  return expectSuccess('codec', [], { input }).split('\n').slice(0, -1);
}

function runCodec(line: string): string {
  return runCodecLines([line]).join();
}

function decodeValues(...values: unknown[]): string {
  return runCodec(`decode ${packr.pack(values).toString('hex')}`);
}

function encodeText(text: string): string {
  const hex = runCodec(`encode 2000 ERROR message=${Buffer.from(text).toString('hex')}`);
  // The array's head, the opcode and the code come before the text's head of three bytes.
  expect(hex.slice(0, 8)).toBe('931300da');
  const bytes = Buffer.from(hex, 'hex');
  expect(bytes.readUInt16BE(4)).toBe(bytes.length - 6);
  return bytes.subarray(6).toString();
}

describe('message_decode', () => {
  it.each([
    ['nothing', '', 'not an array that begins with an opcode'],
    ['an empty array', '90', 'not an array that begins with an opcode'],
    ['a map', '8101', 'not an array that begins with an opcode'],
    ['an array without its length', 'dc00', 'not an array that begins with an opcode'],
    ['an array of four length bytes', 'dd00000001', 'not an array that begins with an opcode'],
    ['a word as opcode', '91a141', 'not an array that begins with an opcode'],
    ['an opcode of nobody', '9163', 'opcode 99 is none that a daemon sends'],
    ['a negative opcode', '91ff', 'opcode -1 is none that a daemon sends'],
    ['an opcode beyond a byte', '91cd0111', 'opcode 273 is none that a daemon sends'],
    ['an opcode of a shim', '9104', 'opcode 4 is none that a daemon sends'],
    ['an opcode of a controller', '9121', 'opcode 33 is none that a daemon sends'],
    ['a field too few', '9213 01', 'ERROR has 1 fields, expected 2'],
    ['a field too many', '941301a001', 'ERROR has 3 fields, expected 2'],
    ['65,535 fields', 'dcffff13', 'ERROR has 65534 fields, expected 2'],
    ['a stray byte', '931301a000', 'ERROR is followed by 1 stray bytes'],
  ])('refuses %s', (_, hex, text) => {
    expect(runCodec(`decode ${hex.replaceAll(' ', '')}`)).toBe(`error ${text}`);
  });

  it('takes an array whose length has two bytes', () => {
    expect(runCodec('decode dc00031301a161')).toBe('ERROR code=1 message=61');
  });

  it.each([
    ['WELCOME.version is not a whole number', [16, '1', 7, true, false]],
    ['WELCOME.version is -1, expected 0 to 4294967295', [16, -1, 7, true, false]],
    ['WELCOME.version is 4294967296, expected 0 to 4294967295', [16, 2 ** 32, 7, true, false]],
    ['WELCOME.generation is not a whole number', [16, 1, 1.5, true, false]],
    ['WELCOME.generation is not a whole number', [16, 1, NaN, true, false]],
    ['WELCOME.generation is not a whole number', [16, 1, Infinity, true, false]],
    ['WELCOME.generation is not a whole number', [16, 1, 1e300, true, false]],
    ['WELCOME.generation is not a whole number', [16, 1, -1e300, true, false]],
    ['WELCOME.generation is not a whole number', [16, 1, 2n ** 63n, true, false]],
    ['WELCOME.generation is not a whole number', [16, 1, null, true, false]],
    ['WELCOME.enabled is not a boolean', [16, 1, 7, 1, false]],
    ['WELCOME.streamPriority is not a boolean', [16, 1, 7, true, null]],
    ['PERMIT.priority is 256, expected -255 to 255', [17, 1, 1, 1, 256, 0, 0, true, true, true, 0]],
    [
      'PERMIT.priority is -256, expected -255 to 255',
      [17, 1, 1, 1, -256, 0, 0, true, true, true, 0],
    ],
    ['SUSPEND.window is 1022, expected 0 to 1021', [18, 1, 1, 1, 0, 1022, 0, true, true, true, 0]],
    [
      'PERMIT.latency is 1000001, expected 0 to 1000000',
      [17, 1, 1, 1, 0, 8, 1_000_001, true, true, true, 0],
    ],
    ['PERMIT.slot is 4097, expected 0 to 4096', [17, 1, 1, 1, 0, 0, 0, true, true, true, 4097]],
    ['ERROR.message is not a string', [19, 1, 5]],
    ['ERROR.message has 1025 bytes, the limit is 1024', [19, 1, 'x'.repeat(1025)]],
    ['ERROR.message has 1026 bytes, the limit is 1024', [19, 1, 'ü'.repeat(513)]],
  ])('says "%s"', (text, values) => {
    expect(decodeValues(...values)).toBe(`error ${text}`);
  });

  it('stops where the values stop', () => {
    expect(runCodec('decode 9313')).toBe('error ERROR.code is not a whole number');
    expect(runCodec('decode 931301a5616263')).toBe('error ERROR.message is not a string');
    expect(runCodec('decode 931301dbffffffff')).toBe('error ERROR.message is not a string');
    expect(runCodec('decode 951001')).toBe('error WELCOME.generation is not a whole number');
    expect(runCodec('decode 95100107')).toBe('error WELCOME.enabled is not a boolean');
  });
});

describe('message_encode', () => {
  /** Every number field of every message, with its message. */
  const numbers = MESSAGES.filter(({ direction }) => direction.startsWith('agent')).flatMap(
    (spec) =>
      spec.fields
        .filter(({ type }) => type === 'i32' || type === 'u32' || type === 'u64')
        .map((field) => ({ spec, field, title: `${spec.name}.${field.name}` })),
  );

  /** Values in pairs: the second is what the first is cut to. */
  function listCuts(field: Field): [bigint, bigint][] {
    if (field.type === 'u64') {
      const largest = BigInt(Number.MAX_SAFE_INTEGER);
      // All bits set: read as signed it is -1.
      return [
        [largest + 1n, largest],
        [-1n, largest],
      ];
    }
    const { min, max } = field as { min?: number; max?: number };
    const cuts: [bigint, bigint][] = [];
    if (max !== undefined) {
      cuts.push([BigInt(max) + 1n, BigInt(max)], [0x7fffffffn, BigInt(max)]);
    }
    if (min !== undefined) {
      cuts.push([BigInt(min) - 1n, BigInt(min)], [-0x80000000n, BigInt(min)]);
    }
    return cuts;
  }

  it('cuts numbers to their ranges', () => {
    const cases = numbers.flatMap(({ spec, field, title }) =>
      listCuts(field).map((cut) => ({ spec, field, title, cut })),
    );
    expect(cases.length).toBeGreaterThan(20);
    const frames = runCodecLines(
      cases.flatMap(({ spec, field, cut }) =>
        cut.map((value) => `encode 2000 ${spec.name} ${field.name}=${String(value)}`),
      ),
    );
    cases.forEach(({ title, cut }, index) => {
      const [frame, expected] = frames.slice(2 * index);
      expect(frame, `${title} = ${String(cut[0])}`).toBe(expected);
    });
  });

  it('cuts a text over its limit at the end of a letter', () => {
    expect(encodeText('x'.repeat(1025))).toBe('x'.repeat(1024));
    expect(encodeText('ü'.repeat(513))).toBe('ü'.repeat(512));
    expect(encodeText(`x${'ü'.repeat(513)}`)).toBe(`x${'ü'.repeat(511)}`);
    for (const shift of ['', 'x', 'xx', 'xxx']) {
      const cut = encodeText(`${shift}${'🚀'.repeat(300)}`);
      expect(cut).toBe(`${shift}${'🚀'.repeat(Math.floor((1024 - shift.length) / 4))}`);
    }
  });

  it('keeps a HELLO of the longest texts within the limit of a frame', () => {
    const fields = ['exe', 'command', 'name', 'shim'].map((name) => `${name}=${'41'.repeat(9000)}`);
    const hex = runCodec(`encode ${LIMITS.MESSAGE_BYTES} HELLO ${fields.join(' ')}`);
    expect(hex.length / 2).toBeGreaterThan(8500);
  });
});
