/** Small programs that the tests of the addon start, and end when the test ends. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The repository. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** The addon itself, for scripts that run outside of vitest. */
export const ADDON_FILE = path.join(ROOT, 'build', 'native', 'xsched_native.node');

/** Starts a program that lives until the test ends. */
export function startProgram(program: string, args: string[]): ChildProcess & { pid: number } {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.pid === undefined) throw new Error(`cannot start ${program}`);
  return Object.assign(child, { pid: child.pid });
}

/** Starts a program that does nothing for a minute. */
export function startSleeper(): ChildProcess & { pid: number } {
  return startProgram('sleep', ['60']);
}

/** Starts a script in a Node of its own; `addon` is there for it. */
export function startScript(script: string): ChildProcess & { pid: number } {
  return startProgram(process.execPath, ['--expose-gc', '--eval', withAddon(script)]);
}

/** A script as it is given to Node, with `addon` defined. */
export function withAddon(script: string): string {
  return `const addon = require(${JSON.stringify(ADDON_FILE)});\n${script}`;
}

/** Runs a script to its end. */
export async function runScript(
  script: string,
): Promise<{ code: number | null; signal: string | null; output: string }> {
  const child = startScript(script);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, output };
}

/** The next line that a program prints; an error if it ends without one. */
export async function readLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the program has no standard output');
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
  lines.close();
  if (line === undefined) throw new Error(`process ${child.pid ?? 0} ended without a line`);
  return line;
}

/** A folder that goes away with the test. */
export function makeFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-native-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

/** Collects garbage until nothing more can be pending: finalizers run between the turns. */
export async function collectGarbage(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('Node was started without --expose-gc');
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
}

/** The error that an action throws, as plain data. */
export function catchError(action: () => unknown): Record<string, unknown> {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) {
      const { name, message } = error;
      return { ...Object.fromEntries(Object.entries(error)), name, message };
    }
    throw error;
  }
  throw new Error('nothing was thrown');
}
