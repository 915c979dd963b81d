/** The client of the tests: how it asks, and that it notices what a model answers otherwise. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../demo/paths.js';
import { percentile } from '../demo/statistics.js';
import { startLoad, type Answer } from '../triton/load.js';
import { simulatedDriver } from '../triton/product.js';
import { startTriton, type TritonServer } from '../triton/server.js';

const MODEL = 'bert-cpu';
/** So many of its answers are right, then as many differ from them, and so on. */
const TURN = 60;
const INPUTS = 8;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-client-'));
const expected = path.join(folder, 'expected.npz');
const removeFolder = (): void => fs.rmSync(folder, { recursive: true, force: true });
afterAll(removeFolder);
// Also when the run is broken off.
process.once('exit', removeFolder);

let server: TritonServer;

function writeBert(): void {
  const source = path.join(ROOT, 'test', 'e2e', 'models', MODEL);
  const target = path.join(folder, 'models', MODEL);
  fs.mkdirSync(path.join(target, '1'), { recursive: true });
  fs.copyFileSync(path.join(source, 'config.pbtxt'), path.join(target, 'config.pbtxt'));
  fs.copyFileSync(path.join(source, 'model.py'), path.join(target, '1', 'model.py'));
}

async function loadBert(): Promise<void> {
  const script =
    'import sys, tritonclient.grpc as triton\n' +
    'triton.InferenceServerClient(sys.argv[1]).load_model(sys.argv[2])';
  const { python, site } = server.installation;
  const env = { ...process.env, PYTHONPATH: site };
  await promisify(execFile)(python, ['-c', script, server.url, MODEL], { env });
}

beforeAll(async () => {
  writeBert();
  const env = {
    TRITON_TEST_DRIVER: simulatedDriver,
    XSCHED_SIM_DIR: path.join(folder, 'gpu'),
    XSCHED_SIM_SCALE: '5',
    BERT_CPU_TURN: String(TURN),
  };
  const models = [{ name: 'bert-low', template: 'bert-low', backend: 'cpp' }] as const;
  server = await startTriton({ folder, prefix: [], env, models });
  await loadBert();
});
afterAll(() => server.stop());

function problems(answers: readonly Answer[]): string[] {
  return answers.flatMap(({ problem }) => problem ?? []);
}

function pick(answers: readonly Answer[], name: 'computeMs' | 'latencyMs'): readonly number[] {
  return answers.map((answer) => answer[name] ?? NaN);
}

describe('the client', () => {
  it('waits between an answer and the next request, and asks for the server’s times', async () => {
    const load = await startLoad(server, {
      ...{ model: MODEL, sleepMs: 30, statistics: true, writeExpected: expected },
    });
    await load.collect(INPUTS);
    const answers = await load.stop();
    expect(problems(answers)).toEqual([]);
    for (const [i, { index, startedMs, latencyMs, queueMs, computeMs }] of answers.entries()) {
      expect(index).toBe(i);
      expect(queueMs).toBeGreaterThanOrEqual(0);
      expect(computeMs).toBeGreaterThan(0);
      const next = answers[i + 1];
      // Two clocks of the client: the wall clock may be turned by a little.
      if (next) expect(next.startedMs - startedMs).toBeGreaterThan(latencyMs + 29);
    }
    // Not of each request: a backend that has answered may lose its core before it takes the time.
    const computed = percentile(pick(answers, 'computeMs'), 50);
    expect(computed).toBeLessThan(percentile(pick(answers, 'latencyMs'), 50));
    expect(load.serverVersion).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('has several requests in flight and reports them in order', async () => {
    const load = await startLoad(server, { model: 'bert-low', concurrency: 3 });
    await load.collect(12);
    const answers = await load.stop();
    expect(problems(answers)).toEqual([]);
    expect(answers.map(({ index }) => index)).toEqual(answers.map((_, index) => index));
    // Not from the beginning: each has to connect first.
    const areThree = answers.some(({ startedMs, latencyMs }, index) => {
      const third = answers[index + 2]?.startedMs ?? Infinity;
      return third < startedMs + latencyMs;
    });
    expect(areThree).toBe(true);
  });

  it.each([
    ['those of another run', expected],
    ['the first one of this run', undefined],
  ])('notices an answer that differs from %s', async (what, file) => {
    const load = await startLoad(server, {
      ...{ model: MODEL, ...(file === undefined ? {} : { expect: file }) },
    });
    await load.collect(TURN + INPUTS);
    const answers = await load.stop();
    const found = problems(answers);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(answers.length);
    const difference = '1 of 768 numbers, by up to 0.5';
    expect(found[0]).toMatch(
      new RegExp(`^the answer to input \\d differs from ${file ?? what}: ${difference}$`),
    );
  });
});
