/** The ledger of driver calls: what is kept, what raises an alarm, and what is refused. */
import { describe, expect, it } from 'vitest';
import { countState, listCalls } from '../../../../daemon/core/report.js';
import type { CallsMessage } from '../../../../protocol/generated/messages.js';
import { ERROR_CODES, LIMITS } from '../../../../protocol/messages.js';
import { makeCalls } from '../../../samples/messages.js';
import { World } from './world.js';

function say(world: World, link: string, fields: Partial<CallsMessage> = {}): void {
  world.dispatch({ type: 'message', link, message: makeCalls(fields) });
}

/** Functions of some client, as many as may be. */
function fill(world: World, link: string): void {
  for (let n = 0; n < LIMITS.FUNCTIONS; n++) say(world, link, { function: `cu${String(n)}` });
}

function shown(world: World): readonly string[] {
  return listCalls(world.state, 256).map((info) => `${String(info.pid)} ${info.function}`);
}

const ALARM =
  "process 100 'example' calls cuFooAsync, which this version of the shim does not know: " +
  'it may launch work that nobody schedules';

describe('the ledger', () => {
  it('has the newest totals of each function, by process and function', () => {
    const world = new World();
    const [second, first] = [world.hello(200), world.hello(100, { ownName: 'serve' })];
    say(world, second, { function: 'cuLaunchKernel', passed: 1 });
    say(world, first, { function: 'cuMemcpyAsync', passed: 5, gated: 1 });
    say(world, first, { function: 'cuLaunchKernel', captured: 2, bypassed: 3 });
    say(world, first, { function: 'cuMemcpyAsync', passed: 7, gated: 2 });
    expect(world.sent).toEqual([]);
    const nothing = { passed: 0, gated: 0, bypassed: 0, captured: 0, unknown: 0 };
    expect(listCalls(world.state, 256)).toEqual([
      { ...nothing, pid: 100, name: 'serve', function: 'cuLaunchKernel', captured: 2, bypassed: 3 },
      { ...nothing, pid: 100, name: 'serve', function: 'cuMemcpyAsync', passed: 7, gated: 2 },
      { ...nothing, pid: 200, name: 'example', function: 'cuLaunchKernel', passed: 1 },
    ]);
  });

  it('needs no queue, but a HELLO', () => {
    const world = new World();
    say(world, 'stranger');
    expect(world.sent[0]?.message).toMatchObject({
      ...{ type: 'ERROR', code: ERROR_CODES.STATE, message: 'CALLS came before HELLO' },
    });
  });

  it('says by CALLS that a process lives', () => {
    const world = new World();
    const link = world.hello(100);
    world.register(link, { ready: true });
    world.advance(3100);
    expect(world.state.clients.get(link)?.silent).toBe(true);
    say(world, link);
    expect(world.state.clients.get(link)?.silent).toBe(false);
  });

  it('takes nothing back', () => {
    const world = new World();
    const link = world.hello(100);
    say(world, link, { passed: 9, unknown: 4 });
    say(world, link, { passed: 3, unknown: 0 });
    expect(listCalls(world.state, 256)).toMatchObject([{ passed: 9, unknown: 4 }]);
    expect(countState(world.state).unknownCalls).toBe(4);
  });

  it('forgets a process that goes, and one that comes with a new link', () => {
    const world = new World();
    const [gone, replaced, stays] = [world.hello(1), world.hello(2), world.hello(3)];
    for (const link of [gone, replaced, stays]) say(world, link, { unknown: 5 });
    expect(countState(world.state).unknownCalls).toBe(15);
    world.dispatch({ type: 'gone', link: gone, cause: 'test', ended: true });
    world.hello(2, { link: 'fresh' });
    world.hello(3);
    expect(shown(world)).toEqual(['3 cuLaunchKernel']);
    expect(world.state.functionCount).toBe(1);
    expect(countState(world.state).unknownCalls).toBe(5);
    // The shim says everything anew.
    say(world, 'fresh', { unknown: 5 });
    expect(world.reports).toHaveLength(1);
    expect(countState(world.state).unknownCalls).toBe(10);
  });

  it('shortens the names of processes where there are many', () => {
    const world = new World();
    say(world, world.hello(1, { ownName: 'n'.repeat(256) }));
    expect(listCalls(world.state, 36)[0]?.name).toBe('n'.repeat(36));
  });
});

describe('an unknown call', () => {
  it('raises an alarm once for each process and function', () => {
    const world = new World();
    const link = world.hello(100);
    say(world, link, { function: 'cuFooAsync' });
    expect(world.reports).toEqual([]);
    say(world, link, { function: 'cuFooAsync', unknown: 3 });
    expect(world.reports).toEqual([
      { type: 'report', kind: 'unknown-call', level: 'warn', id: '100', text: ALARM },
    ]);
    for (const unknown of [4, 0, 5]) {
      say(world, link, { function: 'cuFooAsync', unknown });
      expect(world.reports).toEqual([]);
    }
    say(world, link, { function: 'cuBarAsync', unknown: 1 });
    say(world, world.hello(101), { function: 'cuFooAsync', unknown: 1 });
    expect(world.reports).toMatchObject([{ kind: 'unknown-call', id: '101' }]);
  });

  it('counts for no more than a reply can carry', () => {
    const world = new World();
    for (const pid of [1, 2]) say(world, world.hello(pid), { unknown: Number.MAX_SAFE_INTEGER });
    expect(countState(world.state).unknownCalls).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('a function too many', () => {
  it('of one process is refused, which both sides are told once a minute', () => {
    const world = new World();
    const link = world.hello(100);
    fill(world, link);
    expect(world.sent).toEqual([]);
    say(world, link, { function: 'cuOneMore', unknown: 1 });
    const excess = 'a process tells of at most 512 functions';
    const message = `function 'cuOneMore' is refused: ${excess}`;
    expect(world.sent).toEqual([
      { type: 'send', link, message: { type: 'ERROR', code: ERROR_CODES.LIMIT, message } },
    ]);
    expect(world.reports).toMatchObject([
      {
        ...{ kind: 'unknown-call', level: 'warn' },
        text: `process 100 'example' calls cuOneMore, which is not counted: ${excess}`,
      },
    ]);
    say(world, link, { function: 'cuOneMore', unknown: 2 });
    expect([world.sent, world.reports]).toEqual([[], []]);
    world.advance(60_000);
    say(world, link, { function: 'cuOneMore', unknown: 2 });
    expect(world.sent).toHaveLength(1);
    // Those that are known go on.
    say(world, link, { function: 'cu511', passed: 8 });
    expect(listCalls(world.state, 256)).toContainEqual(
      expect.objectContaining({ function: 'cu511', passed: 8 }),
    );
  });

  it('of all processes is refused until one has gone', () => {
    const world = new World();
    for (let pid = 1; pid <= 128; pid++) fill(world, world.hello(pid));
    expect(world.state.functionCount).toBe(65536);
    const link = world.hello(500);
    say(world, link);
    expect(world.sent[0]?.message).toMatchObject({
      ...{ type: 'ERROR', code: ERROR_CODES.LIMIT },
      message:
        "function 'cuLaunchKernel' is refused: " +
        'the daemon counts at most 65536 functions of all processes',
    });
    world.dispatch({ type: 'gone', link: 'link-7', cause: 'test', ended: true });
    say(world, link);
    expect(world.sent).toEqual([]);
    expect(world.state.functionCount).toBe(65536 - 512 + 1);
  });
});
