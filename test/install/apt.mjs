// The distribution's package manager, used without changing the machine where that is possible.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const isRoot = process.getuid?.() === 0;
const TIMEOUT_MS = 300_000;

function runApt(args, cwd) {
  return spawnSync('apt-get', ['-q', ...args], {
    cwd,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  });
}

/** Runs apt-get; as root, fetches the lists of packages (fresh containers have none) and repeats. */
function runAptWithLists(args, cwd) {
  const first = runApt(args, cwd);
  if (first.status === 0) return true;
  if (first.error || !isRoot || runApt(['update'], cwd).status !== 0) return false;
  return runApt(args, cwd).status === 0;
}

/**
 * Installs packages; does nothing without root.
 * @param {string[]} names
 * @returns {boolean} whether they are installed now
 */
export function installPackages(names) {
  const args = ['install', '--yes', '--no-install-recommends', ...names];
  return isRoot && runAptWithLists(args, '/');
}

/**
 * Downloads a package and unpacks it into a folder of its own, which needs no root.
 * @param {string} name
 * @param {string} folder the package's content lands in `folder/name`
 * @returns {string | null} `folder/name`; null if there is no such package or no apt-get
 */
export function downloadPackage(name, folder) {
  const target = path.join(folder, name);
  const download = path.join(folder, `${name}.download`);
  fs.mkdirSync(download, { recursive: true });
  try {
    // apt's own download user may not write here, which it says and then does the work as root.
    if (!runAptWithLists(['download', name], download)) return null;
    const archive = fs.readdirSync(download).find((file) => file.endsWith('.deb'));
    if (!archive) return null;
    const unpack = ['--extract', path.join(download, archive), target];
    return spawnSync('dpkg', unpack, { stdio: 'ignore' }).status === 0 ? target : null;
  } finally {
    fs.rmSync(download, { recursive: true, force: true });
  }
}
