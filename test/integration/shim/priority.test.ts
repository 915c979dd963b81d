/**
 * The CUDA priorities of streams: what the hardware is given, by how important the model is that makes
 * them, while the program sees what it asked for. The simulated GPU's go from 0 to -5, the best.
 */
import { describe, expect, it } from 'vitest';
import { runAlike } from './alike.js';
import { FakeAgentDaemon, makePermit, serveAll } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import { makeEnvironment, makeStage, runClient, Script } from './programs.js';
import type { Environment } from './programs.js';

const MAX = 'PRIORITY_MAX';
const [MODEL_MAX, ALL_ALIKE] = [100, 20];

/** What streams have by a client's lines, made for a model of that level; see clients/priority.c. */
async function list(kind: 'told' | 'given', what: string, env: Environment, level?: string) {
  const args = [what, kind, ...(level === undefined ? [] : [level])];
  const ended = await runClient('priority', args, env);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return ended.stdout.split('\n').filter((line) => line.includes(':'));
}

/** What the simulated GPU has. */
async function given(what: string, env: Environment, level?: string) {
  return list('given', what, makeEnvironment(makeStage(), env), level);
}

/** The same without the shim. */
async function asked(what: string) {
  return list('told', what, makeEnvironment(makeStage(), {}, false));
}

/** What the simulated GPU has of streams of the priorities that are the digits, without their signs. */
async function giveInOrder(digits: string, level = MAX): Promise<readonly number[]> {
  const lines = await given(digits, {}, level);
  return lines.map((line) => Number(line.split(': ')[1]));
}

describe('a program', () => {
  it.each([
    ['streams', {}, MAX],
    ['streams', { XSCHED_HARDWARE_PRIORITY: '0' }, MAX],
    ['streams', { XSCHED_DISABLE: '1' }, MAX],
    ['streams', { XSCHED_PRIORITY: '10' }, undefined],
    ['attributes', {}, MAX],
    ['attributes', {}, 'PRIORITY_MIN'],
    ['models', {}, undefined],
  ])('is told what it asked for, and refused what is refused: %s with %j for %s', async (...by) => {
    const [what, env, level] = by;
    await runAlike('priority', [what, 'told', ...(level === undefined ? [] : [level])], env);
  });
});

describe('the streams of a model above the rest of its process', () => {
  it('have the middle of the range, and those that it puts before them have a better one', async () => {
    expect(await given('streams', {}, MAX)).toEqual([
      'plain 0: -3',
      'with priority 0: -3',
      'with priority -1: -4',
      'with priority -2: -5',
      'with priority -5: -5',
      'with priority -9: -5',
      'with priority 3: -3',
      'of a green context 0: -3',
      'default 0: 0',
      'again 0: -3',
      'again -1: -4',
    ]);
  });

  it.each([
    ['0123', [-3, -4, -5, -5]],
    ['1023', [-1, 0, -2, -3]],
    ['30', [-3, -2]],
    ['301', [-3, -2, -2]],
    ['50', [-5, -3]],
    ['12345', [-1, -2, -3, -4, -5]],
  ])('stay in their order, whichever is made first: %s', async (digits, expected) => {
    expect(await giveInOrder(digits)).toEqual(expected);
  });

  it('keep that when the program changes their priorities', async () => {
    expect(await given('attributes', {}, MAX)).toEqual([
      'set -1: -1',
      'set -9: -5',
      'set 4: -3',
      'set -3: -5',
      'set 0: -3',
      'copied -2: -2',
      'copied -4: -5',
      'copied to the default one -1: -1',
    ]);
  });
});

describe('all other streams', () => {
  it.each([
    [{ XSCHED_PRIORITY: '0' }, undefined],
    [{ XSCHED_PRIORITY: '10' }, undefined],
    [{ XSCHED_PRIORITY: '10' }, MAX],
    [{ XSCHED_PRIORITY: '-10' }, MAX],
    [{ XSCHED_HARDWARE_PRIORITY: '0' }, MAX],
    [{ XSCHED_DISABLE: '1' }, MAX],
    [{}, undefined],
    [{}, 'PRIORITY_MIN'],
    [{}, 'PRIORITY_DEFAULT'],
  ])('are made as the program asks for them: %j for %s', async (env, level) => {
    for (const what of ['streams', 'attributes'])
      expect(await given(what, env, level)).toEqual(await asked(what));
  });
});

