/** The protocol of the board, checked by a model checker. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestContext } from 'vitest';
import { ROOT } from '../demo/paths.js';
import { prepare } from '../install/prepare.js';

const run = promisify(execFile);
const MODEL_FOLDER = path.join(ROOT, 'test', 'board');
const MODEL = path.join(MODEL_FOLDER, 'board.pml');

const findSpin = prepare(path.join(MODEL_FOLDER, 'install-spin.mjs'));
let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'xsched-board-model-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

/** The path of the model checker. */
function spinFor(context: TestContext): string {
  return (findSpin(context) as { readonly program: string }).program;
}

/**
 * Lets the checker look at every state, or as far as one that must not be.
 * @param level how well its program is compiled, 0 to 2
 * @returns what it says
 */
async function check(spin: string, level: number, definitions: readonly string[]): Promise<string> {
  await run(spin, [...definitions.map((one) => `-D${one}`), '-a', MODEL], { cwd });
  // States are kept as hashes of 64 bits: two of the ten million that share one are not to be expected.
  const options = [`-O${String(level)}`, '-w', '-DSAFETY', '-DVECTORSZ=2048', '-DHC4'];
  await run('cc', [...options, '-o', 'pan', 'pan.c'], { cwd });
  const { stdout } = await run('./pan', ['-m100000', '-w24'], { cwd });
  return stdout;
}

describe('the model of the board', () => {
  it.for<[string[]]>([
    [['LAUNCHES=2']],
    [['THREADS=2']],
    [['SWAPS=1', 'SUSPENDS=1']],
    [['SWAPS=1', 'DEATHS=1']],
    [['DEATHS=1', 'REUSES=1']],
    [['STOPS=1', 'SWAPS=1']],
    [['CRASHES=1']],
  ])('holds with %j', async ([definitions], context) => {
    const said = await check(spinFor(context), 2, definitions);
    expect(said).toMatch(/errors: 0$/m);
    expect(said).not.toMatch(/not completed|too small|reached max|out of memory/i);
  });

  it.for<[string, string[]]>([
    ['the drain thread does not look again', ['NO_SECOND_LOOK', 'LAUNCHES=2']],
    ['a queue is ready before its bit', ['READY_FIRST', 'THREADS=2']],
    ['a sleeper reads wake_seq too late', ['LATE_SEQ']],
    ['wakers leave wake_seq as it is', ['NO_WAKE_SEQ']],
    ['wakers look for waiters too early', ['EARLY_WAITERS']],
    ['whoever is woken launches', ['NO_NEW_TEST', 'SWAPS=1']],
    ['the bit of a dead process stays', ['NO_CLEANUP', 'DEATHS=1']],
    ['a mask changes without a word', ['NO_MASK_WAKE', 'SWAPS=1']],
    ['a new daemon takes bits of the living back', ['CLEAR_AT_WILL', 'CRASHES=1']],
    ['who hears of a slot sets its bit, work or not', ['ALWAYS_SET', 'CRASHES=1']],
    ['others yield to a stopped process', ['MASK_STOPPED', 'STOPS=1']],
  ])('fails when %s', async ([, definitions], context) => {
    const said = await check(spinFor(context), 0, definitions);
    expect(said).toMatch(/errors: 1$/m);
    expect(said).toMatch(/^pan:1: (?:assertion violated|invalid end state)/m);
  });
});
