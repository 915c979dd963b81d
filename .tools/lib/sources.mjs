// Which files of the repository the tools look at.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const SKIPPED = new Set(['.git', 'node_modules', 'build', 'out', '.cache']);

/**
 * All files of the repository whose name matches.
 * @param {string} root the repository
 * @param {RegExp} pattern what the file's name must match
 * @param {{generated: boolean}} options whether generated files count too
 * @returns {string[]} paths relative to root, sorted
 */
export function listSources(root, pattern, { generated } = { generated: false }) {
  const skips = (name) => SKIPPED.has(name) || (name === 'generated' && !generated);
  const found = [];
  const visit = (folder) => {
    for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory() && !skips(entry.name)) visit(name);
      else if (entry.isFile() && pattern.test(entry.name)) found.push(name);
    }
  };
  visit('');
  return found.sort();
}

/**
 * A digest of the names and contents of files; equal digests mean that nothing changed.
 * @param {string} root the repository
 * @param {string[]} files relative to root
 * @returns {string} hexadecimal
 */
export function digestFiles(root, files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file}\0`);
    hash.update(fs.readFileSync(path.join(root, file)));
    hash.update('\0');
  }
  return hash.digest('hex');
}
