/** Runs xsched-load and reads the lines of JSON that it writes. */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Child, Children } from './children.js';

/** How much longer than planned a program may take before the demo gives it up. */
const SPARE_SECONDS = 30;

/** What the load program knows of its device. */
export interface Device {
  readonly name: string;
  /** 1000 * major + 10 * minor. */
  readonly driverVersion: number;
  readonly multiprocessors: number;
}

/** One measured request. */
export interface Request {
  /** When it was meant to start, on CLOCK_MONOTONIC. */
  readonly startNs: number;
  readonly latencyMs: number;
}

/** One line of the program's output. */
export type LoadEvent =
  | { readonly event: 'device'; readonly device: Device }
  | { readonly event: 'warm'; readonly atNs: number }
  | { readonly event: 'request'; readonly request: Request }
  | { readonly event: 'summary'; readonly requests: number; readonly requestsPerSecond: number };

/** The options of xsched-load that the demo uses; see `xsched-load --help` for units and ranges. */
export interface LoadOptions {
  readonly kernels: number;
  readonly kernelUs: number;
  /** Requests a second with a pause between them, or none: without pause. */
  readonly rate?: number;
  readonly inFlight?: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
}

/** The arguments for xsched-load. */
export function loadArguments(options: LoadOptions): string[] {
  const pace =
    options.rate === undefined
      ? ['--continuous', '--in-flight', String(options.inFlight ?? 1)]
      : ['--rate', String(options.rate)];
  return [
    ...['--kernels', String(options.kernels), '--kernel-us', String(options.kernelUs)],
    ...pace,
    ...['--seconds', String(options.seconds), '--warmup', String(options.warmupSeconds)],
  ];
}

/** Parses one line; throws an Error that quotes a line which is none of the four events. */
export function parseLoadLine(line: string): LoadEvent {
  const fields = parseFields(line);
  const number = (name: string): number => {
    const value = fields[name];
    if (typeof value === 'number') return value;
    throw new Error(`xsched-load wrote a line without the number ${name}: ${line}`);
  };
  switch (fields['event']) {
    case 'device':
      return {
        event: 'device',
        device: {
          name: String(fields['name']),
          driverVersion: number('driver_version'),
          multiprocessors: number('multiprocessors'),
        },
      };
    case 'warm':
      return { event: 'warm', atNs: number('at_ns') };
    case 'request':
      return {
        event: 'request',
        request: { startNs: number('start_ns'), latencyMs: number('latency_ms') },
      };
    case 'summary':
      return {
        event: 'summary',
        requests: number('requests'),
        requestsPerSecond: number('requests_per_s'),
      };
    default:
      throw new Error(`xsched-load wrote a line of an unknown kind: ${line}`);
  }
}

function parseFields(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw new Error(`xsched-load wrote a line that is not JSON: ${line}`);
  }
}

/** A running load program. */
export class LoadRun {
  /** Moments and latencies measured so far, in order of completion. */
  readonly requests: Request[] = [];
  /** Resolves when the warm-up is over; rejects if the program ends before. */
  readonly warm: Promise<void>;
  readonly #child: Child;
  readonly #read: Promise<void>;
  readonly #options: LoadOptions;
  #isWarm = false;
  #isComplete = false;

  constructor(child: Child, options: LoadOptions) {
    this.#child = child;
    this.#options = options;
    let onWarm: () => void = () => undefined;
    const warmed = new Promise<void>((resolve) => {
      onWarm = resolve;
    });
    this.#read = this.#readLines(onWarm);
    const atMost = options.warmupSeconds + SPARE_SECONDS;
    this.warm = this.#within(atMost, Promise.race([warmed, this.#endedBeforeWarm()]));
    // A run that is stopped during its warm-up is awaited by nobody.
    this.warm.catch(() => undefined);
    this.#read.catch(() => undefined);
  }

  /** Waits for the program's own end. */
  async finish(): Promise<readonly Request[]> {
    const { seconds, warmupSeconds } = this.#options;
    const atMost = seconds + warmupSeconds + SPARE_SECONDS;
    await this.#within(atMost, this.#child.expectSuccess());
    await this.#read;
    if (!this.#isComplete) throw new Error(`${this.#child.title} ended without a summary`);
    return this.requests;
  }

  /** Asks the program to end, and waits for its results. */
  async stop(): Promise<readonly Request[]> {
    await this.#child.stop();
    return this.finish();
  }

  /** Fails when something that should take seconds does not come: a program stuck at a gate, say. */
  async #within<T>(seconds: number, work: Promise<T>): Promise<T> {
    const waiting = new AbortController();
    const late = async (): Promise<never> => {
      await delay(seconds * 1000, undefined, { signal: waiting.signal });
      throw this.#child.late(seconds);
    };
    try {
      return await Promise.race([work, late()]);
    } finally {
      waiting.abort();
    }
  }

  async #readLines(onWarm: () => void): Promise<void> {
    for await (const line of createInterface({ input: this.#child.stdout })) {
      const event = parseLoadLine(line);
      if (event.event === 'request') this.requests.push(event.request);
      if (event.event === 'summary') this.#isComplete = true;
      if (event.event === 'warm') {
        this.#isWarm = true;
        onWarm();
      }
    }
  }

  async #endedBeforeWarm(): Promise<void> {
    const ending = await this.#child.ended;
    await this.#read;
    if (!this.#isWarm) throw this.#child.failure(ending);
  }
}

/** Asks which device the driver shows; a reason in words where there is none. */
export async function probeDevice(
  children: Children,
  program: string,
  env: NodeJS.ProcessEnv,
): Promise<Device | string> {
  const child = children.start({ title: 'xsched-load', argv: [program, '--probe'], env });
  let device: Device | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = parseLoadLine(line);
    if (event.event === 'device') device = event.device;
  }
  const ending = await child.ended;
  return device ?? child.failure(ending).message;
}
