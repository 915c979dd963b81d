import { describe, expect, it, vi } from 'vitest';
import { EventStream } from '../../../client-lib/event-stream.js';
import type { EventMessage } from '../../../protocol/generated/messages.js';

function makeEvent(text: string): EventMessage {
  return { type: 'EVENT', timeMs: 0, kind: 'hint', id: '', text };
}

function makeStream(subscribed = Promise.resolve()): {
  stream: EventStream;
  onClose: ReturnType<typeof vi.fn<() => Promise<void>>>;
} {
  const onClose = vi.fn(() => Promise.resolve());
  return { stream: new EventStream(subscribed, onClose), onClose };
}

describe('EventStream', () => {
  it('gives events in their order, whether they come before or after the reader', async () => {
    const { stream } = makeStream();
    stream.push(makeEvent('one'));
    stream.push(makeEvent('two'));
    expect((await stream.next()).value?.text).toBe('one');
    expect((await stream.next()).value?.text).toBe('two');
    const later = stream.next();
    stream.push(makeEvent('three'));
    expect((await later).value?.text).toBe('three');
  });

  it('closes once when the loop is left', async () => {
    const { stream, onClose } = makeStream();
    stream.push(makeEvent('one'));
    for await (const event of stream) {
      expect(event.text).toBe('one');
      break;
    }
    await stream.close();
    expect(onClose).toHaveBeenCalledTimes(1);
    expect((await stream.next()).done).toBe(true);
  });

  it('ends a reader that waits', async () => {
    const { stream } = makeStream();
    const waiting = stream.next();
    await stream.close();
    expect((await waiting).done).toBe(true);
  });

  it('gives what waits before it fails', async () => {
    const { stream } = makeStream();
    stream.push(makeEvent('one'));
    stream.fail(new Error('gone'));
    expect((await stream.next()).value?.text).toBe('one');
    await expect(stream.next()).rejects.toThrow('gone');
  });

  it('fails with a subscription that was refused', async () => {
    const { stream } = makeStream(Promise.reject(new Error('no')));
    await expect(stream.ready).rejects.toThrow('no');
    await expect(stream.next()).rejects.toThrow('no');
  });

  it('drops the oldest events of a reader that is 10,000 behind', async () => {
    const { stream } = makeStream();
    for (let index = 0; index < 10_002; index++) stream.push(makeEvent(String(index)));
    expect(stream.dropped).toBe(2);
    expect((await stream.next()).value?.text).toBe('2');
  });

  it('refuses a second reader at a time', async () => {
    const { stream } = makeStream();
    const first = stream.next();
    await expect(stream.next()).rejects.toThrow('earlier next()');
    stream.push(makeEvent('one'));
    expect((await first).value?.text).toBe('one');
  });
});
