/**
 * What an unmodified tritonserver makes of a model repository: an ensemble, several versions of a
 * model at once, several instances of it. Each execution belongs to the model that does the work.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
import type { TritonServer } from '../triton/server.js';

const kernels = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../sim/kernels.ptx');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-repository-'));
const repository = path.join(folder, 'models');
const runtimeDir = path.join(folder, 'run');
const removeFolder = (): void => fs.rmSync(folder, { recursive: true, force: true });
afterAll(removeFolder);
// Also when the run is broken off.
process.once('exit', removeFolder);

const TENSORS =
  'input [ { name: "SEED" data_type: TYPE_UINT32 dims: [ 1 ] } ]\n' +
  'output [ { name: "RESULT" data_type: TYPE_UINT32 dims: [ 1 ] } ]\n';

function writeModel(name: string, versions: readonly string[], lines: readonly string[]): void {
  for (const version of versions) {
    fs.mkdirSync(path.join(repository, name, version), { recursive: true });
  }
  const text = [`name: "${name}"`, 'max_batch_size: 0', TENSORS, ...lines, ''].join('\n');
  fs.writeFileSync(path.join(repository, name, 'config.pbtxt'), text);
}

/** A model of our own backend: so many kernels a request. */
function writeBert(
  name: string,
  launches: number,
  { versions = ['1'], instances = 1, more = '' } = {},
): void {
  const parameters = { kernels, launches: String(launches), launch_ns: '50000' };
  writeModel(name, versions, [
    'backend: "bert"',
    `instance_group [ { kind: KIND_CPU count: ${instances} } ]`,
    more,
    ...Object.entries(parameters).map(
      ([key, value]) => `parameters { key: "${key}" value: { string_value: "${value}" } }`,
    ),
  ]);
}

function writeEnsemble(name: string, [first, second]: readonly [string, string]): void {
  const step = (model: string, from: string, to: string): string =>
    `{ model_name: "${model}" model_version: -1 input_map { key: "SEED" value: "${from}" } ` +
    `output_map { key: "RESULT" value: "${to}" } }`;
  const steps = [step(first, 'SEED', 'between'), step(second, 'between', 'RESULT')];
  writeModel(
    name,
    ['1'],
    ['platform: "ensemble"', `ensemble_scheduling { step [ ${steps.join(', ')} ] }`],
  );
}

/** What the kernels of a request make of a number. */
function compute(seed: number, launches: number): number {
  let word = seed;
  for (let launch = 0; launch < launches; launch++) word = (Math.imul(word, 31) + launch) >>> 0;
  return word;
}

describe('an unmodified tritonserver', () => {
  let daemon: Daemon;
  let server: TritonServer;

  const post = async (where: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${server.http}/v2/${where}`, {
      method: 'POST',
      // A connection that stays open would hold up the server's end.
      headers: { connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${where}: ${text}\n${server.readLog().slice(-3000)}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  /** Asks a model, or one version of it. */
  const ask = async (model: string, seed: number): Promise<number | undefined> => {
    const input = { name: 'SEED', shape: [1], datatype: 'UINT32', data: [seed] };
    const answer = await post(`models/${model}/infer`, { inputs: [input] });
    return (answer as { outputs: { data: number[] }[] }).outputs[0]?.data[0];
  };

  const queuesOf = async (model: string) => {
    const queues = await listQueues(runtimeDir);
    return queues.filter(({ label }) => label === model);
  };

  beforeAll(async () => {
    writeBert('first', 20, { more: 'optimization { priority: PRIORITY_MIN }' });
    writeBert('second', 30, { more: 'optimization { priority: PRIORITY_MAX }' });
    writeEnsemble('both', ['first', 'second']);
    writeBert('many', 40, {
      ...{ versions: ['1', '2'], instances: 2, more: 'version_policy { all {} }' },
    });
    daemon = await startDaemon(runtimeDir);
    const env = { TRITON_TEST_DRIVER: simulatedDriver, XSCHED_SIM_DIR: path.join(folder, 'gpu') };
    server = await startTriton({ folder, prefix: xschedRun(runtimeDir), env, models: [] });
    for (const model of ['both', 'many']) await post(`repository/models/${model}/load`);
  });
  afterAll(async () => {
    await server.stop();
    await daemon.stop();
  });

  it('runs each step of an ensemble as its own model', async () => {
    for (const seed of [1, 2, 4_000_000_000]) {
      expect(await ask('both', seed)).toBe(compute(compute(seed, 20), 30));
    }
    for (const [model, priority, launches] of [
      ['first', -100, 20],
      ['second', 100, 30],
    ] as const) {
      const queues = await queuesOf(model);
      expect(queues.length).toBeGreaterThan(0);
      for (const queue of queues) {
        expect(queue).toMatchObject({ priority, source: 'model', instance: `${model}_0_0` });
      }
      // All that was launched for a step is the step's, and nothing else is.
      const submitted = async (): Promise<number> =>
        Math.max(...(await queuesOf(model)).map((queue) => queue.submitted));
      await waitFor(`${model}'s launches`, async () => (await submitted()) >= 3 * launches);
      expect(await submitted()).toBeLessThan(3 * launches + launches);
    }
    // The ensemble itself launches nothing; Triton takes no priority for it either.
    expect(await queuesOf('both')).toEqual([]);
  });

  it('serves several versions and instances of a model, each shown as what it is', async () => {
    const seeds = Array.from({ length: 12 }, (_, index) => index);
    const shown = async (): Promise<string[]> => {
      const queues = await queuesOf('many');
      return [
        ...new Set(queues.map(({ version, instance }) => `${version} ${instance}`)),
      ].toSorted();
    };
    const all = ['1 many_0_0', '1 many_0_1', '2 many_0_0', '2 many_0_1'];
    await waitFor('work on every instance', async () => {
      for (const version of ['1', '2']) {
        const answers = seeds.map(async (seed) => ask(`many/versions/${version}`, seed));
        expect(await Promise.all(answers)).toEqual(seeds.map((seed) => compute(seed, 40)));
      }
      return (await shown()).length === all.length;
    });
    expect(await shown()).toEqual(all);
    for (const queue of await queuesOf('many')) {
      expect(queue).toMatchObject({ priority: 0, source: 'model' });
    }
  });

  it('has all of them reached by the name of the model', async () => {
    const before = await queuesOf('many');
    await askXsched(runtimeDir, ['set', 'model=many', 'priority', '50']);
    const after = await queuesOf('many');
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    for (const queue of after) expect(queue).toMatchObject({ priority: 50, source: 'hint' });
    // And so does what is loaded later under that name.
    await post('repository/models/many/unload');
    await waitFor('no queue of it', async () => (await queuesOf('many')).length === 0);
    await post('repository/models/many/load');
    expect(await ask('many', 7)).toBe(compute(7, 40));
    for (const queue of await queuesOf('many')) {
      expect(queue).toMatchObject({ priority: 50, source: 'hint' });
    }
    for (const queue of await queuesOf('first')) expect(queue.source).toBe('model');
  });
});
