/** The seed of tests that use chance: fixed, printed by fast-check on a failure, replayable. */

/** Replay another run by `XSCHED_TEST_SEED=… npx vitest run …`. */
export const SEED = Number(process.env['XSCHED_TEST_SEED'] ?? 20261122);

/** A small generator of numbers from 0 to 2^32 - 1 (mulberry32), for what fast-check does not do. */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
