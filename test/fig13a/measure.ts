/** Measures one setting: a fresh server, its clients, and what they saw in the counted window. */
import { existsSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startLoad, type Answer, type Load } from '../triton/load.js';
import { listQueues, startDaemon, xschedRun } from '../triton/product.js';
import type { ModelOptions } from '../triton/models.js';
import { startTriton, type TritonServer } from '../triton/server.js';
import { HIGH_MODEL, LOW_MODEL } from './models.js';
import type { Options, Setting } from './options.js';
import { during } from './resources.js';
import { countHigh, countLow, expectRight } from './window.js';
import type { HighRequest, LowRequests, Window } from './window.js';

/** How often it is looked whether a request has failed. */
const LOOK_MS = 100;
/** What the models' configurations say, as xschedd shows it. */
const PRIORITIES = { 'bert-high': 100, 'bert-low': -100 } as const;

export interface Context {
  readonly options: Options;
  readonly models: readonly ModelOptions[];
  /** What a server needs of its environment to find the GPU; the folder is the server's own. */
  readonly gpuEnv: (folder: string) => Record<string, string>;
  /** An existing folder for what the servers write. */
  readonly scratchDir: string;
  /** Ends the measurement. */
  readonly signal: AbortSignal;
}

/** What was seen of one setting. */
export interface Measurement {
  readonly setting: Setting;
  /** Counted from 1. */
  readonly repeat: number;
  /** Length of the counted window with the high client. */
  readonly windowS: number;
  readonly high: readonly HighRequest[];
  /** The low client in its window: beside the high one, in standalone alone. */
  readonly low: LowRequests;
  readonly serverVersion: string;
}

type Seen = Omit<Measurement, 'setting' | 'repeat'>;

/**
 * Measures one setting.
 * @throws Error if a program fails, a request fails or has a wrong answer, xschedd does not know the
 *   models, or the context's signal says so; nothing of the setting runs any more then
 */
export async function measureSetting(
  context: Context,
  setting: Setting,
  repeat: number,
): Promise<Measurement> {
  const folder = mkdtempSync(path.join(context.scratchDir, `${setting}-`));
  const clients = new AbortController();
  const signal = AbortSignal.any([context.signal, clients.signal]);
  const measure = async (server: TritonServer, check = doNothing): Promise<Measurement> => {
    try {
      const own = { ...context, signal };
      const seen = await (setting === 'standalone'
        ? measureAlone(own, server)
        : measureTogether(own, server, setting, check));
      return { setting, repeat, ...seen };
    } finally {
      clients.abort();
    }
  };
  if (setting !== 'xsched') return withServer(context, folder, [], measure);
  const runtimeDir = path.join(folder, 'run');
  const daemon = await startDaemon(runtimeDir);
  return during(
    () =>
      withServer(context, folder, xschedRun(runtimeDir), (server) =>
        measure(server, () => checkRegistered(runtimeDir)),
      ),
    () => daemon.stop(),
  );
}

function doNothing(): Promise<void> {
  return Promise.resolve();
}

async function withServer<T>(
  { options, gpuEnv, models, signal }: Context,
  folder: string,
  prefix: readonly string[],
  work: (server: TritonServer) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const env = { ...gpuEnv(folder), ...options.env };
  const server = await startTriton({ folder, prefix, env, models, signal });
  return during(
    () => work(server),
    () => server.stop(),
  );
}

/** The high client alone, and then the low one alone for half as long. */
async function measureAlone(context: Context, server: TritonServer): Promise<Seen> {
  const { seconds, warmup } = context.options;
  const high = await startHigh(context, server, 'standalone');
  const window = await waitWindow(context, [high], seconds, warmup);
  const highAnswers = await finish(high, HIGH_MODEL.standalone);
  const low = await startLow(context, server);
  const lowWindow = await waitWindow(context, [low], seconds / 2, warmup / 2);
  const lowAnswers = await finishLow(low);
  const { serverVersion } = high;
  return { ...countSeen(highAnswers, window), low: countLow(lowAnswers, lowWindow), serverVersion };
}

async function measureTogether(
  context: Context,
  server: TritonServer,
  setting: Setting,
  check: () => Promise<void>,
): Promise<Seen> {
  const { seconds, warmup } = context.options;
  const starting = [startHigh(context, server, setting), startLow(context, server)] as const;
  const [high, low] = await Promise.all(starting);
  await check();
  const window = await waitWindow(context, [high, low], seconds, warmup);
  const highAnswers = await finish(high, HIGH_MODEL[setting]);
  const lowAnswers = await finishLow(low);
  const { serverVersion } = high;
  return { ...countSeen(highAnswers, window), low: countLow(lowAnswers, window), serverVersion };
}

function countSeen(answers: readonly Answer[], window: Window): Pick<Seen, 'windowS' | 'high'> {
  const windowS = (window.toMs - window.fromMs) / 1000;
  return { windowS, high: countHigh(answers, window) };
}

function startHigh(context: Context, server: TritonServer, setting: Setting): Promise<Load> {
  const { options, scratchDir, signal } = context;
  return startLoad(server, {
    model: HIGH_MODEL[setting],
    sleepMs: options.sleepMs,
    statistics: true,
    ...expectedAnswers(scratchDir, setting),
    signal,
  });
}

function startLow({ options, signal }: Context, server: TritonServer): Promise<Load> {
  return startLoad(server, { model: LOW_MODEL, concurrency: options.lowConcurrency, signal });
}

/** The first standalone run writes down what the model answers; all later ones have to agree. */
function expectedAnswers(
  scratchDir: string,
  setting: Setting,
): { expect?: string; writeExpected?: string } {
  const file = path.join(scratchDir, 'expected.npz');
  if (existsSync(file)) return { expect: file };
  return setting === 'standalone' ? { writeExpected: file } : {};
}

/** A shim that cannot reach the daemon lets everything pass: say so, rather than measure that. */
async function checkRegistered(runtimeDir: string): Promise<void> {
  const queues = await listQueues(runtimeDir);
  for (const [model, priority] of Object.entries(PRIORITIES)) {
    const own = queues.filter(({ label }) => label === model);
    if (own.length > 0 && own.every((queue) => queue.priority === priority)) continue;
    const shown = queues.map((queue) => `${queue.label} (priority ${queue.priority})`).join(', ');
    throw new Error(
      `xschedd does not know ${model} with priority ${priority}; it shows ${shown || 'nothing'}`,
    );
  }
}

/** Waits until the counted window is over, or a request has failed. */
async function waitWindow(
  { signal }: Context,
  loads: readonly Load[],
  seconds: number,
  warmup: number,
): Promise<Window> {
  const startedMs = Date.now();
  const window = { fromMs: startedMs + 1000 * warmup, toMs: startedMs + 1000 * seconds };
  while (Date.now() < window.toMs && !loads.some(hasFailed)) {
    await delay(Math.min(LOOK_MS, Math.max(0, window.toMs - Date.now())), undefined, { signal });
  }
  return window;
}

function hasFailed({ answers }: Load): boolean {
  return answers.some(({ problem }) => problem !== null);
}

async function finish(load: Load, model: string): Promise<readonly Answer[]> {
  const answers = await load.stop();
  expectRight(model, answers);
  return answers;
}

/** A rate can be told up to the last answer: one has to come after the window's end. */
async function finishLow(load: Load): Promise<readonly Answer[]> {
  if (!hasFailed(load)) await load.collect(1);
  return finish(load, LOW_MODEL);
}
