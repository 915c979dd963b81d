/** Programs on the simulated GPU, with the shim in them or without. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BUILD = path.join(ROOT, 'build');
export const SHIM = path.join(BUILD, 'shim', 'libxsched_shim.so');
export const CLIENTS = path.join(BUILD, 'shim-test', 'clients');
/** What a stream of the simulated GPU holds before the driver keeps its callers waiting. */
export const STREAM_RING = 4096;

/** No program of these tests needs as long, so one that hangs is found out. */
const LIFE_MS = 40_000;

/** A test's own GPU and its own daemon's folder; both go away with the test. */
export interface Stage {
  readonly runtimeDir: string;
  readonly simDir: string;
}

export function makeStage(): Stage {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-shim-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const runtimeDir = path.join(folder, 'run');
  fs.mkdirSync(runtimeDir);
  return { runtimeDir, simDir: path.join(folder, 'sim') };
}

export type Environment = Readonly<Record<string, string>>;

/** The whole environment of a program: nothing of the test's own gets in. */
export function makeEnvironment(stage: Stage, more: Environment = {}, shim = true): Environment {
  return {
    PATH: '/usr/bin:/bin',
    LD_LIBRARY_PATH: path.join(BUILD, 'sim'),
    CLIENT_PTX: path.join(ROOT, 'test', 'sim', 'kernels.ptx'),
    XSCHED_SIM_DIR: stage.simDir,
    XSCHED_RUNTIME_DIR: stage.runtimeDir,
    ...(shim ? { LD_PRELOAD: SHIM } : {}),
    ...more,
  };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a client to its end, or of its life; `clients` is the folder of its build. */
export async function runClient(
  name: string,
  args: readonly string[],
  env: Environment,
  clients = CLIENTS,
  lifeMs = LIFE_MS,
): Promise<Ended> {
  const child = spawn(path.join(clients, name), args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: lifeMs,
    killSignal: 'SIGKILL',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, stdout, stderr };
}

/** The scripted client: obeys orders thread by thread, see test/shim/clients/scripted.c. */
export class Script {
  /** Every line of its standard output so far. */
  readonly lines: string[] = [];
  /** What it wrote to standard error. */
  stderr = '';
  readonly pid: number;
  readonly #child;
  readonly #closed: Promise<[number | null, string | null]>;
  readonly #watchers = new Set<() => void>();

  constructor(env: Environment) {
    this.#child = spawn(path.join(CLIENTS, 'scripted'), {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: LIFE_MS,
      killSignal: 'SIGKILL',
    });
    if (this.#child.pid === undefined) throw new Error('the scripted client cannot be started');
    this.pid = this.#child.pid;
    onTestFinished(() => void this.#child.kill('SIGKILL'));
    this.#child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    // An order that finds it ended shows by the missing answer.
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const watcher of [...this.#watchers]) watcher();
    });
    this.#closed = once(this.#child, 'close') as Promise<[number | null, string | null]>;
    void this.#closed.then(() => {
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  /** Gives an order and does not wait for it. */
  begin(order: string): void {
    this.#child.stdin.write(`${order}\n`);
  }

  /** Waits for the next answer that begins with `head`, and returns what follows it. */
  async answer(head: string, from = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const watcher = () => {
        const line = this.lines.slice(from).find((text) => `${text} `.startsWith(`${head} `));
        const ended = this.#child.exitCode !== null || this.#child.signalCode !== null;
        if (line === undefined && !ended) return;
        this.#watchers.delete(watcher);
        if (line === undefined) reject(new Error(`ended before '${head}': ${this.stderr}`));
        else resolve(line.slice(head.length + 1));
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  /** Gives an order and waits for its answer. */
  async do(order: string): Promise<string> {
    const from = this.lines.length;
    this.begin(order);
    return this.answer(order, from);
  }

  /** Several orders, one after the other; the answers. */
  async doAll(...orders: string[]): Promise<string[]> {
    const answers = [];
    for (const order of orders) answers.push(await this.do(order));
    return answers;
  }

  /** Ends it by the end of its orders. */
  async end(): Promise<Ended> {
    this.#child.stdin.end();
    const [code, signal] = await this.#closed;
    return { code, signal, stdout: this.lines.join('\n'), stderr: this.stderr };
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

export interface Operation {
  readonly sequence: number;
  readonly pid: number;
  readonly stream: number;
  readonly kind: string;
  /** CLOCK_MONOTONIC in nanoseconds; below 2^53 until a machine is up for 104 days. */
  readonly submit: number;
  readonly start: number;
  readonly finish: number;
}

/** The kernels in the simulated device's log that have finished, oldest first. */
export function readKernels(stage: Stage, pid?: number): readonly Operation[] {
  return readOperations(stage, 'kernel', pid);
}

/** The operations of one kind, such as `kernel` or `h2d`, likewise. */
export function readOperations(stage: Stage, kind: string, pid?: number): readonly Operation[] {
  const args = ['--kind', kind, ...(pid === undefined ? [] : ['--pid', String(pid)])];
  const output = execFileSync(path.join(BUILD, 'sim', 'simlog'), args, {
    env: { XSCHED_SIM_DIR: stage.simDir },
    encoding: 'utf8',
    maxBuffer: 1 << 27,
  });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Operation);
}

/** The kernels of each stream, in order; the streams in the order of their first. */
export function groupByStream(kernels: readonly Operation[]): Operation[][] {
  const groups = new Map<number, Operation[]>();
  for (const kernel of kernels) {
    groups.set(kernel.stream, [...(groups.get(kernel.stream) ?? []), kernel]);
  }
  return [...groups.values()];
}
