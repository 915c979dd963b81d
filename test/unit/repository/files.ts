/** The files of the repository, for the tests that hold its rules. */

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** All files that are or could be committed, relative to the root. */
export function listFiles(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  const names = new Set(output.split('\0').filter((name) => name !== ''));
  return [...names].filter((name) => fs.existsSync(path.join(ROOT, name))).sort();
}

export function readText(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), 'utf8');
}

/** The folder at the top that a file belongs to; empty for a file at the top itself. */
export function topFolder(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
}
