/** `npm run fig13a` in a short form, with the real tritonserver on the simulated GPU. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../demo/paths.js';
import { percentile } from '../demo/statistics.js';
import { parseRaw } from '../fig13a/raw.js';
import type { Result } from '../fig13a/result.js';
import type { Setting } from '../fig13a/options.js';
import type { Figures } from '../fig13a/summary.js';
import { findLeftovers } from './leftovers.js';

const COMMAND = path.join(ROOT, 'build', 'js', 'test', 'fig13a', 'main.js');
const PACE = ['--warmup', '0.5', '--sleep-ms', '20', '--scale', '20', '--gpu', 'simulated'];

let folder: string;
let tempDir: string;
let outputDir: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'xsched-fig13a-test-'));
  tempDir = path.join(folder, 'tmp');
  outputDir = path.join(folder, 'out');
  mkdirSync(tempDir);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [COMMAND, '--output', outputDir, ...PACE, ...args], {
    env: { ...process.env, TMPDIR: tempDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, ended, stdout: text(child.stdout), stderr: text(child.stderr) };
}

function expectNothingLeft(): void {
  expect(findLeftovers(tempDir)).toEqual([]);
  expect(readdirSync(tempDir)).toEqual([]);
}

async function measure(args: readonly string[]): Promise<Record<Setting, Figures>> {
  const run = start([...args, '--json']);
  const [[status], stdout, stderr] = await Promise.all([run.ended, run.stdout, run.stderr]);
  expect(stderr).toContain('P99 / standalone');
  expect(status).toBe(0);
  const result = JSON.parse(stdout) as Result;
  expect(JSON.parse(readFileSync(path.join(outputDir, 'result.json'), 'utf8'))).toEqual(result);
  expect(result).toMatchObject({ isComplete: true, problem: null, serverVersion: '2.51.0' });
  expectNothingLeft();
  const entries = result.settings.map(({ setting, pooled }) => [setting, pooled] as const);
  console.log(
    `fig13a ${args.join(' ')}: P50 of the high model, low requests/s: ` +
      entries.map(([name, f]) => `${name} ${f.high.p50} ms, ${f.lowPerSecond}`).join('; '),
  );
  return Object.fromEntries(entries) as Record<Setting, Figures>;
}

/** What lies around the server's own time of each counted request that has one, in milliseconds. */
function timesAround(setting: string): number[] {
  const rows = readFileSync(path.join(outputDir, 'requests.csv'), 'utf8').trim().split('\n');
  const columns = rows.slice(1).map((row) => row.split(','));
  const timed = columns.filter(([name, , , , , compute]) => name === setting && compute !== '');
  return timed.map(([, , , latency, , compute]) => Number(latency) - Number(compute));
}

function expectSane(setting: string, { high, compute, lowPerSecond }: Figures): void {
  expect(high.n).toBeGreaterThan(5);
  expect(high.p50).toBeLessThanOrEqual(high.p90);
  expect(high.p99).toBeLessThanOrEqual(high.max);
  expect(compute?.n).toBeGreaterThan(high.n / 2);
  expect(compute?.p50).toBeGreaterThan(0);
  // Not of each request: a backend that has answered may lose its core before it takes the time.
  const around = timesAround(setting);
  expect(around).toHaveLength(compute?.n ?? 0);
  expect(percentile(around, 50)).toBeGreaterThan(0);
  expect(lowPerSecond).toBeGreaterThan(0);
}

describe('npm run fig13a', () => {
  it('measures and draws all settings in the C++ backend', async () => {
    const figures = await measure(['all', '--seconds', '3']);
    const { standalone, triton, xsched } = figures;
    for (const [name, one] of Object.entries(figures)) expectSane(name, one);
    expect(triton.high.p50 / standalone.high.p50).toBeGreaterThan(1.5);
    expect(xsched.high.p50 / standalone.high.p50).toBeLessThan(1.25);
    expect(xsched.p99Ratio?.low).toBeLessThanOrEqual(xsched.p99Ratio?.high ?? 0);
    expect(xsched.kept).toBeGreaterThan(0.5);

    for (const setting of Object.keys(figures) as Setting[]) {
      const raw = readFileSync(path.join(outputDir, 'raw', `${setting}.txt`), 'utf8');
      expect(parseRaw(raw)).toHaveLength(figures[setting].high.n);
      const low = readFileSync(path.join(outputDir, 'raw', `${setting}-low.txt`), 'utf8');
      expect(parseRaw(low).length).toBeGreaterThan(1);
    }
    const svg = readFileSync(path.join(outputDir, 'fig13a.svg'), 'utf8');
    expect(svg.match(/<path /g)).toHaveLength(4);
    rmSync(path.join(outputDir, 'fig13a.png'));

    const again = start(['--draw', path.join(outputDir, 'result.json')]);
    expect((await again.ended)[0]).toBe(0);
    expect(await again.stdout).toContain('P99 / standalone');
    expect(readFileSync(path.join(outputDir, 'fig13a.svg'), 'utf8')).toBe(svg);
    expect(existsSync(path.join(outputDir, 'fig13a.png'))).toBe(true);
  }, 120_000);

  it('measures the Python backend, two processes', async () => {
    const settings = ['triton-p', 'xsched'];
    const figures = await measure([...settings, '--backend', 'python', '--seconds', '4']);
    for (const [name, one] of Object.entries(figures)) expectSane(name, one);
    // The priority of the configuration does not reach the GPU there by itself.
    expect(figures['triton-p'].high.p50 / figures.xsched.high.p50).toBeGreaterThan(1.2);
  }, 120_000);

  it('takes everything down when it is interrupted', async () => {
    const run = start(['xsched', '--seconds', '30']);
    const isMeasuring = (): boolean =>
      ['daemon/main.js', 'tritonserver', 'client.py'].every((name) =>
        findLeftovers(tempDir).join('\n').includes(name),
      );
    await expect.poll(isMeasuring, { timeout: 30_000, interval: 100 }).toBe(true);
    run.child.kill('SIGINT');
    expect((await run.ended)[0]).toBe(130);
    expectNothingLeft();
    expect(existsSync(outputDir)).toBe(false);
  }, 60_000);
});
