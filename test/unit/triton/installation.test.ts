import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runInstaller, type Installation } from '../../triton/installation.js';

let folder: string;
let file: string;
let installation: Installation;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'xsched-installation-'));
  file = path.join(folder, 'triton.json');
  const at = (name: string): string => path.join(folder, name);
  for (const name of ['backends/python', 'bin', 'site/numpy', 'site/tritonclient']) {
    mkdirSync(at(name), { recursive: true });
  }
  for (const name of ['libtriton_python.so', 'triton_python_backend_stub']) {
    writeFileSync(at(`backends/python/${name}`), '');
  }
  for (const program of ['tritonserver', 'bin/python3']) {
    writeFileSync(at(program), '');
    chmodSync(at(program), 0o755);
  }
  installation = {
    ...{ server: at('tritonserver'), backends: at('backends'), bin: at('bin') },
    ...{ python: at('bin/python3'), site: at('site') },
  };
  vi.stubEnv('XSCHED_TEST_TRITON', file);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function write(content: unknown): void {
  writeFileSync(file, JSON.stringify(content));
}

describe('an installation of one’s own', () => {
  it('is taken as XSCHED_TEST_TRITON describes it', async () => {
    write(installation);
    expect(await runInstaller()).toEqual(installation);
  });

  it('is refused with what is wrong with it', async () => {
    await expect(runInstaller()).rejects.toThrow(/XSCHED_TEST_TRITON names .*triton.json: ENOENT/);
    write([]);
    await expect(runInstaller()).rejects.toThrow('"server" has to be the absolute path');
    write({ ...installation, site: 'site' });
    await expect(runInstaller()).rejects.toThrow(
      '"site" has to be the absolute path of a folder, not site',
    );
    write({ ...installation, server: path.join(folder, 'none') });
    await expect(runInstaller()).rejects.toThrow(/"server": \S+none does not exist/);
    write({ ...installation, python: file });
    await expect(runInstaller()).rejects.toThrow(/"python": \S+triton.json cannot be run/);
    write({ ...installation, backends: installation.bin });
    await expect(runInstaller()).rejects.toThrow(/"backends": \S+ has no python\/libtriton_python/);
  });
});
