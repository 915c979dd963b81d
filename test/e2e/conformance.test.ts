/** The conformance suite on the simulated GPU: once through, and a few seconds at random. */
import { expect, it } from 'vitest';
import { ownCommand, PROGRAMS } from '../conformance/programs.js';
import { runSuite } from '../conformance/suite.js';
import { formatTable, listDifferences } from '../conformance/table.js';
import { SEED } from '../unit/daemon/seed.js';

/** No program takes a twentieth of it. */
const LIMIT_MS = 40_000;
const RANDOM_SECONDS = 15;
/** What the simulated GPU lacks. */
const LACKS = ['copies batches: skipped: no cuMemcpyBatchAsync_v2'];

it(`programs print the same with and without the shim (seed ${SEED})`, async () => {
  const programs = PROGRAMS.map(ownCommand);
  const settings = { driver: 'sim', programs, seconds: RANDOM_SECONDS, seed: SEED };
  const verdicts = await runSuite({ ...settings, limitMs: LIMIT_MS });
  console.log(formatTable(verdicts));
  expect(listDifferences(verdicts)).toEqual([]);
  // A machine that stops us for long makes the shim complain of a silent daemon: told, not judged.
  for (const { program, complaints } of verdicts)
    for (const line of complaints) console.log(`${program}: ${line}`);
  const bare = verdicts.filter(({ mode, round }) => mode === 'bare' && round === 0);
  expect(bare.flatMap(({ skipped }) => skipped)).toEqual(LACKS);
  // They were held back at all, each of them that launches much.
  const suspends = verdicts.reduce((sum, verdict) => sum + verdict.suspends, 0);
  expect(suspends).toBeGreaterThan(PROGRAMS.length);
});
