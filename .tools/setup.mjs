// Sets up what is missing in a checkout: npm packages, C and C++ parts, TypeScript, command links.
// Plain Node without dependencies, since it runs before anything is installed. A second run with
// nothing changed takes about half a second.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCompileCommands } from './lib/compile-commands.mjs';
import { listMakeFolders } from './lib/folders.mjs';
import { checkCompilers, checkNode } from './lib/requirements.mjs';
import { listSources } from './lib/sources.mjs';
import { runUnlessDone } from './lib/stamps.mjs';
import { runChecked, runMain, runStep } from './lib/steps.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const build = path.join(root, 'build');
const ADDON = 'native';

/** Installs the locked npm packages unless they are installed. */
function installPackages() {
  return runUnlessDone(root, 'node_modules/.xsched-packages', ['package-lock.json'], async () => {
    // Scripts are left out: every binary that we need lies ready in its package.
    const argv = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev'];
    await runChecked('npm ci', argv, { cwd: root });
  });
}

/** Builds the C or C++ part in a folder. */
async function buildFolder(folder) {
  const jobs = `-j${process.env.XSCHED_JOBS || 2}`;
  const argv = ['make', '--no-print-directory', jobs, '-C', folder];
  await runChecked(argv.join(' '), argv, { cwd: root });
}

function compileTypeScript() {
  const sources = listSources(root, /\.ts$/, { generated: true });
  const files = [...sources, 'tsconfig.json', 'package-lock.json'];
  return runUnlessDone(root, 'build/js/.compiled', files, async () => {
    const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    await runChecked('tsc', [process.execPath, tsc, '-p', root], { cwd: root });
  });
}

/** Makes `npx xsched` and `npx xschedd` work in the checkout. */
async function linkCommands() {
  const { bin } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const links = path.join(root, 'node_modules', '.bin');
  fs.mkdirSync(links, { recursive: true });
  for (const [name, target] of Object.entries(bin)) {
    const file = path.join(root, target);
    if (!fs.existsSync(file)) continue;
    fs.chmodSync(file, 0o755);
    replaceLink(path.relative(links, file), path.join(links, name));
  }
}

function replaceLink(target, link) {
  fs.rmSync(link, { force: true });
  fs.symlinkSync(target, link);
}

async function linkCompileCommands(folders) {
  const file = path.join(build, 'compile_commands.json');
  await writeCompileCommands(root, folders, file);
  replaceLink(path.relative(root, file), path.join(root, 'compile_commands.json'));
}

async function setup() {
  const folders = listMakeFolders(root);
  console.log(`Setting up ${path.basename(root)} (Node ${process.versions.node})`);
  await runStep('compilers', () => checkCompilers(root));
  // The addon needs headers from an npm package; the other parts can be built while those come.
  const make = (folder) => runStep(`make ${folder}`, () => buildFolder(folder));
  const buildOthers = async () => {
    for (const folder of folders.filter((name) => name !== ADDON)) await make(folder);
  };
  await Promise.all([runStep('npm packages', installPackages), buildOthers()]);
  await Promise.all([make(ADDON), runStep('TypeScript', compileTypeScript)]);
  await runStep('command links', linkCommands);
  await runStep('compile_commands.json', () => linkCompileCommands(folders));
}

/** Two set-ups of one checkout at a time would spoil each other's files: the second one waits. */
function runUnderLock() {
  const lock = path.join(build, '.setup.lock');
  const env = { ...process.env, XSCHED_SETUP_LOCKED: '1' };
  const argv = ['--close', lock, process.execPath, ...process.argv.slice(1)];
  const { status, error } = spawnSync('flock', argv, { stdio: 'inherit', env });
  if (error) return false;
  process.exitCode = status ?? 1;
  return true;
}

await runMain(async () => {
  checkNode();
  fs.mkdirSync(build, { recursive: true });
  if (!process.env.XSCHED_SETUP_LOCKED && runUnderLock()) return;
  await setup();
});
