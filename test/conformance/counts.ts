/**
 * The shim's ledger against what CUPTI counted in the same process: every kernel, copy and memset
 * that the device has executed went through a call that the shim saw.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { bareEnvironment } from '../demo/environment.js';
import { ROOT } from '../demo/paths.js';
import type { Command } from './programs.js';

const SHIM = path.join(ROOT, 'build', 'shim', 'libxsched_shim.so');
const LIMIT_MS = 300_000;

/** What one kind of work was counted. */
export interface Count {
  readonly kind: 'kernel' | 'gpu_memcpy' | 'gpu_memset';
  readonly cupti: number;
  readonly ledger: number;
}

const FUNCTIONS: readonly (readonly [Count['kind'], RegExp])[] = [
  ['kernel', /^cuLaunch(Kernel|Cooperative|Grid|$)/],
  ['gpu_memcpy', /^cuMemcpy/],
  ['gpu_memset', /^cuMemset/],
];

/** The calls that the log of a program's end tells of, by function. */
export function parseLedger(log: string): ReadonlyMap<string, number> {
  const line =
    /debug: (\w+): (\d+) passed, (\d+) gated, (\d+) bypassed, \d+ captured, (\d+) unknown/g;
  const calls = new Map<string, number>();
  for (const [, name = '', ...numbers] of log.matchAll(line)) {
    const sum = numbers.reduce((total, number) => total + Number(number), 0);
    calls.set(name, (calls.get(name) ?? 0) + sum);
  }
  return calls;
}

/** Sets what CUPTI counted beside what the ledger holds. */
export function compareCounts(
  cupti: Readonly<Record<string, number>>,
  ledger: ReadonlyMap<string, number>,
): readonly Count[] {
  return FUNCTIONS.map(([kind, functions]) => {
    const own = [...ledger].filter(([name]) => functions.test(name));
    const sum = own.reduce((total, [, calls]) => total + calls, 0);
    return { kind, cupti: cupti[kind] ?? 0, ledger: sum };
  });
}

/** Runs an application that takes `--counts FILE` under the shim and the profiler. */
export async function countCalls({ argv }: Command, folder: string): Promise<readonly Count[]> {
  const [counts, log] = ['counts.json', 'ledger.log'].map((name) => path.join(folder, name));
  const env = bareEnvironment({
    ...{ LD_PRELOAD: SHIM, XSCHED_RUNTIME_DIR: path.join(folder, 'none') },
    ...{ XSCHED_LOG: 'debug', XSCHED_LOG_FILE: log },
  });
  const [file, ...words] = argv;
  const args = [...words, '--counts', counts ?? ''];
  await promisify(execFile)(file, args, { env, timeout: LIMIT_MS, maxBuffer: 1 << 26 });
  const cupti = JSON.parse(fs.readFileSync(counts ?? '', 'utf8')) as Record<string, number>;
  return compareCounts(cupti, parseLedger(fs.readFileSync(log ?? '', 'utf8')));
}
