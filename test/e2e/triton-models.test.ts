/**
 * An unmodified tritonserver and nothing configured: what its models' own configurations say holds,
 * inside the server's process and for the processes of its Python backend.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slowClock } from '../demo/gpu.js';
import { finish, HIGH, latency, LOW, measureContention } from '../triton/contention.js';
import { startLoad } from '../triton/load.js';
import {
  askXsched,
  listQueues,
  simulatedDriver,
  startDaemon,
  waitFor,
  xschedRun,
} from '../triton/product.js';
import type { Daemon } from '../triton/product.js';
import { startTriton } from '../triton/server.js';
import type { ModelOptions } from '../triton/models.js';
import type { TritonServer } from '../triton/server.js';

const CLOCK_SCALE = 20;
const ROUNDS = 2;
const NATIVE_RATIO_MIN = 1.5;
const SCHEDULED_RATIO_MAX = 1.25;

const high: ModelOptions = {
  ...{ name: 'bert-high', template: 'bert-high', backend: 'cpp', priority: 'PRIORITY_MAX' },
};
const low: ModelOptions = {
  ...{ name: 'bert-low', template: 'bert-low', backend: 'cpp' },
  parameters: { completion_thread: '1' },
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-models-'));
const runtimeDir = path.join(folder, 'run');
const removeFolder = (): void => fs.rmSync(folder, { recursive: true, force: true });
afterAll(removeFolder);
// Also when the run is broken off.
process.once('exit', removeFolder);

async function serve(prefix: readonly string[]): Promise<TritonServer> {
  const place = fs.mkdtempSync(path.join(folder, 'server-'));
  const env = {
    TRITON_TEST_DRIVER: simulatedDriver,
    XSCHED_SIM_DIR: path.join(place, 'gpu'),
    ...slowClock(CLOCK_SCALE),
  };
  return startTriton({ folder: place, prefix, env, models: [high, low] });
}

function report(what: string, { alone, beside }: { alone: number; beside: number }): void {
  console.log(
    `simulated GPU, scale ${CLOCK_SCALE}, two models in one tritonserver, ${what}: P50 of bert-high ` +
      `alone ${alone.toFixed(1)} ms, beside bert-low ${beside.toFixed(1)} ms: ` +
      `${(beside / alone).toFixed(2)}x`,
  );
}

describe('two models in one process, natively', () => {
  let server: TritonServer;

  beforeAll(async () => {
    server = await serve([]);
  });
  afterAll(() => server.stop());

  it('hinder each other', async () => {
    const figures = await measureContention(server, ROUNDS);
    report('native', figures);
    expect(figures.beside / figures.alone).toBeGreaterThan(NATIVE_RATIO_MIN);
  });
});

describe('two models in one process, with nothing but xsched run', () => {
  let daemon: Daemon;
  let server: TritonServer;

  beforeAll(async () => {
    daemon = await startDaemon(runtimeDir);
    server = await serve(xschedRun(runtimeDir));
  });
  afterAll(async () => {
    await server.stop();
    await daemon.stop();
  });

  const queuesOf = async (model: string) => {
    const queues = await listQueues(runtimeDir);
    return queues.filter(({ label }) => label === model);
  };

  it('do as their configurations say', async () => {
    const figures = await measureContention(server, ROUNDS);
    report('xschedd', figures);
    expect(figures.beside / figures.alone).toBeLessThanOrEqual(SCHEDULED_RATIO_MAX);
  });

  it('are shown as models, with version, instance and where the priority came from', async () => {
    for (const [name, priority] of [
      ['bert-high', 100],
      ['bert-low', 0],
    ] as const) {
      const queues = await queuesOf(name);
      // One stream for execution and one for each direction of copies.
      expect(queues).toHaveLength(3);
      for (const queue of queues) {
        expect(queue).toMatchObject({
          ...{ version: '1', instance: `${name}_0_0`, priority, source: 'model' },
          ...{ name: 'tritonserver' },
        });
      }
      expect(new Set(queues.map(({ pid }) => pid)).size).toBe(1);
    }
    expect(new Set((await listQueues(runtimeDir)).map(({ label }) => label))).toEqual(
      new Set(['bert-high', 'bert-low']),
    );
  });

  it('swap their roles when a priority is set by model', async () => {
    const highLoad = await startLoad(server, HIGH);
    const alone = await highLoad.collect(8);
    const lowLoad = await startLoad(server, LOW);
    const lowOutranked = await lowLoad.collect(8);
    await askXsched(runtimeDir, ['set', 'model=bert-low', 'priority', '200']);
    for (const queue of await queuesOf('bert-low')) {
      expect(queue).toMatchObject({ priority: 200, source: 'hint' });
    }
    const lowFavoured = await lowLoad.collect(8);
    await askXsched(runtimeDir, ['set', 'model=bert-low', 'priority', 'default']);
    const back = await highLoad.collect(8);
    expect(latency(lowFavoured)).toBeLessThan(latency(lowOutranked));
    expect(latency(back)).toBeLessThan(NATIVE_RATIO_MIN * latency(alone));
    await finish(lowLoad);
    await finish(highLoad);
  });

  it('may be loaded anew with another priority, and unloaded', async () => {
    const before = new Set((await queuesOf('bert-low')).map(({ id }) => id));
    // With its kernels as a CUDA graph this time, captured while the other model may launch.
    const graph = { ...low.parameters, graph: '1' };
    await server.load({ ...low, priority: 'PRIORITY_MIN', parameters: graph });
    const load = await startLoad(server, LOW);
    await load.collect(2);
    await finish(load);
    await waitFor('new queues of bert-low alone', async () => {
      const queues = await queuesOf('bert-low');
      return queues.length === 3 && queues.every(({ id }) => !before.has(id));
    });
    for (const queue of await queuesOf('bert-low')) {
      expect(queue).toMatchObject({ priority: -100, source: 'model' });
    }
    await server.unload('bert-low');
    await waitFor('no queue of bert-low', async () => (await queuesOf('bert-low')).length === 0);
    expect(await queuesOf('bert-high')).toHaveLength(3);
  });

  it('are joined by one of the Python backend, whose process is known by its server', async () => {
    await server.load({ ...low, backend: 'python', priority: 'PRIORITY_MIN' });
    const load = await startLoad(server, LOW);
    await load.collect(2);
    await finish(load);
    const [queue, ...more] = await queuesOf('bert-low');
    expect(more).toEqual([]);
    expect(queue).toMatchObject({
      ...{ version: '1', instance: 'bert-low_0_0', priority: -100, source: 'model' },
      ...{ name: 'triton_python_backend_stub' },
    });
  });

  it('are known again to the next daemon', async () => {
    await daemon.kill();
    daemon = await startDaemon(runtimeDir);
    await waitFor('both models', async () => {
      const [highQueues, lowQueues] = [await queuesOf('bert-high'), await queuesOf('bert-low')];
      return highQueues.length === 3 && lowQueues.length === 1;
    });
    expect((await queuesOf('bert-low'))[0]).toMatchObject({ priority: -100, source: 'model' });
  });
});
