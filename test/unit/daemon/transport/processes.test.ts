/** What /proc says of this process, of those that have ended, and of those that are not there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isRunning, readProcess } from '../../../../daemon/transport/processes.js';

/** The largest id that the kernel can be told to give is one less. */
const NO_PROCESS = 4_194_304;

describe('readProcess', () => {
  it('knows the groups of a process and its pid in its own namespace', () => {
    const { ownPid, gids } = readProcess(process.pid);
    expect(ownPid).toBe(Number(fs.readlinkSync('/proc/self')));
    expect(gids).toContain(process.getegid?.());
    for (const gid of process.getgroups?.() ?? []) expect(gids).toContain(gid);
  });

  it('fails for a process that is not there', () => {
    expect(() => readProcess(NO_PROCESS)).toThrow(/ENOENT/);
  });
});

describe('isRunning', () => {
  it('is true of a process that runs or sleeps', () => {
    expect(isRunning(process.pid)).toBe(true);
    expect(isRunning(process.ppid)).toBe(true);
  });

  it('is false of a process that is not there', () => {
    expect(isRunning(NO_PROCESS)).toBe(false);
  });

  it('is false of one that has ended, though its parent took no note of it', async () => {
    const script =
      'import os, time\n' +
      'child = os.fork()\n' +
      'if child == 0: os._exit(0)\n' +
      'print(child, flush=True)\n' +
      'time.sleep(60)';
    const parent = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const child = Number(line.toString());
    await vi.waitFor(() => {
      expect(isRunning(child)).toBe(false);
    });
    expect(fs.existsSync(`/proc/${String(child)}`)).toBe(true);
    expect(isRunning(parent.pid ?? 0)).toBe(true);
  });
});
