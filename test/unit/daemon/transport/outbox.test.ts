/** Messages that wait for a peer which is slow, or does not read at all. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Outbox } from '../../../../daemon/transport/outbox.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A peer that takes `room` messages, and again as many when it is told to. */
function openPeer(room: number) {
  const taken: string[] = [];
  let free = room;
  let tried = 0;
  const outbox: Outbox = new Outbox((id, frame) => {
    tried++;
    const fits = free > 0;
    if (fits) {
      free--;
      taken.push(frame.toString());
    }
    // As libzmq does it: not at once.
    queueMicrotask(() => {
      if (fits) outbox.taken(id);
      else outbox.refused(id);
    });
  });
  return { outbox, taken, read: () => (free = room), countTries: () => tried };
}

it('arrive in order when it reads', async () => {
  const { outbox, taken, read } = openPeer(4);
  const sent = Array.from({ length: 50 }, (_, n) => String(n));
  for (const text of sent) outbox.post('a', Buffer.from(text));
  for (let n = 0; n < 20; n++) {
    read();
    await vi.advanceTimersByTimeAsync(2);
    if (n === 2) outbox.post('a', Buffer.from('later'));
  }
  expect(taken).toEqual([...sent, 'later']);
});

it('are given up when it does not', async () => {
  const { outbox, taken, countTries } = openPeer(0);
  outbox.post('a', Buffer.from('x'));
  await vi.advanceTimersByTimeAsync(5000);
  const tries = countTries();
  expect(tries).toBeGreaterThan(100);
  await vi.advanceTimersByTimeAsync(5000);
  expect(countTries()).toBe(tries);
  expect(taken).toEqual([]);
});

it('take no more than a quarter of a megabyte', async () => {
  const { outbox, taken, read } = openPeer(1);
  for (let n = 0; n < 20; n++) outbox.post('a', Buffer.alloc(100_000, 65 + n));
  for (let n = 0; n < 10; n++) {
    read();
    await vi.advanceTimersByTimeAsync(2);
  }
  expect(taken.map((text) => text[0]).join('')).toBe('ABC');
});

it('that are large are dropped when they find no room', async () => {
  const { outbox, countTries } = openPeer(0);
  outbox.post('a', Buffer.alloc(300_000));
  await vi.advanceTimersByTimeAsync(100);
  expect(countTries()).toBe(1);
});
