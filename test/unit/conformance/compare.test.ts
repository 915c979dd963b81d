import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDifference, findFault } from '../../conformance/compare.js';
import type { Outcome } from '../../conformance/compare.js';
import { drawSettings, MODES } from '../../conformance/modes.js';
import { listSkipped, PROGRAMS, RIVAL } from '../../conformance/programs.js';
import { driverEnvironment } from '../../conformance/stage.js';
import type { Verdict } from '../../conformance/suite.js';
import { formatTable, listDifferences } from '../../conformance/table.js';
import { ROOT } from '../../demo/paths.js';
import { makeRandom } from '../daemon/seed.js';

function makeOutcome(changes: Partial<Outcome> = {}): Outcome {
  return { code: 0, signal: null, hung: false, lines: ['a: 1', 'b: 2'], stderr: '', ...changes };
}

describe('findFault', () => {
  it('lets a program that printed and ended well pass', () => {
    expect(findFault(makeOutcome())).toBeUndefined();
  });

  it.each([
    [{ hung: true, signal: 'SIGKILL', code: null }, "hung: its last line was 'b: 2'"],
    [{ signal: 'SIGSEGV', code: null }, "ended by SIGSEGV: its last line was 'b: 2'"],
    [{ code: 1, stderr: 'x.c:3: word is 700\n' }, 'exit code 1: its last line'],
    [{ code: 1, stderr: 'x.c:3: word is 700\n' }, 'x.c:3: word is 700'],
    [{ code: 1, lines: [] }, 'exit code 1: it printed nothing'],
    [{ lines: [] }, 'printed nothing'],
  ])('finds fault with %j', (changes, words) => {
    expect(findFault(makeOutcome(changes))).toContain(words);
  });
});

describe('findDifference', () => {
  it('finds none between equals, whatever they wrote to standard error', () => {
    expect(findDifference(makeOutcome(), makeOutcome({ stderr: 'xsched[1]: x' }))).toBeUndefined();
  });

  it.each([
    [['a: 1', 'b: 3'], "line 2 is 'b: 3', not 'b: 2' (1 of 2 lines differ)"],
    [['a: 1'], "line 2 is nothing, not 'b: 2' (1 of 2 lines differ)"],
    [['a: 1', 'b: 2', 'c'], "line 3 is 'c', not nothing (1 of 3 lines differ)"],
    [['b: 2', 'a: 1'], "line 1 is 'b: 2', not 'a: 1' (2 of 2 lines differ)"],
  ])('names the first line of %j that differs', (lines, words) => {
    expect(findDifference(makeOutcome(), makeOutcome({ lines }))).toBe(words);
  });

  it('tells a crash before it compares lines', () => {
    const crashed = makeOutcome({ code: null, signal: 'SIGABRT', lines: ['a: 1'] });
    expect(findDifference(makeOutcome(), crashed)).toBe(
      "ended by SIGABRT: its last line was 'a: 1'",
    );
  });
});

describe('the list of programs', () => {
  it('has every program of the folder', () => {
    const folder = path.join(ROOT, 'test', 'conformance', 'programs');
    const files = fs.readdirSync(folder).map((file) => path.basename(file, '.c'));
    expect(files.sort()).toEqual([...PROGRAMS, RIVAL].sort());
  });

  it('knows the lines of what a driver lacks', () => {
    expect(listSkipped(['a b: skipped: no c', 'a b: d 12'])).toEqual(['a b: skipped: no c']);
  });
});

describe('the modes', () => {
  it('begin with the program as it is and have names of their own', () => {
    expect(MODES[0]).toMatchObject({ shim: false, daemon: 'none' });
    expect(new Set(MODES.map(({ name }) => name)).size).toBe(MODES.length);
  });

  it('draw the same settings from the same seed, and others from others', () => {
    const draw = (seed: number) => JSON.stringify(drawSettings(makeRandom(seed)));
    const seeds = Array.from({ length: 50 }, (_, seed) => seed);
    expect(seeds.map(draw)).toEqual(seeds.map(draw));
    expect(new Set(seeds.map(draw)).size).toBeGreaterThan(5);
  });

  it('take the driver from where they are told', () => {
    expect(driverEnvironment('system', 'x')).toEqual({});
    expect(driverEnvironment('/lib/here', 'x')).toEqual({ LD_LIBRARY_PATH: '/lib/here' });
    expect(driverEnvironment('sim', 'x')['XSCHED_SIM_DIR']).toBe(path.join('x', 'gpu'));
  });
});

describe('the table', () => {
  const verdict: Verdict = {
    ...{ program: 'events', mode: 'random', round: 3, ms: 5, settings: { XSCHED_WINDOW: '1' } },
    ...{ suspends: 7, lines: 9, skipped: [], complaints: [], notes: [] },
  };

  it('counts the runs that differ and says which', () => {
    const verdicts = [verdict, { ...verdict, round: 4, difference: 'hung: it printed nothing' }];
    expect(formatTable(verdicts)).toMatch(/^events .* 1\/2 BAD +9 +0 +14$/m);
    expect(listDifferences(verdicts)).toEqual([
      'events in mode random, round 4, XSCHED_WINDOW=1: hung: it printed nothing',
    ]);
  });

  it('has nothing to say of runs that are the same', () => {
    expect(formatTable([verdict])).toMatch(/^events .* same +9 +0 +7$/m);
    expect(listDifferences([verdict])).toEqual([]);
  });
});
