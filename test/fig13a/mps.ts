/** An MPS control daemon of our own, whose clients share one context of the GPU. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The program; it comes with the NVIDIA driver. */
export const MPS_PROGRAM = 'nvidia-cuda-mps-control';
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

export interface Mps {
  /** With these variables a program becomes a client of this daemon. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the daemon, whose clients have to be gone; throws if it stays for 20 s. */
  stop(): Promise<void>;
}

/** Whether the process of a pid file is there. */
function isAlive(pidFile: string): boolean {
  if (!existsSync(pidFile)) return false;
  const pid = readFileSync(pidFile, 'utf8').trim();
  return /^\d+$/.test(pid) && existsSync(`/proc/${pid}`);
}

/**
 * Starts the daemon with folders of its own inside an existing one.
 * @throws Error with what the program printed if it does not start
 */
export function startMps(scratchDir: string): Mps {
  const folder = mkdtempSync(path.join(scratchDir, 'mps-'));
  const env = { CUDA_MPS_PIPE_DIRECTORY: folder, CUDA_MPS_LOG_DIRECTORY: folder };
  const pidFile = path.join(folder, `${MPS_PROGRAM}.pid`);
  const said = path.join(folder, 'said.log');
  const run = (args: readonly string[], input: string): void => {
    // A file: a pipe would stay open, and be waited for, as long as the daemon lives.
    const log = openSync(said, 'a');
    const child = spawnSync(MPS_PROGRAM, args, {
      env: { ...process.env, ...env },
      input,
      stdio: ['pipe', log, log],
    });
    closeSync(log);
    if (child.status === 0) return;
    const how = child.error?.message ?? `exit status ${String(child.status)}`;
    const command = [MPS_PROGRAM, ...args, input.trim()].join(' ').trim();
    throw new Error(`${command}: ${how}. It said: ${readFileSync(said, 'utf8').trim()}`);
  };
  run(['-d'], '');
  const quitAtExit = (): void => {
    try {
      run([], 'quit -t 0\n');
    } catch {
      // Nobody listens: it has ended.
    }
  };
  // Before its folder is removed.
  process.prependOnceListener('exit', quitAtExit);
  return {
    env,
    async stop() {
      process.off('exit', quitAtExit);
      run([], 'quit\n');
      const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
      while (isAlive(pidFile)) {
        if (performance.now() > deadlineMs) {
          throw new Error(`${MPS_PROGRAM} (pid in ${pidFile}) has not ended within 20 s of "quit"`);
        }
        await delay(POLL_MS);
      }
    },
  };
}
