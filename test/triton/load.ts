import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TritonServer } from './server.js';

const client = path.join(path.dirname(fileURLToPath(import.meta.url)), 'client.py');

/** One request of a load, as the gRPC client saw it. */
export interface Answer {
  /** Counted from 0. */
  index: number;
  /** Wall clock, milliseconds since 1970. */
  startedMs: number;
  latencyMs: number;
  /** What went wrong (an error, a wrong answer); null if the answer was right. */
  problem: string | null;
}

/** What to send to which model. */
export interface LoadOptions {
  model: 'bert-high' | 'bert-low';
  /** From the start of one request to the start of the next; 0: the next follows at once. */
  intervalMs: number;
}

/** A running load: one gRPC client that sends one request at a time. */
export interface Load {
  /** Every answer so far, in the order in which the requests were sent. */
  readonly answers: readonly Answer[];
  /** Resolves when `count` more requests have been sent from now on and answered. */
  collect(count: number): Promise<Answer[]>;
  /** Ends the load after the request that is under way; resolves with every answer. */
  stop(): Promise<Answer[]>;
}

type ClientLine =
  | { event: 'ready' }
  | ({ event: 'answer' } & Answer)
  | { event: 'done'; sent: number; right: number };

/**
 * Starts a load and resolves once its client is connected and the model has answered twice.
 * @throws Error with what the client printed, if it ends before
 */
export async function startLoad(server: TritonServer, options: LoadOptions): Promise<Load> {
  const args = ['--url', server.url, '--model', options.model];
  args.push('--interval-ms', String(options.intervalMs));
  const env = { ...process.env, PYTHONPATH: server.installation.site, OPENBLAS_NUM_THREADS: '1' };
  const child = spawn(server.installation.python, [client, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
  });
  const answers: Answer[] = [];
  let complaint = '';
  let done: { sent: number; right: number } | null = null;
  const progress = new EventEmitter();
  let ready = false;
  let ended = false;

  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  child.once('error', (error) => (complaint += error.message));
  child.once('close', () => {
    ended = true;
    progress.emit('change');
  });
  // A client that ended early is reported by what it printed, not by the closed pipe.
  child.stdin.on('error', () => undefined);
  readline.createInterface(child.stdout).on('line', (line) => {
    const said = JSON.parse(line) as ClientLine;
    if (said.event === 'ready') ready = true;
    else if (said.event === 'done') done = { sent: said.sent, right: said.right };
    else answers.push(said);
    progress.emit('change');
  });

  async function waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (ended) throw new Error(`The client of ${options.model} ended early: ${complaint}`);
      await once(progress, 'change');
    }
  }
  await waitFor(() => ready);

  return {
    answers,
    async collect(count) {
      const calledMs = Date.now();
      const since = (): Answer[] => answers.filter((answer) => answer.startedMs >= calledMs);
      await waitFor(() => since().length >= count);
      return since().slice(0, count);
    },
    async stop() {
      child.stdin.end();
      await waitFor(() => done !== null);
      return answers;
    },
  };
}
