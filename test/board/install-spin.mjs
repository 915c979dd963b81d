// Finds spin, the model checker, or puts it into a cache outside the repository, and prints its path
// as JSON. Plain Node without dependencies; run it with `node test/board/install-spin.mjs`. The first
// time it downloads half a megabyte.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { downloadPackage } from '../install/apt.mjs';
import { cacheFolder, installOnce } from '../install/cache.mjs';
import { InstallError, reportInstallation } from '../install/install-error.mjs';

function fail(why) {
  throw new InstallError(`There is no spin: ${why}.\nInstall it: sudo apt-get install spin`);
}

/** Whether it is the model checker: other programs have that name too. */
function isSpin(program) {
  const { stdout } = spawnSync(program, ['-V'], { encoding: 'utf8', timeout: 60_000 });
  return /^Spin Version 6\./m.test(stdout ?? '');
}

/** Downloads it into the cache unless it is there. */
function provide() {
  const folder = path.join(cacheFolder(), 'spin-1');
  const programIn = (place) => path.join(place, 'spin', 'usr', 'bin', 'spin');
  installOnce(folder, (partial) => {
    console.error(`Downloading spin into ${folder} (once)`);
    if (downloadPackage('spin', partial) === null) fail('apt-get could not download it');
    if (!isSpin(programIn(partial))) fail('the one that was downloaded does not run');
  });
  return programIn(folder);
}

/**
 * Installs what is missing.
 * @returns {{ program: string }} the model checker
 * @throws {InstallError} says what is missing on this machine and how to get it
 */
function install() {
  return { program: isSpin('spin') ? 'spin' : provide() };
}

reportInstallation(install);
