// Remembers what has been done on which files, so that it is not done again while they stay.

import fs from 'node:fs';
import path from 'node:path';
import { digestFiles } from './sources.mjs';

/**
 * Runs an action unless it succeeded before on the very same files.
 * @param {string} root the repository
 * @param {string} stamp where the digest of the files is kept, relative to root
 * @param {string[]} files relative to root
 * @param {() => Promise<unknown>} action may change the files
 * @returns {Promise<string>} "unchanged" when there was nothing to do, else how many files there are
 */
export async function runUnlessDone(root, stamp, files, action) {
  const stampFile = path.join(root, stamp);
  if (fs.existsSync(stampFile)) {
    if (fs.readFileSync(stampFile, 'utf8') === digestFiles(root, files)) return 'unchanged';
    // Gone while the action runs: one that is cut short has not been done.
    fs.rmSync(stampFile);
  }
  await action();
  fs.mkdirSync(path.dirname(stampFile), { recursive: true });
  fs.writeFileSync(stampFile, digestFiles(root, files));
  return files.length === 1 ? '1 file' : `${files.length} files`;
}
