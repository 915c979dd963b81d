import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { ROOT } from '../demo/paths.js';
import type { TritonServer } from './server.js';

const client = path.join(ROOT, 'test', 'triton', 'client.py');

/** One request of a load, as the gRPC client saw it. */
export interface Answer {
  /** Counted from 0. */
  index: number;
  /** Wall clock, milliseconds since 1970. */
  startedMs: number;
  latencyMs: number;
  /** What went wrong (an error, a wrong answer); null if the answer was right. */
  problem: string | null;
  /** The server's own times of this request, where they were asked for; null if it has none. */
  queueMs?: number | null;
  /** Input, inference and output together. */
  computeMs?: number | null;
}

/** What to send to which model. */
export interface LoadOptions {
  model: string;
  /** From the start of one request to the start of the next, in ms; without or 0: at once. */
  intervalMs?: number;
  /** From an answer to the start of the next request, in ms; without or 0: at once. */
  sleepMs?: number;
  /** Requests in flight, each with the pauses above; without: 1. */
  concurrency?: number;
  /** Ask for the server's own times; needs a concurrency of 1 and a model without other clients. */
  statistics?: boolean;
  /** File with the answers that a bert model must give. */
  expect?: string;
  /** File for the answers that a bert model gave. */
  writeExpected?: string;
  /** Ends the client by force, so that whatever waits for it fails. */
  signal?: AbortSignal;
}

/** A running load: one gRPC client process. */
export interface Load {
  /** Every answer so far, in the order in which the requests were sent. */
  readonly answers: readonly Answer[];
  /** What the server says of itself. */
  readonly serverVersion: string;
  /** Resolves when `count` more requests have been sent from now on and answered. */
  collect(count: number): Promise<Answer[]>;
  /** Ends the load after the requests that are under way; resolves with every answer. */
  stop(): Promise<Answer[]>;
}

type ClientLine =
  | { event: 'ready'; serverVersion: string }
  | ({ event: 'answer' } & Answer)
  | { event: 'done'; sent: number; right: number };

function clientArguments(server: TritonServer, options: LoadOptions): string[] {
  const { intervalMs = 0, sleepMs = 0, concurrency = 1, expect, writeExpected } = options;
  return [
    ...['--url', server.url, '--model', options.model],
    ...['--interval-ms', String(intervalMs), '--sleep-ms', String(sleepMs)],
    ...['--concurrency', String(concurrency)],
    ...(options.statistics === true ? ['--statistics'] : []),
    ...(expect === undefined ? [] : ['--expect', expect]),
    ...(writeExpected === undefined ? [] : ['--write-expected', writeExpected]),
  ];
}

/**
 * Starts a load and resolves once its client is connected and the model has answered twice.
 * @throws Error with what the client printed, if it ends before
 */
export async function startLoad(server: TritonServer, options: LoadOptions): Promise<Load> {
  const env = {
    ...process.env,
    PYTHONPATH: server.installation.site,
    PYTHONDONTWRITEBYTECODE: '1',
    OPENBLAS_NUM_THREADS: '1',
  };
  const child = spawn(server.installation.python, [client, ...clientArguments(server, options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
    // A group of its own: Ctrl-C at the terminal reaches whoever started it, who then ends it.
    detached: true,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  killAtExit(child);
  const answers: Answer[] = [];
  let complaint = '';
  let done: { sent: number; right: number } | null = null;
  const progress = new EventEmitter();
  let serverVersion = null as string | null;
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
    if (said.event === 'ready') serverVersion = said.serverVersion;
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
  await waitFor(() => serverVersion !== null);

  return {
    answers,
    serverVersion: serverVersion ?? '',
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

/** Has the client ended with this process, however that ends. */
function killAtExit(child: ChildProcess): void {
  const kill = (): boolean => child.kill('SIGKILL');
  // Before whoever removes the folders.
  process.prependOnceListener('exit', kill);
  child.once('close', () => process.off('exit', kill));
}
