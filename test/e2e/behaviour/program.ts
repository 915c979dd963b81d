/** A program under test: what it printed so far, and how it ended. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from './until.js';

/** What two runs of one program are compared by. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: readonly string[];
}

export class Program {
  /** Lines of standard output so far. */
  readonly lines: string[] = [];
  /** Standard error so far. */
  stderr = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ending: Promise<Ending>;
  readonly #isGroup: boolean;
  #isOver = false;

  /** @param isGroup whether `kill` ends whatever it started too; the terminal's signals miss it then */
  constructor(
    readonly title: string,
    argv: readonly [string, ...string[]],
    env: NodeJS.ProcessEnv,
    { isGroup = false }: { readonly isGroup?: boolean } = {},
  ) {
    const [command, ...args] = argv;
    const child = spawn(command, args, { env, stdio: 'pipe', detached: isGroup });
    this.#child = child;
    this.#isGroup = isGroup;
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // A program that ended does not read what it is told any more.
    child.stdin.on('error', () => undefined);
    this.#ending = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#isOver = true;
        resolve({ code, signal, stdout: this.lines });
      });
    });
    this.#ending.catch(() => undefined);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.title} was not started`);
    return this.#child.pid;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Its end; throws with all that it printed unless that comes within `limitMs`. */
  async end(limitMs: number): Promise<Ending> {
    await until(`${this.title} ends`, () => this.#isOver, { limitMs, detail: () => this.words() });
    return this.#ending;
  }

  /** Waits until standard output has had `line` `count` times in all. */
  async says(line: string, count = 1): Promise<void> {
    await until(
      `${this.title} says '${line}' ${count} times`,
      () => {
        if (this.lines.filter((one) => one.startsWith(line)).length >= count) return true;
        if (this.#isOver) throw new Error(`${this.title} ended without '${line}': ${this.words()}`);
        return false;
      },
      { detail: () => this.words() },
    );
  }

  /** Waits for a text anywhere in what it writes, on standard output or error. */
  async logs(text: string): Promise<void> {
    await until(
      `${this.title} writes '${text}'`,
      () => {
        if (this.stderr.includes(text) || this.lines.some((line) => line.includes(text)))
          return true;
        if (this.#isOver) throw new Error(`${this.title} ended without '${text}': ${this.words()}`);
        return false;
      },
      { detail: () => this.words() },
    );
  }

  /** Gives it a line of standard input. */
  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends its standard input. */
  dismiss(): void {
    this.#child.stdin.end();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it as `kill -9` does and waits until it is gone. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#ending;
  }

  /** The same without waiting, for the end of this process. */
  killNow(): void {
    if (this.#isOver) return;
    if (!this.#isGroup) {
      this.#child.kill('SIGKILL');
      return;
    }
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch (error) {
      // All of it ended by itself since we looked.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  words(): string {
    return `\n${[...this.lines.slice(-10), this.stderr.slice(-2000)].join('\n')}`;
  }
}
