// An interpreter of Python, and pip for it, on machines that may have neither.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { downloadPackage, installPackages } from './apt.mjs';
import { InstallError } from './install-error.mjs';

const PIP_TIMEOUT_MS = 600_000;

function succeeds(program, args) {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 60_000 }).status === 0;
}

function findCandidates(names) {
  const own = process.env.XSCHED_TEST_PYTHON;
  if (own) return [own];
  const onPath = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const files = names.flatMap((name) => [
    `/usr/bin/${name}`,
    ...onPath.map((folder) => path.join(folder, name)),
  ]);
  return [...new Set(files)].filter((file) => fs.existsSync(file));
}

/**
 * The interpreters to choose from: the one that `XSCHED_TEST_PYTHON` names, and no other; without it
 * those with one of the names, the distribution's before those on the PATH. As root it installs the
 * distribution's where there is none.
 * @param {string[]} names such as `python3`, in the order of preference
 * @returns {string[]} absolute paths
 */
export function listInterpreters(names) {
  const candidates = findCandidates(names);
  if (candidates.length > 0 || !installPackages(['python3'])) return candidates;
  return findCandidates(names);
}

/**
 * Chooses any interpreter of Python 3 that runs.
 * @param {string} purpose what needs it, to begin the message with
 * @returns {string} absolute path
 * @throws {InstallError}
 */
export function chooseAnyInterpreter(purpose) {
  const candidates = listInterpreters(['python3']);
  const found = candidates.find((file) => succeeds(file, ['-I', '-c', 'import zipfile']));
  if (found) return found;
  const seen =
    candidates.length > 0 ? `These do not run: ${candidates.join(', ')}` : 'There is none';
  throw new InstallError(
    `${purpose} needs Python 3. ${seen}.\nInstall it: sudo apt-get install python3`,
  );
}

/**
 * The words that start pip for an interpreter. Debian and Ubuntu keep pip apart from Python, but
 * the package that their virtual environments are made from holds one that runs where it lies.
 * @param {string} python
 * @param {string} folder where that package's content may stay
 * @returns {string[]} the interpreter's arguments
 * @throws {InstallError}
 */
export function providePip(python, folder) {
  if (succeeds(python, ['-m', 'pip', '--version'])) return ['-m', 'pip'];
  const unpacked = downloadPackage('python3-pip-whl', folder);
  const wheels = unpacked && path.join(unpacked, 'usr', 'share', 'python-wheels');
  const wheel = wheels && fs.readdirSync(wheels).find((file) => /^pip-.*\.whl$/.test(file));
  if (wheel) {
    const words = [path.join(wheels, wheel, 'pip')];
    if (succeeds(python, [...words, '--version'])) return words;
  }
  throw new InstallError(
    `${python} has no pip, and apt-get could not download one.\n` +
      'Install it: sudo apt-get install python3-pip',
  );
}

/**
 * Runs pip on a list of packages with hashes, of which it takes exactly the wheels listed.
 * @param {string} python
 * @param {string[]} pip as `providePip` gave it
 * @param {string} requirements the file with the list
 * @param {string[]} args the command and what it needs besides
 * @returns {string | null} what went wrong; null if nothing did
 */
export function runPip(python, pip, requirements, args) {
  const words = [
    ...[...pip, ...args, '--requirement', requirements],
    ...['--no-deps', '--require-hashes', '--only-binary', ':all:'],
    ...['--quiet', '--disable-pip-version-check', '--no-input'],
  ];
  // Settings that would send the packages elsewhere; those that say where to fetch from stay.
  const env = { ...process.env, PIP_ROOT_USER_ACTION: 'ignore', PYTHONNOUSERSITE: '1' };
  for (const name of ['PYTHONHOME', 'PYTHONPATH', 'PIP_USER', 'PIP_PREFIX', 'PIP_ROOT']) {
    delete env[name];
  }
  const { status, stdout, stderr, error } = spawnSync(python, words, {
    env,
    encoding: 'utf8',
    timeout: PIP_TIMEOUT_MS,
  });
  if (status === 0) return null;
  return error ? error.message : `exit status ${status}\n${stdout}${stderr}`;
}
