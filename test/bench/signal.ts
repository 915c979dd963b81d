/**
 * How fast programs learn of each other: from the first launch of a higher one until the gate of a
 * lower one is closed, and from the end of its work until the lower one launches again.
 *
 *   npm run bench -- signal [--bursts N] [--hold US] [--pause US] [--idle sync|event|poll|never]
 *
 * In one process, between processes by the board, and by messages alone. The driver does nothing, so
 * that the lower program launches as fast as it can; it is asked less often than it would be if the
 * GPU had to take what it launches. A gate counts as closed when the last launch that passed it has
 * come to the driver. Each side launches on a processor of its own where there are two; the daemon
 * shares them. Prints a table and writes out/bench/signal.json.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { percentile } from '../demo/statistics.js';
import { newTable } from '../demo/tables.js';
import { describeProcessor } from '../fig13a/machine.js';
import { readChoice, readCount } from './options.js';
import { awaitEnd, BUILD, prints, PTX, SHIM, startDaemon } from './programs.js';
import { writeResult } from './results.js';

const PROGRAM = path.join(BUILD, 'bench', 'signal');
const IDLE = ['sync', 'event', 'poll', 'never'] as const;

interface Way {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly together: boolean;
  /** What P99 may be at most, in microseconds: of the signal, and of going on. */
  readonly most: { readonly signalUs: number; readonly resumeUs: number };
}

const WAYS: readonly Way[] = [
  {
    ...{ name: 'one process', together: true, env: { XSCHED_POLICY: 'HPF' } },
    most: { signalUs: 1, resumeUs: 100 },
  },
  {
    ...{ name: 'two, by the board', together: false, env: {} },
    most: { signalUs: 2, resumeUs: 100 },
  },
  {
    ...{ name: 'two, by messages', together: false, env: { XSCHED_BOARD: 'off' } },
    most: { signalUs: 500, resumeUs: Infinity },
  },
];

interface Burst {
  readonly signalUs: number;
  readonly resumeUs: number;
  /** Processor time of the lower program while it waits, of a processor's. */
  readonly waiting: number;
}

interface Row {
  readonly way: string;
  readonly bursts: number;
  readonly signalUs: Spread;
  readonly resumeUs: Spread;
  /** While it waits; also of the higher program where both are one. */
  readonly waitingShare: number;
}

interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

function spreadOf(values: readonly number[]): Spread {
  const [p50 = NaN, p99 = NaN, most = NaN] = [50, 99, 100].map((p) => percentile(values, p));
  return { p50, p99, most };
}

function readBursts(output: string): readonly Burst[] {
  return output
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => {
      const [signal = NaN, resume = NaN, took = NaN, of = NaN] = line.split(' ').map(Number);
      return { signalUs: signal / 1000, resumeUs: resume / 1000, waiting: took / of };
    });
}

async function measure(
  { name, env, together }: Way,
  base: NodeJS.ProcessEnv,
  file: string,
  options: readonly string[],
): Promise<Row> {
  const children: ChildProcess[] = [];
  const start = (role: string, args: readonly string[], priority: number) => {
    const more = { LD_PRELOAD: SHIM, XSCHED_PRIORITY: String(priority) };
    const child = spawn(PROGRAM, [role, file, ...args], {
      env: { ...base, ...env, ...more },
      stdio: 'pipe',
    });
    child.stderr.pipe(process.stderr);
    children.push(child);
    return child;
  };
  try {
    if (!together) await prints(start('low', [], 0), 'launches');
    const high = start(together ? 'both' : 'high', options, together ? 0 : 1);
    const output = readAll(high.stdout);
    await awaitEnd(high);
    if (high.exitCode !== 0) throw new Error(`${name}: the program of the bursts failed`);
    const bursts = readBursts(await output);
    return {
      way: name,
      bursts: bursts.length,
      signalUs: spreadOf(bursts.map(({ signalUs }) => signalUs)),
      resumeUs: spreadOf(bursts.map(({ resumeUs }) => resumeUs)),
      waitingShare: percentile(
        bursts.map(({ waiting }) => waiting),
        50,
      ),
    };
  } finally {
    for (const child of children) {
      child.stdin?.end();
      await awaitEnd(child);
    }
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bursts: { type: 'string', default: '1000' },
      hold: { type: 'string', default: '4000' },
      pause: { type: 'string', default: '4000' },
      idle: { type: 'string', default: 'sync' },
    },
  });
  const idle = readChoice('idle', values.idle, IDLE);
  const numbers = [
    readCount('bursts', values.bursts),
    readCount('hold', values.hold, 500),
    readCount('pause', values.pause, 500),
  ];
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xsched-signal-'));
  const runtimeDir = path.join(folder, 'run');
  const daemon = await startDaemon(runtimeDir);
  try {
    const base: NodeJS.ProcessEnv = {
      ...{ PATH: process.env['PATH'], CLIENT_PTX: PTX, XSCHED_RUNTIME_DIR: runtimeDir },
      LD_LIBRARY_PATH: path.join(BUILD, 'bench', 'null'),
    };
    const rows: Row[] = [];
    for (const way of WAYS) {
      process.stderr.write(`${way.name}\n`);
      const file = path.join(folder, String(rows.length));
      rows.push(await measure(way, base, file, [...numbers.map(String), idle]));
    }
    const machine = describeProcessor();
    writeResult('signal', { idle, machine, rows });
    console.log(`${machine.cpu}, idle by ${idle}: microseconds, and what P99 may be at most`);
    const head = ['signal P50', 'P99', 'most', 'goes on P50', 'P99', 'most', 'waits at'];
    const table = newTable(['', ...head]);
    for (const [index, { way, signalUs, resumeUs, waitingShare }] of rows.entries()) {
      const most = WAYS[index]?.most;
      const format = ({ p50, p99 }: Spread, limit = Infinity) => [
        p50.toFixed(1),
        `${p99.toFixed(1)}${p99 > limit ? ' !' : ''}`,
        Number.isFinite(limit) ? String(limit) : '',
      ];
      const share = `${(100 * waitingShare).toFixed(1)}%`;
      table.push([
        way,
        ...format(signalUs, most?.signalUs),
        ...format(resumeUs, most?.resumeUs),
        share,
      ]);
    }
    console.log(table.toString());
  } finally {
    daemon.kill();
    await awaitEnd(daemon);
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
