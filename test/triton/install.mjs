// Installs an unmodified tritonserver with its gRPC client into a cache outside the repository and
// prints where everything lies, as one line of JSON on standard output. Plain Node without
// dependencies; run it with `node test/triton/install.mjs`. With everything there it takes about
// 0.1 s; the first time it downloads some 100 MB.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, installOnce } from '../install/cache.mjs';
import { InstallError, reportInstallation } from '../install/install-error.mjs';
import { providePip, runPip } from '../install/python.mjs';
import { chooseInterpreter, provideLibrary } from './interpreter.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const requirements = path.join(here, 'requirements.txt');
// Counted up when this file lays the cache out differently.
const LAYOUT = 1;

/** The installation's folder: one for each list of packages and each build of Python. */
function installationFolder(interpreter) {
  const list = fs.readFileSync(requirements, 'utf8');
  const version = /^nvidia-pytriton==(\S+)/m.exec(list)?.[1];
  if (!version) throw new InstallError(`${requirements} does not say which server to install`);
  const hash = createHash('sha256');
  hash.update(JSON.stringify([LAYOUT, list, interpreter.executable, interpreter.build]));
  const digest = hash.digest('hex').slice(0, 8);
  return path.join(cacheFolder(), `triton-${version}-python${interpreter.version}-${digest}`);
}

/** What the caller needs to know of an installation. */
function describe(folder, interpreter) {
  const site = path.join(folder, 'site');
  const server = path.join(site, 'pytriton', 'tritonserver');
  return {
    server: path.join(server, 'bin', 'tritonserver'),
    backends: path.join(server, 'backends'),
    // A folder whose only program is `python3`: the stub looks for its prefix through the PATH.
    bin: path.join(folder, 'bin'),
    python: interpreter.executable,
    site,
  };
}

/** Installs the list of packages with pip into a folder of their own. */
function installRequirements(python, pip, site) {
  const args = ['install', '--target', site, '--no-compile', '--no-warn-script-location'];
  const why = runPip(python, pip, requirements, args);
  if (why === null) return;
  throw new InstallError(
    `pip could not install what ${requirements} lists (the server needs Linux on x86-64 or ` +
      `AArch64 with glibc 2.35 or newer, and the network): ${why}`,
  );
}

/** Gives the Python backend the stub for the interpreter, and the stub the interpreter's library. */
function placeStub(site, interpreter, library) {
  const server = path.join(site, 'pytriton', 'tritonserver');
  const name = 'triton_python_backend_stub';
  const source = path.join(server, 'python_backend_stubs', interpreter.version, name);
  if (!fs.existsSync(source)) {
    const has = fs.readdirSync(path.join(server, 'python_backend_stubs')).join(', ');
    throw new InstallError(
      `tritonserver has no stub for Python ${interpreter.version} (${interpreter.executable}); ` +
        `it has them for ${has}`,
    );
  }
  const stub = path.join(server, 'backends', 'python', name);
  fs.copyFileSync(source, stub);
  for (const program of [stub, path.join(server, 'bin', 'tritonserver')]) {
    fs.chmodSync(program, 0o755);
  }
  // The stub's rpath leads to this folder before any other. The stub for 3.13 asks for a library of
  // another build than the standard library, which the wheel brings: the link takes its place.
  const text = fs.readFileSync(source, 'latin1');
  const wanted = new Set(text.match(/libpython3[\w.-]*\.so\.1\.0/g));
  if (wanted.size === 0) throw new InstallError(`${source} names no libpython that it needs`);
  for (const file of wanted) {
    const link = path.join(site, 'nvidia_pytriton.libs', file);
    fs.rmSync(link, { force: true });
    fs.symlinkSync(library, link);
  }
}

/** Sees that the loader finds all libraries of the server, and that the client can be imported. */
function check(installation) {
  const stub = path.join(installation.backends, 'python', 'triton_python_backend_stub');
  const loads = (program) =>
    spawnSync(program, [], {
      env: { LD_TRACE_LOADED_OBJECTS: '1' },
      encoding: 'utf8',
      timeout: 60_000,
    });
  for (const program of [installation.server, stub]) {
    const { status, stdout, stderr, error } = loads(program);
    const missing = stdout?.split('\n').filter((line) => line.includes('not found')) ?? [];
    if (status !== 0 || missing.length > 0) {
      const why = error ? error.message : [...missing, stderr].join('\n');
      throw new InstallError(`${program} cannot be loaded on this machine:\n${why}`);
    }
  }
  const script = `import sys; sys.path.insert(0, ${JSON.stringify(installation.site)})
import numpy, tritonclient.grpc`;
  const { status, stderr } = spawnSync(installation.python, ['-I', '-c', script], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (status !== 0) throw new InstallError(`The installed gRPC client does not work:\n${stderr}`);
}

/**
 * Installs what is missing.
 * @returns {{server: string, backends: string, bin: string, python: string, site: string}}
 * absolute paths of the server's program, the folder of its backends, a folder to put first on the
 * PATH of the server, the interpreter, and the folder of the Python packages
 * @throws {InstallError} says what is missing on this machine and how to get it
 */
function install() {
  const interpreter = chooseInterpreter();
  const folder = installationFolder(interpreter);
  installOnce(folder, (partial) => {
    console.error(`Installing tritonserver into ${folder} (about 270 MB; once)`);
    const packages = path.join(partial, 'packages');
    const library = provideLibrary(interpreter, packages);
    const pip = providePip(interpreter.executable, packages);
    const site = path.join(partial, 'site');
    installRequirements(interpreter.executable, pip, site);
    // What was unpacked here moves with the installation.
    const inside = path.relative(partial, library);
    const target = inside.startsWith('..') ? library : path.join(folder, inside);
    placeStub(site, interpreter, library);
    fs.mkdirSync(path.join(partial, 'bin'));
    fs.symlinkSync(interpreter.executable, path.join(partial, 'bin', 'python3'));
    check(describe(partial, interpreter));
    if (target !== library) placeStub(site, interpreter, target);
  });
  return describe(folder, interpreter);
}

reportInstallation(install);
