/** Capabilities that a program's file gives it; the loader ignores LD_PRELOAD for such a program. */
import { execFile } from 'node:child_process';

const SEARCH_PATH = '/usr/sbin:/sbin:/usr/bin:/bin';

/**
 * Whether the file carries capabilities, as getcap(8) says. False where that program is missing or
 * fails: Node cannot read extended attributes itself.
 */
export function hasFileCapabilities(file: string, searchPath = SEARCH_PATH): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('getcap', [file], { env: { PATH: searchPath }, timeout: 5000 }, (error, stdout) => {
      resolve(error === null && stdout.includes('cap_'));
    });
  });
}
