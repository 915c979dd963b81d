import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processes that a command started and left behind: "pid command line" of all that have the given
 * folder as their TMPDIR, which the command was given and hands on.
 */
export function findLeftovers(tempDir: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return environment.includes(`TMPDIR=${tempDir}\0`) ? [`${pid} ${command}`] : [];
    } catch {
      // Ended meanwhile, or somebody else's.
      return [];
    }
  });
}
