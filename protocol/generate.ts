/**
 * Writes `generated/messages.ts` and `generated/xsched_protocol.h` from the table in `messages.ts`.
 *
 * `node build/js/protocol/generate.js [folder]` writes both; the repository's test writes them to
 * memory and demands that they equal what is committed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderHeader } from './render-header.js';
import { renderTypes } from './render-types.js';

/** The generated files by name. */
export function renderAll(): Readonly<Record<string, string>> {
  return { 'messages.ts': renderTypes(), 'xsched_protocol.h': renderHeader() };
}

/** Writes the generated files into `folder`, which is made if it is missing. */
export function writeAll(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(renderAll())) writeFileSync(join(folder, name), text);
}

const invoked = process.argv[1];
if (invoked !== undefined && resolve(invoked) === fileURLToPath(import.meta.url)) {
  writeAll(process.argv[2] ?? join('protocol', 'generated'));
}
