// Finds a Python that the Python backend of tritonserver can embed: an interpreter of 3.10 to 3.13
// whose shared library (libpython) comes from the same build as its standard library. A library of
// another build may have modules compiled in that this one keeps in lib-dynload, and the reverse.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { downloadPackage } from '../install/apt.mjs';
import { InstallError } from '../install/install-error.mjs';
import { listInterpreters } from '../install/python.mjs';

const OLDEST_MINOR = 10;
const NEWEST_MINOR = 13;
const WANTED = `3.${OLDEST_MINOR} to 3.${NEWEST_MINOR}`;

// What an interpreter says of itself, as one line of JSON. The base executable is asked, so that a
// virtual environment on the PATH leads to the installation behind it.
const PROBE = `
import json, os, sys, sysconfig
say = sysconfig.get_config_var
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable),
    "version": list(sys.version_info[:2]),
    "build": sys.version,
    "library": say("INSTSONAME") or "",
    "folders": [f for f in (say("LIBDIR"), os.path.join(sys.base_prefix, "lib")) if f],
    "multiarch": say("MULTIARCH") or "",
}))
`;

/**
 * @typedef {object} Interpreter
 * @property {string} executable absolute path without links
 * @property {string} version major.minor
 * @property {string} build all that the interpreter says of its build; differs after an upgrade
 * @property {string | null} library libpython on this machine; null where a package has to bring it
 */

/** Asks a candidate; returns an Interpreter, or a sentence that says why it cannot be taken. */
function examine(candidate) {
  const { status, stdout, stderr, error } = spawnSync(candidate, ['-I', '-c', PROBE], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (error) return error.code === 'ENOENT' ? 'is not there' : error.message;
  if (status !== 0) return `does not run: ${stderr.trim().split('\n').at(-1)}`;
  const said = JSON.parse(stdout);
  const [major, minor] = said.version;
  const version = `${major}.${minor}`;
  if (major !== 3 || minor < OLDEST_MINOR || minor > NEWEST_MINOR) {
    return `is Python ${version}; the server has stubs for ${WANTED}`;
  }
  const found = { executable: said.executable, version, build: said.build };
  const library = findLibrary(said);
  if (library) return { ...found, library };
  if (isDistributions(said.executable)) return { ...found, library: null };
  return `was built without a shared libpython${version}`;
}

function findLibrary({ library, folders, multiarch }) {
  if (!library.includes('.so')) return null;
  const files = folders.flatMap((folder) => [
    path.join(folder, library),
    path.join(folder, multiarch, library),
  ]);
  return files.find((file) => fs.existsSync(file)) ?? null;
}

/** Whether the package manager brought the executable, so that it can bring its library as well. */
function isDistributions(executable) {
  return spawnSync('dpkg-query', ['--search', executable], { stdio: 'ignore' }).status === 0;
}

function listNames() {
  const count = NEWEST_MINOR - OLDEST_MINOR + 1;
  const minors = Array.from({ length: count }, (_, i) => OLDEST_MINOR + i);
  return ['python3', ...minors.map((minor) => `python3.${minor}`)];
}

/**
 * Chooses an interpreter: the one that `XSCHED_TEST_PYTHON` names, and no other; without it the
 * distribution's `python3` if it will do, else the first on the PATH that does.
 * As root it installs the distribution's where there is none.
 * @returns {Interpreter}
 * @throws {InstallError} lists the candidates with what is wrong with each, and what to install
 */
export function chooseInterpreter() {
  const refused = [];
  for (const candidate of listInterpreters(listNames())) {
    const answer = examine(candidate);
    if (typeof answer !== 'string') return answer;
    refused.push(`  ${candidate} ${answer}`);
  }
  const seen = refused.length > 0 ? `Examined:\n${refused.join('\n')}\n` : 'There is no python3.\n';
  throw new InstallError(
    `The Python backend of tritonserver needs Python ${WANTED} with its shared library. ${seen}` +
      'On Debian 12 and 13 and Ubuntu 22.04 and 24.04: sudo apt-get install python3',
  );
}

/**
 * Gives the path of the interpreter's libpython, taking it from the distribution's package into a
 * folder if it is not installed.
 * @param {Interpreter} interpreter
 * @param {string} folder where the package's content may stay
 * @returns {string} absolute path
 * @throws {InstallError} says which package to install
 */
export function provideLibrary(interpreter, folder) {
  if (interpreter.library) return interpreter.library;
  const name = `libpython${interpreter.version}`;
  // Ubuntu 24.04 renamed the package with the change to a 64-bit time_t.
  for (const candidate of [`${name}t64`, name]) {
    const unpacked = downloadPackage(candidate, folder);
    const file = unpacked && findFile(unpacked, `${name}.so.1.0`);
    if (file) return file;
  }
  throw new InstallError(
    `${interpreter.executable} needs its shared library lib${name.slice(3)}.so.1.0, and ` +
      `apt-get could not download it.\nInstall it: sudo apt-get install ${name}`,
  );
}

function findFile(folder, name) {
  const found = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .find((entry) => entry.name === name && entry.isFile());
  return found ? path.join(found.parentPath ?? found.path, found.name) : null;
}
