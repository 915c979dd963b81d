/** How often the daemon gives the board a sign of life, and what it tells the core of it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createLogger } from 'winston';
import { BoardKeeper } from '../../../daemon/board-keeper.js';
import { BoardDevice } from '../../../daemon/core/board.js';
import type { Event } from '../../../daemon/core/events.js';
import { Rounds } from '../../../daemon/rounds.js';
import { LIMITS } from '../../../protocol/messages.js';

/** Where the sign of life is in `board-1`, and the bits of the first device in `ready-1`. */
const [BEAT, READY_HEAD] = [16, 64];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A keeper at work, and the events that it gives the core. */
function startKeeper() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-board-'));
  const rounds = new Rounds(() => performance.now());
  const keeper = BoardKeeper.open({ folder, gid: undefined, log: createLogger({ silent: true }) });
  if (keeper === undefined) throw new Error('there is no board');
  const events: Event[] = [];
  keeper.start(rounds, (event) => events.push(event));
  onTestFinished(() => {
    rounds.stop();
    keeper.close();
    fs.rmSync(folder, { recursive: true });
  });
  const countBeats = (ms: number) => {
    const read = () => fs.readFileSync(path.join(folder, 'board-1')).readUInt32LE(BEAT);
    const before = read();
    vi.advanceTimersByTime(ms);
    return read() - before;
  };
  const give = () => {
    keeper.state.devices.set('GPU-a', new BoardDevice('GPU-a', 0));
    const owner = { pid: process.pid, startTime: 1, priority: 0 };
    keeper.write({ kind: 'give', slot: 1, device: 'GPU-a', ...owner });
  };
  const show = (bits: bigint) => {
    const file = fs.openSync(path.join(folder, 'ready-1'), 'r+');
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(bits);
    fs.writeSync(file, word, 0, word.length, READY_HEAD);
    fs.closeSync(file);
  };
  return { keeper, events, countBeats, give, show };
}

it('gives none while nobody has a slot, and the first as soon as somebody has', () => {
  const { events, countBeats, give } = startKeeper();
  expect(countBeats(60_000)).toBe(1);
  give();
  expect(countBeats(1)).toBe(1);
  expect(events.map(({ type }) => type)).toEqual(['begin', 'bits']);
});

it('gives them more often while a slot has work', () => {
  const { countBeats, give, show } = startKeeper();
  give();
  countBeats(1);
  expect(countBeats(10_000)).toBe(10_000 / LIMITS.BEAT_QUIET_MS);
  show(1n);
  expect(countBeats(LIMITS.BEAT_QUIET_MS)).toBe(1);
  expect(countBeats(10_000)).toBe(10_000 / LIMITS.BEAT_MS);
  show(0n);
  expect(countBeats(LIMITS.BEAT_MS)).toBe(1);
  expect(countBeats(10_000)).toBe(10_000 / LIMITS.BEAT_QUIET_MS);
});

it('tells with each which slots have work, and once that none has', () => {
  const { keeper, events, countBeats, give, show } = startKeeper();
  give();
  keeper.state.restoredUntil = Infinity;
  show(5n);
  countBeats(1);
  expect(events.at(-1)).toEqual({ type: 'bits', bits: new Map([['GPU-a', 5n]]) });
  show(4n);
  countBeats(LIMITS.BEAT_MS);
  expect(events.at(-1)).toEqual({ type: 'bits', bits: new Map([['GPU-a', 4n]]) });
  const before = events.length;
  show(0n);
  countBeats(10_000);
  expect(events.slice(before)).toEqual([{ type: 'bits', bits: new Map([['GPU-a', 0n]]) }]);
});

it('tells that none has while slots of an earlier daemon may count', () => {
  const { keeper, events, countBeats, give } = startKeeper();
  give();
  keeper.state.restoredUntil = 0;
  expect(countBeats(1 + 4 * LIMITS.BEAT_QUIET_MS)).toBe(5);
  expect(events).toHaveLength(1 + 5);
});

it('never pauses for more than half of the time after which it is taken for dead', () => {
  expect(LIMITS.BEATLESS_MS).toBeGreaterThanOrEqual(2 * LIMITS.BEAT_QUIET_MS);
});
