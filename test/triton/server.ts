import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanEnvironment } from '../demo/environment.js';
import { ROOT } from '../demo/paths.js';
import { runInstaller, type Installation } from './installation.js';
import { writeModel, type ModelOptions } from './models.js';

/** Our own in-process backend, as make builds it. */
const cppBackend = path.join(ROOT, 'build', 'triton', 'backends', 'bert');

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const LOG_TAIL_CHARACTERS = 6_000;

/** How to start a server. */
export interface TritonOptions {
  /** An existing folder for the model repository and the log; the caller removes it. */
  folder: string;
  /** Words in front of the server's own command line, such as `xsched run --`. */
  prefix: readonly string[];
  /** Variables on top of this process's environment, of which those of the product are left out. */
  env: Readonly<Record<string, string>>;
  /** What the repository holds; without: `bert-high` and `bert-low` of the Python backend. */
  models?: readonly ModelOptions[];
  /** Gives up a start that is under way: it then fails, and nothing of it is left. */
  signal?: AbortSignal;
}

const PYTHON_MODELS: readonly ModelOptions[] = [
  { name: 'bert-high', template: 'bert-high', backend: 'python' },
  { name: 'bert-low', template: 'bert-low', backend: 'python' },
];

/** A running tritonserver. */
export interface TritonServer {
  /** Where gRPC clients connect: `host:port`. */
  readonly url: string;
  /** The same over HTTP. */
  readonly http: string;
  /** The process that was started: the server, or what stands in front of it. */
  readonly pid: number;
  readonly installation: Installation;
  /** Writes a model into the repository and loads it, anew if it is loaded already. */
  load(model: ModelOptions): Promise<void>;
  unload(name: string): Promise<void>;
  /** All that the server and its models have printed so far. */
  readLog(): string;
  /**
   * Ends the server with SIGTERM and whatever is left of its process group by force. Can be called
   * again. Throws if the server did not end by itself within 30 s or with an exit code other than 0.
   */
  stop(): Promise<void>;
}

/**
 * Starts a tritonserver that serves the models and waits until all of them answer.
 * @throws Error with the end of the server's log if it ends, or is not ready within 60 s
 */
export async function startTriton(options: TritonOptions): Promise<TritonServer> {
  const installation = await runInstaller(options.signal);
  const repository = path.join(options.folder, 'models');
  const models = options.models ?? PYTHON_MODELS;
  for (const model of models) writeModel(repository, model);
  const backends = linkBackends(options.folder, installation);
  const [httpPort, grpcPort] = await findFreePorts();
  const prefix = `xsched_${process.pid}_${grpcPort}_`;
  const words = [
    ...options.prefix,
    installation.server,
    `--model-repository=${repository}`,
    `--backend-directory=${backends}`,
    '--model-control-mode=explicit',
    ...models.map(({ name }) => `--load-model=${name}`),
    `--backend-config=python,shm-region-prefix-name=${prefix}`,
    ...['--http-address=127.0.0.1', `--http-port=${httpPort}`],
    ...['--grpc-address=127.0.0.1', `--grpc-port=${grpcPort}`],
    '--allow-metrics=false',
    // The server's own pools; the models here ask the driver for what they need.
    ...['--pinned-memory-pool-byte-size=0', '--cuda-memory-pool-byte-size=0:0'],
  ];
  const logFile = path.join(options.folder, 'tritonserver.log');
  const log = fs.openSync(logFile, 'a');
  const child = spawn(words[0] ?? '', words.slice(1), {
    detached: true,
    stdio: ['ignore', log, log],
    env: serverEnvironment(installation, options.env),
  });
  fs.closeSync(log);
  const stopped = watch(child);
  const killGroup = (): void => endGroup(child, prefix);
  // Before whoever removes the folders.
  process.prependOnceListener('exit', killGroup);

  const readLog = (): string => fs.readFileSync(logFile, 'utf8');
  const describe = (what: string): Error =>
    new Error(`tritonserver ${what}; its log ends:\n${readLog().slice(-LOG_TAIL_CHARACTERS)}`);

  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const how = await Promise.race([stopped, delay(STOP_TIMEOUT_MS, null, { ref: false })]);
    killGroup();
    process.off('exit', killGroup);
    if (how === null) throw describe(`did not end within ${STOP_TIMEOUT_MS} ms of SIGTERM`);
    if (how !== 'exit code 0') throw describe(`ended with ${how} on SIGTERM`);
  }

  const http = `http://127.0.0.1:${httpPort}`;
  const ready = await waitUntilReady(`${http}/v2/health/ready`, stopped, options.signal);
  if (ready !== 'ready') {
    const failure = describe(ready);
    await stop().catch(() => undefined);
    throw failure;
  }
  async function control(name: string, verb: 'load' | 'unload'): Promise<void> {
    const url = `${http}/v2/repository/models/${name}/${verb}`;
    const answer = await fetch(url, { method: 'POST', headers: { connection: 'close' } });
    if (!answer.ok) throw describe(`does not ${verb} '${name}': ${await answer.text()};`);
  }

  return {
    ...{ url: `127.0.0.1:${grpcPort}`, http, pid: child.pid ?? 0, installation, readLog, stop },
    async load(model) {
      writeModel(repository, model);
      await control(model.name, 'load');
    },
    unload: (name) => control(name, 'unload'),
  };
}

