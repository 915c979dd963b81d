/** Where the preload library is. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const SHIM_NAME = 'libxsched_shim.so';

export type ShimSearch =
  | { readonly kind: 'found'; readonly file: string }
  | { readonly kind: 'missing'; readonly reason: string };

/** What the search looks at; `packageRoot` is undefined outside the package. */
export interface ShimSources {
  /** Value of `--shim`. */
  readonly option?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly packageRoot: string | undefined;
  readonly libraryFolders: readonly string[];
}

/**
 * Finds the preload library: `--shim`, `$XSCHED_SHIM`, the package's own build, the system's library
 * folders. A path that somebody named is used or missing, never replaced by another.
 */
export function findShim(sources: ShimSources): ShimSearch {
  const { option, env, packageRoot, libraryFolders } = sources;
  if (option !== undefined) return checkNamed(option, '--shim');
  if (env['XSCHED_SHIM']) return checkNamed(env['XSCHED_SHIM'], 'XSCHED_SHIM');
  const candidates = [
    ...(packageRoot === undefined ? [] : [path.join(packageRoot, 'build', 'shim', SHIM_NAME)]),
    ...libraryFolders.map((folder) => path.join(folder, SHIM_NAME)),
  ];
  const file = candidates.find(isFile);
  if (file !== undefined) return checkPreloadable(file);
  const own = packageRoot === undefined ? '' : `${path.join(packageRoot, 'build', 'shim')} or `;
  const reason = `${SHIM_NAME} is not in ${own}the system's library folders`;
  return { kind: 'missing', reason };
}

/** The library folders of this machine, most local first. */
export function systemLibraryFolders(arch: string = process.arch): readonly string[] {
  const triplets: Readonly<Record<string, string>> = {
    x64: 'x86_64-linux-gnu',
    arm64: 'aarch64-linux-gnu',
  };
  const triplet = triplets[arch];
  const folders = ['/usr/local/lib', '/usr/lib', '/usr/lib64'];
  if (triplet !== undefined) folders.splice(1, 0, `/usr/lib/${triplet}`);
  return folders.flatMap((folder) => [path.join(folder, 'xsched'), folder]);
}

/** The folder of the package that this file belongs to, compiled or not. */
export function findPackageRoot(from: string = fileURLToPath(import.meta.url)): string | undefined {
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    if (isFile(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) return undefined;
  }
}

function checkNamed(named: string, by: string): ShimSearch {
  const file = path.resolve(named);
  if (!isFile(file)) return { kind: 'missing', reason: `${by} names ${file}, which is no file` };
  return checkPreloadable(file);
}

function checkPreloadable(file: string): ShimSearch {
  if (!/[\s:]/.test(file)) return { kind: 'found', file };
  const reason = `the loader cannot take ${file} from LD_PRELOAD: its path holds a space or a colon`;
  return { kind: 'missing', reason };
}

function isFile(file: string): boolean {
  try {
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
