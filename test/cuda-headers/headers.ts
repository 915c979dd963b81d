import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../demo/paths.js';
import { findAliases, findPrototypes, findStructures, mentions } from './c-text.js';
import { preprocess } from './compiler.js';

const installer = path.join(ROOT, 'test', 'cuda-headers', 'install.mjs');

/**
 * Options that make the headers declare every function under the name that the driver exports it by: the old
 * forms without a suffix, `_v2` and so on, and the per-thread variants.
 */
export function headerFlags(header: string): string[] {
  const graphics = path.join(ROOT, 'test', 'cuda-headers', 'graphics');
  const folders = [path.dirname(header), graphics].map((folder) => `-I${folder}`);
  // Alone among them, cudaVDPAU.h leaves this to the program.
  return ['-D__CUDA_API_VERSION_INTERNAL', ...folders, '-include', 'vdpau/vdpau.h'];
}

/** What the real `cuda.h` of one CUDA toolkit declares, and its companions for graphics. */
export interface Toolkit {
  /** Such as 12.9. */
  readonly version: string;
  /** Absolute path of a header that includes them. */
  readonly header: string;
  /** The parameters of each function, on one line. */
  readonly functions: ReadonlyMap<string, string>;
  /** The stream's type and every structure that holds one, at whatever depth. */
  readonly streamTypes: ReadonlySet<string>;
  /** Every word outside comments: tells whether this header knows a name at all. */
  readonly words: ReadonlySet<string>;
}

/** Types that hold a stream, or point to one that does. */
function findStreamTypes(text: string): Set<string> {
  const types = new Set(['CUstream', 'CUstream_st']);
  const structures = findStructures(text);
  const aliases = findAliases(text);
  for (let known = 0; known < types.size;) {
    known = types.size;
    for (const { name, tag, body } of structures) {
      if (mentions(body, types))
        [name, tag].filter((word) => word !== '').forEach((word) => types.add(word));
    }
    for (const { type, name } of aliases) if (types.has(type)) types.add(name);
  }
  return types;
}

/** Reads the headers of one toolkit. */
export function readToolkit(version: string, header: string): Toolkit {
  const text = preprocess(`#include "${header}"\n`, ['-dD', ...headerFlags(header)]);
  const functions = findPrototypes(text).map(({ name, parameters }) => [name, parameters] as const);
  return {
    ...{ version, header },
    functions: new Map(functions),
    streamTypes: findStreamTypes(text),
    words: new Set(text.match(/\w+/g)),
  };
}

/**
 * Reads the headers of all toolkits, oldest first, after putting them into the cache if they are not
 * there yet (some 10 MB to download).
 * @throws Error with what is missing on this machine
 */
export async function readToolkits(): Promise<Toolkit[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [installer]);
  const headers = JSON.parse(stdout) as Record<string, string>;
  return Object.entries(headers).map(([version, header]) => readToolkit(version, header));
}
