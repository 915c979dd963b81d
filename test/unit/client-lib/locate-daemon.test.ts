import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateRuntimeDir } from '../../../client-lib/locate-daemon.js';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

function makeSocket(name: string): string {
  const runtimeDir = path.join(folder, name);
  fs.mkdirSync(runtimeDir, { recursive: true });
  fs.writeFileSync(path.join(runtimeDir, 'control.sock'), '');
  return runtimeDir;
}

describe('locateRuntimeDir', () => {
  it('takes a named directory as it is, with or without a daemon', () => {
    makeSocket('user/xsched');
    const env = { XDG_RUNTIME_DIR: path.join(folder, 'user') };
    expect(locateRuntimeDir('/nowhere', env, 1000)).toBe('/nowhere');
    expect(locateRuntimeDir(undefined, { ...env, XSCHED_RUNTIME_DIR: '/there' }, 1000)).toBe(
      '/there',
    );
  });

  it('takes the directory that holds a daemon', () => {
    const own = makeSocket('user/xsched');
    const env = { XDG_RUNTIME_DIR: path.join(folder, 'user'), RUNTIME_DIRECTORY: '/run/other' };
    expect(locateRuntimeDir(undefined, env, 1000)).toBe(own);
  });

  it("takes a service's own directory only where a daemon is in it", () => {
    const service = makeSocket('service');
    expect(locateRuntimeDir(undefined, { RUNTIME_DIRECTORY: service }, 1000)).toBe(service);
    fs.rmSync(path.join(service, 'control.sock'));
    const env = { RUNTIME_DIRECTORY: service, XDG_RUNTIME_DIR: folder };
    expect(locateRuntimeDir(undefined, env, 1000)).not.toBe(service);
  });
});
