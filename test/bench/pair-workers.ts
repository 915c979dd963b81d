/** The processes that `end-to-end` measures: what they are asked, and what they answer. */
import os from 'node:os';
import path from 'node:path';
import type { QueueInfo } from '../../protocol/generated/messages.js';
import { ROOT } from '../demo/paths.js';
import { Program } from '../e2e/behaviour/program.js';
import { until } from '../e2e/behaviour/until.js';

const SCRIPT = path.join(ROOT, 'test', 'bench', 'pair_worker.py');
const PYTHON = process.env['XSCHED_TEST_PYTHON'] ?? 'python3';
/** PyTorch's own start, with so many processes at once as `--pairs` may ask for. */
const START_MS = 180_000;
/** How long what lasts a moment may take: an inference of the low model may be in its way. */
const ANSWER_MS = 15_000;
const BUILD_MS = 120_000;
const END_MS = 5000;

/** Streams of a worker, by what runs there; `high-priority` has a higher CUDA priority. */
export type StreamName = 'high' | 'high-priority' | 'low';

export interface About {
  /** The name of the GPU. */
  readonly device: string;
  /** PyTorch's version. */
  readonly torch: string;
  /** Handles. */
  readonly streams: Readonly<Record<StreamName, number>>;
}

export interface Calibration {
  /** By the high model's name. */
  readonly layers: Readonly<Record<string, number>>;
  readonly layerMs: number;
  /** What of a layer the host's thread is busy with. */
  readonly layerHostMs: number;
  /** What a model without layers takes. */
  readonly baseMs: number;
}

export interface BuildModel {
  readonly layers: number;
  readonly batch: number;
  /** Whether a request of it is one launch of a CUDA graph, not one of each kernel. */
  readonly graph: boolean;
}

export interface Build {
  readonly models: Readonly<Record<string, BuildModel>>;
  /** Models that are only loaded. */
  readonly loads: readonly string[];
  /** How much each of those is. */
  readonly megabytes: number;
}

export interface MeasureRequest {
  readonly model: string;
  readonly stream: StreamName;
  readonly seconds: number;
  /** Requests per second. */
  readonly rate: number;
  readonly arrivals: string;
  readonly seed: number;
}

/** Requests of a phase, each from when it was due; the parts of its time in microseconds. */
export interface Measured {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly from: number;
  readonly to: number;
  /** Requests that were given up because too many before them were late. */
  readonly missed: number;
  /** Until the worker was free and awake. */
  readonly lateUs: readonly number[];
  /** Until all was launched. */
  readonly launchUs: readonly number[];
  /** Until the stream was done. */
  readonly waitUs: readonly number[];
}

type Answer = Record<string, unknown> & { readonly id: number; readonly error?: string };

/** One process that obeys. */
export class Worker {
  readonly #program: Program;
  #about: About | undefined;
  #read = 0;
  #asked = 0;

  /** @param processors those that it stays on, where there are so many: FIRST-LAST */
  constructor(title: string, device: string, env: NodeJS.ProcessEnv, processors: string) {
    const last = Number(processors.split('-')[1]);
    const own = last < os.availableParallelism() ? ['taskset', '-c', processors] : [];
    const script = [PYTHON, '-W', 'ignore', SCRIPT, '--device', device];
    this.#program = new Program(title, [...own, ...script] as [string, ...string[]], env);
  }

  get title(): string {
    return this.#program.title;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Waits until it can be asked. */
  async ready(): Promise<About> {
    this.#about = (await this.#answer(0, START_MS)) as unknown as About;
    return this.#about;
  }

  /** Whether a queue of the daemon is that of a stream. */
  owns({ pid, stream }: Pick<QueueInfo, 'pid' | 'stream'>, name: StreamName): boolean {
    return pid === this.pid && stream === this.#about?.streams[name];
  }

  /** @param ms what models are to take, by their names */
  async calibrate(ms: Readonly<Record<string, number>>, graph: boolean): Promise<Calibration> {
    return (await this.#ask('calibrate', { ms, graph }, BUILD_MS)) as unknown as Calibration;
  }

  async build(what: Build): Promise<void> {
    await this.#ask('build', what, BUILD_MS);
  }

  async measure(request: MeasureRequest): Promise<Measured> {
    const limitMs = ANSWER_MS + 2000 * request.seconds;
    return (await this.#ask('measure', request, limitMs)) as unknown as Measured;
  }

  /** It begins to run or load a model without pause, and has done so twice when this settles. */
  async flood(model: string): Promise<void> {
    await this.#ask('flood', { model, stream: 'low' }, ANSWER_MS);
  }

  /** Ends that. @returns the moments at which each was done, nanoseconds of CLOCK_MONOTONIC */
  async stop(): Promise<readonly number[]> {
    return ((await this.#ask('stop', {}, ANSWER_MS)) as unknown as { ends: number[] }).ends;
  }

  /** Ends it at once. */
  kill(): void {
    this.#program.killNow();
  }

  /** Ends it, by force where it does not by itself. */
  async end(): Promise<void> {
    this.#program.dismiss();
    await this.#program.end(END_MS).catch(() => this.#program.kill());
  }

  async #ask(name: string, request: object, limitMs: number): Promise<Answer> {
    this.#asked += 1;
    this.#program.tell(JSON.stringify({ id: this.#asked, do: name, ...request }));
    return this.#answer(this.#asked, limitMs, name);
  }

  /** The answer to a request; whoever does not give it in time is ended, since nothing fits then. */
  async #answer(id: number, limitMs: number, name = 'start'): Promise<Answer> {
    const said = () => {
      const stderr = this.#program.stderr.trim().slice(-2000);
      return stderr === '' ? '; it printed no error' : `:\n${stderr}`;
    };
    let answer: Answer | undefined;
    const arrived = (): boolean => {
      const { lines } = this.#program;
      while (answer === undefined && this.#read < lines.length) {
        answer = readAnswer(lines[this.#read] ?? '', id);
        this.#read += 1;
      }
      if (answer === undefined && this.#program.isOver)
        throw new Error(`${this.title} ended, asked to ${name}${said()}`);
      return answer !== undefined;
    };
    try {
      await until(`${this.title} answers '${name}'`, arrived, { limitMs, detail: said });
    } catch (error) {
      await this.#program.kill().catch(() => undefined);
      throw error;
    }
    const given = answer;
    if (given === undefined) throw new Error(`${this.title} gave no answer to '${name}'`);
    if (given.error !== undefined)
      throw new Error(`${this.title} cannot ${name}: ${given.error}${said()}`);
    return given;
  }
}

/** What a line answers, if it is the request of that number; a library may print lines of its own. */
function readAnswer(line: string, id: number): Answer | undefined {
  try {
    const value = JSON.parse(line) as Answer;
    return value.id === id ? value : undefined;
  } catch {
    return undefined;
  }
}
