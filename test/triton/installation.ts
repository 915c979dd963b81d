import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const installer = path.join(path.dirname(fileURLToPath(import.meta.url)), 'install.mjs');

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

/**
 * Installs the server if it is not in the cache yet (some 100 MB to download).
 * @throws Error with what the installer says is missing on this machine
 */
export async function runInstaller(): Promise<Installation> {
  const { stdout } = await promisify(execFile)(process.execPath, [installer]);
  return JSON.parse(stdout) as Installation;
}
