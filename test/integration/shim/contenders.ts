/** A program that launches without pause, one that has work now and then, and what comes of it. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { connect } from '../../../client-lib/controller.js';
import { spawnDaemon } from '../daemon/harness.js';
import type { Program } from '../daemon/harness.js';
import { makeEnvironment, readKernels, Script } from './programs.js';
import type { Environment, Stage } from './programs.js';

export const KERNEL_NS = 1_000_000;
/** Work that lasts until its program is killed. */
export const WORK = `a launch 1 1 ${String(60_000 * 1e6)}`;

/** Waits until something holds. */
export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(what, { timeout: 15_000, interval: 5 }).toBe(true);
}

/** A program that launches kernels without pause. */
export async function startLow(
  stage: Stage,
  more: Environment = {},
  kernelNs = KERNEL_NS,
): Promise<Script> {
  const low = new Script(makeEnvironment(stage, { XSCHED_PRIORITY: '-1', ...more }));
  const flood = `a flood 1 ${String(kernelNs)}`;
  await low.do('a create 1 0');
  low.begin(flood);
  await low.answer(`${flood} began`);
  return low;
}

/** A program that has made its stream and has nothing to do. */
export async function startHigh(stage: Stage, more: Environment = {}): Promise<Script> {
  const high = new Script(makeEnvironment(stage, { XSCHED_PRIORITY: '1', ...more }));
  await high.doAll('a create 1 0', 'a launch 1 1 1000', 'a sync 1');
  return high;
}

/** How many kernels of the program the device has done. */
export function countOf(stage: Stage, script: Script): number {
  return readKernels(stage, script.pid).length;
}

/** Waits until the program launches. */
export async function moves(stage: Stage, script: Script): Promise<void> {
  const before = countOf(stage, script);
  await until(() => countOf(stage, script) > before + 3);
}

/** Waits until the program has launched nothing for a while. */
export async function rests(stage: Stage, script: Script): Promise<void> {
  await until(async () => {
    const before = countOf(stage, script);
    await sleep(100);
    return countOf(stage, script) === before;
  });
}

/** Waits until the daemon that serves now has the program's queues. */
export async function isKnown(stage: Stage, script: Script): Promise<void> {
  const controller = await connect({ runtimeDir: stage.runtimeDir });
  await until(async () => (await controller.list()).some(({ pid }) => pid === script.pid));
  await controller.close();
}

/** A program that waits by the board, and the one with work that it waits for. */
export async function startBlocked(stage: Stage) {
  const low = await startLow(stage);
  const high = await startHigh(stage);
  await moves(stage, low);
  high.begin(WORK);
  await rests(stage, low);
  return { low, high };
}

/** The bits of the first device: its slots that have work. */
export function readBits(runtimeDir: string): bigint {
  const head = 64;
  return fs.readFileSync(path.join(runtimeDir, 'ready-1')).readBigUInt64LE(head);
}

/** A daemon as a program, which can be killed. */
export async function spawnServing(stage: Stage): Promise<Program> {
  const daemon = spawnDaemon(['--runtime-dir', stage.runtimeDir]);
  await daemon.line('serves');
  return daemon;
}
