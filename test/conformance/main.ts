/**
 * Programs of the driver API that must print the same with and without the shim.
 *
 *   npm run test:gpu [-- OPTION…]
 *
 *   --driver sim|system|FOLDER   whose libcuda.so.1 they use (default: system)
 *   --seconds N                  the mode `random` is repeated for so long (default: 60)
 *   --seed N                     of that mode (default: printed)
 *   --only NAME                  this program alone; may be repeated
 *   --limit N                    seconds that a program may take (default: 120)
 *   --out FOLDER                 where result.json goes (default: out/conformance)
 *   --apps                       whole applications too, see applications.ts, and the shim's ledger
 *                                against what CUPTI counts in one of them
 *   --torch                      two PyTorch programs that share the GPU too, see torch.ts, which
 *                                reads --sleep, --layers and --low-batch
 *
 * Ends with 1 when anything differed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findApplications } from './applications.js';
import { countCalls } from './counts.js';
import { MODES } from './modes.js';
import { ownCommand, PROGRAMS } from './programs.js';
import type { Command } from './programs.js';
import { runSuite } from './suite.js';
import type { Verdict } from './suite.js';
import { formatTable, listDifferences } from './table.js';
import { runTorch } from './torch.js';

/** The application whose work all comes by calls of its own: none by a graph. */
const COUNTED = 'torch_eager';

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value) || value < 0)
    throw new RangeError(`--${name} '${text}' is not a number from 0`);
  return value;
}

function choosePrograms(known: readonly Command[], only: readonly string[]): readonly Command[] {
  const names = known.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new RangeError(`--only '${unknown}' is none of ${names.join(', ')}`);
  return only.length > 0 ? known.filter(({ name }) => only.includes(name)) : known;
}

/** Whether the ledger holds all that CUPTI counts; prints both. */
async function checkLedger(programs: readonly Command[], folder: string): Promise<boolean> {
  const counted = programs.find(({ name }) => name === COUNTED);
  if (counted === undefined) return true;
  const counts = await countCalls(counted, folder);
  for (const { kind, cupti, ledger } of counts)
    console.log(`${COUNTED}, ${kind}: CUPTI counts ${cupti}, the ledger holds ${ledger}`);
  return counts.every(({ cupti, ledger }) => ledger >= cupti);
}

function tell({ program, mode, round, ms, difference, complaints, notes }: Verdict): void {
  for (const note of notes) console.log(`${program} ${mode} ${round}: ${note}`);
  if (difference !== undefined)
    console.log(`${program} ${mode} ${round} (${Math.round(ms)} ms): ${difference}`);
  for (const line of complaints) console.log(`${program} ${mode} ${round}: ${line}`);
}

const { values } = parseArgs({
  options: {
    driver: { type: 'string', default: 'system' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', multiple: true, default: [] },
    limit: { type: 'string', default: '120' },
    out: { type: 'string', default: path.join('out', 'conformance') },
    apps: { type: 'boolean', default: false },
    torch: { type: 'boolean', default: false },
    sleep: { type: 'string', default: '0.1' },
    layers: { type: 'string', default: '24' },
    'low-batch': { type: 'string', default: '32' },
  },
});
const seed = readNumber('seed', values.seed);
const seconds = readNumber('seconds', values.seconds);
for (const { name, meaning } of MODES) console.log(`${name.padEnd(7)} ${meaning}`);
console.log(`driver: ${values.driver}, seed: ${seed}`);
const folder = mkdtempSync(path.join(tmpdir(), 'xsched-applications-'));
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const applications = values.apps ? await findApplications(folder) : { commands: [], missing: [] };
for (const missing of applications.missing) console.log(`left out: ${missing}`);
const known = [...PROGRAMS.map(ownCommand), ...applications.commands];
const programs = choosePrograms(known, values.only);
const verdicts = await runSuite({
  driver: values.driver,
  programs,
  seconds,
  seed,
  limitMs: readNumber('limit', values.limit) * 1000,
  report: tell,
});
console.log(`\n${formatTable(verdicts)}\n`);
const differences = listDifferences(verdicts);
for (const difference of differences) console.log(`DIFFERS: ${difference}`);
const isCounted = await checkLedger(programs, folder);
const torch = values.torch
  ? await runTorch({
      seconds: values.seconds,
      sleep: values.sleep,
      layers: values.layers,
      lowBatch: values['low-batch'],
    })
  : undefined;
mkdirSync(values.out, { recursive: true });
const file = path.join(values.out, 'result.json');
const result = { driver: values.driver, seed, seconds, verdicts, ...(torch && { torch }) };
writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
console.log(`${verdicts.length} runs, ${differences.length} of them differ; ${file}`);
if (differences.length > 0 || !isCounted || torch?.identical === false) process.exitCode = 1;
