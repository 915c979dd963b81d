/** One run of the command: prepares what it needs, measures, writes, and takes everything down. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Children } from '../demo/children.js';
import { cleanEnvironment } from '../demo/environment.js';
import { chooseGpu, slowClock, type Gpu, type GpuChoice } from '../demo/gpu.js';
import { Progress } from '../demo/progress.js';
import { findCudaLibraries } from '../triton/cuda-libraries.js';
import { runInstaller } from '../triton/installation.js';
import type { ModelOptions } from '../triton/models.js';
import { simulatedDriver } from '../triton/product.js';
import { measureAll, plannedSeconds } from './experiment.js';
import { writeResult } from './files.js';
import { describeMachine } from './machine.js';
import type { Context, Measurement } from './measure.js';
import { listModels } from './models.js';
import { startMps } from './mps.js';
import type { Options } from './options.js';
import { checkRequirements } from './requirements.js';
import { during } from './resources.js';
import type { Result, ResultOptions } from './result.js';
import { BOOTSTRAP, summarizeSettings } from './summary.js';

/** What came of a run; without measurements there is no result. */
export interface Outcome {
  readonly result: Result | null;
  /** Why it ended before everything was measured. */
  readonly failure: Error | null;
}

type Engine = 'bert' | 'chain';

async function findGpu(options: Options, scratchDir: string): Promise<Gpu> {
  const children = new Children();
  const folder = path.join(scratchDir, 'probe');
  mkdirSync(folder);
  const choice: GpuChoice = options.gpu === 'simulated' ? 'sim' : options.gpu;
  const request = { choice, scale: options.scale, scratchDir: folder, env: cleanEnvironment() };
  return during(
    () => chooseGpu(children, request),
    () => children.stopAll(),
  );
}

function chooseEngine({ engine, mps }: Options, gpu: Gpu): Engine {
  if (gpu.kind === 'real') return engine === 'auto' ? 'bert' : engine;
  const found = `there is none (${gpu.reason ?? 'no driver'})`;
  if (engine === 'bert') throw new Error(`--engine is bert: it needs a real GPU, and ${found}`);
  if (mps) throw new Error(`--mps is given: it needs a real GPU, and ${found}`);
  return 'chain';
}

/** What a server needs of its environment to find the GPU. */
function gpuEnvironment(gpu: Gpu, folder: string): Record<string, string> {
  if (gpu.kind === 'real') return {};
  return {
    TRITON_TEST_DRIVER: simulatedDriver,
    XSCHED_SIM_DIR: path.join(folder, 'gpu'),
    ...slowClock(gpu.scale),
  };
}

function describeGpu({ kind, name, scale, reason }: Gpu): string {
  if (kind === 'real') return `GPU: ${name}`;
  return `GPU: ${name} (${reason ?? 'no other'}), its clock ${scale} times slower than a GPU's`;
}

/**
 * Measures what the options ask for and writes result.json, requests.csv and the raw files, also of
 * a part if the rest failed.
 * @param out for a person to read
 * @param signal ends it early
 * @throws Error if it fails before anything is measured
 */
export async function runSession(
  options: Options,
  out: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<Outcome> {
  const scratchDir = mkdtempSync(path.join(tmpdir(), 'xsched-fig13a-'));
  const removeScratch = (): void => rmSync(scratchDir, { recursive: true, force: true });
  // Also when a second signal ends this process on the spot.
  process.once('exit', removeScratch);
  try {
    return await prepare(options, out, signal, scratchDir);
  } finally {
    removeScratch();
    process.off('exit', removeScratch);
  }
}

async function prepare(
  options: Options,
  out: NodeJS.WriteStream,
  signal: AbortSignal,
  scratchDir: string,
): Promise<Outcome> {
  const gpu = await findGpu(options, scratchDir);
  const engine = chooseEngine(options, gpu);
  out.write(`${describeGpu(gpu)}\n`);
  const installation = await runInstaller(signal);
  const needsLibraries = engine === 'bert' && options.backend === 'cpp';
  const libraries = needsLibraries ? await findCudaLibraries(installation.python) : null;
  checkRequirements({ options, engine, installation, libraries });
  signal.throwIfAborted();
  const models = listModels({ ...options, engine, gpu: gpu.kind, libraries });
  const mps = options.mps ? startMps(scratchDir) : null;
  const gpuEnv = (folder: string) => ({ ...gpuEnvironment(gpu, folder), ...mps?.env });
  const context = { options, models, gpuEnv, scratchDir, signal };
  return during(
    () => measureAndWrite(context, gpu, out),
    () => mps?.stop() ?? Promise.resolve(),
  );
}

/** Which libraries a model had is of interest to others, not where they lay. */
function withoutFolders(model: ModelOptions): ModelOptions {
  const entries = Object.entries(model.parameters ?? {});
  const parameters = Object.fromEntries(
    entries.map(([key, value]) => [key, path.isAbsolute(value) ? path.basename(value) : value]),
  );
  return { ...model, parameters };
}

async function measureAndWrite(
  context: Context,
  gpu: Gpu,
  out: NodeJS.WriteStream,
): Promise<Outcome> {
  const { options, models } = context;
  const date = new Date().toISOString();
  const planned = plannedSeconds(options);
  out.write(`The measurements take about ${Math.ceil(planned / 60)} min.\n`);
  const progress = new Progress(out, planned);
  const measured: Measurement[] = [];
  let failure = null as Error | null;
  await measureAll(context, progress, measured).catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  progress.stop();
  const [first] = measured;
  if (first === undefined) return { result: null, failure };
  const result: Result = {
    ...{ figure: '13a', date, isComplete: failure === null, problem: failure?.message ?? null },
    options: reportedOptions(options),
    ...{ machine: describeMachine(gpu), serverVersion: first.serverVersion },
    models: models.map(withoutFolders),
    bootstrap: BOOTSTRAP,
    settings: summarizeSettings(measured),
  };
  writeResult(options.output, result, measured);
  return { result, failure };
}

function reportedOptions(options: Options): ResultOptions {
  const hidden = new Set<string>(['output', 'json', 'check', 'draw'] satisfies (keyof Options)[]);
  const entries = Object.entries(options).filter(([name]) => !hidden.has(name));
  return Object.fromEntries(entries) as unknown as ResultOptions;
}
