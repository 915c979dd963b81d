/** What /proc says of a process. */
import fs from 'node:fs';
import type { Ancestor } from '../core/state.js';

/** How far up the ancestors of a process are read: an engine is a grandchild of its server. */
const ANCESTORS_MAX = 8;
/** What is read of a command line, in bytes. */
const COMMAND_BYTES = 4096;

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

/**
 * The processes above one, its parent first. Whoever has ended meanwhile, or may not be looked at,
 * ends the row.
 */
export function readAncestors(pid: number): readonly Ancestor[] {
  const ancestors: Ancestor[] = [];
  let parent = readParent(pid);
  while (parent > 1 && ancestors.length < ANCESTORS_MAX) {
    ancestors.push({ pid: parent, command: readCommand(parent) });
    parent = readParent(parent);
  }
  return ancestors;
}

/**
 * Whether a process still runs. One that has ended and waits for its parent to take note of it (a
 * zombie) does not, though /proc still shows it.
 */
export function isRunning(pid: number): boolean {
  const [state] = readStat(pid);
  return state !== undefined && !'ZXx'.includes(state);
}

/** 0 where nobody knows. */
function readParent(pid: number): number {
  return Number(readStat(pid)[1] ?? 0);
}

/** The fields of /proc/PID/stat from the third one, the state; none where there is no process. */
function readStat(pid: number): readonly string[] {
  try {
    const stat = fs.readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // The name may hold spaces and parentheses: fields count from its closing one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function readCommand(pid: number): string {
  try {
    const file = fs.openSync(`/proc/${String(pid)}/cmdline`, 'r');
    try {
      const bytes = Buffer.alloc(COMMAND_BYTES);
      const length = fs.readSync(file, bytes);
      return bytes.toString('utf8', 0, length).replaceAll('\0', ' ').trimEnd();
    } finally {
      fs.closeSync(file);
    }
  } catch {
    return '';
  }
}
