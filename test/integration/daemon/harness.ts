/** Daemons for tests: inside this process, or as the program. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { createLogger, format, transports } from 'winston';
import { parseConfig } from '../../../daemon/config/load.js';
import { startDaemon } from '../../../daemon/daemon.js';
import type { Daemon, DaemonOptions } from '../../../daemon/daemon.js';
import { AgentClient } from './agent-client.js';
import { ControlClient } from './control-client.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
/** The program xschedd, as it was built. */
export const PROGRAM = path.join(root, 'build/js/daemon/main.js');

/** A folder that is gone after the test. */
export function makeFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xschedd-'));
  onTestFinished(() => {
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface TestDaemon extends Daemon {
  /** Lines of its log, `level message`. */
  readonly logged: readonly string[];
}

/** Starts a daemon in this process; it ends with the test. */
export async function runDaemon(
  options: Partial<DaemonOptions> & { readonly yaml?: string } = {},
): Promise<TestDaemon> {
  const logged: string[] = [];
  const stream = new Writable({
    write: (line: Buffer, _encoding, done) => {
      logged.push(line.toString().trimEnd());
      done();
    },
  });
  const daemon = await startDaemon({
    runtimeDir: path.join(makeFolder(), 'run'),
    config: parseConfig(options.yaml ?? '', 'test.yaml'),
    log: createLogger({
      level: 'debug',
      levels: { error: 0, warn: 1, info: 2, debug: 3 },
      format: format.printf(({ level, message }) => `${level} ${String(message)}`),
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's types call its classes instances
      transports: [new transports.Stream({ stream })],
    }),
    ...options,
  });
  onTestFinished(() => daemon.stop());
  return Object.assign(daemon, { logged });
}

/** A link that is closed after the test. */
export function openClient(
  runtimeDir: string,
  credentials: { id?: string; username?: string; comesBack?: boolean } = {},
): AgentClient {
  const client = new AgentClient(runtimeDir, credentials);
  onTestFinished(() => {
    client.close();
  });
  return client;
}

/** A program under test: its lines on stdout and stderr, and its end. */
export class Program {
  readonly lines: string[] = [];
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;
  #wake: (() => void)[] = [];
  #over = false;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        this.lines.push(line);
        this.#wakeAll();
      });
    }
    this.ended = once(child, 'close').then(([code, signal]: unknown[]) => {
      this.#over = true;
      this.#wakeAll();
      return (code as number | null) ?? (signal as NodeJS.Signals);
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the program was not started');
    return this.#child.pid;
  }

  /** The first line that contains a text, now or later. @throws when the program ends without. */
  async line(text: string): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => line.includes(text));
      if (found !== undefined) return found;
      if (this.#over) throw new Error(`it ended without '${text}':\n${this.lines.join('\n')}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Starts the program xschedd, as it was built. */
export function spawnDaemon(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const clean = { XSCHED_RUNTIME_DIR: '', RUNTIME_DIRECTORY: '', NOTIFY_SOCKET: '' };
  return new Program(process.execPath, [PROGRAM, ...args], { ...clean, ...env });
}

/** The text of a helper program beside this file. */
export function helperPath(name: string): string {
  return path.join(root, 'test/integration/daemon', name);
}

/** A link to the control socket that is closed after the test. */
export function openController(runtimeDir: string): ControlClient {
  const controller = new ControlClient(runtimeDir);
  onTestFinished(() => {
    controller.close();
  });
  return controller;
}
