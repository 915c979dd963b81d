import { describe, expect, it } from 'vitest';
import {
  inForeground,
  inheritedDescriptors,
  inheritStdio,
  softFileLimit,
} from '../../../../../client-lib/cli/run/own-process.js';

describe('inheritedDescriptors', () => {
  it("tells them from Node's own", () => {
    const all = [
      { fd: 3, target: 'anon_inode:[eventpoll]' },
      { fd: 4, target: 'pipe:[1]' },
      { fd: 5, target: '/etc/hostname' },
      { fd: 6, target: 'pipe:[1]' },
      { fd: 7, target: 'anon_inode:[eventfd]' },
      { fd: 8, target: 'socket:[9]' },
      { fd: 9, target: '/dev/null' },
      { fd: 63, target: 'pipe:[2]' },
    ];
    expect(inheritedDescriptors(all)).toEqual([5, 8, 63]);
  });

  it('keeps what may be an inherited /dev/null', () => {
    const all = [
      { fd: 3, target: '/dev/null' },
      { fd: 9, target: '/dev/null' },
    ];
    expect(inheritedDescriptors(all)).toEqual([3, 9]);
  });
});

it('gives each descriptor its own number', () => {
  const standard = ['inherit', 'inherit', 'inherit'];
  expect(inheritStdio([])).toEqual(standard);
  expect(inheritStdio([3, 6])).toEqual([...standard, 3, 'ignore', 'ignore', 6]);
});

it('reads the soft limit of open files', () => {
  const limits = 'Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   524288   files\n';
  expect(softFileLimit(limits)).toBe(1024);
  expect(softFileLimit('Max open files   unlimited   unlimited')).toBeUndefined();
  expect(softFileLimit('')).toBeUndefined();
});

describe('inForeground', () => {
  it.each([
    ['1 (sh) S 0 100 100 34816 100 0', true],
    ['1 (a) b (c) S 0 100 100 34816 100 0', true],
    ['1 (sh) S 0 100 100 34816 200 0', false],
    ['1 (sh) S 0 100 100 0 -1 0', false],
    ['', false],
  ])('%j: %s', (stat, foreground) => {
    expect(inForeground(stat)).toBe(foreground);
  });
});
