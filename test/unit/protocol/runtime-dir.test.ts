import { describe, expect, it } from 'vitest';
import { resolveRuntimeDir, runtimeDirCandidates } from '../../../protocol/runtime-dir.js';

const user = { uid: 1000, env: { XDG_RUNTIME_DIR: '/run/user/1000' } };

describe('resolveRuntimeDir', () => {
  it('prefers the option to everything, and makes it absolute', () => {
    const env = { XSCHED_RUNTIME_DIR: '/a', RUNTIME_DIRECTORY: '/b' };
    expect(resolveRuntimeDir({ option: '/o/../p', env, uid: 0 })).toBe('/p');
    expect(resolveRuntimeDir({ option: 'here', env, uid: 0 })).toBe(`${process.cwd()}/here`);
  });

  it('takes XSCHED_RUNTIME_DIR before RUNTIME_DIRECTORY', () => {
    const env = { XSCHED_RUNTIME_DIR: '/a', RUNTIME_DIRECTORY: '/b' };
    expect(resolveRuntimeDir({ env, uid: 0 })).toBe('/a');
  });

  it('takes the first of several directories of a service', () => {
    const env = { ...user.env, RUNTIME_DIRECTORY: '/run/one:/run/two' };
    expect(resolveRuntimeDir({ env, uid: 1000 })).toBe('/run/one');
  });

  it('is /run/xsched for root and in the own runtime directory for others', () => {
    expect(resolveRuntimeDir({ ...user, uid: 0 })).toBe('/run/xsched');
    expect(resolveRuntimeDir(user)).toBe('/run/user/1000/xsched');
  });

  it('is /run/xsched for a user without a runtime directory', () => {
    expect(resolveRuntimeDir({ env: {}, uid: 1000 })).toBe('/run/xsched');
  });

  it('takes empty values as missing', () => {
    const env = { ...user.env, XSCHED_RUNTIME_DIR: '', RUNTIME_DIRECTORY: '' };
    expect(resolveRuntimeDir({ option: '', env, uid: 1000 })).toBe('/run/user/1000/xsched');
  });
});

describe('runtimeDirCandidates', () => {
  it('leaves no choice where a directory was named', () => {
    const env = { ...user.env, XSCHED_RUNTIME_DIR: '/a' };
    expect(runtimeDirCandidates({ env, uid: 1000 })).toEqual(['/a']);
    expect(runtimeDirCandidates({ option: '/o', env, uid: 1000 })).toEqual(['/o']);
  });

  it("ends with the machine's directory, once", () => {
    expect(runtimeDirCandidates(user)).toEqual(['/run/user/1000/xsched', '/run/xsched']);
    expect(runtimeDirCandidates({ ...user, uid: 0 })).toEqual(['/run/xsched']);
  });
});
