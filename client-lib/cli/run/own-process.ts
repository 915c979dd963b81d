/**
 * What Node did to this process when it began and a program in its place must not notice: it marked
 * inherited descriptors close-on-exec and raised the limit of open files.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** One entry of /proc/self/fd: its number and what the link says. */
export interface Descriptor {
  readonly fd: number;
  readonly target: string;
}

/** The descriptors above stderr that this process holds. */
export function listDescriptors(folder = '/proc/self/fd'): readonly Descriptor[] {
  const found: Descriptor[] = [];
  for (const entry of readFolder(folder)) {
    const fd = Number(entry);
    if (fd <= 2) continue;
    try {
      found.push({ fd, target: fs.readlinkSync(path.join(folder, entry)) });
    } catch {
      // The descriptor that read the folder is closed by now.
    }
  }
  return found.sort((a, b) => a.fd - b.fd);
}

/**
 * Which of them came from whoever started this process, told from Node's own, which are anonymous
 * inodes, pipes of which both ends are here, and one /dev/null.
 */
export function inheritedDescriptors(all: readonly Descriptor[]): readonly number[] {
  const ends = new Map<string, number>();
  for (const { target } of all) ends.set(target, (ends.get(target) ?? 0) + 1);
  return all
    .filter(({ target }) => {
      if (target.startsWith('anon_inode:')) return false;
      if (target.startsWith('pipe:')) return ends.get(target) === 1;
      return target !== '/dev/null' || (ends.get(target) ?? 0) > 1;
    })
    .map(({ fd }) => fd);
}

/** `stdio` for a child that gets the standard streams and the given descriptors, same numbers. */
export function inheritStdio(descriptors: readonly number[]): ('inherit' | 'ignore' | number)[] {
  const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit'];
  for (const fd of descriptors) {
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] = fd;
  }
  return stdio;
}

/** The soft limit of open files in the text of /proc/PID/limits. */
export function softFileLimit(limits: string): number | undefined {
  const match = /^Max open files\s+(\d+)/m.exec(limits);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** Gives back the limit of open files that our parent has, which was ours before Node raised it. */
export function restoreFileLimit(): void {
  const ours = softFileLimit(readText('/proc/self/limits'));
  const parents = softFileLimit(readText(`/proc/${String(process.ppid)}/limits`));
  if (ours === undefined || parents === undefined || parents >= ours) return;
  setSoftLimit('nofile', parents);
}

/** Keeps this process from writing a core file. Says whether that worked. */
export function forbidCoreFile(): boolean {
  if (/^Max core file size\s+0\s/m.test(readText('/proc/self/limits'))) return true;
  return setSoftLimit('core', 0);
}

/** Whether this process belongs to the foreground group of its terminal. */
export function inForeground(stat: string = readText('/proc/self/stat')): boolean {
  // The second field, the name, may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [, , group, , terminal, foreground] = fields;
  return terminal !== undefined && terminal !== '0' && group === foreground;
}

function setSoftLimit(name: 'nofile' | 'core', value: number): boolean {
  // Node cannot change limits; prlimit is part of util-linux.
  const argv = ['--pid', String(process.pid), `--${name}=${String(value)}:`];
  const { status } = spawnSync('prlimit', argv, {
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin' },
  });
  return status === 0;
}

function readFolder(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
