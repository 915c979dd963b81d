import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const TIMEOUT_MS = 120_000;
const MAX_OUTPUT = 1 << 26;

function run(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, {
    input,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT,
    // What the compiler says goes into the error that is thrown, and nowhere else.
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/**
 * What the C preprocessor makes of a source text, without line numbers.
 * @param flags its options, such as `-I` and `-D`
 * @throws Error with what the compiler says
 */
export function preprocess(source: string, flags: readonly string[]): string {
  return run(process.env['CC'] || 'cc', ['-E', '-P', ...flags, '-x', 'c', '-'], source);
}

/**
 * Compiles a C++ program and gives what it prints.
 * @param flags options of the compiler
 * @throws Error with what the compiler says
 */
export function runProgram(source: string, flags: readonly string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'xsched-probe-'));
  try {
    const program = path.join(folder, 'probe');
    const args = ['-std=gnu++17', '-w', ...flags, '-x', 'c++', '-', '-o', program];
    run(process.env['CXX'] || 'g++', args, source);
    return run(program, []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
