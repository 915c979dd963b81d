/** A daemon as a process of its own, for benchmarks: what it prints, takes and holds. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DAEMON_SCRIPT } from '../demo/paths.js';

/** Waits until a program has printed a text. @throws when it ends without. */
export async function prints(child: ChildProcess, text: string): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(text)) resolve();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('close', () => {
      reject(new Error(`a program ended without '${text}': ${said}`));
    });
  });
}

/**
 * Starts a daemon with the defaults of its configuration. It serves when the promise settles.
 * @param runtimeDir a folder that does not exist yet
 * @param cpu the processor that all its threads stay on; any without one
 */
export async function startDaemon(runtimeDir: string, cpu?: number): Promise<ChildProcess> {
  const config = path.join(runtimeDir, 'xschedd.yaml');
  mkdirSync(runtimeDir, { mode: 0o750 });
  writeFileSync(config, '');
  const argv = [process.execPath, DAEMON_SCRIPT, '--config', config, '--runtime-dir', runtimeDir];
  const pinned = cpu === undefined ? argv : ['taskset', '-c', String(cpu), ...argv];
  const [program = '', ...args] = pinned;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  await prints(child, 'serves');
  return child;
}

/** Ends a program and waits for its end. */
export async function endProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'close');
}

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
