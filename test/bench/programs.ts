/** What benchmarks start: the daemon, and programs that say how far they are. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
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

/** Where drivers are: one that does nothing, the simulated GPU's, the machine's own. */
export const DRIVERS: Readonly<Record<string, string>> = {
  null: path.join(BUILD, 'bench', 'null'),
  sim: path.join(BUILD, 'sim'),
  system: '',
};

/**
 * Runs a program to its end.
 * @returns what it printed
 * @throws Error when it ends with anything but 0
 */
export async function output(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) {
    throw new Error(`${path.basename(program)} ended with ${String(code ?? signal)}`);
  }
  return text;
}

/** Keeps a queue of a priority registered, which has no work, while `work` goes on. */
export async function withIdle<T>(
  program: string,
  env: NodeJS.ProcessEnv,
  priority: number,
  work: () => Promise<T>,
): Promise<T> {
  const own = { ...env, XSCHED_PRIORITY: String(priority) };
  const child = spawn(program, ['idle'], { env: own, stdio: 'pipe' });
  try {
    await prints(child, 'idle');
    return await work();
  } finally {
    child.stdin.end();
    await awaitEnd(child);
  }
}

/** Where a program of the driver API runs, without the shim and with it. */
export interface Scene {
  readonly bare: NodeJS.ProcessEnv;
  /** Under the shim: alone, switched off, and with a daemon. */
  readonly alone: NodeJS.ProcessEnv;
  readonly disabled: NodeJS.ProcessEnv;
  readonly served: NodeJS.ProcessEnv;
}

/**
 * Runs `work` with a driver, named as in DRIVERS or by its folder, and with a daemon of its own.
 * @throws Error when the folder has no driver
 */
export async function withScene<T>(
  name: string,
  driver: string,
  work: (scene: Scene) => Promise<T>,
): Promise<T> {
  const library = DRIVERS[driver] ?? path.resolve(driver);
  if (library !== '' && !existsSync(path.join(library, 'libcuda.so.1'))) {
    throw new Error(`--driver ${driver}: there is no libcuda.so.1 in ${library}`);
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), `xsched-${name}-`));
  const runtimeDir = path.join(folder, 'run');
  try {
    const daemon = await startDaemon(runtimeDir);
    try {
      const bare: NodeJS.ProcessEnv = {
        ...{ PATH: process.env['PATH'], CLIENT_PTX: PTX, XSCHED_SIM_DIR: path.join(folder, 'sim') },
        ...{ XSCHED_RUNTIME_DIR: path.join(folder, 'nobody') },
        ...(library === '' ? {} : { LD_LIBRARY_PATH: library }),
      };
      const alone = { ...bare, LD_PRELOAD: SHIM };
      const disabled = { ...alone, XSCHED_DISABLE: '1' };
      return await work({
        bare,
        alone,
        disabled,
        served: { ...alone, XSCHED_RUNTIME_DIR: runtimeDir },
      });
    } finally {
      daemon.kill();
      await awaitEnd(daemon);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
