/** The machine of the preemption benchmark: a device, a daemon, and the programs on it. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connect } from '../../client-lib/controller.js';
import { awaitEnd, BUILD, prints, PTX, SHIM, startDaemon } from './programs.js';

const PROGRAM = path.join(BUILD, 'bench', 'preempt');
const LOG = path.join(BUILD, 'sim', 'simlog');

/** Kernels that the low programs launch, in microseconds. */
export const KERNELS: Readonly<Record<string, readonly number[]>> = {
  '3': [3],
  '20': [20],
  '100': [100],
  '500': [500],
  mixture: [3, 20, 100, 500],
};

/** The simulated GPU, or the machine's own. */
export const DRIVERS = ['sim', 'system'] as const;
export type Driver = (typeof DRIVERS)[number];

export interface Scenario {
  readonly name: string;
  readonly processes: number;
  readonly streams: number;
  /** Whether each high program comes anew. */
  readonly arrives: boolean;
  /** The CUDA priority of the high stream, where it is one of the low program's own. */
  readonly together?: number;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'queue', processes: 1, streams: 1, arrives: false },
  { name: 'streams', processes: 1, streams: 4, arrives: false },
  { name: 'processes', processes: 4, streams: 1, arrives: false },
  { name: 'arrival', processes: 1, streams: 1, arrives: true },
  { name: 'together', processes: 1, streams: 4, arrives: false, together: 0 },
  { name: 'priority', processes: 1, streams: 4, arrives: false, together: -5 },
];

/** What the high program does in one go. */
export interface Bursts {
  /** The device's microseconds of each kernel. */
  readonly kernelUs: number;
  readonly kernels: number;
  /** The device's microseconds that the host is busy before each kernel but the first. */
  readonly gapUs: number;
  /** It waits for the GPU behind so many kernels each time, and behind the last. */
  readonly syncEach: number;
}

/** The device's microseconds: how long the high program's kernel lasts, and pauses between two. */
const HIGH_US = 10;
const ONE_KERNEL: Bursts = { kernelUs: HIGH_US, kernels: 1, gapUs: 0, syncEach: 1 };
export const PAUSE_US = 1500;
/** So many bursts at once: the device's log must hold what the low programs do meanwhile. */
export const BATCH = 10;
/** How long low programs run before anything counts, and how long their throughput is taken. */
export const SETTLE_US = 20_000;
export const THROUGHPUT_US = 60_000;
export const SLACK_US = 50;

export interface Settings {
  readonly scale: number;
  readonly targetUs: number;
  readonly bursts: number;
  readonly arrivals: number;
  /** The device's milliseconds that making a context takes where programs arrive. */
  readonly contextMs: number;
  /** Whether the simulated GPU lets processes in side by side. */
  readonly mps: boolean;
  readonly driver: Driver;
  /** Blocks of each low kernel on a real GPU. */
  readonly blocks: number;
}

/** What one kind of low program does to the high one, and to itself. */
export interface Found {
  /** For each burst, in the device's microseconds. */
  readonly latenciesUs: readonly number[];
  /** Over that without the shim, above 0; none where the high program comes anew. */
  readonly throughput?: number;
}

export interface Kernel {
  readonly sequence: number;
  readonly pid: number;
  readonly start: number;
  readonly finish: number;
}

