import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoad, type Answer, type Load } from '../triton/load.js';
import {
  askXsched,
  simulatedDriver,
  startDaemon,
  waitForQueues,
  xschedRun,
  type Daemon,
} from '../triton/product.js';
import { startTriton, type TritonServer } from '../triton/server.js';

/** Real nanoseconds for one of the simulated GPU: what scheduling itself costs is not scaled. */
const CLOCK_SCALE = 15;
const SAMPLES = 60;
const HIGH = { model: 'bert-high', intervalMs: 100 } as const;
const LOW = { model: 'bert-low', intervalMs: 0 } as const;
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
      XSCHED_SIM_SCALE: String(CLOCK_SCALE),
    },
  });
  undo.push(() => server.stop());
  return server;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return ((sorted[middle] ?? NaN) + (sorted[sorted.length - 1 - middle] ?? NaN)) / 2;
}

function latency(answers: readonly Answer[]): number {
  return median(answers.map((answer) => answer.latencyMs));
}

/** Ends a load and checks that every request that it sent was answered, and rightly. */
async function finish(load: Load): Promise<void> {
  const answers = await load.stop();
  expect(answers.filter((answer) => answer.problem !== null)).toEqual([]);
  expect(answers.map((answer) => answer.index)).toEqual(answers.map((_, index) => index));
}

/** The high model's median latency, in ms, alone and beside the low one. */
async function measureContention(server: TritonServer): Promise<{ alone: number; beside: number }> {
  const high = await startLoad(server, HIGH);
  const alone = latency(await high.collect(SAMPLES));
  const low = await startLoad(server, LOW);
  const beside = latency(await high.collect(SAMPLES));
  await finish(low);
  await finish(high);
  return { alone, beside };
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
    `${what}: P50 of bert-high over ${SAMPLES} requests alone ${alone.toFixed(1)} ms, beside ` +
      `bert-low ${beside.toFixed(1)} ms: ${(beside / alone).toFixed(2)}x`,
  );
}

beforeAll(() => {
  fs.writeFileSync(configFile, CONFIG);
});

afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

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
  let highAloneMs: number;

  beforeAll(async () => {
    daemon = await startDaemon(runtimeDir, configFile);
    undo.push(() => daemon.stop());
    server = await serve(xschedRun(runtimeDir));
  });

  afterAll(undoAll);

  it('answers for the high model nearly as if the low one were not there', async () => {
    const figures = await measureContention(server);
    report('xschedd', figures);
    highAloneMs = figures.alone;
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
      // It has answered dozens of requests of 300 or 400 launches each.
      expect(queue?.submitted).toBeGreaterThan(10 * 300);
    }
    // The low model's good manners were xschedd's doing.
    expect(queues.find(({ name }) => name === LOW.model)?.suspends).toBeGreaterThan(0);
  });

  it('swaps the roles within one request when a priority is changed', async () => {
    const low = await startLoad(server, LOW);
    const lowAloneMs = latency(await low.collect(15));
    const high = await startLoad(server, HIGH);
    await high.collect(10);

    await askXsched(runtimeDir, ['set', LOW.model, 'priority', '20']);
    const [lowFirst, highFirst] = await Promise.all([low.collect(8), high.collect(1)]);
    say(
      `outranked: the first request of bert-high ${inMs(highFirst)} (alone ${highAloneMs.toFixed(1)} ms), ` +
        `of bert-low ${inMs(lowFirst.slice(0, 1))}, P50 of its first 8 ${inMs(lowFirst)} ` +
        `(alone ${lowAloneMs.toFixed(1)} ms)`,
    );
    // The first request that starts after the change has the new role already.
    expect(latency(highFirst)).toBeGreaterThan(2 * highAloneMs);
    expect(latency(lowFirst.slice(0, 1))).toBeLessThan(1.5 * lowAloneMs);
    expect(latency(lowFirst)).toBeLessThanOrEqual(SCHEDULED_RATIO_MAX * lowAloneMs);

    await askXsched(runtimeDir, ['set', LOW.model, 'priority', 'default']);
    const back = await high.collect(10);
    say(`back again: P50 of bert-high ${inMs(back)}`);
    expect(latency(back)).toBeLessThanOrEqual(SCHEDULED_RATIO_MAX * highAloneMs);
    await finish(low);
    await finish(high);
  });

  it('loses no request when the daemon is killed, and schedules again with the next one', async () => {
    const high = await startLoad(server, HIGH);
    const low = await startLoad(server, LOW);
    await high.collect(10);

    await daemon.kill();
    // The shim gives the daemon up within a second, by then nothing is scheduled any more.
    const without = (await high.collect(40)).slice(-25);
    expect(latency(without)).toBeGreaterThan(NATIVE_RATIO_MIN * highAloneMs);

    daemon = await startDaemon(runtimeDir, configFile);
    await waitForQueues(runtimeDir, NAMES, REGISTER_TIMEOUT_MS);
    const again = await high.collect(SAMPLES);
    say(`P50 of bert-high without a daemon ${inMs(without)}, with its successor ${inMs(again)}`);
    expect(latency(again)).toBeLessThanOrEqual(SCHEDULED_RATIO_MAX * highAloneMs);
    await finish(low);
    await finish(high);
  });
});
