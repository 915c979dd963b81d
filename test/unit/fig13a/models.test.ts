import { describe, expect, it } from 'vitest';
import { listModels, type ModelChoice } from '../../fig13a/models.js';

const BERT: ModelChoice = {
  ...{
    backend: 'cpp',
    engine: 'bert',
    gpu: 'real',
    libraries: null,
    layers: 24,
    highLayers: 12,
    lowBatch: 4,
  },
  streamPriorities: true,
};

function parametersOf(choice: ModelChoice): Record<string, Record<string, string>> {
  return Object.fromEntries(
    listModels(choice).map(({ name, parameters }) => [name, { ...parameters }]),
  );
}

describe('listModels', () => {
  it('differs in nothing but the priority between bert-high and bert-norm', () => {
    const [high, norm, low] = listModels(BERT);
    expect(high).toMatchObject({ name: 'bert-high', priority: 'PRIORITY_MAX' });
    expect(norm).toEqual({ ...high, name: 'bert-norm', priority: 'PRIORITY_DEFAULT' });
    expect(low).toMatchObject({ name: 'bert-low', priority: 'PRIORITY_MIN', engine: 'bert' });
  });

  it('makes a BERT of the C++ backend', () => {
    const shared = { sequence: '384', stream_priority: '1' };
    const high = { ...shared, layers: '12', batch: '1', completion_thread: '0' };
    expect(parametersOf(BERT)).toEqual({
      ...{ 'bert-high': high, 'bert-norm': high },
      'bert-low': { ...shared, layers: '24', batch: '4', completion_thread: '1', sets: '2' },
    });
  });

  it('makes a BERT of the Python backend, high from a CUDA graph', () => {
    const high = { layers: '12', batch: '1', sequence: '384', graph: '1' };
    expect(parametersOf({ ...BERT, backend: 'python' })).toEqual({
      ...{ 'bert-high': high, 'bert-norm': high },
      'bert-low': { layers: '24', batch: '4', sequence: '384', graph: '0' },
    });
  });

  it('makes timed kernels that fill a real GPU', () => {
    const real = parametersOf({ ...BERT, engine: 'chain', streamPriorities: false });
    expect(real['bert-high']).toEqual({
      ...{ blocks: '4224', stream_priority: '0', completion_thread: '0' },
    });
    const simulated = parametersOf({ ...BERT, engine: 'chain', gpu: 'sim', backend: 'python' });
    expect(simulated['bert-low']).toEqual({});
  });
});
