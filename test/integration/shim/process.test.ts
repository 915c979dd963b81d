/** The shim as a guest in programs that close descriptors, fork, capture and use priorities. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeAgentDaemon, makePermit, serveAll } from './fake-daemon.js';
import {
  CLIENTS,
  makeEnvironment,
  makeStage,
  readKernels,
  runClient,
  groupByStream,
  Script,
} from './programs.js';
import type { Environment, Stage } from './programs.js';

/** More than there are numbers below the shim's, and some of those that it takes. */
const FILES = 1000;

const scripts: Script[] = [];

function startScript(stage: Stage, more: Environment = {}, shim = true): Script {
  const script = new Script(makeEnvironment(stage, more, shim));
  scripts.push(script);
  return script;
}

// What the shim says goes to its log; the lines of a program are its own.
afterEach(() => {
  for (const script of scripts.splice(0)) {
    for (const line of script.lines) expect(line).toMatch(/^([a-z] \w|digest [0-9a-f]{8}$)/);
  }
});

/** The same orders with the shim in a served program and without it. */
async function compare(orders: (stage: Stage) => string[], code: number) {
  const alone = makeStage();
  const without = startScript(alone, {}, false);
  const expected = await without.doAll(...orders(alone));
  expect((await without.end()).code).toBe(code);

  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
  const script = startScript(stage);
  expect(await script.doAll(...orders(stage))).toEqual(expected);
  expect((await script.end()).code).toBe(code);
  return { daemon, script, stage, expected };
}

describe('a program that closes all descriptors', () => {
  it('finds in its files what it wrote, and is served again', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
    const script = startScript(stage);
    await script.doAll('a create 1 0', 'a launch 1 5 1000', 'a sync 1');
    await daemon.next('REGISTER', ({ stream }) => stream > 2);
    const folder = path.join(stage.runtimeDir, 'files');
    fs.mkdirSync(folder);

    // A launch in between may use the closed numbers, and the files take them then.
    await script.doAll('a close 3 1023', `a write ${folder} ${FILES}`);
    await script.doAll('a launch 1 50 1000', 'a sync 1', 'a create 2 0', 'a launch 2 50 1000');
    const [first] = daemon.list('HELLO');
    const again = await daemon.waitFor('second HELLO', () =>
      daemon.list('HELLO').find(({ link }) => link !== first?.link),
    );
    await daemon.waitFor('REGISTER on the new link', () =>
      daemon.list('REGISTER').find(({ link }) => link === again.link),
    );
    await script.doAll('a launch 1 50 1000', 'a sync 1', 'a sync 2');
    expect((await script.end()).code).toBe(0);
    for (let index = 0; index < FILES; index++) {
      const file = path.join(folder, String(index));
      expect(fs.readFileSync(file, 'utf8')).toBe(file);
    }
  });

  it('is none the worse when it does so before it uses the GPU, and again and again', async () => {
    const { daemon } = await compare(
      () => [
        'a close 3 1023',
        'a create 1 0',
        ...Array.from({ length: 20 }, () => ['a launch 1 5 1000', 'a close 3 1023']).flat(),
        'a sync 1',
        'a read 1',
      ],
      0,
    );
    expect(daemon.list('HELLO').length).toBeGreaterThan(0);
  });
});

describe('a program that closes all descriptors in one call', () => {
  it('hears in its own sockets of the same numbers nothing but itself, and is served again', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
    const script = startScript(stage);
    await script.doAll('a create 1 0', 'a launch 1 5 1000', 'a sync 1');
    const { link } = await daemon.next('REGISTER', ({ stream }) => stream > 2);

    // Before any launch finds out; the shim's own threads may come in between.
    await script.doAll('a shut 3', `a sockets ${FILES / 2}`);
    await script.doAll('a launch 1 50 1000', 'a sync 1', 'a create 2 0', 'a launch 2 50 1000');
    await daemon.waitFor('REGISTER on a new link', () =>
      daemon.list('REGISTER').find((heard) => heard.link !== link),
    );
    await script.doAll('a launch 1 50 1000', 'a sync 1', 'a sync 2');
    expect(await script.do('a heard')).toBe('0');
    expect((await script.end()).code).toBe(0);
  });
});

describe('a program that forks', () => {
  const use = ['a create 1 0', 'a launch 1 5 1000', 'a sync 1'];

  it('keeps its link; a child that only ends says nothing', async () => {
    const { daemon, script } = await compare(
      () => [...use, 'a fork 7', 'b fork 0', 'a launch 1 5 1000', 'a sync 1', 'a read 1'],
      0,
    );
    await daemon.next('BYE');
    expect(daemon.list('HELLO').map(({ message }) => message)).toMatchObject([{ pid: script.pid }]);
    expect(daemon.list('BYE')).toHaveLength(1);
    expect(daemon.heard.at(-1)?.message.type).toBe('BYE');
  });

  it('and starts another program has it served as well', async () => {
    const program = path.join(CLIENTS, 'mixed');
    const { daemon, script, expected } = await compare(
      () => [...use, `a exec ${program} 5 100`, 'a launch 1 5 1000', 'a sync 1', 'a read 1'],
      0,
    );
    expect(expected[3]).toBe('3');
    const hellos = daemon.list('HELLO').map(({ link, message }) => ({ link, message }));
    expect(hellos).toHaveLength(2);
    expect(hellos[0]?.message).toMatchObject({ pid: script.pid });
    expect(hellos[1]?.message).toMatchObject({ command: `${program} 5 100` });
    expect(new Set(hellos.map(({ link }) => link)).size).toBe(2);
  });
});

