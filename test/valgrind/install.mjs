// Finds valgrind, or puts it into a cache outside the repository, and prints how to start it: one
// line of JSON. Plain Node without dependencies; run it with `node test/valgrind/install.mjs`. The
// first time it downloads some 20 MB.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { downloadPackage } from '../install/apt.mjs';
import { cacheFolder, installOnce } from '../install/cache.mjs';
import { InstallError, reportInstallation } from '../install/install-error.mjs';

// Counted up when this file lays the cache out differently.
const LAYOUT = 1;

function fail(why) {
  throw new InstallError(
    `There is no valgrind: ${why}.\nInstall it: sudo apt-get install valgrind`,
  );
}

/** Whether it runs a program; it does not where it finds no symbols of the C library. */
function runs({ program, options, env }) {
  const { status } = spawnSync(program, [...options, '--quiet', '/bin/true'], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
    timeout: 60_000,
  });
  return status === 0;
}

/** The machine's own ones. */
function listOwn() {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(path.isAbsolute);
  return folders
    .map((folder) => path.join(folder, 'valgrind'))
    .filter((program) => fs.existsSync(program))
    .map((program) => ({ program, options: [], env: {} }));
}

/** The installed version of the C library's package: symbols of another one are of no use. */
function versionOfLibc() {
  const args = ['--show', '--showformat', '${Version}', 'libc6'];
  const { status, stdout } = spawnSync('dpkg-query', args, { encoding: 'utf8' });
  return status === 0 ? stdout : fail('none is installed, and this is no Debian to get one for');
}

/** The folder that this process has the C library from. */
function folderOfLibc() {
  const maps = fs.readFileSync('/proc/self/maps', 'utf8');
  return path.dirname(/\/\S+\/libc\.so\.6$/m.exec(maps)?.[0] ?? '/');
}

function download(name, folder) {
  return downloadPackage(name, folder) ?? fail(`apt-get could not download ${name}`);
}

/** By build id valgrind looks in /usr/lib/debug alone; elsewhere it looks by name, as if here. */
function laySymbols(unpacked, folder) {
  const byId = path.join(unpacked, 'usr', 'lib', 'debug', '.build-id');
  const place = path.join(folder, folderOfLibc());
  fs.mkdirSync(place, { recursive: true });
  for (const file of fs.readdirSync(byId, { recursive: true }))
    if (file.endsWith('.debug'))
      fs.renameSync(path.join(byId, file), path.join(place, path.basename(file)));
}

/** How to start the one in a folder of the cache. */
function describe(folder) {
  const unpacked = path.join(folder, 'valgrind', 'usr');
  return {
    // Beside it lies a script that starts it with a library path of its own.
    program: path.join(unpacked, 'bin', 'valgrind.bin'),
    options: [`--extra-debuginfo-path=${path.join(folder, 'symbols')}`],
    env: { VALGRIND_LIB: path.join(unpacked, 'libexec', 'valgrind') },
  };
}

/** Downloads it into the cache unless it is there. */
function provide() {
  const version = versionOfLibc();
  const hash = createHash('sha256').update(JSON.stringify([LAYOUT, version, folderOfLibc()]));
  const folder = path.join(cacheFolder(), `valgrind-${hash.digest('hex').slice(0, 8)}`);
  installOnce(folder, (partial) => {
    console.error(`Downloading valgrind into ${folder} (once)`);
    download('valgrind', partial);
    const symbols = download(`libc6-dbg=${version}`, partial);
    laySymbols(symbols, path.join(partial, 'symbols'));
    fs.rmSync(symbols, { recursive: true });
    if (!runs(describe(partial))) fail('the one that was downloaded does not run');
  });
  return describe(folder);
}

/**
 * Installs what is missing.
 * @returns {{ program: string, options: string[], env: Record<string, string> }} what to run, what
 * to tell it first, and what it needs in its environment
 * @throws {InstallError} says what is missing on this machine and how to get it
 */
function install() {
  return listOwn().find(runs) ?? provide();
}

reportInstallation(install);
