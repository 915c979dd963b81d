/** The golden messages, through the codec of TypeScript and through that of the shim. */
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../../protocol/codec.js';
import type { Message } from '../../../protocol/generated/messages.js';
import { MESSAGES, PROTOCOL_VERSION } from '../../../protocol/messages.js';
import type { MessageSpec } from '../../../protocol/messages.js';
import { VECTORS } from '../../vectors/vectors.js';
import { buildAsanPrograms, expectSuccess } from '../shim/programs.js';

beforeAll(buildAsanPrograms, 150_000);

/** The fields of a message as test/shim/codec.c reads and prints them. */
function formatFields(spec: MessageSpec, message: Message): string {
  const values = message as unknown as Readonly<Record<string, string | number | boolean>>;
  return [
    spec.name,
    ...spec.fields.map(({ name }) => {
      const value = values[name];
      if (typeof value === 'string') return `${name}=${Buffer.from(value).toString('hex')}`;
      return `${name}=${Number(value)}`;
    }),
  ].join(' ');
}

/** Runs lines through the shim's codec. */
function runCodec(lines: readonly string[]): readonly string[] {
  const output = expectSuccess('codec', [], { input: lines.map((line) => `${line}\n`).join('') });
  return output.split('\n').slice(0, -1);
}

describe('the golden messages', () => {
  it('hold every message between shim and daemon: typical, minimal and maximal', () => {
    const names = VECTORS.map(({ name }) => name);
    for (const { name, direction, fields } of MESSAGES) {
      if (!direction.startsWith('agent')) continue;
      expect(names).toContain(`${name} typical`);
      if (fields.length === 0) continue;
      expect(names).toEqual(expect.arrayContaining([`${name} minimum`, `${name} maximum`]));
    }
  });

  it('go to the very ends of the limits', () => {
    for (const { name, spec, message } of VECTORS) {
      const end = / (minimum|maximum)$/.exec(name)?.[1];
      if (end === undefined) continue;
      // One step further in any field, and the decoder refuses it.
      for (const field of spec.fields) {
        if (field.type === 'bool') continue;
        if (end === 'minimum' && field.type === 'str') continue;
        const values: Record<string, unknown> = { ...message };
        const value = values[field.name];
        // What is of another version is refused for that before anything else.
        if ('version' in values) values['version'] = PROTOCOL_VERSION;
        const further =
          typeof value === 'string' ? `${value}y` : Number(value) + (end === 'maximum' ? 1 : -1);
        const beyond = encodeMessage({ ...values, [field.name]: further } as unknown as Message);
        expect(
          () => decodeMessage(spec.direction, beyond),
          `${name}, ${field.name} = ${String(further).slice(0, 20)}`,
        ).toThrow(`${spec.name}.${field.name} must `);
      }
    }
  });

  it.each(VECTORS)('TypeScript encodes and decodes $name', (vector) => {
    const { spec, message, hex, javascriptHex } = vector;
    expect(encodeMessage(message).toString('hex')).toBe(javascriptHex);
    expect(decodeMessage(spec.direction, Buffer.from(javascriptHex, 'hex'))).toEqual(message);
    expect(decodeMessage(spec.direction, Buffer.from(hex, 'hex'))).toEqual(message);
  });

  it('are what the shim encodes', () => {
    const lines = VECTORS.map(({ spec, message }) => `encode 16384 ${formatFields(spec, message)}`);
    expect(runCodec(lines)).toEqual(VECTORS.map(({ hex }) => hex));
  });

  it('are what the shim decodes, of either encoding', () => {
    const down = VECTORS.filter(({ spec }) => spec.direction === 'agent-down');
    const lines = down.flatMap(({ hex, javascriptHex }) => [
      `decode ${hex}`,
      `decode ${javascriptHex}`,
    ]);
    expect(runCodec(lines)).toEqual(
      down.flatMap(({ spec, message }) => {
        const fields = formatFields(spec, message);
        return [fields, fields];
      }),
    );
  });

  it('are refused by the shim where a daemon never sends them', () => {
    const up = VECTORS.filter(({ spec }) => spec.direction === 'agent-up');
    expect(runCodec(up.map(({ hex }) => `decode ${hex}`))).toEqual(
      up.map(({ spec }) => `error opcode ${spec.opcode} is none that a daemon sends`),
    );
  });

  it('are refused by the shim when they are cut anywhere or have a byte too many', () => {
    const down = VECTORS.filter(({ spec }) => spec.direction === 'agent-down');
    const lines = down.flatMap(({ hex }) => [
      ...Array.from({ length: hex.length / 2 }, (_, bytes) => `decode ${hex.slice(0, 2 * bytes)}`),
      `decode ${hex}00`,
    ]);
    const answers = runCodec(lines);
    expect(answers).toHaveLength(lines.length);
    for (const answer of answers) expect(answer).toMatch(/^error \S/);
  });

  it('fit in as many bytes as they have, and not in one less', () => {
    const lines = VECTORS.flatMap(({ spec, message, hex }) => {
      const fields = formatFields(spec, message);
      return [`encode ${hex.length / 2} ${fields}`, `encode ${hex.length / 2 - 1} ${fields}`];
    });
    expect(runCodec(lines)).toEqual(VECTORS.flatMap(({ hex }) => [hex, '-']));
  });
});
