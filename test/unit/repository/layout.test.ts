/** What the repository may hold, and where. */

import { describe, expect, it } from 'vitest';
import { listFiles, readText, topFolder } from './files.js';

const files = listFiles();

const TOP_FOLDERS = [
  '.ci',
  '.tools',
  'client-lib',
  'daemon',
  'docs',
  'native',
  'protocol',
  'shim',
  'test',
];

const TOP_FILES = [
  '.clang-format',
  '.clang-tidy',
  '.eslint.config.mjs',
  '.gitignore',
  '.prettierignore',
  '.prettierrc.json',
  'README.md',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
];

const LONGEST_FILE_LINES = 400;

/** Files whose text is checked: all but pictures and the like. */
const texts = files.filter((file) => !/\.(png|gz|bin)$/.test(file));

/** "file:line: text" for each line that a pattern finds. */
function findLines(pattern: RegExp): string[] {
  return texts.flatMap((file) =>
    readText(file)
      .split('\n')
      .map((line, index) => ({ line, place: `${file}:${index + 1}` }))
      .filter(({ line }) => pattern.test(line))
      .map(({ line, place }) => `${place}: ${line.trim().slice(0, 120)}`),
  );
}

describe('the repository', () => {
  it('keeps its top level as it is', () => {
    const folders = new Set(files.map(topFolder).filter((folder) => folder !== ''));
    expect([...folders].filter((folder) => !TOP_FOLDERS.includes(folder))).toEqual([]);
    const loose = files.filter((file) => topFolder(file) === '');
    expect(loose.filter((file) => !TOP_FILES.includes(file))).toEqual([]);
  });

  it(`has no source file over ${LONGEST_FILE_LINES} lines`, () => {
    const sources = texts.filter(
      (file) => /\.(ts|mjs|c|cc|h|py|sh)$/.test(file) && !file.startsWith('protocol/generated/'),
    );
    const long = sources
      .map((file) => ({ file, lines: readText(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > LONGEST_FILE_LINES);
    expect(long).toEqual([]);
  });

  it('names no folder of the machine that it was written on', () => {
    // Put together here, so that this file does not find itself.
    const names = ['work', 'root', 'home', 'Users'].join('|');
    expect(findLines(new RegExp(`(?<![\\w.~}-])/(${names})/[\\w.]`))).toEqual([]);
  });

  it('names no host of a package registry', () => {
    const hosts = [
      ['registry', 'npmjs'],
      ['registry', 'yarnpkg'],
      ['pypi', 'org'],
      ['pythonhosted', 'org'],
      ['deb', 'debian'],
      ['archive', 'ubuntu'],
    ].map((parts) => parts.join('\\.'));
    const configured = process.env['npm_config_registry'];
    if (configured !== undefined) hosts.push(new URL(configured).hostname.replaceAll('.', '\\.'));
    expect(findLines(new RegExp(`(?<!\\w)(${hosts.join('|')})`))).toEqual([]);
    expect(readText('package-lock.json')).not.toContain('"resolved"');
  });

  it('leaves nothing for later', () => {
    const words = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|');
    expect(findLines(new RegExp(`\\b(${words})\\b`))).toEqual([]);
    expect(findLines(/\b(it|test|describe)\.(skip|only|todo)\(/)).toEqual([]);
  });
});
