/** Where the parts that the demo starts lie in a built checkout. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// This file runs as build/js/test/demo/paths.js, and from test/demo/paths.ts in unit tests.
const here = path.dirname(fileURLToPath(import.meta.url));
const parent = path.resolve(here, '..', '..');
const isCompiled =
  path.basename(parent) === 'js' && path.basename(path.dirname(parent)) === 'build';

export const ROOT = isCompiled ? path.resolve(parent, '..', '..') : parent;
const BUILD = path.join(ROOT, 'build');

export const LOAD_PROGRAM = path.join(BUILD, 'demo', 'xsched-load');
export const DAEMON_SCRIPT = path.join(BUILD, 'js', 'daemon', 'main.js');
export const COMMAND_SCRIPT = path.join(BUILD, 'js', 'client-lib', 'cli', 'main.js');
export const SIMULATED_GPU_DIR = path.join(BUILD, 'sim');
export const OUTPUT_DIR = path.join(ROOT, 'out', 'demo');

/** A folder as a person finds it from here: below the current one by a relative path. */
export function nearest(folder: string): string {
  const near = path.relative('', folder);
  return near.startsWith('..') ? folder : near;
}
