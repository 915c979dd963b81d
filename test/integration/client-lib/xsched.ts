/** Running the built `xsched` command. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../../demo/environment.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** The command's file, as npm test builds it. */
export const XSCHED = path.join(root, 'build', 'js', 'client-lib', 'cli', 'main.js');

/** A library that does nothing to the programs into which it is preloaded. */
export const HARMLESS_LIBRARY = findLoadedLibrary('libm.so');

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  readonly input?: string;
}

/** An environment without a daemon, a preload library or colours of whoever runs the tests. */
export function commandEnvironment(changes: Readonly<NodeJS.ProcessEnv> = {}): NodeJS.ProcessEnv {
  return bareEnvironment({ XSCHED_SHIM: HARMLESS_LIBRARY, ...changes });
}

/** Runs `xsched` to its end. */
export async function xsched(args: readonly string[], options: Options = {}): Promise<Ending> {
  const running = new Running(args, options.env);
  running.child.stdin.end(options.input ?? '');
  return running.ending;
}

/** An `xsched` that runs, with what it has written so far. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ending: Promise<Ending>;
  static readonly #all = new Set<Running>();
  #stdout = '';
  #stderr = '';
  #watchers: (() => void)[] = [];

  constructor(args: readonly string[], env?: Readonly<NodeJS.ProcessEnv>, command?: string) {
    const argv = command === undefined ? [XSCHED, ...args] : args;
    // In a session of its own, so that a terminal of whoever runs the tests plays no part.
    const settings = { env: commandEnvironment(env), detached: true };
    this.child = spawn(command ?? process.execPath, argv, settings);
    Running.#all.add(this);
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      for (const watch of this.#watchers) watch();
    });
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.ending = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        Running.#all.delete(this);
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        for (const watch of this.#watchers) watch();
      });
    });
  }

  /** Ends what a test that failed has left behind. */
  static killAll(): void {
    for (const { child } of Running.#all) {
      if (child.pid === undefined) continue;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    }
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Settles when standard output holds the text `times` times; fails when the program ends first. */
  sees(text: string, times = 1): Promise<void> {
    return new Promise((resolve, reject) => {
      const watch = (): void => {
        if (this.#stdout.split(text).length > times) resolve();
        else if (this.child.exitCode !== null || this.child.signalCode !== null) {
          reject(new Error(`it ended without '${text}':\n${this.#stdout}${this.#stderr}`));
        }
      };
      this.#watchers.push(watch);
      watch();
    });
  }
}

function findLoadedLibrary(name: string): string {
  const maps = fs.readFileSync('/proc/self/maps', 'utf8');
  const line = maps.split('\n').find((one) => one.includes(`/${name}`));
  const file = line?.slice(line.indexOf('/'));
  if (file === undefined) throw new Error(`this Node has no ${name} loaded`);
  return file;
}
