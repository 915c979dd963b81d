import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseLoadLine } from '../../demo/load-program.js';
import { LOAD_PROGRAM } from '../../demo/paths.js';

const FAILING_DRIVER_DIR = path.join(path.dirname(LOAD_PROGRAM), 'failing-driver');

/** Runs xsched-load on the driver of which one call fails. */
function runLoad(args: readonly string[], failingCall?: string) {
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: FAILING_DRIVER_DIR,
    ...(failingCall === undefined ? {} : { FAILING_CALL: failingCall }),
  };
  return spawnSync(LOAD_PROGRAM, args, { env, encoding: 'utf8', timeout: 10_000 });
}

const SHORT = ['--warmup', '0', '--seconds', '0.05', '--rate', '100'];

describe('xsched-load', () => {
  it('writes device, warm-up, requests and a summary that counts them', () => {
    const { status, stdout } = runLoad(SHORT);
    const events = stdout.trim().split('\n').map(parseLoadLine);
    const requests = events.filter(({ event }) => event === 'request');
    expect(status).toBe(0);
    expect(events.slice(0, 2).map(({ event }) => event)).toEqual(['device', 'warm']);
    expect(events[0]).toMatchObject({ device: { name: 'a "failing" GPU' } });
    expect(requests.length).toBeGreaterThanOrEqual(1);
    expect(events.at(-1)).toMatchObject({ event: 'summary', requests: requests.length });
  });

  it('counts latency from the moment at which a request was meant to start', () => {
    const events = runLoad(SHORT).stdout.trim().split('\n').map(parseLoadLine);
    const requests = events.flatMap((line) => (line.event === 'request' ? [line.request] : []));
    for (const [index, { startNs }] of requests.slice(1).entries()) {
      const before = requests[index];
      const endNs = (before?.startNs ?? 0) + (before?.latencyMs ?? 0) * 1e6;
      expect(startNs - endNs).toBeCloseTo(1e7, -1);
    }
  });

  it('writes to a file instead', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'xsched-load-'));
    try {
      const file = path.join(dir, 'out');
      const { status, stdout } = runLoad([...SHORT, '--output', file]);
      expect([status, stdout]).toEqual([0, '']);
      expect(readFileSync(file, 'utf8')).toMatch(/^\{"event":"device".*\n(.*\n)*.*"summary".*\n$/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('says so when its results cannot be written', () => {
    const { status, stderr } = runLoad([...SHORT, '--output', '/nowhere/out']);
    expect(status).toBe(1);
    expect(stderr).toContain('cannot write /nowhere/out: No such file or directory');
    const full = runLoad([...SHORT, '--output', '/dev/full']);
    expect(full.status).toBe(1);
    expect(full.stderr).toContain('cannot write /dev/full: No space left on device');
  });

  it.each([
    ['cuDevicePrimaryCtxRetain', []],
    ['cuModuleLoadData', []],
    ['cuStreamCreateWithPriority', []],
    ['cuLaunchKernel', []],
    ['cuStreamSynchronize', []],
    ['cuEventSynchronize', ['--continuous', '--in-flight', '2']],
    ['cuStreamEndCapture', ['--graph']],
    ['cuGraphInstantiateWithFlags', ['--graph']],
  ])('names %s when it fails, and exits with status 1', (call, extra) => {
    const { status, stderr } = runLoad([...SHORT, ...extra], call);
    expect(stderr.trim()).toBe(
      `xsched-load: ${call} failed: CUDA_ERROR_LAUNCH_FAILED (719): unspecified launch failure`,
    );
    expect(status).toBe(1);
  });

  it.each(['cuInit', 'cuDeviceGetCount', 'cuDeviceGetName'])(
    'takes a failure of %s for the absence of a device: exit status 3',
    (call) => {
      const { status, stdout, stderr } = runLoad(['--probe'], call);
      expect([status, stdout]).toEqual([3, '']);
      expect(stderr).toContain(`${call} failed: CUDA_ERROR_LAUNCH_FAILED (719)`);
    },
  );

  it.each([
    [['--rate', 'x'], "--rate takes a number from 0.01 to 100000, not 'x'"],
    [['--kernels', '0'], "--kernels takes an integer from 1 to 100000, not '0'"],
    [['--kernels', '3.5'], "not '3.5'"],
    [['--seconds', 'nan'], "not 'nan'"],
    [['--stream', 'old'], "--stream takes 'new' or 'default', not 'old'"],
    [['--stream', 'default', '--graph'], 'the legacy default stream cannot be captured'],
    [['--in-flight', '2'], '--in-flight needs --continuous'],
    [['extra'], "unexpected argument 'extra'"],
  ])('refuses %j with exit status 2', (args, message) => {
    const { status, stderr } = runLoad(args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
