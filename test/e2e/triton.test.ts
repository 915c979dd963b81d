import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slowClock } from '../demo/gpu.js';
import {
  finish,
  HIGH,
  latency,
  LOW,
  measureContention,
  ROUND_SAMPLES,
  ROUNDS,
} from '../triton/contention.js';
import { startLoad, type Answer } from '../triton/load.js';
import {
  askXsched,
  listQueues,
  simulatedDriver,
  startDaemon,
  waitForQueues,
  xschedRun,
  type Daemon,
} from '../triton/product.js';
import { startTriton, type TritonServer } from '../triton/server.js';

/** Real nanoseconds for one of the simulated GPU: what scheduling itself costs is not scaled. */
const CLOCK_SCALE = 20;
const NAMES = [HIGH.model, LOW.model];

/** Latency beside the low model over latency alone, both medians of one run. */
const NATIVE_RATIO_MIN = 1.3;
const SCHEDULED_RATIO_MAX = 1.25;
const REGISTER_TIMEOUT_MS = 10_000;

/** The whole configuration: the server says nothing of itself to xschedd but its command lines. */
const CONFIG = `
rules:
  - match: { command: 'triton_python_backend_stub .*/bert-high/1/model\\.py ' }
    name: bert-high
    priority: 10
  - match: { command: 'triton_python_backend_stub .*/bert-low/1/model\\.py ' }
    name: bert-low
    priority: -10
`;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-triton-'));
const runtimeDir = path.join(folder, 'run');
const configFile = path.join(folder, 'xschedd.yaml');
const undo: (() => Promise<void>)[] = [];

