/** How many connections there is room for. */
import { describe, expect, it } from 'vitest';
import { computeRoom, DescriptorsError } from '../../../../daemon/transport/connection-limits.js';

describe('the room for connections', () => {
  it('leaves a descriptor for the watch of each process, and some for everything else', () => {
    for (const limit of [110, 256, 1024, 20_000]) {
      const { connections } = computeRoom(limit, 30);
      expect(30 + 2 * connections).toBeLessThanOrEqual(limit - 48);
      expect(30 + 2 * (connections + 1)).toBeGreaterThan(limit - 48);
    }
  });

  it('does not grow without end, and no user gets all of it', () => {
    for (const limit of [1 << 20, 1 << 30, Infinity]) {
      expect(computeRoom(limit, 30)).toEqual({ connections: 16_384, connectionsPerUser: 8192 });
    }
  });

  it('is an error when it is none, which says what is needed', () => {
    expect(() => computeRoom(44, 30)).toThrow(DescriptorsError);
    expect(() => computeRoom(109, 30)).toThrow(
      /^at most 109 files may be open \(RLIMIT_NOFILE\), at least 110 are needed: /,
    );
    expect(computeRoom(110, 30)).toEqual({ connections: 16, connectionsPerUser: 8 });
  });
});
