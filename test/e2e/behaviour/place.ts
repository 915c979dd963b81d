/** One test's own machine: a simulated GPU, a runtime directory, and what runs there. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { connect } from '../../../client-lib/index.js';
import type { Controller, QueueInfo } from '../../../client-lib/index.js';
import { bareEnvironment } from '../../demo/environment.js';
import { COMMAND_SCRIPT, DAEMON_SCRIPT, ROOT, SIMULATED_GPU_DIR } from '../../demo/paths.js';
import { Program } from './program.js';

const SHIM = path.join(ROOT, 'build', 'shim', 'libxsched_shim.so');
const OWN_CLIENTS = path.join(ROOT, 'build', 'e2e');
const GPU_CLIENTS = path.join(SIMULATED_GPU_DIR, 'clients');
const SIMLOG = path.join(SIMULATED_GPU_DIR, 'simlog');
const LOG_BYTES = 64 * 1024 * 1024;

/** A program of these tests, or one of the simulated GPU's own. */
export function clientPath(name: string): string {
  const own = path.join(OWN_CLIENTS, name);
  return fs.existsSync(own) ? own : path.join(GPU_CLIENTS, name);
}

/** One finished kernel; times are nanoseconds of CLOCK_MONOTONIC. */
export interface Kernel {
  readonly submit: number;
  readonly start: number;
  readonly finish: number;
}

/** The clock of the device's log. */
export function monotonicNs(): number {
  return Number(process.hrtime.bigint());
}

export class Place {
  readonly runtimeDir: string;
  readonly #folder: string;
  readonly #programs: Program[] = [];

  /** @param gpu settings of the simulated GPU, XSCHED_SIM_… */
  constructor(private readonly gpu: Readonly<Record<string, string>> = {}) {
    this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-e2e-'));
    this.runtimeDir = path.join(this.#folder, 'run');
    onTestFinished(async () => {
      for (const program of this.#programs) if (!program.isOver) await program.kill();
      fs.rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  /** This process's environment without what would lead the product elsewhere, and with `extra`. */
  env(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return bareEnvironment({
      ...this.gpu,
      XSCHED_SIM_DIR: path.join(this.#folder, 'gpu'),
      XSCHED_RUNTIME_DIR: this.runtimeDir,
      ...extra,
    });
  }

  start(title: string, argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Program {
    const program = new Program(title, argv, env);
    this.#programs.push(program);
    return program;
  }

  /** A client as it is, without the shim. */
  bare(client: string, args: readonly string[] = []): Program {
    return this.start(client, [clientPath(client), ...args], this.env());
  }

  /** A client under the shim. */
  preloaded(
    client: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Program {
    const whole = this.env({ LD_PRELOAD: SHIM, XSCHED_NAME: client, ...env });
    return this.start(client, [clientPath(client), ...args], whole);
  }

  /** A client started by `xsched run`. */
  run(client: string, args: readonly string[], options: readonly string[]): Program {
    const command = [process.execPath, COMMAND_SCRIPT, 'run', ...options, '--'] as const;
    return this.start(client, [...command, clientPath(client), ...args], this.env());
  }

  /** Starts xschedd as a process of its own and waits until it serves. */
  async startDaemon(config = ''): Promise<Program> {
    const file = path.join(this.#folder, 'xschedd.yaml');
    fs.writeFileSync(file, config);
    const argv = [process.execPath, DAEMON_SCRIPT, '--config', file] as const;
    const daemon = this.start('xschedd', [...argv, '--log-format', 'human'], this.env());
    const serving = `serves ${this.runtimeDir}`;
    await daemon.logs(serving);
    return daemon;
  }

  /** Asks by `xsched … --json`. */
  async ask(...args: readonly string[]): Promise<unknown> {
    const argv = [COMMAND_SCRIPT, ...args, '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, argv, {
      env: this.env(),
      maxBuffer: LOG_BYTES,
    });
    return JSON.parse(stdout);
  }

  /** What `xsched ps` shows. */
  async queues(): Promise<readonly QueueInfo[]> {
    return (await this.ask('ps')) as readonly QueueInfo[];
  }

  /** A link to the daemon that is closed after the test. */
  async control(): Promise<Controller> {
    const controller = await connect({ runtimeDir: this.runtimeDir, timeoutMs: 20_000 });
    onTestFinished(() => controller.close());
    return controller;
  }

  /** The kernels that a process has finished, oldest first, as far as the device remembers. */
  async kernels(program: Program): Promise<readonly Kernel[]> {
    const args = ['--kind', 'kernel', '--pid', String(program.pid)];
    const { stdout } = await promisify(execFile)(SIMLOG, args, {
      env: this.env(),
      maxBuffer: LOG_BYTES,
    });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Kernel);
  }
}
