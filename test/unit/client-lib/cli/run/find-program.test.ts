import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../../../client-lib/cli/run/find-program.js';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

function makeFile(name: string, mode: number): string {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, '', { mode });
  return file;
}

describe('findProgram', () => {
  it('takes the first executable of the search path', () => {
    makeFile('a/tool', 0o644);
    fs.mkdirSync(path.join(folder, 'b', 'tool'), { recursive: true });
    const file = makeFile('c/tool', 0o755);
    const searchPath = ['a', 'b', 'c', 'missing'].map((name) => path.join(folder, name)).join(':');
    expect(findProgram('tool', searchPath)).toBe(file);
  });

  it('takes a path as it is', () => {
    const file = makeFile('tool', 0o755);
    expect(findProgram(file, '')).toBe(file);
  });

  it.each([
    ['nosuch', 127, 'nosuch: command not found'],
    ['/no/such', 127, '/no/such: no such file'],
    ['/etc/passwd/x', 127, '/etc/passwd/x: no such file'],
    ['', 127, "the command '' is empty"],
    ['/tmp', 126, '/tmp: is a directory'],
    ['/etc/passwd', 126, '/etc/passwd: permission denied'],
  ])('refuses %j with %i', (command, exitCode, message) => {
    expect(() => findProgram(command, folder)).toThrow(
      expect.objectContaining({ exitCode, message }) as Error,
    );
  });

  it('refuses what the search path holds without being executable with 126', () => {
    makeFile('tool', 0o644);
    expect(() => findProgram('tool', folder)).toThrow(
      expect.objectContaining({ exitCode: 126 }) as Error,
    );
  });
});
