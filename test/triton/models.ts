/** Writes the models that the tests' server serves: a config.pbtxt and what the backend reads. */
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from '../demo/paths.js';

const here = path.join(ROOT, 'test', 'triton');
const template = path.join(here, 'models');

const DEFAULT_BATCH = '1';
const DEFAULT_SEQUENCE = '384';

export type Backend = 'python' | 'cpp';
export type Priority = 'PRIORITY_MAX' | 'PRIORITY_DEFAULT' | 'PRIORITY_MIN';

/** A model of the repository. */
export interface ModelOptions {
  readonly name: string;
  /** Whose config.pbtxt it has, for the engine `chain`. */
  readonly template: 'bert-high' | 'bert-low';
  readonly backend: Backend;
  /** What computes: a chain of timed kernels (the default) or BERT-large on a real GPU. */
  readonly engine?: 'chain' | 'bert';
  /** Priority in its config.pbtxt, in place of the template's. */
  readonly priority?: Priority;
  /** Further parameters; see backend/options.h. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** What each engine and backend needs beside the config.pbtxt: the file's source and its name. */
function listFiles(model: ModelOptions): [string, string][] {
  const isPython = model.backend === 'python';
  if (model.engine === 'bert') {
    if (isPython) return [[path.join(template, 'bert.py'), 'model.py']];
    return [[path.join(here, 'backend', 'bert.cu'), 'kernels.cu']];
  }
  const chain: [string, string] = [path.join(ROOT, 'test', 'sim', 'kernels.ptx'), 'kernels.ptx'];
  if (!isPython) return [chain];
  const scripts = ['model.py', 'driver.py'];
  return [chain, ...scripts.map((file): [string, string] => [path.join(template, file), file])];
}

/** Writes one model as a repository has it: its config.pbtxt and a folder for its version. */
export function writeModel(repository: string, model: ModelOptions): void {
  const folder = path.join(repository, model.name);
  const version = path.join(folder, '1');
  fs.mkdirSync(version, { recursive: true });
  for (const [source, name] of listFiles(model)) {
    fs.copyFileSync(source, path.join(version, name));
  }
  fs.writeFileSync(path.join(folder, 'config.pbtxt'), renderConfig(model, version));
}

function renderConfig(model: ModelOptions, version: string): string {
  const isBert = model.engine === 'bert';
  let text = isBert ? bertConfig(model) : chainConfig(model);
  if (model.priority !== undefined) {
    text = text.replace(/^optimization .*\n/m, '');
    text += `optimization { priority: ${model.priority} }\n`;
  }
  const kernels = path.join(version, isBert ? 'kernels.cu' : 'kernels.ptx');
  const parameters = {
    ...(isBert ? { engine: 'bert' } : {}),
    ...(model.backend === 'cpp' ? { kernels } : {}),
    ...model.parameters,
  };
  for (const [key, value] of Object.entries(parameters)) {
    // A parameter that is named twice would have two values.
    text = text.replace(new RegExp(`^parameters \\{ key: "${key}" .*\\n`, 'm'), '');
    text += `parameters { key: "${key}" value: { string_value: "${value}" } }\n`;
  }
  return text;
}

function chainConfig({ name, template: from, backend }: ModelOptions): string {
  const text = fs.readFileSync(path.join(template, from, 'config.pbtxt'), 'utf8');
  const named = text.replace(`name: "${from}"`, `name: "${name}"`);
  return backend === 'python' ? named : named.replace('backend: "python"', 'backend: "bert"');
}

function bertConfig({ name, backend, parameters }: ModelOptions): string {
  const batch = parameters?.['batch'] ?? DEFAULT_BATCH;
  const sequence = parameters?.['sequence'] ?? DEFAULT_SEQUENCE;
  return [
    `name: "${name}"`,
    `backend: "${backend === 'python' ? 'python' : 'bert'}"`,
    'max_batch_size: 0',
    `input [ { name: "input_ids" data_type: TYPE_INT32 dims: [ ${batch}, ${sequence} ] } ]`,
    `output [ { name: "logits" data_type: TYPE_FP32 dims: [ ${batch}, ${sequence}, 2 ] } ]`,
    // Whatever the server thinks of the machine's GPU, the backends use device 0.
    'instance_group [ { kind: KIND_CPU count: 1 } ]',
    '',
  ].join('\n');
}
