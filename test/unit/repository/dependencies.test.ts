/** Who may import whom. Data flows one way, and so do the imports. */

import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { listFiles, readText, topFolder } from './files.js';

const ALL = ['protocol', 'native', 'daemon', 'client-lib', 'shim', 'test'];

/** What each folder may import besides itself. */
const MAY_IMPORT: Record<string, string[]> = {
  protocol: [],
  native: ['protocol'],
  shim: ['protocol'],
  daemon: ['protocol', 'native'],
  'client-lib': ['protocol'],
  test: ALL,
};

const files = listFiles();

/** Every file of ours that a TypeScript file imports, in any form. */
function listTypeScriptImports(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readText(file), true, true);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => path.join(path.dirname(file), fileName));
}

/** Every header of ours that a C or C++ file includes, wherever the include path finds it. */
function listIncludes(file: string): string[] {
  const names = Array.from(readText(file).matchAll(/^\s*#\s*include\s*"([^"]+)"/gm), (m) => m[1]);
  return names.flatMap((name = '') => {
    const beside = path.join(path.dirname(file), name);
    if (files.includes(beside)) return [beside];
    const suffix = name.replace(/^(\.\.?\/)+/, '');
    const found = files.filter((other) => other === suffix || other.endsWith(`/${suffix}`));
    // The own folder comes first on every include path.
    const own = found.filter((other) => topFolder(other) === topFolder(file));
    return own.length > 0 ? own : found;
  });
}

function findViolations(sources: string[], list: (file: string) => string[]): string[] {
  return sources.flatMap((file) => {
    const folder = topFolder(file);
    const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
    return list(file)
      .filter((target) => !allowed.includes(topFolder(target)))
      .map((target) => `${file} imports ${target}`);
  });
}

describe('imports between folders', () => {
  const scripts = files.filter((file) => /\.ts$/.test(file));
  const sources = files.filter((file) => /\.(c|cc|h)$/.test(file));

  it('are found at all', () => {
    const imports = listTypeScriptImports('test/unit/repository/dependencies.test.ts');
    expect(imports).toEqual(['test/unit/repository/files.js']);
    expect(listIncludes('native/addon.cc')).toContain('native/file_lock.h');
  });

  it('keep to the rules in TypeScript', () => {
    expect(findViolations(scripts, listTypeScriptImports)).toEqual([]);
  });

  it('keep to the rules in C and C++', () => {
    expect(findViolations(sources, listIncludes)).toEqual([]);
  });

  it('touch nothing but the headers of the protocol in C and C++', () => {
    const product = sources.filter((file) => ['shim', 'native'].includes(topFolder(file)));
    const headers = product.flatMap(listIncludes).filter((file) => topFolder(file) === 'protocol');
    for (const header of headers) expect(header).toMatch(/^protocol\/(?:generated\/)?[^/]+\.h$/);
  });

  it('name packages that package.json lists', () => {
    const { dependencies } = JSON.parse(readText('package.json')) as {
      dependencies: Record<string, string>;
    };
    const product = scripts.filter((file) => topFolder(file) !== 'test');
    const foreign = product.flatMap((file) =>
      ts
        .preProcessFile(readText(file), true, true)
        .importedFiles.map(({ fileName }) => fileName)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
        .map((name) =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((name) => !(name in dependencies))
        .map((name) => `${file} imports ${name}`),
    );
    expect(foreign).toEqual([]);
  });
});
