/** What /proc says of a process. */
import fs from 'node:fs';

/** Facts of a process that only the kernel can tell. */
export interface ProcessFacts {
  /** Its id in its own pid namespace. */
  readonly ownPid: number;
  /** Its effective group and its supplementary ones. */
  readonly gids: readonly number[];
}

/**
 * Reads the facts of a process.
 * @throws {Error} with code ENOENT or ESRCH when there is no such process.
 */
export function readProcess(pid: number): ProcessFacts {
  const status = fs.readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const field = (name: string): readonly number[] => {
    const match = new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status);
    return (match?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
  };
  // Real, effective, saved and file system group; the second is what counts.
  const effective = field('Gid')[1];
  return {
    ownPid: field('NSpid').at(-1) ?? pid,
    gids: [...(effective === undefined ? [] : [effective]), ...field('Groups')],
  };
}
