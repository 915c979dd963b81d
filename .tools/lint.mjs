// Runs every linter and formatter: ESLint and prettier, clang-format and clang-tidy. With --fix it
// formats instead of complaining. A check whose files have not changed since it last passed is not
// run again.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installClangTools } from './lib/clang-tools.mjs';
import { listSources } from './lib/sources.mjs';
import { runUnlessDone } from './lib/stamps.mjs';
import { runChecked, runMain, runProgram, runStep, StepError } from './lib/steps.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const fix = process.argv.includes('--fix');

/** Runs a check unless it passed before on the very same files; formatting always runs. */
function runUnlessPassed(name, files, action) {
  const stamp = path.join('build', 'lint', name);
  if (fix) fs.rmSync(path.join(root, stamp), { force: true });
  return runUnlessDone(root, stamp, files, action);
}

function runNodeTool(name, script, args) {
  const argv = [process.execPath, path.join(root, 'node_modules', script), ...args];
  return runChecked(name, argv, { cwd: root });
}

async function lintScripts() {
  const settings = ['.eslint.config.mjs', 'tsconfig.json', 'package-lock.json'];
  const files = [...listSources(root, /\.(?:ts|mjs)$/), ...settings];
  return runUnlessPassed('eslint', files, async () => {
    const args = ['--config', '.eslint.config.mjs', '--max-warnings', '0', '.'];
    await runNodeTool('ESLint', 'eslint/bin/eslint.js', fix ? ['--fix', ...args] : args);
  });
}

async function checkFormat() {
  const settings = ['.prettierrc.json', '.prettierignore', 'package-lock.json'];
  const files = [...listSources(root, /\.(?:ts|mjs|json|ya?ml)$/), ...settings];
  return runUnlessPassed('prettier', files, async () => {
    const mode = fix ? '--write' : '--check';
    await runNodeTool('prettier', 'prettier/bin/prettier.cjs', ['--log-level', 'warn', mode, '.']);
  });
}

async function checkClangFormat(clangFormat, sources) {
  const files = [...sources, '.clang-format', '.tools/requirements.txt'];
  return runUnlessPassed('clang-format', files, async () => {
    if (sources.length === 0) return;
    const args = fix ? ['-i'] : ['--dry-run', '-Werror'];
    const { status, output } = await runProgram([clangFormat, ...args, ...sources], { cwd: root });
    if (status === 0) return;
    // Which files they are is all that matters, since nobody mends them by hand.
    const names = new Set(
      Array.from(output.matchAll(/^(\S+?):\d+:\d+: error/gm), ([, name]) => name),
    );
    const list = names.size > 0 ? [...names].join('\n  ') : output;
    throw new StepError(`clang-format finds other than its own layout in:\n  ${list}`);
  });
}

/** Every file that make compiles, with the flags that it compiles it with. */
function readCompiledFiles() {
  const text = fs.readFileSync(path.join(root, 'build', 'compile_commands.json'), 'utf8');
  return JSON.parse(text).map((entry) => path.relative(root, entry.file));
}

async function runClangTidy(clangTidy, sources) {
  const settings = ['.clang-tidy', '.tools/requirements.txt', 'build/compile_commands.json'];
  return runUnlessPassed('clang-tidy', [...sources, ...settings], async () => {
    const waiting = readCompiledFiles();
    const complaints = [];
    const work = async () => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        // Some Makefiles compile and link in one command; the linker's options are none of its own.
        const quiet = '--extra-arg=-Wno-unused-command-line-argument';
        const argv = [clangTidy, '-p', 'build', '--quiet', quiet, file];
        const { status, output } = await runProgram(argv, { cwd: root });
        if (status !== 0) complaints.push(output);
      }
    };
    await Promise.all([work(), work()]);
    if (complaints.length > 0) throw new StepError(`clang-tidy:\n\n${complaints.join('\n')}`);
  });
}

await runMain(async () => {
  console.log(fix ? 'Formatting' : 'Checking');
  let clang;
  const sources = listSources(root, /\.(?:c|h|cc)$/);
  const checks = [
    ['ESLint', lintScripts],
    ['prettier', checkFormat],
    ['clang tools', async () => void (clang = await installClangTools(root))],
    ['clang-format', () => checkClangFormat(clang.format, sources)],
  ];
  if (!fix) checks.push(['clang-tidy', () => runClangTidy(clang.tidy, sources)]);
  const failures = [];
  for (const [name, action] of checks) {
    await runStep(name, action).catch((error) => {
      if (!(error instanceof StepError)) throw error;
      failures.push(error.message);
    });
  }
  if (failures.length > 0) {
    throw new StepError(`${failures.join('\n\n')}\n"npm run format" mends what can be mended.`);
  }
});
