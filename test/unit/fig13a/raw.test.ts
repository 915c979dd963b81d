import { describe, expect, it } from 'vitest';
import { parseRaw, renderRaw } from '../../fig13a/raw.js';

describe('raw files', () => {
  it('have one line for each request, sorted by latency, with its percentile', () => {
    expect(renderRaw([3.5, 1.25, 2])).toBe(
      '33.3333, 1.250000\n66.6667, 2.000000\n100.0000, 3.500000\n',
    );
    expect(renderRaw([])).toBe('');
  });

  it('are read again', () => {
    expect(parseRaw(renderRaw([3.5, 1.25, 2]))).toEqual([1.25, 2, 3.5]);
  });

  it('are refused with the line that has another form', () => {
    expect(() => parseRaw('50.0, 1.0\n100.0; 2.0\n')).toThrow(
      '"100.0; 2.0" is not "percentile, latency in ms"',
    );
  });
});
