/** The parts of the shim that need no GPU: ranks, captures, questions, labels, paces, spreads, windows, the lane, JSON and the ZMTP client, under sanitizers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { buildAsanPrograms, expectSuccess } from './programs.js';

const SEEDS = [1, 2, 3, 20_261_122];

beforeAll(buildAsanPrograms, 150_000);

describe('ranks', () => {
  it.each(SEEDS)('know their highest like a naive multiset does, seed %i', (seed) => {
    expect(expectSuccess('ranks_model', [String(seed), '5000'])).toBe('');
  });
});

describe('captures', () => {
  it('are counted until they end, in whatever way', () => {
    expect(expectSuccess('capture_cases')).toBe('');
  });
});

/** Threads that wait for each other come to nothing while others have the processors. */
const STRESS_MS = 90_000;

describe('questions and changes', () => {
  it('keep out of each other’s way where they concern each other, and nowhere else', () => {
    expect(expectSuccess('life_cases')).toBe('');
  });

  it.each([1, 2])(
    'never meet, and all come to their end, seed %i',
    { timeout: STRESS_MS },
    (seed) => {
      expect(expectSuccess('life_stress', [String(seed), '100000'])).toBe('');
    },
  );
});

describe('labels', () => {
  it('are kept until they end, and belong to threads', () => {
    expect(expectSuccess('label_cases', [], { env: { ASAN_OPTIONS: 'detect_leaks=0' } })).toBe('');
  });
});

describe('the pace of launches', () => {
  it('is learnt of each kind from groups of several', () => {
    expect(expectSuccess('pace_cases')).toBe('');
  });
});

describe('the spread of times', () => {
  it('has percentiles that are right to an eighth, and forgets', () => {
    expect(expectSuccess('spread_cases')).toBe('');
  });
});

describe('the gaps between launches', () => {
  it('are lingered through where they are short, and left to others where nobody waits', () => {
    expect(expectSuccess('gaps_cases')).toBe('');
  });
});

describe('a window', () => {
  const env = { ASAN_OPTIONS: 'detect_leaks=0' };

  it('holds what it says', () => {
    expect(expectSuccess('window_cases', [], { env })).toBe('');
  });

  it('comes, goes and changes, and counts all the while', () => {
    expect(expectSuccess('window_eras', [], { env })).toBe('');
  });

  it.each([1, 2])('is empty in the end, whatever came between, seed %i', (seed) => {
    expect(expectSuccess('window_stress', [String(seed), '20000'], { env })).toBe('');
  });
});

describe('the lane of long launches', () => {
  it('lets them go one by one, in order, and keeps nobody for good', () => {
    expect(expectSuccess('lane_cases', [], { env: { ASAN_OPTIONS: 'detect_leaks=0' } })).toBe('');
  });

  it('is left for the way by which more gets done', () => {
    expect(expectSuccess('trial_cases')).toBe('');
  });
});

describe('JSON', () => {
  it('is searched for one string, whatever it holds', () => {
    expect(expectSuccess('json_cases')).toBe('');
  });
});

describe('the ZMTP client', () => {
  it('takes a session cut anywhere, and calls what is wrong with a peer by its name', () => {
    expect(expectSuccess('zmtp_cases')).toBe('');
  });

  it.each(SEEDS)('ends alike on noise and mutilated sessions in any batches, seed %i', (seed) => {
    const output = expectSuccess('zmtp_fuzz', [String(seed), '8000']);
    const taken = Number(/^(\d+) of 8000 taken\n$/.exec(output)?.[1]);
    expect(taken).toBeGreaterThan(800);
    expect(taken).toBeLessThan(7200);
  });
});
