/** The four measurements of the demo: high alone, low alone, both natively, both under xschedd. */
import type { Children } from './children.js';
import { askDaemon, type DemoDaemon } from './daemon.js';
import type { Gpu } from './gpu.js';
import { loadArguments, LoadRun, type LoadOptions, type Request } from './load-program.js';
import { COMMAND_SCRIPT, LOAD_PROGRAM } from './paths.js';
import type { Progress } from './progress.js';
import { completionsPerSecond, percentile } from './statistics.js';

/** What the programs are called under xschedd, where `xsched ps` and `top` show them. */
const HIGH_NAME = 'demo-high';
const LOW_NAME = 'demo-low';
const HIGH_PRIORITY = 10;
const LOW_PRIORITY = 0;

const WARMUP_SECONDS = 1;
/** Between the start of a program and its first request: a command line in Node, a driver. */
const START_SECONDS = 1;
/** The low program outlives a measurement that it is beside; it ends by itself if nobody ends it. */
const LOW_SPARE_SECONDS = 60;

/**
 * Like BERT-large at batch 1 as an engine of TensorRT runs it on a mid-size GPU: some 300 kernels,
 * and 0.25 TFLOP at sequence 384, which take an A10 about 4 ms at half of its peak.
 */
const HIGH_LOAD = { kernels: 300, kernelUs: 12, rate: 10 };
/** As long kernels, without pause; with two requests in flight the GPU has always work. */
const LOW_LOAD = { kernels: 240, kernelUs: 12, inFlight: 2 };

export interface Context {
  readonly children: Children;
  readonly gpu: Gpu;
  readonly daemon: DemoDaemon;
  readonly progress: Progress;
  /** How long each measurement with the high program lasts; the low one alone gets half of it. */
  readonly seconds: number;
}

/** The requests of the high program and what the low one did meanwhile. */
export interface SharedPhase {
  readonly high: readonly Request[];
  /** Requests per second of the low program while the high one was measured. */
  readonly lowPerSecond: number;
}

export interface Measurements {
  readonly standalone: readonly Request[];
  readonly lowAlonePerSecond: number;
  readonly native: SharedPhase;
  readonly xschedd: SharedPhase;
  /** Part of the time (0 to 1) that the high program needed the GPU in the last phase. */
  readonly highShare: number;
}

/** How long all phases take, in seconds, start and warm-up of the programs included. */
export function plannedSeconds(seconds: number): number {
  return soloSeconds(seconds) + soloSeconds(seconds / 2) + 2 * sharedSeconds(seconds);
}

function soloSeconds(seconds: number): number {
  return seconds + WARMUP_SECONDS;
}

function sharedSeconds(seconds: number): number {
  return seconds + 2 * WARMUP_SECONDS + START_SECONDS;
}

/** Runs the four phases one after the other. */
export async function measureAll(context: Context): Promise<Measurements> {
  const { seconds, progress } = context;
  let last: readonly Request[] = [];
  const lastLatency = (): string => {
    const request = last.at(-1);
    return request === undefined ? '' : `last request ${request.latencyMs.toFixed(1)} ms`;
  };
  const follow = (requests: readonly Request[]): void => {
    last = requests;
  };
  const solo = (title: string, length: number, load: LoadOptions): Promise<readonly Request[]> =>
    progress.phase(title, soloSeconds(length), lastLatency, async () => {
      const run = startProgram(context, 'native', title, load);
      follow(run.requests);
      return run.finish();
    });
  const shared = (title: string, how: Manner): Promise<SharedPhase> =>
    progress.phase(title, sharedSeconds(seconds), lastLatency, () => {
      follow([]);
      return measureTogether(context, how, follow);
    });

  const timing = { warmupSeconds: WARMUP_SECONDS };
  // Latencies come after this one: a machine that has just built everything is not yet quiet.
  const alone = await solo('low alone', seconds / 2, {
    ...LOW_LOAD,
    ...timing,
    seconds: seconds / 2,
  });
  const standalone = await solo('high alone', seconds, { ...HIGH_LOAD, ...timing, seconds });
  const native = await shared('high beside low, native', 'native');
  const xschedd = await shared('high beside low, xschedd', 'xschedd');
  return {
    standalone,
    lowAlonePerSecond: throughputAlone(alone),
    native,
    xschedd,
    highShare: shareOfTime(standalone, xschedd.high),
  };
}

