/** Programs that order themselves by the board, under the real daemon. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { MessageSocket } from '../../../daemon/transport/router-socket.js';
import { decodeMessage } from '../../../protocol/codec.js';
import { LIMITS } from '../../../protocol/messages.js';
import { makeRandom, SEED } from '../../unit/daemon/seed.js';
import { openController, runDaemon } from '../daemon/harness.js';
import type { TestDaemon } from '../daemon/harness.js';
import {
  KERNEL_NS,
  moves,
  readBits,
  rests,
  spawnServing,
  startBlocked,
  startHigh,
  startLow,
  until,
} from './contenders.js';
import { makeEnvironment, makeStage, readKernels, Script } from './programs.js';
import type { Environment, Stage } from './programs.js';

/** The high program's work, in milliseconds: longer than anything here takes to be noticed. */
const HIGH_MS = 1500;
/** So many of its requests are short. */
const REQUESTS = 100;
/** A kernel of the low program may be in the GPU's queue when the high one begins. */
const SETTLE_MS = 20;

/** When the program's kernels were launched, in milliseconds of the device's clock. */
function launchesOf(stage: Stage, script: Script): readonly number[] {
  return readKernels(stage, script.pid).map(({ submit }) => submit / 1e6);
}

/** Launches of `low` in the time in which `high` had work, but for the first moments of it. */
function launchesBeside(stage: Stage, low: Script, high: Script): number {
  const long = readKernels(stage, high.pid).at(-1);
  const [from, to] = [(long?.submit ?? 0) / 1e6 + SETTLE_MS, (long?.finish ?? 0) / 1e6];
  expect(to - from).toBeGreaterThan(HIGH_MS / 2);
  return launchesOf(stage, low).filter((at) => at > from && at < to).length;
}

/** The low program has to be told when the high one has work. */
async function expectMessages(
  stage: Stage,
  counts: { readonly suspends: number },
  more: Environment = {},
): Promise<void> {
  const low = await startLow(stage, more);
  const high = await startHigh(stage, more);
  await moves(stage, low);
  await high.doAll(`a launch 1 1 ${String(HIGH_MS * 1e6)}`, 'a sync 1');
  await moves(stage, low);
  expect(launchesBeside(stage, low, high)).toBe(0);
  expect(counts.suspends).toBeGreaterThan(0);
}

/** A daemon whose messages to programs are counted. */
async function runCounted(stage: Stage, yaml = '') {
  const counts = { suspends: 0, states: 0 };
  const wrapAgentSocket = (socket: MessageSocket): MessageSocket => ({
    start: (receive, onFailure) => {
      socket.start((id, frames, ...rest) => {
        for (const frame of frames) {
          const { type } = decodeMessage('agent-up', frame);
          if (type === 'READY' || type === 'IDLE') counts.states++;
        }
        receive(id, frames, ...rest);
      }, onFailure);
    },
    send: (id, frame) => {
      if (decodeMessage('agent-down', frame).type === 'SUSPEND') counts.suspends++;
      socket.send(id, frame);
    },
    close: () => {
      socket.close();
    },
  });
  const daemon = await runDaemon({ runtimeDir: stage.runtimeDir, yaml, wrapAgentSocket });
  return { daemon, counts };
}

/** What a program that serves so many requests beside a lower one tells the daemon of its states. */
async function tellStates(counts: { states: number }, stage: Stage, more: Environment = {}) {
  const low = await startLow(stage, more);
  const high = await startHigh(stage, more);
  await moves(stage, low);
  const before = counts.states;
  for (let time = 0; time < REQUESTS; time++) await high.doAll('a launch 1 1 1000', 'a sync 1');
  return counts.states - before;
}

/** How often the daemon says that the program had to stop. */
function stopsOf(daemon: TestDaemon, script: Script): number {
  const queues = daemon.queues().filter(({ pid }) => pid === script.pid);
  return queues.reduce((sum, { suspends }) => sum + suspends, 0);
}

