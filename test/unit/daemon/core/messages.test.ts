/** Messages that are lost, late, repeated or out of place. */
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, LIMITS, PROTOCOL_VERSION } from '../../../../protocol/messages.js';
import { World } from './world.js';

function oneQueue(): { world: World; link: string } {
  const world = new World();
  const link = world.hello(100);
  world.register(link);
  return { world, link };
}

describe('messages of clients', () => {
  it('answers HELLO with the generation', () => {
    const world = new World('stream_priority: true');
    world.hello(1);
    expect(world.sent[0]?.message).toEqual({
      type: 'WELCOME',
      version: PROTOCOL_VERSION,
      generation: 1,
      enabled: true,
      streamPriority: true,
    });
  });

  it('answers REGISTER, and its repetition with the same decision', () => {
    const { world, link } = oneQueue();
    expect(world.view(link)).toMatchObject({ type: 'PERMIT', seq: 1, acks: 1 });
    world.register(link, { seq: 2, ready: true });
    expect(world.view(link)).toMatchObject({ type: 'PERMIT', seq: 1, acks: 2 });
    expect(world.state.queueCount).toBe(1);
  });

  it('takes a number that names another stream now for a new queue', () => {
    const { world, link } = oneQueue();
    world.ready(link, 2);
    world.register(link, { stream: 77, seq: 1 });
    expect(world.queue(link)).toMatchObject({ stream: 77, ready: false });
    expect(world.view(link).seq).toBe(2);
    expect(world.state.queueCount).toBe(1);
  });

  it('ignores what is older than what it knows', () => {
    const { world, link } = oneQueue();
    world.ready(link, 5);
    world.idle(link, 4);
    expect(world.queue(link).ready).toBe(true);
    world.idle(link, 6);
    world.ready(link, 5);
    expect(world.queue(link).ready).toBe(false);
  });

  it('counts across the end of the serial numbers', () => {
    const world = new World();
    const link = world.hello(100);
    world.register(link, { seq: 0xfffffffe });
    world.ready(link, 0xffffffff);
    world.idle(link, 0);
    expect(world.queue(link)).toMatchObject({ ready: false, clientSeq: 0 });
    world.ready(link, 0xfffffff0);
    expect(world.queue(link).ready).toBe(false);
  });

  it('answers whoever waits at the gate, each time', () => {
    const { world, link } = oneQueue();
    for (let repetition = 0; repetition < 3; repetition++) {
      world.ready(link, 2, true);
      expect(world.verdicts()).toEqual([`${link}/1 PERMIT`]);
      expect(world.view(link)).toMatchObject({ seq: 1, acks: 2 });
    }
    world.ready(link, 2, false);
    expect(world.sent).toEqual([]);
  });

  it('repairs lost messages by STATS', () => {
    const { world, link } = oneQueue();
    // READY(2) was lost on its way up.
    world.stats(link, { seq: 2, ready: true });
    expect(world.queue(link).ready).toBe(true);
    expect(world.sent).toEqual([]);
    // A decision was lost on its way down.
    world.stats(link, { seq: 2, applied: 0 });
    expect(world.verdicts()).toEqual([`${link}/1 PERMIT`]);
    // An old one does not turn the clock back.
    world.stats(link, { seq: 1, ready: false });
    expect(world.queue(link).ready).toBe(true);
  });

  it('goes on after a number that a client has from elsewhere', () => {
    const { world, link } = oneQueue();
    world.stats(link, { applied: 40 });
    expect(world.view(link).seq).toBe(40);
    world.hint('100', 7);
    expect(world.view(link)).toMatchObject({ seq: 41, priority: 7 });
  });

  it('complains about messages before HELLO and about queues that it does not know', () => {
    const world = new World();
    world.ready('stranger', 1);
    expect(world.sent[0]?.message).toEqual({
      type: 'ERROR',
      code: ERROR_CODES.STATE,
      message: 'READY came before HELLO',
    });
    const link = world.hello(100);
    world.idle(link, 1, 9);
    expect(world.sent[0]?.message).toMatchObject({
      type: 'ERROR',
      message: 'IDLE names queue 9, which is not registered',
    });
  });

  it('answers a repeated HELLO with everything it knows, and forgets nothing', () => {
    const { world, link } = oneQueue();
    world.ready(link, 2);
    world.hello(100);
    expect(world.sent.map(({ message }) => message.type)).toEqual(['WELCOME', 'PERMIT']);
    expect(world.queue(link)).toMatchObject({ ready: true, clientSeq: 2, seq: 1 });
    expect(world.forgotten).toEqual([]);
  });

  it('answers a flood of HELLOs with the state of all queues no more than every 200 ms', () => {
    const { world } = oneQueue();
    let answers = 0;
    for (let passed = 0; passed < 1000; passed += 10) {
      world.hello(100);
      expect(world.sent[0]?.message.type).toBe('WELCOME');
      answers += world.verdicts().length;
      world.advance(10);
    }
    expect(answers).toBe(5);
  });

  it('replaces the older link of a process', () => {
    const { world, link } = oneQueue();
    world.hint('100', 3);
    world.ready(link, 2);
    const fresh = world.hello(100, { link: 'fresh' });
    expect(world.forgotten).toEqual([link]);
    expect(world.state.clients.size).toBe(1);
    expect(world.state.queueCount).toBe(0);
    world.register(fresh);
    // The process is the same one: what was said of it by its pid still holds.
    expect(world.view(fresh)).toMatchObject({ priority: 3 });
  });

  it('does not take a new process for the old one of that pid', () => {
    const { world } = oneQueue();
    world.hint('100', 3);
    const fresh = world.hello(100, { link: 'fresh', startTime: 99 });
    world.register(fresh);
    expect(world.view(fresh)).toMatchObject({ priority: 0 });
  });

  it('limits the queues of a client', () => {
    const world = new World();
    const link = world.hello(1);
    for (let queue = 0; queue < LIMITS.QUEUES_PER_CLIENT; queue++) {
      world.register(link, { queue, stream: queue });
    }
    world.register(link, { queue: 5000 });
    expect(world.sent[0]?.message).toEqual({
      type: 'ERROR',
      code: ERROR_CODES.LIMIT,
      message: 'queue 5000 is refused: a client has at most 1024 queues',
    });
  });

  it('limits the clients, and lets a known process come back', () => {
    const world = new World();
    for (let pid = 1; pid <= LIMITS.CLIENTS; pid++) world.hello(pid);
    const link = world.hello(9999);
    expect(world.sent[0]?.message).toMatchObject({ type: 'ERROR', code: ERROR_CODES.LIMIT });
    world.hello(17, { link: 'back' });
    expect(world.sent[0]?.message.type).toBe('WELCOME');
    // It goes on asking, is not told the same each time, and is let in when there is room.
    world.hello(9999);
    expect(world.sent).toEqual([]);
    expect(world.forgotten).toEqual([]);
    world.dispatch({ type: 'gone', link: 'link-1', cause: 'test', ended: true });
    world.hello(9999);
    expect(world.sent[0]?.message.type).toBe('WELCOME');
    expect(world.state.clients.has(link)).toBe(true);
    expect(world.state.turnedAway.size).toBe(0);
  });

  it('keeps nothing of a client for which there was no room', () => {
    const world = new World();
    for (let pid = 1; pid <= LIMITS.CLIENTS; pid++) world.hello(pid);
    const link = world.hello(9999);
    world.hello(9999, { link: 'newer' });
    expect(world.forgotten).toEqual([link]);
    world.dispatch({ type: 'gone', link: 'newer', cause: 'test', ended: true });
    expect(world.forgotten).toEqual(['newer']);
    expect(world.watched).toEqual([]);
    expect(world.state.turnedAway.size).toBe(0);
  });

  it('writes about processes at level info, and about each of their queues at level debug', () => {
    const world = new World();
    const link = world.hello(1);
    expect(world.reports.map(({ level }) => level)).toEqual(['info']);
    world.register(link);
    expect(world.reports).toMatchObject([{ kind: 'registered', level: 'debug' }]);
  });
});
