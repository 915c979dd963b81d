// Where tests keep what they download, outside the repository.

import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ABANDONED_MS = 3_600_000;

/** Where every installation lies: `$XDG_CACHE_HOME/xsched-test`, else `~/.cache/xsched-test`. */
export function cacheFolder() {
  const wanted = process.env.XDG_CACHE_HOME;
  const base = wanted && path.isAbsolute(wanted) ? wanted : path.join(os.homedir(), '.cache');
  return path.join(base, 'xsched-test');
}

/** Removes what installations left behind that were ended by force. */
function removeAbandoned(cache) {
  for (const name of fs.readdirSync(cache)) {
    if (!name.includes('.partial-')) continue;
    const folder = path.join(cache, name);
    const changed = fs.statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - changed > ABANDONED_MS) fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Moves a finished installation into place; another one may have got there first, and will do. */
function publish(partial, folder) {
  try {
    fs.renameSync(partial, folder);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

/**
 * Fills a folder of the cache unless it is there. It appears with all that it holds or not at all,
 * and several processes may do this at once.
 * @param {string} folder absolute path, right in the cache
 * @param {(partial: string) => void} fill puts everything into the folder that it is given, which
 * becomes `folder` once it returns
 */
export function installOnce(folder, fill) {
  if (fs.existsSync(folder)) return;
  const partial = `${folder}.partial-${randomUUID()}`;
  fs.mkdirSync(partial, { recursive: true });
  removeAbandoned(path.dirname(folder));
  try {
    fill(partial);
    publish(partial, folder);
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
  }
}
