import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseOptions } from '../../bench/pair-options.js';

let printed: string;

beforeEach(() => {
  printed = '';
  const write = (text: unknown) => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stderr, 'write').mockImplementation(write);
  vi.spyOn(process.stdout, 'write').mockImplementation(write);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('parseOptions', () => {
  it('measures everything, in short phases, with launches of kernels', () => {
    expect(parseOptions([])).toEqual({
      stage: {
        device: 'cuda',
        highMs: { '0.4': 0.4, '1.8': 1.8 },
        lowBatch: { b1: 1, b8: 8 },
        loads: ['load', 'load-pinned'],
        streams: ['plain', 'priority'],
        ...{ isGraph: false, pairs: 1 },
      },
      settings: { seconds: 0.25, rounds: 12, arrivals: 'even', load: 0.4 },
      arrangements: ['two', 'mps', 'one'],
      isProfiled: false,
      limit: Infinity,
    });
  });

  it('takes choices several times, and names each once and in order', () => {
    const words = ['--arrangement', 'one', '--arrangement', 'two', '--low', 'load', 'b8', 'b8'];
    const { arrangements, stage } = parseOptions([...words, '--high', '1.8', '--graph']);
    expect(arrangements).toEqual(['two', 'one']);
    expect(stage).toMatchObject({ highMs: { '1.8': 1.8 }, isGraph: true, loads: ['load'] });
    expect(stage.lowBatch).toEqual({ b8: 8 });
  });

  it.each([
    [['--arrangement', 'three'], "'three' is invalid. Allowed choices are two, mps, one."],
    [['--seconds', '0'], "'0' is invalid. A number from 0.01 to 600 is needed."],
    [['--rounds', '1.5'], "'1.5' is invalid. A whole number is needed."],
    [['--pairs', '9'], "'9' is invalid. A number from 1 to 8 is needed."],
    [['--limit', '-1'], "'-1' is invalid. A number from 1 to 86400 is needed."],
    [['--pairs', '3', '--rounds', '2'], '--rounds is 2: each of the 3 --pairs needs one'],
    [
      ['--load', '10'],
      '--seconds is 0.25: a phase is to have 20 requests of each --high at --load 10',
    ],
    [['--seconds', '0.08'], 'so at least 0.09'],
    [['everything'], 'too many arguments'],
  ])('refuses %j, and says what it takes', (words, text) => {
    expect(() => parseOptions(words)).toThrow(CommanderError);
    expect(printed).toContain(text);
  });

  it('explains itself', () => {
    expect(() => parseOptions(['--help'])).toThrow(expect.objectContaining({ exitCode: 0 }));
    expect(printed).toContain('--pairs <n>');
  });
});
