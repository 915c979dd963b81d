// Puts the driver's headers of several CUDA toolkits into a cache outside the repository and prints where
// they lie: one line of JSON, an object from the toolkit's version to a file that includes all of them.
// Plain Node without dependencies; run it with `node test/cuda-headers/install.mjs`. The first time
// it downloads some 10 MB. The machine's own toolkit is never looked at.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, installOnce } from '../install/cache.mjs';
import { InstallError, reportInstallation } from '../install/install-error.mjs';
import { chooseAnyInterpreter, providePip, runPip } from '../install/python.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const folderOfLists = path.join(here, 'requirements');
// Counted up when this file lays the cache out differently.
const LAYOUT = 2;
// The header is the same for all processors, so one that the packages are made for is named.
const PLATFORMS = ['manylinux2014_x86_64', 'manylinux1_x86_64'];

// All that declare functions of the driver; the graphics libraries' own come from graphics/.
const HEADERS = ['cuda.h', 'cudaEGL.h', 'cudaGL.h', 'cudaVDPAU.h'];
const ALL = 'driver.h';

// Takes headers out of a wheel: its path, the folder where they have to go, and their names.
const UNPACK = `
import os, sys, zipfile
wheel, folder, *names = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for wanted in names:
        headers = [name for name in archive.namelist() if name.endswith("/include/" + wanted)]
        if len(headers) != 1:
            sys.exit(f"{wheel} holds {len(headers)} files include/{wanted}")
        with open(os.path.join(folder, wanted), "wb") as file:
            file.write(archive.read(headers[0]))
`;

/** Downloads the package that a list names, and leaves its headers alone in a folder. */
function download(version, list, folder) {
  const python = chooseAnyInterpreter(`Unpacking the headers of CUDA ${version}`);
  const packages = path.join(folder, 'packages');
  const pip = providePip(python, packages);
  const wheels = path.join(packages, 'wheels');
  const platforms = PLATFORMS.flatMap((platform) => ['--platform', platform]);
  const why = runPip(python, pip, list, ['download', '--dest', wheels, ...platforms]);
  if (why !== null) {
    throw new InstallError(
      `the driver's headers of CUDA ${version} are not in ${cacheFolder()} yet, and pip could not download what ` +
        `${list} lists; it is needed once, and so is the network: ${why}`,
    );
  }
  const [wheel] = fs.readdirSync(wheels);
  const args = ['-I', '-c', UNPACK, path.join(wheels, wheel), folder, ...HEADERS];
  const { status, stderr, error } = spawnSync(python, args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new InstallError(error ? error.message : stderr.trim());
  fs.rmSync(packages, { recursive: true });
  const includes = HEADERS.map((header) => `#include "${header}"\n`);
  fs.writeFileSync(path.join(folder, ALL), includes.join(''));
}

/**
 * Installs what is missing.
 * @returns {Record<string, string>} absolute paths of the headers by the toolkits' versions
 * @throws {InstallError} says what is missing on this machine and how to get it
 */
function install() {
  const headers = {};
  const versions = fs.readdirSync(folderOfLists).map((file) => path.basename(file, '.txt'));
  // 9.2 before 13.0.
  versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  for (const version of versions) {
    const list = path.join(folderOfLists, `${version}.txt`);
    const hash = createHash('sha256');
    hash.update(JSON.stringify([LAYOUT, fs.readFileSync(list, 'utf8')]));
    const name = `cuda-headers-${version}-${hash.digest('hex').slice(0, 8)}`;
    const folder = path.join(cacheFolder(), name);
    installOnce(folder, (partial) => {
      console.error(`Downloading the driver's headers of CUDA ${version} into ${folder} (once)`);
      download(version, list, partial);
    });
    headers[version] = path.join(folder, ALL);
  }
  return headers;
}

reportInstallation(install);
