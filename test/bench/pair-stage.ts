/** The processes of `end-to-end` that run at the same time, and how they are put beside each other. */
import type { Controller } from '../../client-lib/index.js';
import { bareEnvironment } from '../demo/environment.js';
import { until } from '../e2e/behaviour/until.js';
import type { MatchedPair, Place } from './pair-rounds.js';
import { Worker } from './pair-workers.js';
import type { About, Build, BuildModel, Calibration } from './pair-workers.js';
import { SHIM } from './programs.js';

const LOW_LAYERS = 24;
/** What a low model that is only loaded has. */
const MEGABYTES = 1000;
/** The high model's priority; the low one's is 0. */
const PRIORITY = 10;
/**
 * Threads that share a processor, or a core of one, would be measured instead of the GPU; and what is
 * compared is to run in the same place.
 */
const PROCESSORS: Readonly<Record<Role, string>> = { high: '0-3', low: '4-7', both: '0-7' };

export interface StageOptions {
  readonly device: string;
  /** Milliseconds that each high model is to take, by its name. */
  readonly highMs: Readonly<Record<string, number>>;
  readonly lowBatch: Readonly<Record<string, number>>;
  readonly loads: readonly string[];
  /** Whether the high model's stream is to have no CUDA priority (`plain`) or one (`priority`). */
  readonly streams: readonly string[];
  /** Whether a request of a high model is one launch of a CUDA graph. */
  readonly isGraph: boolean;
  /** How many pairs there are of each kind, native and under the shim. */
  readonly pairs: number;
}

type Role = 'high' | 'low' | 'both';

/** A worker with what it runs. */
interface Member {
  readonly worker: Worker;
  readonly role: Role;
}

export class Stage {
  readonly #members: Member[] = [];
  readonly places: Place[] = [];
  readonly #killAtExit = (): void => {
    this.kill();
  };

  /**
   * Starts the processes of some arrangements, all at once.
   * @param runtimeDir where the daemon's sockets are
   * @param env what programs need to be clients of an MPS daemon, if they are to be
   */
  constructor(
    private readonly options: StageOptions,
    private readonly runtimeDir: string,
    arrangements: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
  ) {
    // Should this process end without a word.
    process.once('exit', this.#killAtExit);
    for (const arrangement of arrangements) {
      if (arrangement === 'one') this.#addOne();
      else this.#addTwo(arrangement);
    }
  }

  #start(role: Role, title: string, own: Readonly<Record<string, string>> = {}): Worker {
    const env = bareEnvironment({ ...this.env, ...own });
    const worker = new Worker(title, this.options.device, env, PROCESSORS[role]);
    this.#members.push({ worker, role });
    return worker;
  }

  #startShimmed(role: Role, title: string, own: Readonly<Record<string, string>>): Worker {
    const common = { LD_PRELOAD: SHIM, XSCHED_RUNTIME_DIR: this.runtimeDir, XSCHED_NAME: role };
    return this.#start(role, title, { ...common, ...own });
  }

  #addTwo(arrangement: string): void {
    const priority = { XSCHED_PRIORITY: String(PRIORITY) };
    const matched = this.#match((number): MatchedPair => {
      const high = this.#start('high', `high, native${number}`);
      const low = this.#start('low', `low, native${number}`);
      const shim = {
        high: this.#startShimmed('high', `high, shim${number}`, priority),
        low: this.#startShimmed('low', `low, shim${number}`, { XSCHED_PRIORITY: '0' }),
      };
      return { native: { high, low }, shim };
    });
    this.places.push({ arrangement, matched, stream: 'high' });
  }

  /** Processes natively and under the shim; streams of both kinds are in each. */
  #addOne(): void {
    const own = { XSCHED_STREAM_PRIORITY: '1' };
    const matched = this.#match((number): MatchedPair => {
      const native = this.#start('both', `one process, native${number}`);
      const shim = this.#startShimmed('both', `one process, shim${number}`, own);
      return { native: { high: native, low: native }, shim: { high: shim, low: shim } };
    });
    for (const kind of this.options.streams)
      this.places.push({
        arrangement: 'one',
        matched,
        stream: kind === 'plain' ? 'high' : 'high-priority',
      });
  }

  /** @param start is given what tells processes of the same kind apart */
  #match(start: (number: string) => MatchedPair): MatchedPair[] {
    const { pairs } = this.options;
    return Array.from({ length: pairs }, (_, index) =>
      start(pairs === 1 ? '' : ` ${String(index + 1)}`),
    );
  }

  /** Waits until all can be asked. @returns what they run on */
  async ready(): Promise<About> {
    const [first] = await Promise.all(this.#members.map(({ worker }) => worker.ready()));
    if (first === undefined) throw new Error('no process was started');
    return first;
  }

  /** How many layers the high models need: the first process tries it, which runs natively. */
  async calibrate(): Promise<Calibration> {
    const [first] = this.#members;
    if (first === undefined) throw new Error('no process was started');
    return first.worker.calibrate(this.options.highMs, this.options.isGraph);
  }

  /** Has all processes make their models, and gives high queues without a priority theirs. */
  async build({ layers }: Calibration, controller: Controller): Promise<void> {
    const { highMs, lowBatch, loads, isGraph } = this.options;
    const highs = Object.fromEntries(
      Object.keys(highMs).map((name): [string, BuildModel] => [
        name,
        { layers: layers[name] ?? 1, batch: 1, graph: isGraph },
      ]),
    );
    const lows = Object.fromEntries(
      Object.entries(lowBatch).map(([name, batch]): [string, BuildModel] => [
        name,
        { layers: LOW_LAYERS, batch, graph: false },
      ]),
    );
    const builds: Readonly<Record<Role, Build>> = {
      high: { models: highs, loads: [], megabytes: MEGABYTES },
      low: { models: lows, loads, megabytes: MEGABYTES },
      both: { models: { ...highs, ...lows }, loads: [], megabytes: MEGABYTES },
    };
    await Promise.all(this.#members.map(({ worker, role }) => worker.build(builds[role])));
    // Without a GPU there are no queues.
    if (this.options.device === 'cpu') return;
    for (const { arrangement, matched, stream } of this.places) {
      const isPlain = arrangement === 'one' && stream === 'high';
      if (isPlain) for (const { shim } of matched) await raise(shim.high, controller);
    }
  }

  /** Ends all processes at once, without a word. */
  kill(): void {
    for (const { worker } of this.#members) worker.kill();
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.end()));
    process.off('exit', this.#killAtExit);
  }
}

/** What `xsched set PID.QUEUE priority` does, for the queue of a process's high stream. */
async function raise(worker: Worker, controller: Controller): Promise<void> {
  await until(`the daemon knows the high stream of ${worker.title}`, async () => {
    const queue = (await controller.list()).find((one) => worker.owns(one, 'high'));
    if (queue === undefined) return false;
    await controller.setPriority(queue.id, PRIORITY);
    return true;
  });
}