describe('the streams of several models', () => {
  it('have what each one’s configuration says, while those of the server have their own', async () => {
    expect(await given('models', {})).toEqual([
      'of a model PRIORITY_MAX 0: -3',
      'of a model PRIORITY_MIN 0: 0',
      'of the server 0: 0',
    ]);
  });
});

describe('what the daemon says', () => {
  /** The same of all queues. */
  const give =
    (priority: number): Behaviour =>
    (daemon, { link, message }) => {
      if (message.type === 'HELLO') daemon.welcome(link);
      if (message.type !== 'REGISTER') return;
      daemon.send(link, makePermit(message.queue, { priority }));
    };

  /** A server of two models, each with a queue on a stream of its own. */
  async function start(priority: string, behave = serveAll) {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
    const script = new Script(makeEnvironment(stage));
    await script.doAll('a core libcore.so', 'a create 1 0', 'a create 2 0');
    await script.doAll(`a load one 1 one ${priority} 1`, 'a load other 1 other none 2');
    const queues = new Map<string, { link: string; queue: number }>();
    for (const name of ['one', 'other']) {
      const { link, message } = await daemon.next('REGISTER', (m) => m.instance === name);
      queues.set(name, { link, queue: message.queue });
    }
    let seq = 1;
    /** Gives a model's queue a priority, and waits until it is there. */
    const decide = async (name: 'one' | 'other', to: number) => {
      const { link, queue } = queues.get(name) ?? { link: '', queue: 0 };
      seq += 1;
      daemon.send(link, makePermit(queue, { seq, priority: to, notify: true }));
      await script.do(`a execute ${name} ${name === 'one' ? 1 : 2} 1 1000`);
      await daemon.next('STATS', (m) => m.queue === queue && m.applied === seq);
    };
    return { daemon, script, decide };
  }

  it('of a model goes before its configuration', async () => {
    const { script, decide } = await start('none');
    await decide('one', 0);
    await decide('other', 0);
    await script.doAll('a make one 3 1 0', 'a make other 4 1 0');
    expect(await script.doAll('a given 3 1', 'a given 4 1')).toEqual(['0', '0']);
    await decide('one', ALL_ALIKE);
    await script.doAll('a make one 5 1 0', 'a make other 6 1 0', 'a create 7 0');
    const raised = await script.doAll('a given 5 1', 'a given 6 1', 'a given 7 1');
    expect(raised).toEqual(['-3', '0', '0']);
    expect(await script.doAll('a asked 3 1', 'a asked 5 1')).toEqual(['0', '0']);
    expect((await script.end()).code).toBe(0);
  });

  it('of all models raises none', async () => {
    const { script, decide } = await start(MAX, give(ALL_ALIKE));
    for (const name of ['one', 'other'] as const) await decide(name, ALL_ALIKE);
    await script.do('a make one 3 1 0');
    expect(await script.do('a given 3 1')).toBe('0');
    await decide('one', MODEL_MAX);
    await script.do('a make one 4 1 0');
    expect(await script.do('a given 4 1')).toBe('-3');
    expect((await script.end()).code).toBe(0);
  });

  it('never puts a stream before one that the program puts before it', async () => {
    const { script, decide } = await start('none');
    await decide('one', 0);
    await decide('other', 0);
    await script.doAll('a make one 3 1 1', 'a make one 4 1 0');
    await decide('one', ALL_ALIKE);
    await script.doAll('a make one 5 1 0', 'a make one 6 1 2');
    expect(await script.doAll('a given 3 1', 'a given 5 1', 'a given 6 1')).toEqual([
      '-1',
      '0',
      '-2',
    ]);
    // With the one that stood in the way goes its claim.
    await script.doAll('a destroy 3', 'a destroy 6', 'a make one 7 1 0');
    expect(await script.do('a given 7 1')).toBe('-3');
    await decide('one', 0);
    await script.do('a make one 8 1 1');
    expect(await script.doAll('a given 8 1', 'a asked 8 1')).toEqual(['-4', '-1']);
    expect((await script.end()).code).toBe(0);
  });

  it('of streams is what the program asked for', async () => {
    const { daemon, script } = await start(MAX);
    await script.doAll('a make one 3 1 0', 'a make one 4 1 2', 'a execute one 4 1 1000');
    await daemon.next('REGISTER', (m) => m.streamPriority === -2);
    expect((await script.end()).code).toBe(0);
  });
});
