import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findPackageRoot,
  findShim,
  SHIM_NAME,
  systemLibraryFolders,
} from '../../../../../client-lib/cli/run/find-shim.js';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

function makeLibrary(...segments: readonly string[]): string {
  const file = path.join(folder, ...segments, SHIM_NAME);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, '');
  return file;
}

describe('findShim', () => {
  it('looks at the option, the environment, the package and the system, in this order', () => {
    const system = makeLibrary('lib');
    const built = makeLibrary('package', 'build', 'shim');
    const named = makeLibrary('named');
    const option = makeLibrary('option');
    const libraryFolders = [path.join(folder, 'missing'), path.dirname(system)];
    const packageRoot = path.join(folder, 'package');
    const env = { XSCHED_SHIM: named };
    const find = (sources: Partial<Parameters<typeof findShim>[0]>): unknown =>
      findShim({ env: {}, packageRoot: undefined, libraryFolders, ...sources });
    expect(find({ option, env, packageRoot })).toEqual({ kind: 'found', file: option });
    expect(find({ env, packageRoot })).toEqual({ kind: 'found', file: named });
    expect(find({ packageRoot })).toEqual({ kind: 'found', file: built });
    expect(find({})).toEqual({ kind: 'found', file: system });
  });

  it('replaces no library that was named and is missing', () => {
    const built = makeLibrary('build', 'shim');
    const sources = { packageRoot: folder, libraryFolders: [path.dirname(built)] };
    for (const named of [{ option: '/no/such' }, { env: { XSCHED_SHIM: '/no/such' } }]) {
      const search = findShim({ env: {}, ...sources, ...named });
      expect(search).toMatchObject({ kind: 'missing' });
      expect(JSON.stringify(search)).toContain('/no/such');
    }
  });

  it('says where it looked', () => {
    const search = findShim({ env: {}, packageRoot: folder, libraryFolders: [] });
    const reason = `${SHIM_NAME} is not in ${folder}/build/shim or the system's library folders`;
    expect(search).toEqual({ kind: 'missing', reason });
  });

  it.each(['with space', 'with:colon'])(
    'refuses a path %s, which the loader would split',
    (name) => {
      const search = findShim({
        ...{ env: {}, packageRoot: undefined, libraryFolders: [] },
        option: makeLibrary(name),
      });
      expect(search).toMatchObject({ kind: 'missing' });
    },
  );
});

it('finds the package from its sources', () => {
  const root = findPackageRoot();
  expect(root && fs.existsSync(path.join(root, 'client-lib', 'index.ts'))).toBe(true);
  expect(findPackageRoot('/proc/self/exe')).toBeUndefined();
});

it("knows the library folders of this kind of machine's distributions", () => {
  expect(systemLibraryFolders('x64')).toContain('/usr/lib/x86_64-linux-gnu');
  expect(systemLibraryFolders('arm64')).toContain('/usr/lib/aarch64-linux-gnu/xsched');
  expect(systemLibraryFolders('other')[0]).toBe('/usr/local/lib/xsched');
});