describe('a program that captures', () => {
  it('gets its graphs whole while another thread launches under a window', async () => {
    const orders = [0, 1, 2].flatMap((mode) => [
      ...['a launch 1 3 1000', `a begin 1 ${mode}`, 'a launch 1 10 1000', 'a end 1'],
      ...['a launch 1 3 1000', 'a replay 1', 'a replay 1', 'a sync 1', 'a read 1'],
    ]);
    const results: string[][] = [];
    for (const shim of [false, true]) {
      const stage = makeStage();
      const daemon = await FakeAgentDaemon.start(stage.runtimeDir, (self, heard) => {
        serveAll(self, heard);
        if (heard.message.type !== 'REGISTER') return;
        const { queue } = heard.message;
        self.send(heard.link, makePermit(queue, { seq: 2, window: 2, notify: true }));
      });
      const script = startScript(stage, {}, shim);
      await script.doAll('a create 1 0', 'b create 2 0');
      script.begin('b flood 2 20000');
      await script.answer('b flood 2 20000 began');
      if (shim) await daemon.next('STATS', (m) => m.applied === 2 && m.submitted > 20);
      results.push(await script.doAll(...orders));
      script.begin('stop');
      expect(await script.answer('b flood', script.lines.length)).toBe('0');
      expect((await script.end()).code).toBe(0);
    }
    expect(results[1]).toEqual(results[0]);
    const codes = results[0]?.filter((_, index) => index % 9 !== 8);
    expect(new Set(codes)).toEqual(new Set(['0']));
  });
});

/**
 * Gives the high stream work for `highMs` and then the low one thirty kernels, without a daemon.
 * @returns when the low ones reached the device's queue, and when the high ones had left it
 */
async function race(highMs: number, more: Environment) {
  const stage = makeStage();
  const script = startScript(stage, more);
  // Both have been used before, so that each knows of the other.
  await script.doAll('a create 1 5', 'b create 2 0', 'a launch 1 1 1000', 'b launch 2 1 1000');
  await script.doAll('a sync 1', 'b sync 2', `a launch 1 ${highMs / 5} 5000000`);
  await script.do('b launch 2 30 100000');
  await script.doAll('a sync 1', 'b sync 2');
  const [high = [], low = []] = groupByStream(readKernels(stage, script.pid));
  expect([high.length, low.length]).toEqual([highMs / 5 + 1, 31]);
  expect((await script.end()).code).toBe(0);
  return {
    lowSubmits: low.slice(1).map(({ submit }) => submit),
    highSubmit: high.at(-1)?.submit ?? 0,
    highFinish: high.at(-1)?.finish ?? 0,
  };
}

describe('XSCHED_POLICY=HPF without a daemon', () => {
  it('lets no low stream launch before the high one has drained', async () => {
    const { lowSubmits, highFinish } = await race(300, {
      XSCHED_POLICY: 'HPF',
      XSCHED_GATE_MAX_MS: '0',
    });
    expect(Math.min(...lowSubmits)).toBeGreaterThan(highFinish);
  });

  it('lets a window pass every gate_max_ms, since the high one might wait for it', async () => {
    const pauseNs = 50e6;
    const { lowSubmits, highSubmit, highFinish } = await race(1500, {
      XSCHED_POLICY: 'HPF',
      XSCHED_GATE_MAX_MS: '50',
      XSCHED_WINDOW: '4',
    });
    const early = lowSubmits.filter((submit) => submit < highFinish);
    expect(early.length).toBeGreaterThanOrEqual(4);
    expect(early[0]).toBeGreaterThan(highSubmit + 0.9 * pauseNs);
    early.slice(4).forEach((submit, index) => {
      expect(submit - (early[index] ?? 0)).toBeGreaterThan(0.9 * pauseNs);
    });
  });

  it.each([{}, { XSCHED_POLICY: 'HPF', XSCHED_STREAM_PRIORITY: '0' }])(
    'or where streams do not count, as %j, nobody waits for anybody',
    async (more) => {
      // Long enough for thirty launches on a machine that is busy with other tests.
      const { lowSubmits, highFinish } = await race(1000, more);
      expect(Math.max(...lowSubmits)).toBeLessThan(highFinish);
    },
  );
});

describe('a program whose threads come and go', () => {
  it('has the queues of the living only', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
    // More threads than a process may have queues.
    const args = ['1200'];
    const without = await runClient('threads', args, makeEnvironment(makeStage(), {}, false));
    const within = await runClient('threads', args, makeEnvironment(stage, {}));
    expect(within).toMatchObject({ code: 0, stdout: without.stdout, stderr: '' });
    const left = daemon.list('UNREGISTER').length;
    expect(left).toBeGreaterThan(1000);
  });
});
