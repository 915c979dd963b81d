/** What benchmarks start: the daemon, and programs that say how far they are. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DAEMON_SCRIPT, ROOT } from '../demo/paths.js';

export const BUILD = path.join(ROOT, 'build');
export const SHIM = path.join(BUILD, 'shim', 'libxsched_shim.so');
export const PTX = path.join(ROOT, 'test', 'sim', 'kernels.ptx');

/**
 * Waits until a program has printed a text.
 * @returns all that it printed meanwhile
 * @throws Error when it ends before that
 */
export async function prints(child: ChildProcess, text: string): Promise<string> {
  let said = '';
  return new Promise<string>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      said += chunk.toString();
      if (!said.includes(text)) return;
      child.stdout?.off('data', listen);
      child.stderr?.off('data', listen);
      child.off('close', fail);
      resolve(said);
    };
    const fail = () => {
      reject(new Error(`a program ended without '${text}': ${said}`));
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('close', fail);
  });
}

/**
 * Starts a daemon. It serves when the promise settles.
 * @param runtimeDir a folder that does not exist yet
 * @param options the text of its configuration, and the processor that all its threads stay on
 */
export async function startDaemon(
  runtimeDir: string,
  { text = '', cpu }: { readonly text?: string; readonly cpu?: number } = {},
): Promise<ChildProcess> {
  const config = path.join(runtimeDir, 'xschedd.yaml');
  mkdirSync(runtimeDir, { mode: 0o750 });
  writeFileSync(config, text);
  const argv = [process.execPath, DAEMON_SCRIPT, '--config', config, '--runtime-dir', runtimeDir];
  const pinned = cpu === undefined ? argv : ['taskset', '-c', String(cpu), ...argv];
  const [program = '', ...args] = pinned;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  await prints(child, 'serves');
  return child;
}

/** Waits for the end of a program, which may have come before. */
export async function awaitEnd(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
}
