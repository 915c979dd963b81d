import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseOptions } from '../../fig13a/options.js';

let printed: string;

beforeEach(() => {
  printed = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('parseOptions', () => {
  it('measures everything as the paper does, unless it is told otherwise', () => {
    expect(parseOptions([])).toMatchObject({
      ...{ settings: ['standalone', 'triton', 'triton-p', 'xsched'], backend: 'cpp' },
      ...{ seconds: 60, warmup: 20, repeat: 1, sleepMs: 100, lowConcurrency: 1 },
      ...{ layers: 24, highLayers: 24, lowBatch: 1, engine: 'auto', streamPriorities: true },
      ...{ env: {}, mps: false, gpu: 'auto', scale: 20, json: false, check: false, limitP99: 1.05 },
    });
  });

  it('puts the settings in order and names each once', () => {
    const words = ['xsched', 'standalone', 'xsched'];
    expect(parseOptions(words).settings).toEqual(['standalone', 'xsched']);
  });

  it.each([
    [['--backend', 'python'], 1.15],
    [['--backend', 'python', '--mps'], 1.1],
    [['--backend', 'python', '--mps', '--limit-p99', '1.3'], 1.3],
  ])('has a limit for %j', (words, limit) => {
    expect(parseOptions(words).limitP99).toBe(limit);
  });

  it('gives all models the layers of --layers, unless --high-layers is there', () => {
    expect(parseOptions(['--layers', '12'])).toMatchObject({ layers: 12, highLayers: 12 });
    const both = ['--layers', '12', '--high-layers', '6'];
    expect(parseOptions(both)).toMatchObject({ layers: 12, highLayers: 6 });
  });

  it('takes variables for the servers, the last one of each name', () => {
    const given = ['A=1', 'B=', 'C_2=x=y z', 'A=3'].flatMap((variable) => ['--env', variable]);
    expect(parseOptions(['xsched', ...given])).toMatchObject({
      ...{ settings: ['xsched'], env: { A: '3', B: '', C_2: 'x=y z' } },
    });
    // What was given before stays with its own command line.
    expect(parseOptions([]).env).toEqual({});
  });

  it.each([
    [['nothing'], /'nothing' is invalid for argument 'settings'.*standalone, triton, triton-p/],
    [['--seconds', '1'], /'--seconds <s>' argument '1' is invalid. A number from 2 to 3600/],
    [['--repeat', '1.5'], /'--repeat <n>' argument '1.5' is invalid. A whole number is needed/],
    [['--low-batch', '0'], /'--low-batch <n>' argument '0' is invalid. A number from 1 to 256/],
    [['--backend', 'tensorrt'], /'--backend <which>' argument 'tensorrt'.*cpp, python/],
    [['--env', 'NAME'], /'--env <NAME=VALUE>' argument 'NAME' is invalid. NAME=VALUE is needed/],
    [['--env', '2=a'], /argument '2=a' is invalid. NAME=VALUE is needed/],
    [['--seconds', '10'], /--warmup is 20: it has to be less than --seconds \(10\)/],
    [['--engine', 'bert', '--gpu', 'simulated'], /--engine is bert: it needs a real GPU/],
    [['--mps', '--gpu', 'simulated'], /--mps is given: it needs a real GPU/],
    [['xsched', '--check'], /--check is given: it needs standalone and xsched, not only xsched/],
  ])('refuses %j', (words, message) => {
    expect(() => parseOptions(words)).toThrow(CommanderError);
    expect(printed).toMatch(message);
  });
});
