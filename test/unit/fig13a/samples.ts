/** Measurements as they could have been. */
import type { Measurement } from '../../fig13a/measure.js';
import type { Setting } from '../../fig13a/options.js';

/** A setting of which each request of the high client took one of the given times, all in ms. */
export function measurement(
  setting: Setting,
  latenciesMs: readonly number[],
  lowPerSecond: number,
  repeat = 1,
): Measurement {
  return {
    ...{ setting, repeat, windowS: 10, serverVersion: '2.51.0' },
    high: latenciesMs.map((latencyMs, i) => ({
      ...{ startS: i / 10, latencyMs, queueMs: 0.1, computeMs: latencyMs - 1 },
    })),
    low: { perSecond: lowPerSecond, latenciesMs: [20, 10] },
  };
}
