// Which folders hold C or C++ that make builds.

import fs from 'node:fs';
import path from 'node:path';

/**
 * The folders with a Makefile, in the order in which they are built: the product before its tests.
 * @param {string} root the repository
 * @returns {string[]} relative to root
 */
export function listMakeFolders(root) {
  const tests = fs.readdirSync(path.join(root, 'test')).sort();
  const folders = ['native', 'shim', ...tests.map((name) => path.join('test', name))];
  return folders.filter((folder) => fs.existsSync(path.join(root, folder, 'Makefile')));
}
