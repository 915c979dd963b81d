/** The TypeScript half of the generator: types, opcodes and ajv schemas of all messages. */
import { MESSAGES, RECORDS } from './messages.js';
import type { Field, MessageSpec, RecordSpec } from './messages.js';

type Schema = Readonly<Record<string, unknown>>;

const INTEGER_RANGE = {
  u8: { minimum: 0, maximum: 0xff },
  u32: { minimum: 0, maximum: 0xffffffff },
  // Beyond 2^53 a JavaScript number is no longer exact; counters and handles stay below it, and
  // decoders refuse what does not.
  u64: { minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  i32: { minimum: -0x80000000, maximum: 0x7fffffff },
} as const;

function typeOf(field: Field): string {
  switch (field.type) {
    case 'bool':
      return 'boolean';
    case 'str':
      return 'string';
    case 'strings':
      return 'readonly string[]';
    case 'list':
      return `readonly ${field.of}[]`;
    case 'record':
      return field.of;
    default:
      return 'number';
  }
}

function schemaOf(field: Field): Schema {
  switch (field.type) {
    case 'bool':
      return { type: 'boolean' };
    case 'str':
      return { type: 'string', maxBytes: field.max };
    case 'strings':
      return {
        type: 'array',
        maxItems: field.max,
        items: { type: 'string', maxBytes: field.maxLength },
      };
    case 'list':
      return { type: 'array', maxItems: field.max, items: recordSchema(field.of) };
    case 'record':
      return recordSchema(field.of);
    default: {
      const range = INTEGER_RANGE[field.type];
      return {
        type: 'integer',
        minimum: field.min ?? range.minimum,
        maximum: field.max ?? range.maximum,
      };
    }
  }
}

function recordSchema(name: string): Schema {
  const record = RECORDS.find((candidate) => candidate.name === name);
  if (record === undefined) throw new Error(`the table names a record '${name}' that it lacks`);
  return objectSchema(record.fields, {});
}

function objectSchema(fields: readonly Field[], extra: Schema): Schema {
  const properties: Record<string, unknown> = { ...extra };
  for (const field of fields) properties[field.name] = schemaOf(field);
  return {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(properties),
    properties,
  };
}

function renderInterface(name: string, spec: MessageSpec | RecordSpec, tag: string): string {
  const lines = [`/** ${spec.doc} */`, `export interface ${name} {`];
  if (tag !== '') lines.push(`  readonly type: '${tag}';`);
  for (const field of spec.fields) {
    lines.push(`  /** ${field.doc} */`, `  readonly ${field.name}: ${typeOf(field)};`);
  }
  lines.push('}', '');
  return lines.join('\n');
}

/** The interface name of a message: HINT_REPLY becomes HintReply. */
function interfaceName(message: string): string {
  return message
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** The text of `generated/messages.ts`. */
export function renderTypes(): string {
  const parts = [
    '/* Generated from protocol/messages.ts by protocol/generate.ts: change the table instead. */\n',
  ];
  for (const record of RECORDS) parts.push(renderInterface(record.name, record, ''));
  for (const message of MESSAGES) {
    parts.push(renderInterface(`${interfaceName(message.name)}Message`, message, message.name));
  }
  const unions = [
    ['AgentUp', 'agent-up'],
    ['AgentDown', 'agent-down'],
    ['ControlUp', 'control-up'],
    ['ControlDown', 'control-down'],
  ] as const;
  for (const [name, direction] of unions) {
    const members = MESSAGES.filter((message) => message.direction === direction);
    const list = members.map((message) => `  | ${interfaceName(message.name)}Message`);
    parts.push(`export type ${name} =\n${list.join('\n')};\n`);
  }
  parts.push('export type Message = AgentUp | AgentDown | ControlUp | ControlDown;\n');
  const schemas = MESSAGES.map((message) => {
    const schema = objectSchema(message.fields, { type: { const: message.name } });
    return `  ${message.name}: ${JSON.stringify(schema)},`;
  });
  parts.push(
    `/** JSON schemas of the decoded messages; \`maxBytes\` is a keyword of codec.ts. */\n` +
      `export const SCHEMAS: Readonly<Record<Message['type'], object>> = {\n${schemas.join('\n')}\n};\n`,
  );
  return parts.join('\n');
}
