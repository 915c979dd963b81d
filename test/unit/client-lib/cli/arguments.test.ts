import { describe, expect, it } from 'vitest';
import {
  parseHintValue,
  parseInterval,
  parseName,
  parsePriority,
  parseShimPolicy,
  parseTarget,
  parseLatency,
  parseWindow,
} from '../../../../client-lib/cli/arguments.js';

describe('parsePriority', () => {
  it.each([
    ['0', 0],
    ['-255', -255],
    ['255', 255],
    ['+7', 7],
  ])('takes %s', (text, value) => {
    expect(parsePriority(text)).toBe(value);
  });

  it.each(['256', '-256', '1.5', '1e2', '0x10', '', ' 1', 'high', '--5', '9'.repeat(400)])(
    'refuses %j and names the range',
    (text) => {
      expect(() => parsePriority(text)).toThrow('from -255 to 255');
    },
  );
});

describe('parseHintValue', () => {
  it('takes numbers and the word default', () => {
    expect(parseHintValue('priority', '-3')).toBe(-3);
    expect(parseHintValue('latency', '0')).toBe(0);
    expect(parseHintValue('latency', '1000000')).toBe(1_000_000);
    for (const hint of ['priority', 'latency'] as const) {
      expect(parseHintValue(hint, 'default')).toBe('default');
    }
  });

  it('names both where it refuses', () => {
    const refusal = (hint: 'priority' | 'latency', text: string) => () => {
      parseHintValue(hint, text);
    };
    expect(refusal('priority', 'none')).toThrow("from -255 to 255, or 'default'");
    expect(refusal('latency', '-1')).toThrow("from 0 to 1000000, or 'default'");
    expect(refusal('latency', '1000001')).toThrow("from 0 to 1000000, or 'default'");
  });
});

describe('other numbers', () => {
  it('keeps latencies within 1 microsecond and a second', () => {
    expect(parseLatency('1000000')).toBe(1_000_000);
    expect(() => parseLatency('0')).toThrow('from 1 to 1000000');
    expect(() => parseLatency('1000001')).toThrow('from 1 to 1000000');
  });

  it('keeps windows within 1 to 1021', () => {
    expect(parseWindow('1021')).toBe(1021);
    expect(() => parseWindow('0')).toThrow('from 1 to 1021');
    expect(() => parseWindow('1022')).toThrow('from 1 to 1021');
  });

  it('keeps intervals within 100 ms and an hour', () => {
    expect(parseInterval('100')).toBe(100);
    expect(() => parseInterval('99')).toThrow('from 100 to 3600000');
  });
});

describe('texts', () => {
  it('counts the bytes of names and targets', () => {
    expect(parseName('x'.repeat(256))).toHaveLength(256);
    expect(() => parseName('é'.repeat(129))).toThrow('258 bytes long, over the limit of 256');
    expect(() => parseTarget('')).toThrow('must not be empty');
  });

  it.each(['4711', '4711.2', 'name=train', 'model=bert', 'label=bert', 'bert', 'a=b'])(
    'takes the target %s',
    (text) => {
      expect(parseTarget(text)).toBe(text);
    },
  );

  it.each(['name=', 'model=', 'label='])('refuses the target %s', (text) => {
    expect(() => parseTarget(text)).toThrow('Nothing follows');
  });

  it('takes policies in any case of letters', () => {
    expect(parseShimPolicy('hpf')).toBe('HPF');
    expect(() => parseShimPolicy('fair')).toThrow('must be HPF');
  });
});
