/** What the codec of TypeScript refuses, and in which words. */
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, ProtocolError } from '../../../protocol/codec.js';
import type { Message } from '../../../protocol/generated/messages.js';
import { ERROR_CODES, LIMITS, MESSAGES, PROTOCOL_VERSION } from '../../../protocol/messages.js';
import type { Direction } from '../../../protocol/messages.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** A HELLO's values with some of them changed, by their place after the opcode. */
function packHello(changes: Readonly<Record<number, unknown>>): Buffer {
  const values: unknown[] = [
    1,
    PROTOCOL_VERSION,
    4711,
    99,
    '/bin/a',
    'a b',
    'a',
    true,
    5,
    '0.1',
    0,
  ];
  for (const [index, value] of Object.entries(changes)) values[Number(index)] = value;
  return packr.pack(values);
}

/** The code's name and the sentence with which bytes are refused. */
function refuse(direction: Direction, bytes: Uint8Array): [string, string, number] {
  try {
    decodeMessage(direction, bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const name = Object.entries(ERROR_CODES).find(([, code]) => code === error.code)?.[0];
    return [name ?? String(error.code), error.message, error.request];
  }
  throw new Error('nothing was refused');
}

describe('decodeMessage', () => {
  it('takes what is as long as the limit and refuses what is longer, before it looks', () => {
    const bytes = Buffer.alloc(LIMITS.MESSAGE_BYTES + 1, 0xc1);
    const text = 'a message of 16385 bytes is over the limit of 16384';
    expect(refuse('agent-up', bytes)).toEqual(['LIMIT', text, 0]);
    expect(refuse('agent-down', bytes)).toEqual(['LIMIT', text, 0]);
    expect(refuse('control-up', bytes)).toEqual(['LIMIT', text, 0]);
    expect(refuse('agent-up', bytes.subarray(1))[0]).toBe('MALFORMED');
  });

  it('takes replies to controllers up to a limit of their own', () => {
    const queues = Array.from({ length: 600 }, (_, index) => `${index}`.padStart(64, '4'));
    const reply: Message = { type: 'HINT_REPLY', request: 1, queues };
    const bytes = encodeMessage(reply);
    expect(bytes.length).toBeGreaterThan(LIMITS.MESSAGE_BYTES);
    expect(decodeMessage('control-down', bytes)).toEqual(reply);
    const text = 'a message of 16777217 bytes is over the limit of 16777216';
    const long = Buffer.alloc(LIMITS.REPLY_BYTES + 1);
    expect(refuse('control-down', long)).toEqual(['LIMIT', text, 0]);
  });

  it.each([
    ['nothing', [], 'not msgpack: Unexpected end of MessagePack data'],
    ['half an array', [0x93, 1], 'not msgpack: Unexpected end of MessagePack data'],
    ['a stray byte', [0x91, 4, 2], 'not msgpack: Data read, but end of buffer not reached'],
    ['a number', [7], 'a message is an array, not 7'],
    ['a map', [0x81, 0xa1, 0x61, 1], 'a message is an array, not {"a":1}'],
    ['nil', [0xc0], 'a message is an array, not null'],
  ])('refuses %s as no message', (_, bytes, text) => {
    const [code, message] = refuse('agent-up', Uint8Array.from(bytes));
    expect([code, message.slice(0, text.length)]).toEqual(['MALFORMED', text]);
  });

  it.each([
    ['an empty array', [], 'opcode nothing is not one of agent-up'],
    ['an opcode of nobody', [99], 'opcode 99 is not one of agent-up'],
    ['an opcode in words', ['HELLO'], 'opcode "HELLO" is not one of agent-up'],
    ['a fraction', [1.5], 'opcode 1.5 is not one of agent-up'],
    ['a list', [[1]], 'opcode [1] is not one of agent-up'],
    ['a long opcode', ['x'.repeat(99)], `opcode "${'x'.repeat(76)}... is not one of agent-up`],
  ])('refuses %s', (_, values, text) => {
    expect(refuse('agent-up', packr.pack(values))).toEqual(['MALFORMED', text, 0]);
  });

  it('refuses every message in the three directions that it does not travel', () => {
    const directions: Direction[] = ['agent-up', 'agent-down', 'control-up', 'control-down'];
    for (const { opcode, direction } of MESSAGES) {
      for (const other of directions) {
        if (other === direction) continue;
        const text = `opcode ${opcode} is not one of ${other}`;
        expect(refuse(other, packr.pack([opcode, 1, 1]))).toEqual(['MALFORMED', text, 0]);
      }
    }
  });

  it('refuses a field too few and a field too many', () => {
    expect(refuse('agent-up', packr.pack([4, 1]))).toEqual([
      'MALFORMED',
      'IDLE has 1 fields, expected 2',
      0,
    ]);
    expect(refuse('agent-up', packr.pack([7, 1]))).toEqual([
      'MALFORMED',
      'BYE has 1 fields, expected 0',
      0,
    ]);
  });

  it('tells a controller which of its requests was wrong, where that can be read', () => {
    expect(refuse('control-up', packr.pack([40, 77]))).toEqual([
      'MALFORMED',
      'ENABLE has 1 fields, expected 2',
      77,
    ]);
    expect(refuse('control-up', packr.pack([40, 78, 1]))).toEqual([
      'INVALID',
      'ENABLE.enabled must be boolean, got 1',
      78,
    ]);
    expect(refuse('control-up', packr.pack([40, -1, true]))).toEqual([
      'INVALID',
      'ENABLE.request must be >= 0, got -1',
      0,
    ]);
  });

  it.each([
    ['HELLO.pid must be integer, got "4711"', { 2: '4711' }],
    ['HELLO.pid must be integer, got 1.5', { 2: 1.5 }],
    ['HELLO.pid must be integer, got null', { 2: null }],
    ['HELLO.pid must be >= 0, got -1', { 2: -1 }],
    ['HELLO.pid must be <= 4294967295, got 4294967296', { 2: 2 ** 32 }],
    ['HELLO.startTime must be <= 9007199254740991, got 9007199254740992', { 3: 2 ** 53 }],
    ['HELLO.startTime must be integer, got null', { 3: NaN }],
    ['HELLO.exe must be string, got 5', { 4: 5 }],
    [
      `HELLO.exe must be at most 4096 bytes long, got "${'e'.repeat(76)}...`,
      { 4: 'e'.repeat(4097) },
    ],
    [
      `HELLO.name must be at most 256 bytes long, got "${'ü'.repeat(76)}...`,
      { 6: 'ü'.repeat(129) },
    ],
    ['HELLO.hasPriority must be boolean, got 0', { 7: 0 }],
    ['HELLO.priority must be >= -255, got -256', { 8: -256 }],
    ['HELLO.priority must be <= 255, got 256', { 8: 256 }],
    ['HELLO.shim must be string, got ["a"]', { 9: ['a'] }],
    ['HELLO.shim must be string, got {"__proto_":1}', { 9: new Map([['__proto__', 1]]) }],
  ])('says "%s"', (text, changes) => {
    expect(refuse('agent-up', packHello(changes))).toEqual(['INVALID', text, 0]);
  });

  it('counts the bytes of a text, not its letters', () => {
    const bytes = packHello({ 6: 'ü'.repeat(128) });
    expect(decodeMessage('agent-up', bytes)).toMatchObject({ name: 'ü'.repeat(128) });
  });

  it('names the other version before what that version changed', () => {
    const text = 'HELLO speaks version 9 of the protocol, this side version 6';
    expect(refuse('agent-up', packr.pack([1, 9, 'anything', 'else']))).toEqual([
      'VERSION',
      text,
      0,
    ]);
    expect(refuse('agent-up', packHello({ 1: 9, 2: 'x' }))).toEqual(['VERSION', text, 0]);
    expect(refuse('agent-up', packHello({ 1: PROTOCOL_VERSION, 2: 'x' }))[0]).toBe('INVALID');
    // Whoever reads it decides about a HELLO that is right in every field.
    expect(decodeMessage('agent-up', packHello({ 1: 9 }))).toMatchObject({ version: 9 });
    expect(refuse('control-up', packr.pack([32, 5, 9, 'new field']))).toEqual([
      'VERSION',
      'STATUS speaks version 9 of the protocol, this side version 6',
      5,
    ]);
  });

  it('checks the records in a list', () => {
    const reply = packr.pack([35, 1, [{ id: '1.1' }]]);
    expect(refuse('control-down', reply)).toEqual([
      'INVALID',
      `LIST_REPLY.queues.0 must have required property 'pid', got {"id":"1.1"}`,
      1,
    ]);
  });
});

describe('encodeMessage', () => {
  it('packs records as maps, and what it packed is what another library packs', () => {
    const call = {
      ...{ pid: 4711, name: 'serve', function: 'cuFooAsync' },
      ...{ passed: 1, gated: 200, bypassed: 70_000, captured: 2 ** 32, unknown: 0 },
    };
    const list: Message = { type: 'CALLS_LIST', request: 7 };
    const reply: Message = { type: 'CALLS_REPLY', request: 7, calls: [call] };
    // As Python's msgpack makes them, with the integer of 2^32 as a float.
    const bytes =
      '932f079188a3706964cd1267a46e616d65a57365727665a866756e6374696f6eaa6375466f6f4173796e63' +
      'a670617373656401a56761746564ccc8a86279706173736564ce00011170' +
      'a86361707475726564cb41f0000000000000a7756e6b6e6f776e00';
    expect(encodeMessage(list).toString('hex')).toBe('922e07');
    expect(encodeMessage(reply).toString('hex')).toBe(bytes);
    const integer = bytes.replace('cb41f0000000000000', 'cf0000000100000000');
    expect(decodeMessage('control-down', Buffer.from(integer, 'hex'))).toEqual(reply);
  });

  it('refuses a message that the table does not have', () => {
    const message = { type: 'GREETING' } as unknown as Message;
    expect(() => encodeMessage(message)).toThrow("the table has no message 'GREETING'");
  });
});