/** Undoes what a part of the test started, the last thing first; reports the first failure. */
async function undoAll(): Promise<void> {
  const failures: unknown[] = [];
  for (let step = undo.pop(); step; step = undo.pop()) {
    await step().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function serve(prefix: readonly string[]): Promise<TritonServer> {
  const place = fs.mkdtempSync(path.join(folder, 'server-'));
  // Each server has a simulated GPU of its own.
  const device = path.join(place, 'gpu');
  fs.mkdirSync(device);
  const server = await startTriton({
    folder: place,
    prefix,
    env: {
      TRITON_TEST_DRIVER: simulatedDriver,
      XSCHED_SIM_DIR: device,
      ...slowClock(CLOCK_SCALE),
    },
  });
  undo.push(() => server.stop());
  return server;
}

function inMs(answers: readonly Answer[]): string {
  return `${latency(answers).toFixed(1)} ms`;
}

/** Shows a figure together with what it was measured on. */
function say(text: string): void {
  console.log(`simulated GPU, ${CLOCK_SCALE} real ns for each of its ns: ${text}`);
}

function report(what: string, figures: { alone: number; beside: number }): void {
  const { alone, beside } = figures;
  say(
    `${what}: P50 of bert-high over ${ROUNDS * ROUND_SAMPLES} requests alone ` +
      `${alone.toFixed(1)} ms, beside ` +
      `bert-low ${beside.toFixed(1)} ms: ${(beside / alone).toFixed(2)}x`,
  );
}

beforeAll(() => {
  fs.writeFileSync(configFile, CONFIG);
});

function removeFolder(): void {
  fs.rmSync(folder, { recursive: true, force: true });
}

afterAll(removeFolder);
// Also when the run is broken off.
process.once('exit', removeFolder);

describe('an unmodified tritonserver without xschedd', () => {
  afterAll(undoAll);

  it('answers for the high model later while the low one works', async () => {
    const figures = await measureContention(await serve([]));
    report('native', figures);
    expect(figures.beside / figures.alone).toBeGreaterThan(NATIVE_RATIO_MIN);
  });
});

describe('an unmodified tritonserver under xsched run', () => {
  let daemon: Daemon;
  let server: TritonServer;

  beforeAll(async () => {
    daemon = await startDaemon(runtimeDir, configFile);
    undo.push(() => daemon.stop());
    server = await serve(xschedRun(runtimeDir));
  });

  afterAll(undoAll);

  it('answers for the high model nearly as if the low one were not there', async () => {
    const figures = await measureContention(server);
    report('xschedd', figures);
    expect(figures.beside / figures.alone).toBeLessThanOrEqual(SCHEDULED_RATIO_MAX);
  });

  it("shows both models' queues with pid, command and priority", async () => {
    const queues = await waitForQueues(runtimeDir, NAMES, REGISTER_TIMEOUT_MS);
    for (const [name, priority] of [
      [HIGH.model, 10],
      [LOW.model, -10],
    ] as const) {
      const queue = queues.find((candidate) => candidate.name === name);
      expect(queue).toMatchObject({ priority, source: 'rule' });
      // The command line is that of the living process with this pid.
      const words = fs.readFileSync(`/proc/${queue?.pid}/cmdline`, 'utf8').split('\0');
      expect(words[0]).toMatch(/triton_python_backend_stub$/);
      expect(words).toContain(`${name}_0_0`);
      expect(queue?.command.trim()).toBe(words.join(' ').trim());
      // It has answered dozens of requests of 400 launches each.
      expect(queue?.submitted).toBeGreaterThan(10 * 400);
    }
    // The low model's good manners were xschedd's doing.
    expect(queues.find(({ name }) => name === LOW.model)?.suspends).toBeGreaterThan(0);
  });

  it('swaps the roles within one request when a priority is changed', async () => {
    const high = await startLoad(server, HIGH);
    const highAlone = await high.collect(12);
    const low = await startLoad(server, LOW);
    const [lowOutranked, highFavoured] = await Promise.all([low.collect(8), high.collect(12)]);
    expect(latency(highFavoured)).toBeLessThan(NATIVE_RATIO_MIN * latency(highAlone));

    await askXsched(runtimeDir, ['set', LOW.model, 'priority', '20']);
    const changedMs = Date.now();
    const lowFavoured = await low.collect(8);
    const queues = await listQueues(runtimeDir);
    expect(queues.find(({ name }) => name === LOW.model)).toMatchObject({
      priority: 20,
      source: 'hint',
    });
    const changedBackMs = Date.now();
    await askXsched(runtimeDir, ['set', LOW.model, 'priority', 'default']);
    const highBack = await high.collect(8);

    // What the high model had under way in between, but for what it began just before the end.
    const slowMs = 2 * latency(highFavoured);
    const highOutranked = high.answers.filter(
      ({ startedMs, latencyMs }) =>
        startedMs + latencyMs > changedMs && startedMs < changedBackMs - slowMs,
    );
    say(
      `bert-high alone ${inMs(highAlone)}, favoured ${inMs(highFavoured)}, outranked ` +
        `${highOutranked.map((answer) => inMs([answer])).join(', ')}, back ${inMs(highBack)}; ` +
        `bert-low outranked ${inMs(lowOutranked)}, favoured ${inMs(lowFavoured)} (P50)`,
    );
    // The request that was under way may have got through; every later one has the new role.
    const quick = highOutranked.filter(({ latencyMs }) => latencyMs <= slowMs);
    expect(quick.length).toBeLessThanOrEqual(1);
    expect(highOutranked.length).toBeGreaterThan(quick.length);
    expect(latency(lowFavoured.slice(0, 1))).toBeLessThan(latency(lowOutranked));
    expect(latency(lowOutranked)).toBeGreaterThan(NATIVE_RATIO_MIN * latency(lowFavoured));
    expect(latency(highBack)).toBeLessThan(slowMs);
    await finish(low);
    await finish(high);
  });

  it('loses no request when the daemon is killed, and schedules again with the next one', async () => {
    const high = await startLoad(server, HIGH);
    const low = await startLoad(server, LOW);
    const before = await high.collect(ROUND_SAMPLES);

    await daemon.kill();
    // The shim gives the daemon up within a second; from then on nothing is scheduled any more.
    const without = (await high.collect(10 + ROUND_SAMPLES)).slice(10);

    daemon = await startDaemon(runtimeDir, configFile);
    await waitForQueues(runtimeDir, NAMES, REGISTER_TIMEOUT_MS);
    const after = await high.collect(ROUND_SAMPLES);
    say(
      `bert-high beside bert-low ${inMs(before)}, without a daemon ${inMs(without)}, with its ` +
        `successor ${inMs(after)} (P50)`,
    );
    expect(latency(without)).toBeGreaterThan(NATIVE_RATIO_MIN * latency(before));
    expect(latency(without)).toBeGreaterThan(NATIVE_RATIO_MIN * latency(after));
    // Every request of both was answered, and rightly.
    await finish(low);
    await finish(high);
  });
});
