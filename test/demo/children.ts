/** The programs that the demo starts: their last words are kept, and none of them outlives it. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

/** How much of a program's standard error is kept for the message about its failure. */
const ERROR_LINES = 12;
/** How long a program has after SIGTERM before SIGKILL. */
const STOP_GRACE_MS = 3000;

/** How a program ended. */
export interface Ending {
  /** Exit status, or null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that failed, with what it last said. */
export class ChildError extends Error {}

export interface ChildOptions {
  /** What messages call it. */
  readonly title: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
}

/** One running program. */
export class Child {
  readonly title: string;
  readonly stdout: Readable;
  /** Resolves when the program has ended and its output is read. */
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  #errorText = '';

  constructor({ title, argv, env }: ChildOptions) {
    const [program, ...args] = argv;
    this.title = title;
    // A group of its own: Ctrl-C at the terminal reaches the demo alone, which then stops its
    // programs in order, and a program that starts others can be ended together with them.
    this.#process = spawn(program, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.stdout = this.#process.stdout;
    this.#process.stderr.setEncoding('utf8');
    this.#process.stderr.on('data', (text: string) => {
      this.#errorText = (this.#errorText + text)
        .split('\n')
        .slice(-ERROR_LINES - 1)
        .join('\n');
    });
    this.ended = new Promise((resolve, reject) => {
      this.#process.on('error', (error) => {
        reject(new ChildError(`${title}: cannot start ${program}: ${error.message}`));
      });
      this.#process.on('close', (status, signal) => {
        resolve({ status, signal });
      });
    });
    // Whoever awaits `ended` sees the error; where nobody does, it must not end the demo.
    this.ended.catch(() => undefined);
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Throws a ChildError with the last lines of standard error unless the status was 0. */
  async expectSuccess(): Promise<void> {
    const ending = await this.ended;
    if (ending.status !== 0) throw this.failure(ending);
  }

  /** The error that says how the program ended. */
  failure({ status, signal }: Ending): ChildError {
    const how = signal === null ? `exit status ${String(status)}` : `ended by ${signal}`;
    return new ChildError(`${this.title} failed: ${how}. ${this.#lastWords()}`);
  }

  /** The error that says that the program is not done after so many seconds. */
  late(seconds: number): ChildError {
    const waited = `${String(seconds)} s`;
    return new ChildError(`${this.title} is not done after ${waited}. ${this.#lastWords()}`);
  }

  #lastWords(): string {
    const text = this.#errorText.trim();
    return text === '' ? 'It printed no error.' : `Its last words:\n${indent(text)}`;
  }

  /** Asks the program to end and waits for it; after three seconds it is killed with its group. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#killGroup();
    }, STOP_GRACE_MS);
    await this.ended.catch(() => undefined);
    clearTimeout(timer);
  }

  #killGroup(): void {
    const { pid } = this.#process;
    if (pid === undefined || !this.running) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      // Ended since we looked: nothing is left to kill.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

/** All programs of one demo. */
export class Children {
  readonly #all: Child[] = [];
  #isClosed = false;

  /** Starts a program; throws a ChildError after stopAll. */
  start(options: ChildOptions): Child {
    if (this.#isClosed) throw new ChildError(`${options.title} was not started: the demo ends`);
    const child = new Child(options);
    this.#all.push(child);
    return child;
  }

  /** Ends the programs that still run, the youngest first: clients before their daemon. */
  async stopAll(): Promise<void> {
    this.#isClosed = true;
    for (const child of this.#all.toReversed()) {
      if (child.running) await child.stop();
    }
  }
}
