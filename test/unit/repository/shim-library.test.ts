/** What the preload library shows to, and asks of, the machine that it is loaded on. */

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './files.js';

/** Ubuntu 20.04's glibc, the oldest that Triton's images and supported machines have. */
const NEWEST_GLIBC = [2, 31] as const;

/** What it replaces besides the driver. */
const LOADER = ['dlopen', 'dlsym'];

interface DynamicSymbol {
  name: string;
  defined: boolean;
  /** Such as GLIBC_2.17; empty when there is none. */
  version: string;
}

/** Reads the dynamic symbol table, whose lines end in "section size [version] name". */
function readSymbols(library: string): DynamicSymbol[] {
  const output = execFileSync('objdump', ['-T', library], { encoding: 'utf8' });
  const line = /^[0-9a-f]{16} .{7} (\S+)\t[0-9a-f]{16}\s+(?:\(?([A-Za-z_][\w.]*)\)?\s+)?(\S+)$/gm;
  return Array.from(output.matchAll(line), ([, section, version = '', name = '']) => ({
    name,
    defined: section !== '*UND*' && section !== '*ABS*',
    version,
  }));
}

function isTooNew(version: string): boolean {
  const match = /^GLIBC_(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > NEWEST_GLIBC[0] || (major === NEWEST_GLIBC[0] && minor > NEWEST_GLIBC[1]);
}

describe('libxsched_shim.so', () => {
  const symbols = readSymbols(path.join(ROOT, 'build', 'shim', 'libxsched_shim.so'));

  it('exports the loader’s look-ups and functions of the driver, and nothing else', () => {
    const exported = symbols.filter(({ defined }) => defined).map(({ name }) => name);
    expect(exported).toEqual(expect.arrayContaining(LOADER));
    expect(exported).toContain('cuLaunchKernel');
    expect(exported.filter((name) => !LOADER.includes(name) && !/^cu[A-Z]\w*$/.test(name))).toEqual(
      [],
    );
  });

  it('asks for nothing that came after glibc 2.31', () => {
    const needed = symbols.filter(({ defined }) => !defined);
    expect(needed.some(({ version }) => version.startsWith('GLIBC_'))).toBe(true);
    expect(needed.filter(({ version }) => isTooNew(version))).toEqual([]);
  });
});
