/**
 * Programs of the driver API that must print the same with and without the shim.
 *
 *   npm run test:gpu [-- OPTION…]
 *
 *   --driver sim|system|FOLDER   whose libcuda.so.1 they use (default: system)
 *   --seconds N                  the mode `random` is repeated for so long (default: 60)
 *   --seed N                     of that mode (default: printed)
 *   --only NAME                  this program alone; may be repeated
 *   --mode NAME                  this mode alone, beside `bare`; may be repeated. The mode `memcheck`,
 *                                under compute-sanitizer, runs only when it is named
 *   --limit N                    seconds that a program may take (default: 120)
 *   --out FOLDER                 where result.json goes, and runs.jsonl, a line for each run as soon
 *                                as it is over (default: out/conformance)
 *   --apps                       whole applications too, see applications.ts, and the shim's ledger
 *                                against what CUPTI counts in one of them
 *   --torch                      two PyTorch programs that share the GPU too, see torch.ts, which
 *                                reads --sleep, --layers and --low-batch
 *
 * Ends with 1 when anything differed.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findApplications } from './applications.js';
import { countCalls } from './counts.js';
import type { Count } from './counts.js';
import { chooseModes } from './modes.js';
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

/** What CUPTI counts and what the ledger holds of one application, where it is among them. */
async function countLedger(
  programs: readonly Command[],
  folder: string,
): Promise<readonly Count[]> {
  const counted = programs.find(({ name }) => name === COUNTED);
  if (counted === undefined) return [];
  const counts = await countCalls(counted, folder);
  for (const { kind, cupti, ledger } of counts)
    console.log(`${COUNTED}, ${kind}: CUPTI counts ${cupti}, the ledger holds ${ledger}`);
  return counts;
}

/** Tells of one run, and writes it down, as soon as it is over: all of them may take very long. */
function tell(verdict: Verdict, file: string): void {
  const { program, mode, round, ms, difference, complaints, notes } = verdict;
  appendFileSync(file, `${JSON.stringify(verdict)}\n`);
  console.error(`${program} ${mode} ${round}: ${Math.round(ms)} ms`);
  for (const note of notes) console.log(`${program} ${mode} ${round}: ${note}`);
  if (difference !== undefined) console.log(`${program} ${mode} ${round}: ${difference}`);
  for (const line of complaints) console.log(`${program} ${mode} ${round}: ${line}`);
}

const { values } = parseArgs({
  options: {
    driver: { type: 'string', default: 'system' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', multiple: true, default: [] },
    mode: { type: 'string', multiple: true, default: [] },
    limit: { type: 'string', default: '120' },
    out: { type: 'string', default: path.join('out', 'conformance') },
    apps: { type: 'boolean', default: false },
    torch: { type: 'boolean', default: false },
    sleep: { type: 'string', default: '0.1' },
    layers: { type: 'string', default: '24' },
    'low-batch': { type: 'string', default: '32' },
  },
});

async function main(): Promise<void> {
  const seed = readNumber('seed', values.seed);
  const seconds = readNumber('seconds', values.seconds);
  const modes = chooseModes(values.mode);
  for (const { name, meaning } of modes) console.log(`${name.padEnd(8)} ${meaning}`);
  console.log(`driver: ${values.driver}, seed: ${seed}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'xsched-applications-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const isWanted = (name: string) => values.only.length === 0 || values.only.includes(name);
  const applications = await findApplications(folder, (name) => values.apps && isWanted(name));
  for (const missing of applications.missing) console.log(`left out: ${missing}`);
  const known = [...PROGRAMS.map(ownCommand), ...applications.commands];
  const programs = choosePrograms(known, values.only);
  mkdirSync(values.out, { recursive: true });
  const runs = path.join(values.out, 'runs.jsonl');
  rmSync(runs, { force: true });
  const verdicts = await runSuite({
    driver: values.driver,
    programs,
    modes,
    seconds,
    seed,
    limitMs: readNumber('limit', values.limit) * 1000,
    report: (verdict) => {
      tell(verdict, runs);
    },
  });
  console.log(`\n${formatTable(verdicts, modes)}\n`);
  const differences = listDifferences(verdicts);
  for (const difference of differences) console.log(`DIFFERS: ${difference}`);
  const counts = await countLedger(programs, folder);
  const isCounted = counts.every(({ cupti, ledger }) => ledger >= cupti);
  const torch = values.torch
    ? await runTorch({
        seconds: values.seconds,
        sleep: values.sleep,
        layers: values.layers,
        lowBatch: values['low-batch'],
      })
    : undefined;
  const file = path.join(values.out, 'result.json');
  const result = {
    driver: values.driver,
    seed,
    seconds,
    verdicts,
    counts,
    ...(torch && { torch }),
  };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`${verdicts.length} runs, ${differences.length} of them differ; ${file}`);
  if (differences.length > 0 || !isCounted || torch?.identical === false) process.exitCode = 1;
}

// The programs have groups of their own, which the terminal's signals miss.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code));

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
