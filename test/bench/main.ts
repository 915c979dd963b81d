/**
 * Runs benchmarks one after the other, all of them or those named.
 *
 *   npm run bench [-- NAME… [OPTION…]]
 *
 * Options go to the benchmark, so they need exactly one name. Ends with 1 when one of them failed.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const BENCHMARKS: Readonly<Record<string, string>> = {
  'gate-cost': 'what the shim adds to a launch or a copy',
  'request-cost': 'what the shim adds to a request of a program that is idle between them',
  signal: 'how fast programs learn that another has work, or has none any more',
  'core-cost': "what an event costs the daemon's core",
  'daemon-load': 'what the daemon bears, and what it takes of the machine (some minutes)',
  preempt: 'how long lower work keeps the GPU, and what that costs it (simulated, some minutes)',
  gaps: 'what a high program pays that leaves the GPU idle for moments, and what a low one gets',
  'model-cost': 'what the shim costs PyTorch models (with a GPU)',
  'end-to-end': 'a high model beside a low one, PyTorch, natively and under the shim (with a GPU)',
  'sim-fit': 'the simulated GPU against figures of an H200 (some minutes)',
};

function usage(problem: string): never {
  const lines = Object.entries(BENCHMARKS).map(([name, what]) => `  ${name.padEnd(12)} ${what}`);
  console.error(`${problem}; the benchmarks are:\n${lines.join('\n')}`);
  process.exit(2);
}

const words = process.argv.slice(2);
const first = words.findIndex((word) => word.startsWith('-'));
const given = first < 0 ? words : words.slice(0, first);
const options = first < 0 ? [] : words.slice(first);
const unknown = given.find((name) => !(name in BENCHMARKS));
if (unknown !== undefined) usage(`there is no benchmark '${unknown}'`);
if (options.length > 0 && given.length !== 1) usage(`${options.join(' ')} needs one benchmark`);

const here = path.dirname(fileURLToPath(import.meta.url));
for (const name of given.length > 0 ? given : Object.keys(BENCHMARKS)) {
  console.log(`== ${name}: ${BENCHMARKS[name] ?? ''}`);
  const argv = [path.join(here, `${name}.js`), ...options];
  const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