type Manner = 'native' | 'xschedd';

function startProgram(
  { children, gpu, daemon }: Context,
  how: Manner,
  title: string,
  options: LoadOptions,
  priority = LOW_PRIORITY,
): LoadRun {
  const program = [LOAD_PROGRAM, ...loadArguments(options)];
  const run = ['run', '--priority', String(priority), '--name', title, '--', ...program];
  const scheduled: [string, ...string[]] = [process.execPath, COMMAND_SCRIPT, ...run];
  const native: [string, ...string[]] = [LOAD_PROGRAM, ...loadArguments(options)];
  const child = children.start({
    title,
    argv: how === 'native' ? native : scheduled,
    env: how === 'native' ? gpu.env : { ...gpu.env, ...daemon.env },
  });
  return new LoadRun(child, options);
}

async function measureTogether(
  context: Context,
  how: Manner,
  follow: (requests: readonly Request[]) => void,
): Promise<SharedPhase> {
  const { seconds } = context;
  const low = startProgram(context, how, LOW_NAME, {
    ...LOW_LOAD,
    warmupSeconds: WARMUP_SECONDS,
    seconds: seconds + LOW_SPARE_SECONDS,
  });
  await low.warm;
  if (how === 'xschedd') await checkRegistered(context);
  const options = { ...HIGH_LOAD, warmupSeconds: WARMUP_SECONDS, seconds };
  const run = startProgram(context, how, HIGH_NAME, options, HIGH_PRIORITY);
  follow(run.requests);
  const high = await Promise.race([run.finish(), endedEarly(low)]);
  const lowRequests = await low.stop();
  const window = windowOf(high);
  const lowPerSecond = completionsPerSecond(lowRequests.map(endNs), window.fromNs, window.toNs);
  return { high, lowPerSecond };
}

async function endedEarly(low: LoadRun): Promise<never> {
  await low.finish();
  throw new Error('the low program ended before the high one was measured');
}

/** A shim that cannot reach the daemon lets everything pass: say so, rather than measure that. */
async function checkRegistered({ children, daemon, gpu }: Context): Promise<void> {
  const shown = await askDaemon(children, daemon, gpu.env, ['ps', '--json']);
  if (shown.includes(LOW_NAME)) return;
  throw new Error(`xschedd does not know the program ${LOW_NAME}; xsched ps shows:\n${shown}`);
}

function endNs({ startNs, latencyMs }: Request): number {
  return startNs + latencyMs * 1e6;
}

function windowOf(requests: readonly Request[]): { fromNs: number; toNs: number } {
  const first = requests[0];
  const last = requests.at(-1);
  if (first === undefined || last === undefined) {
    throw new Error('no request of the high program was measured: use more --seconds');
  }
  return { fromNs: first.startNs, toNs: endNs(last) };
}

function throughputAlone(requests: readonly Request[]): number {
  const ends = requests.map(endNs);
  const first = ends[0];
  const last = ends.at(-1);
  if (first === undefined || last === undefined || last <= first) {
    throw new Error('fewer than two requests of the low program were measured: use more --seconds');
  }
  return completionsPerSecond(ends, first, last);
}

/** While a request of the high program is under way the GPU is its own: as long as it takes alone. */
function shareOfTime(standalone: readonly Request[], scheduled: readonly Request[]): number {
  const { fromNs, toNs } = windowOf(scheduled);
  const aloneMs = percentile(
    standalone.map((request) => request.latencyMs),
    50,
  );
  return Math.min(1, (scheduled.length * aloneMs * 1e6) / (toNs - fromNs));
}
