/**
 * The shim under the sanitizers, inside programs of many threads and all of the conformance suite,
 * with a daemon that takes its permits back all the time: no report, and the results of a plain run.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { PROGRAMS } from '../../conformance/programs.js';
import { SEED } from '../../unit/daemon/seed.js';
import { openController, runDaemon } from '../daemon/harness.js';
import { FakeAgentDaemon } from './fake-daemon.js';
import { makeMoody } from './moody.js';
import { BUILD, makeEnvironment, makeStage, ROOT, runClient, Script } from './programs.js';
import type { Environment } from './programs.js';

const BUILD_MS = 240_000;

/** What a sanitized program ends with when something was reported; its own codes are others. */
const REPORTED = 66;

const SANITIZERS = [
  { name: 'thread', suffix: 'tsan', runtime: 'libtsan.so' },
  { name: 'address,undefined', suffix: 'asan', runtime: 'libasan.so' },
] as const;

type Sanitizer = (typeof SANITIZERS)[number];

function build(name: string): void {
  for (const folder of ['shim', 'test/sim', 'test/shim', 'test/conformance']) {
    // Other test files build some of the same programs.
    const lock = path.join(ROOT, 'build', '.shim-test-asan.lock');
    const make = ['make', '-s', '-C', path.join(ROOT, folder), '-j2', `SANITIZE=${name}`];
    execFileSync('flock', [lock, ...make], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

/** The runtime comes first: a sanitizer refuses to start behind another preloaded library. */
function makeSanitized(stage: ReturnType<typeof makeStage>, sanitizer: Sanitizer): Environment {
  const { suffix, runtime } = sanitizer;
  const library = execFileSync('gcc', [`-print-file-name=${runtime}`], { encoding: 'utf8' }).trim();
  const shim = path.join(BUILD, `shim-${suffix}`, 'libxsched_shim.so');
  const options = `exitcode=${REPORTED}:detect_leaks=0`;
  return makeEnvironment(stage, {
    LD_PRELOAD: `${library}:${shim}`,
    LD_LIBRARY_PATH: path.join(BUILD, `sim-${suffix}`),
    TSAN_OPTIONS: options,
    ASAN_OPTIONS: options,
    UBSAN_OPTIONS: 'halt_on_error=1',
  });
}

/** Runs a program of a folder of the build bare, and instrumented under the instrumented shim. */
async function compare(
  sanitizer: Sanitizer,
  folder: readonly [string, ...string[]],
  [name, ...args]: readonly [string, ...string[]],
  more: Environment = {},
): Promise<number | null> {
  const [root, ...rest] = folder;
  const plain = path.join(BUILD, ...folder);
  const bare = await runClient(name, args, makeEnvironment(makeStage(), more, false), plain);
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, makeMoody(SEED));
  const env = { ...makeSanitized(stage, sanitizer), ...more };
  const instrumented = path.join(BUILD, `${root}-${sanitizer.suffix}`, ...rest);
  const ended = await runClient(name, args, env, instrumented);
  expect(ended.stderr).not.toMatch(/Sanitizer|runtime error/);
  expect(ended).toMatchObject({ code: bare.code, signal: null, stdout: bare.stdout });
  expect(daemon.list('STATS', 'READY').length).toBeGreaterThan(0);
  return ended.code;
}

describe.each(SANITIZERS)('under the $name sanitizer', (sanitizer) => {
  beforeAll(() => {
    build(sanitizer.name);
  }, BUILD_MS);

  it.each([
    ['mixed', ['40', '500'], 3],
    ['threads', ['150'], 0],
    ['models', ['40'], 0],
  ])('%s runs as without the shim', async (name, args, code) => {
    expect(await compare(sanitizer, ['shim-test', 'clients'], [name, ...args])).toBe(code);
  });

  it.each(['life_stress', 'window_stress'])('%s ends well', async (name) => {
    const folder = path.join(BUILD, `shim-test-${sanitizer.suffix}`);
    const env = { ASAN_OPTIONS: 'detect_leaks=0' };
    const ended = await runClient(name, [String(SEED), '20000'], env, folder);
    expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  });

  it('a program moves about the board while it launches and others do', async () => {
    const args = ['400'];
    const bare = await runClient('threads', args, makeEnvironment(makeStage(), {}, false));
    const stage = makeStage();
    const daemon = await runDaemon({ runtimeDir: stage.runtimeDir });
    const controller = openController(stage.runtimeDir);
    const env = { ...makeSanitized(stage, sanitizer), XSCHED_NAME: 'mover' };
    const beside = new Script(makeEnvironment(stage));
    await beside.do('a create 1 0');
    beside.begin('a flood 1 20000');
    const running = runClient(
      'threads',
      args,
      env,
      path.join(BUILD, `shim-test-${sanitizer.suffix}`, 'clients'),
    );
    const life = { ended: false };
    void running.finally(() => (life.ended = true));
    let moves = 0;
    while (!life.ended) {
      const value = [-1, 1, 2][moves % 3] ?? 0;
      const hint = { target: 'name=mover', hint: 'priority', value, clear: false };
      await controller.ask({ type: 'HINT', request: ++moves, ...hint });
      await sleep(3);
    }
    const { stderr, ...rest } = await running;
    expect(stderr).not.toMatch(/Sanitizer|runtime error/);
    expect(rest).toMatchObject({ code: bare.code, signal: null, stdout: bare.stdout });
    expect(moves).toBeGreaterThan(10);
    beside.kill();
    await expect.poll(() => daemon.status().clients, { timeout: 10_000 }).toBe(0);
    // What was shown on the way was taken back, wherever it was shown.
    const words = fs.readFileSync(path.join(stage.runtimeDir, 'ready-1'));
    expect(words.readBigUInt64LE(64)).toBe(0n);
  });

  it.each(PROGRAMS)('%s of the conformance suite runs as without the shim', async (name) => {
    const devices = { XSCHED_SIM_DEVICES: '2' };
    expect(await compare(sanitizer, ['conformance'], [name], devices)).toBe(0);
  });
});
