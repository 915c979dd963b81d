/** `npm run demo` in a short form, with real processes on the simulated GPU. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Result } from '../demo/outcome.js';
import { ROOT } from '../demo/paths.js';
import { findLeftovers } from './leftovers.js';

const DEMO = path.join(ROOT, 'build', 'js', 'test', 'demo', 'main.js');
const SECONDS = 6;

let folder: string;
let runtimeDir: string;
let tempDir: string;
let outputDir: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'xsched-demo-test-'));
  runtimeDir = path.join(folder, 'run');
  tempDir = path.join(folder, 'tmp');
  outputDir = path.join(folder, 'out');
  mkdirSync(tempDir);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [DEMO, '--output', outputDir, ...args], {
    env: { ...process.env, TMPDIR: tempDir, XSCHED_RUNTIME_DIR: runtimeDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, ended, stdout: text(child.stdout), stderr: text(child.stderr) };
}

/** Waits until the demo is about to measure. */
function measuring({ child }: ReturnType<typeof startDemo>): Promise<void> {
  let said = '';
  return new Promise((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Four measurements follow')) resolve();
    });
  });
}

function expectNothingLeft(): void {
  expect(findLeftovers(tempDir)).toEqual([]);
  expect(readdirSync(tempDir)).toEqual([]);
  expect(readdirSync(folder)).not.toContain('run');
}

function expectSummary(summary: Result['high']['native']): void {
  expect(Object.keys(summary)).toEqual(['p50', 'p90', 'p99', 'n']);
  expect(summary.p50).toBeGreaterThan(0);
  expect(summary.p90).toBeGreaterThanOrEqual(summary.p50);
  expect(summary.p99).toBeGreaterThanOrEqual(summary.p90);
  expect(summary.n).toBeGreaterThan(SECONDS);
}

describe('npm run demo', () => {
  it('measures, draws and leaves its figures, and nothing else', async () => {
    const demo = startDemo(['--seconds', String(SECONDS), '--gpu', 'sim', '--json']);
    const [[status], stdout, stderr] = await Promise.all([demo.ended, demo.stdout, demo.stderr]);
    expect(stderr).toContain('P99 / standalone');
    expect(status).toBe(0);

    const result = JSON.parse(stdout) as Result;
    expect(JSON.parse(readFileSync(path.join(outputDir, 'result.json'), 'utf8'))).toEqual(result);
    expect(Object.keys(result)).toEqual(['gpu', 'scale', 'high', 'low']);
    expect(result).toMatchObject({ gpu: 'xsched simulated GPU', scale: 20 });
    expect(stderr).toContain('Its clock runs 20 times slower');

    const { standalone, native, xschedd } = result.high;
    for (const summary of [standalone, native, xschedd]) expectSummary(summary);
    // The direction only: how much it is depends on what else the machine does.
    expect(native.p50).toBeGreaterThan(1.2 * xschedd.p50);
    expect(native.p90).toBeGreaterThan(1.2 * standalone.p90);
    expect(result.low.alone).toBeGreaterThan(result.low.xschedd);
    expect(result.low.xschedd).toBeGreaterThan(0.4 * result.low.alone);

    const rows = readFileSync(path.join(outputDir, 'latencies.csv'), 'utf8').trim().split('\n');
    expect(rows[0]).toBe('run,start_s,latency_ms');
    expect(rows.length - 1).toBe(standalone.n + native.n + xschedd.n);
    const svg = readFileSync(path.join(outputDir, 'cdf.svg'), 'utf8');
    expect(svg.match(/<path /g)).toHaveLength(3);
    expectNothingLeft();
  }, 120_000);

  it('takes everything down when it is interrupted', async () => {
    const demo = startDemo(['--gpu', 'sim', '--seconds', '30']);
    await Promise.race([measuring(demo), demo.ended]);
    demo.child.kill('SIGINT');
    const [[status], said] = await Promise.all([demo.ended, demo.stdout]);
    expect(said).toContain('xschedd runs in');
    expect(status).toBe(130);
    expectNothingLeft();
  }, 60_000);

  it('takes everything down when nobody reads what it prints', async () => {
    const demo = startDemo(['--gpu', 'sim', '--seconds', '2']);
    await Promise.race([measuring(demo), demo.ended]);
    demo.child.stdout.destroy();
    const [[status]] = await Promise.all([demo.ended, demo.stdout.catch(() => '')]);
    expect(status).toBe(130);
    expectNothingLeft();
  }, 60_000);

  it('says why it cannot use the GPU that was asked for', async () => {
    writeFileSync(path.join(folder, 'libcuda.so.1'), 'no library');
    const demo = startDemo(['--gpu', 'real'], { LD_LIBRARY_PATH: folder });
    const [[status], stderr] = await Promise.all([demo.ended, demo.stderr]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/There is no GPU to use\. xsched-load failed: exit status 3\./);
    expect(stderr).toMatch(/libcuda\.so\.1: (file too short|invalid ELF header)/);
    expectNothingLeft();
  }, 30_000);

  it('takes a folder of its own when another daemon has the usual one', async () => {
    const first = startDemo(['--gpu', 'sim', '--seconds', '30']);
    await Promise.race([measuring(first), first.ended]);
    const second = startDemo(['--gpu', 'sim', '--seconds', '30']);
    await Promise.race([measuring(second), second.ended]);
    second.child.kill('SIGTERM');
    const [said] = await Promise.all([second.stdout, second.ended]);
    first.child.kill('SIGTERM');
    await first.ended;
    expect(said).toMatch(/npx xsched --runtime-dir \S+xsched-demo-\S+ top/);
    expectNothingLeft();
  }, 60_000);
});
