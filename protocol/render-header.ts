/** The C half of the generator: opcodes, limits, structs and field tables of the shim's messages. */
import { ERROR_CODES, LEVELS, LIMITS, MESSAGES, PROTOCOL_VERSION } from './messages.js';
import type { Field, MessageSpec } from './messages.js';

const C_TYPES = {
  u8: ['uint8_t', 'XSP_U8', '0', '0xff'],
  u32: ['uint32_t', 'XSP_U32', '0', '0xffffffff'],
  // The largest integer that both languages hold exactly; the schemas have the same limit.
  u64: ['uint64_t', 'XSP_U64', '0', '0x1fffffffffffff'],
  i32: ['int32_t', 'XSP_I32', '-0x7fffffff - 1', '0x7fffffff'],
  bool: ['bool', 'XSP_BOOL', '0', '1'],
  str: ['xsp_str', 'XSP_STR', '0', ''],
} as const;

/** camelCase to snake_case: startTime becomes start_time. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function cType(field: Field): readonly [string, string, string, string] {
  if (field.type === 'list' || field.type === 'strings' || field.type === 'record') {
    throw new Error(
      `field '${field.name}' has type ${field.type}, which the C side has no need of`,
    );
  }
  const [type, tag, low, high] = C_TYPES[field.type];
  const min = 'min' in field ? String(field.min) : low;
  const max = 'max' in field ? String(field.max) : high;
  return [type, tag, min, max];
}

/** The union's member for a message; `register` is a keyword of C. */
function memberName(message: MessageSpec): string {
  const name = message.name.toLowerCase();
  return name === 'register' ? 'registration' : name;
}

function renderStruct(message: MessageSpec): string {
  const fields = message.fields.map((field) => `    ${cType(field)[0]} ${snake(field.name)};`);
  // C has no empty struct.
  if (fields.length === 0) fields.push('    uint8_t unused;');
  return `/* ${message.doc} */\ntypedef struct {\n${fields.join('\n')}\n} xsp_${message.name.toLowerCase()};\n`;
}

function renderTable(message: MessageSpec): string {
  const name = message.name.toLowerCase();
  const rows = message.fields.map((field) => {
    const [, tag, min, max] = cType(field);
    return `    {"${field.name}", ${tag}, offsetof(xsp_${name}, ${snake(field.name)}), ${min}, ${max}},`;
  });
  if (rows.length === 0) return '';
  return `static const xsp_field xsp_${name}_fields[] = {\n${rows.join('\n')}\n};\n`;
}

/** The text of `generated/xsched_protocol.h`. */
export function renderHeader(): string {
  const messages = MESSAGES.filter((message) => message.direction.startsWith('agent'));
  const defines = [
    `#define XSP_VERSION ${String(PROTOCOL_VERSION)}`,
    ...Object.entries(LIMITS).map(([name, value]) => `#define XSP_${name} (${String(value)})`),
    ...Object.entries(LEVELS).map(([name, level]) => `#define XSP_LEVEL_${name} ${String(level)}`),
    ...Object.entries(ERROR_CODES).map(
      ([name, code]) => `#define XSP_ERROR_${name} ${String(code)}`,
    ),
  ];
  const opcodes = messages.map(
    (message) => `    XSP_OP_${message.name} = ${String(message.opcode)},`,
  );
  const rows = messages.map((message) => {
    const name = message.name.toLowerCase();
    const fields = message.fields.length === 0 ? 'NULL' : `xsp_${name}_fields`;
    const up = message.direction === 'agent-up' ? '1' : '0';
    return `    {"${message.name}", XSP_OP_${message.name}, ${up}, ${String(message.fields.length)}, sizeof(xsp_${name}), ${fields}},`;
  });
  const union = messages.map(
    (message) => `        xsp_${message.name.toLowerCase()} ${memberName(message)};`,
  );
  return `/* Generated from protocol/messages.ts by protocol/generate.ts: change the table instead. */
// clang-format off
#ifndef XSCHED_PROTOCOL_H
#define XSCHED_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

${defines.join('\n')}

enum xsp_opcode {
${opcodes.join('\n')}
};

/* A slice of bytes that belongs to somebody else; not terminated. */
typedef struct {
    const char *data;
    uint32_t len;
} xsp_str;

${messages.map(renderStruct).join('\n')}
/* Any message; \`opcode\` says which member holds. */
typedef struct {
    enum xsp_opcode opcode;
    union {
${union.join('\n')}
    } as;
} xsp_any;

enum xsp_type { XSP_U8, XSP_U32, XSP_U64, XSP_I32, XSP_BOOL, XSP_STR };

/* One field: its place in the struct and its range; for strings \`max\` is the limit in bytes. */
typedef struct {
    const char *name;
    enum xsp_type type;
    size_t offset;
    int64_t min;
    int64_t max;
} xsp_field;

typedef struct {
    const char *name;
    enum xsp_opcode opcode;
    bool up;
    uint32_t count;
    size_t size;
    const xsp_field *fields;
} xsp_spec;

/* The tables are wanted in one file only. */
#ifdef XSP_DEFINE_TABLES
${messages
  .map(renderTable)
  .filter((text) => text !== '')
  .join('\n')}
static const xsp_spec xsp_specs[] = {
${rows.join('\n')}
};
#endif

#endif
// clang-format on
`;
}