/** The server's own backends and ours in one folder. */
function linkBackends(folder: string, installation: Installation): string {
  const backends = path.join(folder, 'backends');
  fs.mkdirSync(backends);
  fs.symlinkSync(path.join(installation.backends, 'python'), path.join(backends, 'python'));
  fs.symlinkSync(cppBackend, path.join(backends, 'bert'));
  return backends;
}

function serverEnvironment(
  installation: Installation,
  extra: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const env = cleanEnvironment(extra);
  delete env['PYTHONHOME'];
  delete env['PYTHONPATH'];
  env['PATH'] = `${installation.bin}${path.delimiter}${env['PATH'] ?? ''}`;
  // The stubs ignore PYTHONPATH: models read this variable and extend their own path.
  env['TRITON_TEST_SITE'] = installation.site;
  // numpy starts a thread for each processor otherwise, in each stub.
  env['OPENBLAS_NUM_THREADS'] = '1';
  return env;
}

/** Resolves with a description of how the process ended, also if it could not be started. */
async function watch(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`the failure "${error.message}"`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
}

/** Ends what is left of the server and removes the shared memory that a killed one leaves behind. */
function endGroup(child: ChildProcess, prefix: string): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // No such group: everything has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  for (const name of fs.readdirSync('/dev/shm')) {
    if (name.startsWith(prefix)) fs.rmSync(path.join('/dev/shm', name), { force: true });
  }
}

async function waitUntilReady(
  endpoint: string,
  stopped: Promise<string>,
  signal?: AbortSignal,
): Promise<string> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  // A connection that stays open would hold up the server's end by two seconds.
  const headers = { connection: 'close' };
  while (performance.now() < deadlineMs) {
    if (signal?.aborted === true) return 'was interrupted';
    const answer = await fetch(endpoint, { headers }).catch(() => null);
    if (answer?.status === 200) return 'ready';
    const how = await Promise.race([stopped, delay(POLL_MS, null)]);
    if (how !== null) return `ended with ${how} before it was ready`;
  }
  return `was not ready within ${READY_TIMEOUT_MS} ms`;
}

/** Two ports that nobody listens on; held together while they are asked for, so that they differ. */
async function findFreePorts(): Promise<[number, number]> {
  const listeners = [net.createServer(), net.createServer()];
  const ports: number[] = [];
  for (const listener of listeners) {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    ports.push((listener.address() as net.AddressInfo).port);
  }
  for (const listener of listeners) {
    listener.close();
    await once(listener, 'close');
  }
  return [ports[0] ?? 0, ports[1] ?? 0];
}