/** A machine of its own: a device, a daemon, and the programs on it. */
export class Stage {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'xsched-preempt-'));
  readonly #children: ChildProcess[] = [];
  #daemon: ChildProcess | undefined;

  constructor(
    readonly settings: Settings,
    private readonly jitter: boolean,
    /** The device's milliseconds that making a context takes. */
    private readonly contextMs: number,
  ) {}

  /** The device's microseconds as nanoseconds of the machine's clock. */
  real(us: number): number {
    return us * 1000 * this.settings.scale;
  }

  async start(): Promise<void> {
    const { targetUs, scale } = this.settings;
    const text = `preempt_latency_us: ${String(targetUs * scale)}\n`;
    this.#daemon = await startDaemon(path.join(this.#folder, 'run'), { text });
  }

  /** What programs need for the device: a real one needs nothing. */
  #device(): NodeJS.ProcessEnv {
    const { driver, scale, mps } = this.settings;
    if (driver === 'system') return { LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] };
    return {
      XSCHED_SIM_DIR: path.join(this.#folder, 'sim'),
      XSCHED_SIM_SCALE: String(scale),
      XSCHED_SIM_JITTER: this.jitter ? '1' : '0',
      XSCHED_SIM_MPS: mps ? '1' : '0',
      XSCHED_SIM_CONTEXT_MS: String(this.contextMs),
      LD_LIBRARY_PATH: path.join(BUILD, 'sim'),
    };
  }

  #run(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(PROGRAM, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...{ PATH: process.env['PATH'], CLIENT_PTX: PTX },
        ...this.#device(),
        ...{ XSCHED_RUNTIME_DIR: path.join(this.#folder, 'run') },
        ...env,
      },
    });
    this.#children.push(child);
    return child;
  }

  #feedArguments(streams: number, kernels: readonly number[]): string[] {
    const blocks = this.settings.driver === 'sim' ? 0 : this.settings.blocks;
    return [streams, blocks, ...kernels.map((us) => us * 1000)].map(String);
  }

  /** Low programs that have begun to launch. */
  async feed(
    { processes, streams }: Scenario,
    kernels: readonly number[],
    shim = true,
  ): Promise<ChildProcess[]> {
    const env = shim ? { LD_PRELOAD: SHIM, XSCHED_PRIORITY: '0' } : {};
    const args = ['feed', ...this.#feedArguments(streams, kernels)];
    const low = Array.from({ length: processes }, () => this.#run(args, env));
    await Promise.all(low.map((child) => prints(child, 'feeds')));
    return low;
  }

  /** A high program and what it printed of its first burst, which is of one kernel or as told. */
  async arrive(bursts: Bursts = ONE_KERNEL): Promise<{ high: ChildProcess; said: string }> {
    const env = { LD_PRELOAD: SHIM, XSCHED_PRIORITY: '10' };
    const { kernelUs, kernels, gapUs, syncEach } = bursts;
    const args = [kernelUs * 1000, kernels, this.real(gapUs), syncEach];
    const high = this.#run(['burst', ...args.map(String)], env);
    return { high, said: await prints(high, '.') };
  }

  /**
   * A program that does both and has not begun to feed, and what it printed of its first burst. Its
   * high stream has its rank by the daemon, whatever CUDA priority it has.
   */
  async startBoth({ streams, together = 0 }: Scenario, kernels: readonly number[], shim = true) {
    const env = shim ? { LD_PRELOAD: SHIM, XSCHED_PRIORITY: '0', XSCHED_STREAM_PRIORITY: '0' } : {};
    const high = [String(together), String(HIGH_US * 1000)];
    const both = this.#run(['both', ...high, ...this.#feedArguments(streams, kernels)], env);
    const said = await prints(both, '.');
    if (shim) {
      const controller = await connect({ runtimeDir: path.join(this.#folder, 'run') });
      for (const { id } of await controller.list()) await controller.setPriority(id, 10);
      await controller.close();
    }
    return { both, said };
  }

  async end(children: readonly ChildProcess[]): Promise<void> {
    for (const child of children) child.stdin?.end();
    for (const child of children) {
      await awaitEnd(child);
      if (child.exitCode !== 0) throw new Error('a program of the benchmark failed');
    }
  }

  /** The kernels that have finished since one in the log. */
  readKernels(after = 0): Kernel[] {
    const argv = ['--kind', 'kernel', '--after', String(after)];
    const env = { XSCHED_SIM_DIR: path.join(this.#folder, 'sim') };
    const { stdout } = spawnSync(LOG, argv, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Kernel);
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#daemon?.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Does something on a machine of its own. */
export async function onStage<T>(
  settings: Settings,
  { jitter, contextMs = 0 }: { readonly jitter: boolean; readonly contextMs?: number },
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const stage = new Stage(settings, jitter, contextMs);
  try {
    await stage.start();
    return await work(stage);
  } finally {
    stage.close();
  }
}
