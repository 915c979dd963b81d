import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../demo/paths.js';

const installer = path.join(ROOT, 'test', 'triton', 'install.mjs');
/** Names a JSON file that describes an installation of one's own. */
const VARIABLE = 'XSCHED_TEST_TRITON';

/** Where the installed server lies; all paths are absolute. */
export interface Installation {
  /** The program `tritonserver`. */
  server: string;
  /** The folder of its backends. */
  backends: string;
  /** A folder whose only program is the `python3` that the Python backend embeds. */
  bin: string;
  /** The same interpreter. */
  python: string;
  /** The Python packages: numpy and the gRPC client. */
  site: string;
}

/** What each path has to be, and below it what must be there as well. */
const PARTS: Readonly<
  Record<keyof Installation, { kind: 'program' | 'folder'; holds?: readonly string[] }>
> = {
  server: { kind: 'program' },
  backends: {
    kind: 'folder',
    holds: ['python/libtriton_python.so', 'python/triton_python_backend_stub'],
  },
  bin: { kind: 'folder', holds: ['python3'] },
  python: { kind: 'program' },
  site: { kind: 'folder', holds: ['numpy', 'tritonclient'] },
};

/**
 * Where the server is: what the file describes that `XSCHED_TEST_TRITON` names, else what the
 * installer puts into the cache if it is not there yet (some 100 MB to download).
 * @param signal ends the installer
 * @throws Error with what is missing on this machine, or what is wrong with the file
 */
export async function runInstaller(signal?: AbortSignal): Promise<Installation> {
  const own = process.env[VARIABLE];
  if (own !== undefined && own !== '') return readInstallation(own);
  const options = signal === undefined ? {} : { signal };
  const { stdout } = await promisify(execFile)(process.execPath, [installer], options);
  return JSON.parse(stdout) as Installation;
}

/**
 * Reads the description of an installation: a JSON object with the fields of `Installation`.
 * @throws Error that names the file, the field and what is wrong with it
 */
export function readInstallation(file: string): Installation {
  const fail = (what: string): never => {
    throw new Error(`${VARIABLE} names ${file}: ${what}`);
  };
  const fields = readFields(file, fail);
  for (const [name, { kind, holds = [] }] of Object.entries(PARTS)) {
    const value = fields[name];
    if (typeof value !== 'string' || !path.isAbsolute(value)) {
      return fail(`"${name}" has to be the absolute path of a ${kind}, not ${String(value)}`);
    }
    const problem = findProblem(value, kind, holds);
    if (problem !== null) return fail(`"${name}": ${problem}`);
  }
  return fields as unknown as Installation;
}

function readFields(file: string, fail: (what: string) => never): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof content === 'object' && content !== null) {
      return content as Record<string, unknown>;
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  return fail('it does not hold a JSON object');
}

function findProblem(
  place: string,
  kind: 'program' | 'folder',
  holds: readonly string[],
): string | null {
  const status = statSync(place, { throwIfNoEntry: false });
  if (status === undefined) return `${place} does not exist`;
  if (kind === 'folder') {
    if (!status.isDirectory()) return `${place} is no folder`;
    const missing = holds.find((name) => !exists(path.join(place, name)));
    return missing === undefined ? null : `${place} has no ${missing}`;
  }
  try {
    accessSync(place, constants.X_OK);
  } catch {
    return `${place} cannot be run`;
  }
  return status.isFile() ? null : `${place} is no program`;
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
