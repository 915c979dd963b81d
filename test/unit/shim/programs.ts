/** The C programs that test parts of the shim: built under sanitizers, run to their end. */
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const ASAN_PROGRAMS = path.join(ROOT, 'build', 'shim-test-asan');

/** How long a program may take; each needs a second or two. */
const TIMEOUT_MS = 60_000;

let built = false;

/**
 * Builds the test programs under the address and undefined behaviour sanitizers. Test files run in
 * processes of their own, so make runs under a lock.
 */
export function buildAsanPrograms(): void {
  if (built) return;
  const lock = path.join(ROOT, 'build', '.shim-test-asan.lock');
  const make = ['make', '-s', '-C', path.join(ROOT, 'test', 'shim'), '-j2'];
  execFileSync('flock', [lock, ...make, 'SANITIZE=address,undefined'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 120_000,
  });
  built = true;
}

export interface ProgramResult {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a sanitized program to its end. `env` is its whole environment. */
export function runAsanProgram(
  name: string,
  args: readonly string[] = [],
  options: { input?: string; env?: Readonly<Record<string, string>>; argv0?: string } = {},
): ProgramResult {
  buildAsanPrograms();
  const { input = '', env = {}, argv0 } = options;
  const { status, signal, stdout, stderr, error } = spawnSync(
    path.join(ASAN_PROGRAMS, name),
    [...args],
    {
      input,
      env,
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 26,
      ...(argv0 === undefined ? {} : { argv0 }),
    },
  );
  if (error !== undefined) throw error;
  return { status, signal, stdout, stderr };
}

/** Runs a sanitized program that must succeed and say nothing on stderr; returns its output. */
export function expectSuccess(...parameters: Parameters<typeof runAsanProgram>): string {
  const { status, signal, stdout, stderr } = runAsanProgram(...parameters);
  if (status !== 0 || stderr !== '') {
    throw new Error(`${parameters[0]}: status ${status}, signal ${signal}\n${stderr}`);
  }
  return stdout;
}
