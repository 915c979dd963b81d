/**
 * The shim inside programs that valgrind runs, with a daemon that takes its permits back all the
 * time: no report, and the results of a plain run. memcheck sees what is read before it is written,
 * outside of its block or after its end, and what is lost; helgrind sees locks that are taken in an
 * order which may end in a deadlock, and both it and drd see pthread functions used as they must
 * not be.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SEED } from '../../unit/daemon/seed.js';
import { FakeAgentDaemon } from './fake-daemon.js';
import { makeMoody } from './moody.js';
import { BUILD, makeEnvironment, makeStage, runClient } from './programs.js';
import { prepareValgrind, VALGRIND_FOLDER } from './valgrind.js';

/** They run twenty times as long as otherwise, and some wait for others that do. */
const LIFE_MS = 150_000;
const TEST_MS = 180_000;

const TOOLS = {
  memcheck: ['--leak-check=full', '--show-leak-kinds=definite', '--num-callers=30'],
  // The history is that of races, which atomics make it see everywhere.
  helgrind: [
    '--history-level=none',
    `--suppressions=${path.join(VALGRIND_FOLDER, 'helgrind.supp')}`,
  ],
  drd: [`--suppressions=${path.join(VALGRIND_FOLDER, 'drd.supp')}`],
} as const;

type Tool = keyof typeof TOOLS;

type Case = readonly [tool: Tool, program: string, ...args: string[]];

function listConformance(tool: Tool, ...names: string[]): Case[] {
  return names.map((name) => [tool, `conformance/${name}`]);
}

/** Programs of the build: few of many, which use most of the shim within 90 s. */
const CASES: readonly Case[] = [
  ['memcheck', 'shim-test/clients/mixed', '40', '500'],
  ['memcheck', 'shim-test/clients/models', '10'],
  ['memcheck', 'shim-test/clients/endings', 'pending', '20'],
  ['memcheck', 'shim-test/clients/forks', 'both'],
  ...listConformance('memcheck', 'copies', 'graphs', 'captures', 'lifetimes', 'lookup'),
  ['helgrind', 'shim-test/clients/mixed', '40', '500'],
  ['helgrind', 'shim-test/clients/models', '10'],
  ['helgrind', 'shim-test/clients/endings', 'pending', '20'],
  ...listConformance('helgrind', 'callbacks', 'captures', 'threads'),
  ...listConformance('drd', 'lifetimes'),
];

const needValgrind = prepareValgrind();

/** The reports of all processes. */
function readReports(folder: string): string[] {
  return fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), 'utf8'));
}

describe('under valgrind', () => {
  it.for(CASES)('%s has nothing to say of %s', { timeout: TEST_MS }, async (task, context) => {
    const { program, options, env } = needValgrind(context);
    const [tool, name, ...args] = task;
    const devices = { XSCHED_SIM_DEVICES: '2' };
    const bareEnv = makeEnvironment(makeStage(), devices, false);
    const bare = await runClient(name, args, bareEnv, BUILD);

    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, makeMoody(SEED));
    const logs = path.join(stage.runtimeDir, 'reports');
    fs.mkdirSync(logs);
    const argv = [
      // It runs one thread at a time: one that watches for another would keep that from running.
      ...[`--tool=${tool}`, ...TOOLS[tool], ...options, '--fair-sched=yes'],
      ...['--quiet', `--log-file=${path.join(logs, '%p')}`, path.join(BUILD, name), ...args],
    ];
    const shimEnv = makeEnvironment(stage, { ...devices, ...env });
    const ended = await runClient(program, argv, shimEnv, '/', LIFE_MS);

    const reports = readReports(logs);
    expect(reports.length, ended.stderr).toBeGreaterThan(0);
    expect(reports.join('')).toBe('');
    expect(ended).toMatchObject({ code: bare.code, signal: null, stdout: bare.stdout });
    expect(daemon.list('STATS', 'READY').length).toBeGreaterThan(0);
  });
});
