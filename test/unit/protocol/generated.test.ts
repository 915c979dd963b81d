/** What is committed as generated is what the table generates today. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { renderAll, writeAll } from '../../../protocol/generate.js';
import { ERROR_CODES, LIMITS, MESSAGES, RECORDS } from '../../../protocol/messages.js';

const committed = fileURLToPath(new URL('../../../protocol/generated/', import.meta.url));

describe('the generated files', () => {
  it('are those that the table makes', () => {
    const rendered = renderAll();
    expect(Object.keys(rendered).sort()).toEqual(fs.readdirSync(committed).sort());
    for (const [name, text] of Object.entries(rendered)) {
      expect(fs.readFileSync(path.join(committed, name), 'utf8'), name).toBe(text);
    }
  });

  it('are written into a folder that need not exist', () => {
    const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-generated-'));
    onTestFinished(() => fs.rmSync(parent, { recursive: true }));
    const folder = path.join(parent, 'deep', 'folder');
    writeAll(folder);
    for (const [name, text] of Object.entries(renderAll())) {
      expect(fs.readFileSync(path.join(folder, name), 'utf8')).toBe(text);
    }
  });
});

describe('the table of messages', () => {
  it('gives every message an opcode and a name of its own', () => {
    expect(new Set(MESSAGES.map(({ opcode }) => opcode)).size).toBe(MESSAGES.length);
    expect(new Set(MESSAGES.map(({ name }) => name)).size).toBe(MESSAGES.length);
    // One byte of msgpack, and the head of an array of at most 15 values.
    for (const { name, opcode, fields } of MESSAGES) {
      expect(opcode, name).toBeGreaterThan(0);
      expect(opcode, name).toBeLessThan(128);
      expect(fields.length, name).toBeLessThan(15);
    }
  });

  it('names each field of a message or record once', () => {
    for (const { name, fields } of [...MESSAGES, ...RECORDS]) {
      expect(new Set(fields.map((field) => field.name)).size, name).toBe(fields.length);
    }
  });

  it('has limits that the largest message of a shim keeps', () => {
    const largest = MESSAGES.filter(({ direction }) => direction.startsWith('agent')).map(
      ({ fields }) =>
        2 + fields.reduce((sum, field) => sum + (field.type === 'str' ? 3 + field.max : 9), 0),
    );
    expect(Math.max(...largest)).toBeLessThanOrEqual(LIMITS.MESSAGE_BYTES);
  });

  it('gives every error a number of its own', () => {
    const codes = Object.values(ERROR_CODES);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
