import { describe, expect, it } from 'vitest';
import { loadArguments, parseLoadLine } from '../../demo/load-program.js';

describe('parseLoadLine', () => {
  it('reads the four events', () => {
    const lines = [
      '{"event":"device","name":"A \\"GPU\\"","driver_version":12080,"multiprocessors":132}',
      '{"event":"warm","at_ns":123456789012345}',
      '{"event":"request","start_ns":123456789012999,"latency_ms":1.250000}',
      '{"event":"summary","requests":7,"seconds":0.5,"requests_per_s":14.000000}',
    ];
    expect(lines.map(parseLoadLine)).toEqual([
      {
        event: 'device',
        device: { name: 'A "GPU"', driverVersion: 12080, multiprocessors: 132 },
      },
      { event: 'warm', atNs: 123456789012345 },
      { event: 'request', request: { startNs: 123456789012999, latencyMs: 1.25 } },
      { event: 'summary', requests: 7, requestsPerSecond: 14 },
    ]);
  });

  it('quotes what it does not understand', () => {
    expect(() => parseLoadLine('hello')).toThrow('not JSON: hello');
    expect(() => parseLoadLine('{"event":"lunch"}')).toThrow('unknown kind: {"event":"lunch"}');
    expect(() => parseLoadLine('{"event":"warm"}')).toThrow('number at_ns: {"event":"warm"}');
  });
});

describe('loadArguments', () => {
  const common = { kernels: 3, kernelUs: 1.5, seconds: 2, warmupSeconds: 1 };

  it('asks for a rate or for no pause, never for both', () => {
    expect(loadArguments({ ...common, rate: 10 })).not.toContain('--continuous');
    const continuous = loadArguments({ ...common, inFlight: 2 });
    expect(continuous).not.toContain('--rate');
    expect(continuous.join(' ')).toContain('--continuous --in-flight 2');
  });
});
