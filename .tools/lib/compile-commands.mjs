// Writes compile_commands.json (for clangd and clang-tidy) from what make would run.

import fs from 'node:fs';
import path from 'node:path';
import { runChecked } from './steps.mjs';

const COMPILER = /^(?:\S*\/)?(?:cc|gcc|clang|c\+\+|g\+\+|clang\+\+)(?:-\d+)?$/;
const SOURCE = /\.(?:c|cc|cpp)$/;

/** Splits a command line into words as the shell would for quotes and backslashes. */
function splitWords(line) {
  const words = line.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(/\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_, escaped, double, single) =>
      escaped !== undefined ? escaped : (single ?? double.replace(/\\(["\\$`])/g, '$1')),
    ),
  );
}

/** The entries for one line of make's output: one for each source file that it compiles. */
function readLine(line, directory) {
  const words = splitWords(line);
  const start = words.findIndex((word) => COMPILER.test(word));
  if (start === -1) return [];
  const argv = words.slice(start);
  const sources = argv.filter((word) => SOURCE.test(word));
  const flags = argv.filter((word) => !SOURCE.test(word));
  return sources.map((file) => ({
    directory,
    file: path.resolve(directory, file),
    arguments: flags.includes('-c') ? [...flags, file] : [...flags, '-c', file],
  }));
}

/**
 * Asks make in every folder what it would run if nothing were built, and writes the compilations.
 * @param {string} root the repository
 * @param {string[]} folders folders with a Makefile, relative to root
 * @param {string} target the file to write; left alone when its content would be the same
 */
export async function writeCompileCommands(root, folders, target) {
  const entries = new Map();
  for (const folder of folders) {
    const directory = path.join(root, folder);
    const argv = ['make', '--always-make', '--dry-run', '--no-print-directory', '-C', folder];
    const output = await runChecked(argv.join(' '), argv, { cwd: root });
    const lines = output.replace(/\\\n/g, ' ').split('\n');
    for (const entry of lines.flatMap((line) => readLine(line, directory))) {
      if (!entries.has(entry.file)) entries.set(entry.file, entry);
    }
  }
  const text = `${JSON.stringify([...entries.values()], null, 2)}\n`;
  if (fs.existsSync(target) && fs.readFileSync(target, 'utf8') === text) return;
  fs.writeFileSync(target, text);
}