describe('the board', () => {
  it('holds a program back without a message while another has work', async () => {
    const stage = makeStage();
    const { daemon, counts } = await runCounted(stage);
    const low = await startLow(stage);
    const high = await startHigh(stage);
    await moves(stage, low);
    await high.doAll(`a launch 1 1 ${String(HIGH_MS * 1e6)}`, 'a sync 1');
    await moves(stage, low);
    expect(launchesBeside(stage, low, high)).toBe(0);
    expect(counts.suspends).toBe(0);
    await expect.poll(() => stopsOf(daemon, low)).toBeGreaterThan(0);
    low.begin('stop');
    await Promise.all([high.end(), low.end()]);
    await until(() => daemon.status().clients === 0);
    expect(readBits(stage.runtimeDir)).toBe(0n);
  });

  it('spares who goes before others a message for each time that it has work', async () => {
    const stage = makeStage();
    const { counts } = await runCounted(stage);
    // The lower one asks every 200 ms while it waits; STATS say every 500 ms what there is.
    expect(await tellStates(counts, stage)).toBeLessThan(REQUESTS / 2);
  });

  it('is not enough for that where somebody goes by messages', async () => {
    const stage = makeStage();
    const { counts } = await runCounted(stage);
    const told = await tellStates(counts, stage, { XSCHED_BOARD: 'off' });
    expect(told).toBeGreaterThan(REQUESTS);
  });

  it('is left alone with XSCHED_BOARD=off: all goes by messages', async () => {
    const stage = makeStage();
    const { counts } = await runCounted(stage);
    await expectMessages(stage, counts, { XSCHED_BOARD: 'off' });
  });

  it('is left alone by the daemon with board: false', async () => {
    const stage = makeStage();
    const { counts } = await runCounted(stage, 'board: false\n');
    expect(fs.existsSync(path.join(stage.runtimeDir, 'ready-1'))).toBe(false);
    await expectMessages(stage, counts);
  });

  it.each(['board-1', 'ready-1'])('is none for whom %s is out of reach', async (name) => {
    const stage = makeStage();
    const { counts } = await runCounted(stage);
    fs.rmSync(path.join(stage.runtimeDir, name));
    await expectMessages(stage, counts);
  });

  it('is none for whom it is another one than the daemon has', async () => {
    const [stage, other] = [makeStage(), makeStage()];
    await runDaemon({ runtimeDir: other.runtimeDir });
    const { counts } = await runCounted(stage);
    for (const name of ['board-1', 'ready-1']) {
      fs.rmSync(path.join(stage.runtimeDir, name));
      fs.copyFileSync(path.join(other.runtimeDir, name), path.join(stage.runtimeDir, name));
    }
    await expectMessages(stage, counts);
  });

  it('follows the priorities while somebody waits', async () => {
    const stage = makeStage();
    const { counts } = await runCounted(stage);
    const controller = openController(stage.runtimeDir);
    const { low, high } = await startBlocked(stage);
    let request = 0;
    const setPriority = async (script: Script, value: number) => {
      const hint = { target: String(script.pid), hint: 'priority', value, clear: false };
      await controller.ask({ type: 'HINT', request: ++request, ...hint });
    };
    await setPriority(low, 2);
    await moves(stage, low);
    await setPriority(low, -2);
    await rests(stage, low);
    await setPriority(low, 1);
    await moves(stage, low);
    expect(counts.suspends).toBe(0);
    expect(high.lines.at(-1)).not.toContain('a sync');
  });

  it('holds nobody back after xsched off', async () => {
    const stage = makeStage();
    await runDaemon({ runtimeDir: stage.runtimeDir });
    const controller = openController(stage.runtimeDir);
    const { low } = await startBlocked(stage);
    await controller.ask({ type: 'ENABLE', request: 1, enabled: false });
    await moves(stage, low);
    await controller.ask({ type: 'ENABLE', request: 2, enabled: true });
    await rests(stage, low);
  });
});

describe('whoever waits by the board goes on', () => {
  it('when somebody has set a bit that is none of his', async () => {
    const stage = makeStage();
    await runDaemon({ runtimeDir: stage.runtimeDir });
    const low = await startLow(stage);
    const high = await startHigh(stage);
    await moves(stage, low);
    const file = fs.openSync(path.join(stage.runtimeDir, 'ready-1'), 'r+');
    const all = Buffer.alloc(8, 0xff);
    fs.writeSync(file, all, 0, all.length, 64);
    fs.closeSync(file);
    await rests(stage, low);
    // The owner of the bit looks after it, though it has nothing to do.
    await moves(stage, low);
    await high.end();
  });

  it('when the other is killed', async () => {
    const stage = makeStage();
    const daemon = await runDaemon({ runtimeDir: stage.runtimeDir });
    const { low, high } = await startBlocked(stage);
    high.kill();
    await moves(stage, low);
    expect(daemon.status().clients).toBe(1);
  });

  it('when the other is stopped, as soon as that is noticed', async () => {
    const stage = makeStage();
    await runDaemon({ runtimeDir: stage.runtimeDir, yaml: 'silent_ms: 1000\n' });
    const { low, high } = await startBlocked(stage);
    process.kill(high.pid, 'SIGSTOP');
    await moves(stage, low);
    process.kill(high.pid, 'SIGCONT');
    await rests(stage, low);
  });

  it('when the daemon is killed, after a second', async () => {
    const stage = makeStage();
    const daemon = await spawnServing(stage);
    const { low } = await startBlocked(stage);
    daemon.kill('SIGKILL');
    const killed = performance.now();
    await daemon.ended;
    await moves(stage, low);
    expect(performance.now() - killed).toBeGreaterThan(LIMITS.BEATLESS_MS - LIMITS.BEAT_MS);
    expect(low.lines.at(-1)).toContain('began');
  });

  it('when the daemon ends, at once', async () => {
    const stage = makeStage();
    const daemon = await spawnServing(stage);
    const { low } = await startBlocked(stage);
    daemon.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
    await moves(stage, low);
  });
});

describe('programs that are killed at any moment', () => {
  it('leave nothing behind, and nobody waits for them', { timeout: 120_000 }, async () => {
    const stage = makeStage();
    const daemon = await runDaemon({ runtimeDir: stage.runtimeDir });
    const random = makeRandom(SEED);
    const steady = await startLow(stage, { XSCHED_PRIORITY: '-5' });
    for (let round = 0; round < 8; round++) {
      // Some wait for the others from their first launch on.
      const victims = [-4, 0, 4].map((priority) => {
        const env = makeEnvironment(stage, { XSCHED_PRIORITY: String(priority) });
        const victim = new Script(env);
        victim.begin('a create 1 0');
        victim.begin(`a flood 1 ${String(KERNEL_NS)}`);
        return victim;
      });
      for (const victim of victims) {
        await sleep(random() % 100);
        victim.kill();
      }
      await moves(stage, steady);
    }
    steady.kill();
    await until(() => daemon.status().clients === 0);
    await until(() => readBits(stage.runtimeDir) === 0n);
  });
});
