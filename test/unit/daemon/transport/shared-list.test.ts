/** One rendering of a list for many who ask. */
import { expect, it } from 'vitest';
import { SharedList } from '../../../../daemon/transport/shared-list.js';
import { decodeMessage, encodeMessage } from '../../../../protocol/codec.js';
import type { ControlDown, QueueInfo } from '../../../../protocol/generated/messages.js';

const QUEUE: QueueInfo = {
  ...{ id: '1.1', pid: 1, uid: 0, name: 'n', exe: 'e', command: 'c' },
  ...{
    device: 'GPU-0',
    stream: 1,
    label: '',
    version: '',
    instance: '',
    priority: 0,
    source: 'default',
  },
  ...{ state: 'idle', reason: '', window: 0, waiting: false, submitted: 0, completed: 0 },
  ...{ readyNs: 0, waitedNs: 0, suspends: 0 },
  ...{ target: 0, latency: 0, latencyP50: 0, latencyP99: 0 },
};

function makeReply(request: number, queues: readonly QueueInfo[]): ControlDown {
  return { type: 'LIST_REPLY', request, queues };
}

it('is the same to all within 50 ms but for the number of the request', () => {
  let now = 0;
  let lists = 0;
  const list = new SharedList(
    () => now,
    () => Array<QueueInfo>(20).fill({ ...QUEUE, pid: ++lists }),
    makeReply,
  );
  // Numbers of one to five bytes.
  for (const request of [1, 200, 60_000, 4_000_000_000, 2]) {
    const queues = Array<QueueInfo>(20).fill({ ...QUEUE, pid: 1 });
    const expected = encodeMessage({ type: 'LIST_REPLY', request, queues });
    expect(list.render(request)).toEqual(expected);
    expect(decodeMessage('control-down', expected)).toMatchObject({ request });
    now += 12;
  }
  expect(lists).toBe(1);
  now = 50;
  list.render(1);
  expect(lists).toBe(2);
  list.forget();
  list.render(1);
  expect(lists).toBe(3);
});

it('has no queues when there are none', () => {
  const list = new SharedList(
    () => 0,
    () => [],
    makeReply,
  );
  expect(decodeMessage('control-down', list.render(7))).toEqual({
    type: 'LIST_REPLY',
    request: 7,
    queues: [],
  });
});

it('that takes long to render is rendered for no more than a tenth of the time', () => {
  let now = 0;
  let lists = 0;
  const list = new SharedList(
    () => now,
    () => {
      lists++;
      now += 300;
      return [];
    },
    makeReply,
  );
  list.render(1);
  now += 2999;
  list.render(2);
  expect(lists).toBe(1);
  now += 1;
  list.render(3);
  expect(lists).toBe(2);
});
