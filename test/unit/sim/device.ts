/** Runs client programs on a simulated GPU of the test's own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const build = fileURLToPath(new URL('../../../build/sim/', import.meta.url));

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** An operation as simlog prints it; times in ns of CLOCK_MONOTONIC. */
export interface LogEntry {
  sequence: number;
  pid: number;
  device: number;
  stream: number;
  kind: string;
  submit: number;
  start: number;
  finish: number;
}

export class SimulatedDevice {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'xsched-sim-test-'));
  readonly #children = new Set<ChildProcessWithoutNullStreams>();

  /** Environment variables that every process of this device gets. */
  constructor(readonly env: Record<string, string> = {}) {}

  /** Starts a client program, or simlog. */
  start(program: string, args: string[] = [], env: Record<string, string> = {}) {
    const file = program === 'simlog' ? program : path.join('clients', program);
    const child = spawn(path.join(build, file), args, {
      env: { ...process.env, ...this.env, ...env, XSCHED_SIM_DIR: this.folder },
    });
    this.#children.add(child);
    child.on('close', () => this.#children.delete(child));
    return child;
  }

  /** Runs a program to its end. */
  async run(program: string, args: string[] = [], env: Record<string, string> = {}) {
    return outcomeOf(this.start(program, args, env));
  }

  async log(kind = 'kernel'): Promise<LogEntry[]> {
    const { stdout } = await this.run('simlog', ['--kind', kind]);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogEntry);
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        const closed = once(child, 'close');
        child.kill('SIGKILL');
        await closed;
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a program printed and how it ended. */
export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

/** Waits until a program has printed something. */
export async function firstOutput(child: ChildProcessWithoutNullStreams): Promise<string> {
  const [data] = (await once(child.stdout, 'data')) as [Buffer];
  return data.toString();
}

/** An element that a test relies on; a message instead of `undefined` where it is missing. */
export function elementAt<T>(list: readonly T[] | undefined, index: number): T {
  const element = list?.at(index);
  if (element === undefined)
    throw new Error(`no element ${String(index)} of ${String(list?.length)}`);
  return element;
}
