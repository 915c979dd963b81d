/** Who the shim says that its process is. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ASAN_PROGRAMS, buildAsanPrograms, expectSuccess } from './programs.js';

beforeAll(buildAsanPrograms, 150_000);

const PROGRAM = path.join(ASAN_PROGRAMS, 'identity_show');

/** What the program prints of itself. */
function show(comm: string, ...args: string[]) {
  const lines = expectSuccess('identity_show', [comm, ...args]).split('\n');
  const value = (name: string) =>
    lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  // Field 22, counted from the parenthesis that closes field 2.
  const stat = value('stat');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3];
  return {
    comm: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    expectedStartTime: startTime,
    startTime: value('start_time'),
    exe: value('exe'),
    command: value('command'),
    names: lines.filter((line) => /^[0-9a-f]{32}$/.test(line)),
  };
}

describe('identity_read', () => {
  it('knows the executable, the command line and the start time', () => {
    const self = show('plain', 'one', 'two words', '');
    expect(self.exe).toBe(PROGRAM);
    // An argument that is empty at the end is a space that nobody needs.
    expect(self.command).toBe(`${PROGRAM} plain one two words`);
    expect(self.startTime).toMatch(/^[1-9]\d*$/);
    expect(self.startTime).toBe(self.expectedStartTime);
  });

  it.each(['a b', ') R 1 (x', '((((((', '))) ) 9 9 9', '1 2 3 4 5 6 7'])(
    'reads the start time behind the name "%s"',
    (comm) => {
      const self = show(comm);
      expect(self.comm).toBe(comm);
      expect(self.startTime).toBe(self.expectedStartTime);
    },
  );

  it('cuts a command line at its limit', () => {
    const self = show('long', 'x'.repeat(100_000));
    expect(self.command).toBe(`${PROGRAM} long ${'x'.repeat(4096)}`.slice(0, 4096));
  });
});

describe('identity_random', () => {
  it('gives 32 lower-case hexadecimal digits, never the same', () => {
    const { names } = show('random');
    expect(names).toHaveLength(1000);
    expect(new Set(names).size).toBe(1000);
    // Each of the 128 bits is set in some names and clear in others.
    const values = names.map((name) => BigInt(`0x${name}`));
    const some = values.reduce((bits, value) => bits | value, 0n);
    const all = values.reduce((bits, value) => bits & value, (1n << 128n) - 1n);
    expect([some, all]).toEqual([(1n << 128n) - 1n, 0n]);
  });
});
