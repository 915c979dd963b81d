/** The three models of the experiment: what the options make of their configurations. */
import type { CudaLibraries } from '../triton/cuda-libraries.js';
import type { ModelOptions, Priority } from '../triton/models.js';
import type { Options, Setting } from './options.js';

/** What the models depend on. */
export type ModelChoice = Pick<
  Options,
  'backend' | 'layers' | 'highLayers' | 'lowBatch' | 'streamPriorities'
> & {
  readonly engine: 'bert' | 'chain';
  readonly gpu: 'real' | 'sim';
  /** For the C++ backend's BERT. */
  readonly libraries: CudaLibraries | string | null;
};

/** The model that the high client asks in each setting. */
export const HIGH_MODEL: Readonly<Record<Setting, 'bert-high' | 'bert-norm'>> = {
  standalone: 'bert-high',
  triton: 'bert-norm',
  'triton-p': 'bert-high',
  xsched: 'bert-high',
};
export const LOW_MODEL = 'bert-low';

const SEQUENCE = 384;
/** So many blocks of a timed kernel fill an H100, 32 on each of 132 multiprocessors. */
const FULL_BLOCKS = 4224;

type Parameters = Readonly<Record<string, string>>;

/** `bert-high`, `bert-norm` (the same without a priority) and `bert-low`. */
export function listModels(choice: ModelChoice): ModelOptions[] {
  const { backend, engine } = choice;
  const model = (
    name: string,
    template: ModelOptions['template'],
    priority: Priority,
    parameters: Parameters,
  ): ModelOptions => ({ name, template, backend, engine, priority, parameters });
  const high = highParameters(choice);
  return [
    model('bert-high', 'bert-high', 'PRIORITY_MAX', high),
    model('bert-norm', 'bert-high', 'PRIORITY_DEFAULT', high),
    model(LOW_MODEL, 'bert-low', 'PRIORITY_MIN', lowParameters(choice)),
  ];
}

/** A client waits for each answer: the thread that executes may as well wait for the GPU. */
function highParameters(choice: ModelChoice): Parameters {
  return {
    ...engineParameters(choice, choice.highLayers, 1),
    ...(choice.backend === 'cpp' ? { completion_thread: '0' } : {}),
    ...(isPythonBert(choice) ? { graph: '1' } : {}),
  };
}

/** Two requests under way keep the GPU busy from one to the next, as an engine of TensorRT does. */
function lowParameters(choice: ModelChoice): Parameters {
  return {
    ...engineParameters(choice, choice.layers, choice.lowBatch),
    ...(choice.backend === 'cpp' ? { completion_thread: '1', sets: '2' } : {}),
    ...(isPythonBert(choice) ? { graph: '0' } : {}),
  };
}

function isPythonBert({ backend, engine }: ModelChoice): boolean {
  return backend === 'python' && engine === 'bert';
}

function engineParameters(choice: ModelChoice, layers: number, batch: number): Parameters {
  const { backend, engine, gpu, streamPriorities, libraries } = choice;
  const isCpp = backend === 'cpp';
  return {
    ...(engine === 'bert'
      ? { layers: String(layers), batch: String(batch), sequence: String(SEQUENCE) }
      : {}),
    ...(engine === 'chain' && isCpp && gpu === 'real' ? { blocks: String(FULL_BLOCKS) } : {}),
    ...(typeof libraries === 'object' ? libraries : {}),
    ...(isCpp ? { stream_priority: streamPriorities ? '1' : '0' } : {}),
  };
}
