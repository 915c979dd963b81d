// Installs clang-format and clang-tidy from PyPI, in the exact versions of requirements.txt, so
// that every machine finds the same faults. They live in the user's cache, shared by all checkouts.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runChecked, runProgram, StepError } from './steps.mjs';

const PYTHONS = ['python3', '/usr/bin/python3'];

/** Makes a virtual environment with pip in it; false when no Python here is able to. */
async function makeEnvironment(folder) {
  for (const python of PYTHONS) {
    fs.rmSync(folder, { recursive: true, force: true });
    const { status } = await runProgram([python, '-m', 'venv', folder], { cwd: os.tmpdir() });
    if (status === 0) return true;
  }
  return false;
}

/** Debian's python3 comes without venv: root installs it, others are told how. */
async function installVenv() {
  if (process.getuid?.() !== 0) {
    throw new StepError(
      'No Python here can make a virtual environment, which clang-format and clang-tidy are ' +
        'installed into.\nOn Debian or Ubuntu this helps:\n  sudo apt-get install -y python3-venv',
    );
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const options = { cwd: os.tmpdir(), env };
  await runChecked('apt-get update', ['apt-get', 'update'], options);
  const argv = ['apt-get', 'install', '-y', '--no-install-recommends', 'python3-venv'];
  await runChecked('apt-get install python3-venv', argv, options);
}

/** The binary of a wheel: it lies beside its Python package and needs no Python to run. */
function findBinary(folder, name) {
  const lib = path.join(folder, 'lib');
  for (const python of fs.readdirSync(lib)) {
    const data = path.join(lib, python, 'site-packages', name.replace('-', '_'), 'data');
    const file = path.join(data, 'bin', name);
    if (fs.existsSync(file)) return file;
  }
  throw new StepError(`${folder} holds no ${name}: remove that folder and try again`);
}

/**
 * Installs both tools unless they are there.
 * @param {string} root the repository
 * @returns {Promise<{format: string, tidy: string}>} the paths of the two programs
 */
export async function installClangTools(root) {
  const requirements = path.join(root, '.tools', 'requirements.txt');
  const hash = createHash('sha256').update(fs.readFileSync(requirements)).digest('hex');
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  const folder = path.join(cache, 'xsched-test', `tools-${hash.slice(0, 16)}`);
  if (!fs.existsSync(folder)) {
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    // Made under another name first, so that a folder of the final name is always whole.
    const draft = `${folder}.${process.pid}`;
    try {
      if (!(await makeEnvironment(draft))) {
        await installVenv();
        if (!(await makeEnvironment(draft))) {
          throw new StepError('python3 -m venv fails although python3-venv is installed');
        }
      }
      const pip = [path.join(draft, 'bin', 'python'), '-m', 'pip', 'install', '--quiet'];
      const argv = [...pip, '--only-binary', ':all:', '--requirement', requirements];
      await runChecked('pip install', argv, { cwd: root });
      if (!fs.existsSync(folder)) fs.renameSync(draft, folder);
    } finally {
      fs.rmSync(draft, { recursive: true, force: true });
    }
  }
  return { format: findBinary(folder, 'clang-format'), tidy: findBinary(folder, 'clang-tidy') };
}
