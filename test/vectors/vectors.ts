/**
 * The golden messages in messages.json: the bytes of each message, which both languages must make
 * of its fields and must turn back into them.
 *
 * A JavaScript peer packs an integer of 2^32 and more as a float of eight bytes, the shim as an
 * integer of eight bytes. Both decode either; where the encodings differ, `javascriptBytes` holds
 * the other one.
 */
import fs from 'node:fs';
import type { Message } from '../../protocol/generated/messages.js';
import { MESSAGES } from '../../protocol/messages.js';
import type { MessageSpec } from '../../protocol/messages.js';

/** Text, or in `bytes` hexadecimal digits, `times` in a row. */
interface Run {
  readonly repeat: string;
  readonly times: number;
}

type StoredValue = number | boolean | string | Run;

interface StoredVector {
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, StoredValue>>;
  readonly bytes: readonly (string | Run)[];
  readonly javascriptBytes?: readonly (string | Run)[];
}

export interface Vector {
  readonly name: string;
  readonly spec: MessageSpec;
  readonly message: Message;
  /** What the shim makes of it, in hexadecimal. */
  readonly hex: string;
  /** What a JavaScript peer makes of it, in hexadecimal. */
  readonly javascriptHex: string;
}

function unroll(part: string | Run): string {
  return typeof part === 'string' ? part : part.repeat.repeat(part.times);
}

function readVector(stored: StoredVector): Vector {
  const spec = MESSAGES.find(({ name }) => name === stored.message);
  if (spec === undefined) throw new Error(`no message is called ${stored.message}`);
  const fields = Object.entries(stored.fields).map(([name, value]) => [
    name,
    typeof value === 'object' ? unroll(value) : value,
  ]);
  const hex = stored.bytes.map(unroll).join('');
  return {
    name: stored.name,
    spec,
    message: { type: stored.message, ...Object.fromEntries(fields) } as Message,
    hex,
    javascriptHex: stored.javascriptBytes?.map(unroll).join('') ?? hex,
  };
}

const file = new URL('messages.json', import.meta.url);

export const VECTORS: readonly Vector[] = (
  JSON.parse(fs.readFileSync(file, 'utf8')) as StoredVector[]
).map(readVector);
