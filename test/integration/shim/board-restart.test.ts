/** What holds on the board when its daemon ends and another comes. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runDaemon } from '../daemon/harness.js';
import {
  countOf,
  isKnown,
  moves,
  readBits,
  rests,
  spawnServing,
  startBlocked,
  startHigh,
  until,
  WORK,
} from './contenders.js';
import { makeStage } from './programs.js';
import type { Stage } from './programs.js';

function readInodes(stage: Stage): readonly number[] {
  return ['board-1', 'ready-1'].map((name) => fs.statSync(path.join(stage.runtimeDir, name)).ino);
}

describe('another daemon in the same folder', () => {
  it('finds the board as it was: nobody launches meanwhile who has to wait', async () => {
    const stage = makeStage();
    const first = await spawnServing(stage);
    const inodes = readInodes(stage);
    const { low, high } = await startBlocked(stage);
    const before = countOf(stage, low);
    first.kill('SIGKILL');
    await first.ended;
    // In this process, which has all loaded: the masks hold for a second without a daemon.
    await runDaemon({ runtimeDir: stage.runtimeDir });
    expect(readInodes(stage)).toEqual(inodes);
    await rests(stage, low);
    // The one kernel that the GPU may have had.
    expect(countOf(stage, low)).toBeLessThanOrEqual(before + 1);
    high.kill();
    await moves(stage, low);
  });

  it('gives those who come back a new board where the old one is gone', async () => {
    const stage = makeStage();
    const first = await spawnServing(stage);
    const { low, high } = await startBlocked(stage);
    first.kill('SIGKILL');
    await first.ended;
    for (const name of ['board-1', 'ready-1']) fs.rmSync(path.join(stage.runtimeDir, name));
    await spawnServing(stage);
    await until(() => readBits(stage.runtimeDir) !== 0n);
    await rests(stage, low);
    high.kill();
    await moves(stage, low);
  });

  it('takes what makes no sense for no board', async () => {
    const stage = makeStage();
    const first = await spawnServing(stage);
    const { low, high } = await startBlocked(stage);
    first.kill('SIGKILL');
    await first.ended;
    const file = path.join(stage.runtimeDir, 'board-1');
    const descriptor = fs.openSync(file, 'r+');
    fs.writeSync(descriptor, Buffer.alloc(64, 0xff), 0, 64, 64);
    fs.closeSync(descriptor);
    await spawnServing(stage);
    await rests(stage, low);
    high.kill();
    await moves(stage, low);
  });

  it('serves those who see the folder at another place', async (context) => {
    const stage = makeStage();
    const there = path.join(path.dirname(stage.runtimeDir), 'there');
    fs.mkdirSync(there);
    // As a container does, which goes on seeing the folder that it was given.
    const mounted = spawnSync('mount', ['--bind', stage.runtimeDir, there]);
    context.skip(mounted.status !== 0, 'nobody may mount here');
    onTestFinished(() => void spawnSync('umount', ['-l', there]));
    const inside: Stage = { ...stage, runtimeDir: there };
    const first = await spawnServing(stage);
    const { low, high } = await startBlocked(inside);
    first.kill('SIGTERM');
    await first.ended;
    await spawnServing(stage);
    await until(() => readBits(there) !== 0n);
    await rests(stage, low);
    high.kill();
    await moves(stage, low);
  });

  it('knows who was stopped meanwhile: the slot is his still', async () => {
    const stage = makeStage();
    const first = await spawnServing(stage);
    const { low, high } = await startBlocked(stage);
    process.kill(high.pid, 'SIGSTOP');
    first.kill('SIGKILL');
    await first.ended;
    await spawnServing(stage);
    // It does not come, so nobody waits for it; until this daemon knows the low one, it goes on
    // because there was none.
    await isKnown(stage, low);
    await moves(stage, low);
    const third = await startHigh(stage, { XSCHED_PRIORITY: '2' });
    third.begin(WORK);
    await rests(stage, low);
    process.kill(high.pid, 'SIGCONT');
    high.kill();
    third.kill();
    await moves(stage, low);
  });
});
