/** What a process has taken and holds, as the kernel tells. */
import { readdirSync, readFileSync } from 'node:fs';

/** Processor time of all threads that a process has, in microseconds. */
export function readCpuUs(pid: number): number {
  const tasks = `/proc/${String(pid)}/task`;
  return readdirSync(tasks).reduce((sum, task) => {
    const [ns = NaN] = readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ').map(Number);
    return sum + ns / 1000;
  }, 0);
}

/** Memory of a process that is in RAM, in MB of 10^6 bytes: now, and the most so far. */
export function readMemoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const field = (name: string) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
    return (Number(kilobytes) * 1024) / 1e6;
  };
  return { now: field('VmRSS'), peak: field('VmHWM') };
}
