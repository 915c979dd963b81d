import { describe, expect, it } from 'vitest';
import {
  countOf,
  formatCount,
  formatDuration,
  formatRate,
  formatShare,
  formatTime,
} from '../../../../client-lib/cli/format.js';

describe('formatCount', () => {
  it.each([
    [0, '0'],
    [9999, '9999'],
    [10_000, '10.0k'],
    [123_456, '123k'],
    [999_999, '1000k'],
    [1_234_567, '1.23M'],
    [5e9, '5.00G'],
    [Number.MAX_SAFE_INTEGER, '9007T'],
  ])('%d is %s', (value, text) => {
    expect(formatCount(value)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0'],
    [999, '999 ns'],
    [1500, '1.50 µs'],
    [850_000, '850 µs'],
    [12_340_000, '12.3 ms'],
    [4_560_000_000, '4.56 s'],
    [60_000_000_000, '1m00s'],
    [3_725_000_000_000, '1h02m'],
    [180_000_000_000_000, '2d02h'],
  ])('%d ns is %s', (ns, text) => {
    expect(formatDuration(ns)).toBe(text);
  });
});

describe('formatShare', () => {
  it.each([
    [0, '0%'],
    [0.034, '3.4%'],
    [0.5, '50%'],
    [1, '100%'],
  ])('%d is %s', (share, text) => {
    expect(formatShare(share)).toBe(text);
  });
});

it('formats rates', () => {
  expect(formatRate(0)).toBe('0');
  expect(formatRate(9.96)).toBe('10.0');
  expect(formatRate(25_300)).toBe('25.3k');
});

it('formats times of day with milliseconds', () => {
  expect(formatTime(new Date(2026, 1, 3, 4, 5, 6, 7).getTime())).toBe('04:05:06.007');
});

it('counts things', () => {
  expect(countOf(1, 'queue')).toBe('1 queue');
  expect(countOf(0, 'process', 'processes')).toBe('0 processes');
});
