import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { QueueInfo } from '../../protocol/generated/messages.js';
import { cleanEnvironment } from '../demo/environment.js';
import { COMMAND_SCRIPT, DAEMON_SCRIPT, SIMULATED_GPU_DIR } from '../demo/paths.js';

/** The simulated GPU. */
export const simulatedDriver = path.join(SIMULATED_GPU_DIR, 'libcuda.so.1');

const POLL_MS = 100;
const STOP_TIMEOUT_MS = 10_000;

/** A running xschedd. */
export interface Daemon {
  /** Ends it as `kill -9` does and waits until it is gone. */
  kill(): Promise<void>;
  /** Ends it with SIGTERM; throws with its log if that does not end it with exit code 0. */
  stop(): Promise<void>;
}

/**
 * Starts xschedd and waits until it answers.
 * @throws Error with its log if it ends before
 */
export async function startDaemon(runtimeDir: string, config?: string): Promise<Daemon> {
  const words = [DAEMON_SCRIPT, '--runtime-dir', runtimeDir];
  if (config !== undefined) words.push('--config', config);
  const child = spawn(process.execPath, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: cleanEnvironment(),
  });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    readline.createInterface(stream).on('line', (line) => log.push(line));
  }
  const exited = once(child, 'exit').then(([code, signal]) => String(code ?? signal));
  const killChild = (): boolean => child.kill('SIGKILL');
  // Before whoever removes the folders.
  process.prependOnceListener('exit', killChild);
  const kill = async (): Promise<void> => {
    killChild();
    await exited;
    process.off('exit', killChild);
  };

  for (;;) {
    const how = await Promise.race([exited, delay(POLL_MS, null)]);
    if (how !== null) throw new Error(`xschedd ended with ${how}:\n${log.join('\n')}`);
    if (await askXsched(runtimeDir, ['status']).catch(() => null)) break;
  }
  return {
    kill,
    async stop() {
      child.kill('SIGTERM');
      const how = await Promise.race([exited, delay(STOP_TIMEOUT_MS, 'no end', { ref: false })]);
      await kill();
      if (how !== '0') throw new Error(`xschedd stopped with ${how}:\n${log.join('\n')}`);
    },
  };
}

/** The words that go in front of a program's command line to run it under the shim. */
export function xschedRun(runtimeDir: string): string[] {
  return [process.execPath, COMMAND_SCRIPT, '--runtime-dir', runtimeDir, 'run', '--'];
}

/** Runs an `xsched` command and returns what it prints with `--json`. */
export async function askXsched(runtimeDir: string, words: readonly string[]): Promise<unknown> {
  const args = [COMMAND_SCRIPT, '--runtime-dir', runtimeDir, ...words, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: cleanEnvironment() });
  return JSON.parse(stdout);
}

/** What `xsched ps` shows. */
export async function listQueues(runtimeDir: string): Promise<QueueInfo[]> {
  return (await askXsched(runtimeDir, ['ps'])) as QueueInfo[];
}

/**
 * Waits until `xsched ps` shows a queue of each name.
 * @returns all queues
 * @throws Error with what it showed last, after `timeoutMs`
 */
export async function waitForQueues(
  runtimeDir: string,
  names: readonly string[],
  timeoutMs: number,
): Promise<QueueInfo[]> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const queues = await listQueues(runtimeDir);
    if (names.every((name) => queues.some((queue) => queue.name === name))) return queues;
    if (performance.now() > deadlineMs) {
      const seen = queues.map((queue) => `${queue.id} ${queue.name}`).join(', ') || 'none';
      throw new Error(`Queues after ${timeoutMs} ms: ${seen}; wanted: ${names.join(', ')}`);
    }
    await delay(POLL_MS);
  }
}

const WAIT_MS = 20_000;

/**
 * Waits until a condition holds.
 * @throws Error that names it, after 20 s
 */
export async function waitFor(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await delay(POLL_MS);
  }
}
