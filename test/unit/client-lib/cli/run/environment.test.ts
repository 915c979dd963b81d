import { describe, expect, it } from 'vitest';
import { prependPreload, runEnvironment } from '../../../../../client-lib/cli/run/environment.js';

const shim = '/lib/libxsched_shim.so';
const least = { shim, runtimeDir: '/run/xsched' };

describe('runEnvironment', () => {
  it('sets what was asked for and keeps the rest', () => {
    const settings = {
      ...least,
      ...{ priority: -5, name: 'batch', policy: 'HPF', window: 4, streamPriority: true },
      preemptLatency: 300,
      fail: 'closed' as const,
    };
    expect(runEnvironment(settings, { HOME: '/root', XSCHED_PRIORITY: '3' })).toEqual({
      HOME: '/root',
      LD_PRELOAD: shim,
      XSCHED_RUNTIME_DIR: '/run/xsched',
      XSCHED_PRIORITY: '-5',
      XSCHED_NAME: 'batch',
      XSCHED_POLICY: 'HPF',
      XSCHED_PREEMPT_LATENCY_US: '300',
      XSCHED_WINDOW: '4',
      XSCHED_STREAM_PRIORITY: '1',
      XSCHED_FAIL: 'closed',
    });
  });

  it("leaves the caller's variables alone where an option is missing", () => {
    const env = { XSCHED_PRIORITY: '3', XSCHED_NAME: 'x', XSCHED_FAIL: 'closed' };
    expect(runEnvironment(least, env)).toMatchObject(env);
  });

  it('sets a priority of 0', () => {
    expect(runEnvironment({ ...least, priority: 0 }, {})['XSCHED_PRIORITY']).toBe('0');
  });

  it('preloads nothing without a library', () => {
    const env = runEnvironment({ ...least, shim: undefined }, { LD_PRELOAD: '/lib/other.so' });
    expect(env['LD_PRELOAD']).toBe('/lib/other.so');
  });

  it('does not change its input', () => {
    const env = Object.freeze({ LD_PRELOAD: '/a.so' });
    runEnvironment({ ...least, priority: 1 }, env);
    expect(env).toEqual({ LD_PRELOAD: '/a.so' });
  });
});

describe('prependPreload', () => {
  it.each([
    [undefined, shim],
    ['', shim],
    ['/a.so', `${shim}:/a.so`],
    ['/a.so /b.so:/c.so', `${shim}:/a.so:/b.so:/c.so`],
    [`/a.so:${shim}`, `${shim}:/a.so`],
  ])('puts the library before %j', (existing, expected) => {
    expect(prependPreload(shim, existing)).toBe(expected);
  });
});
