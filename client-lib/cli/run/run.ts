/** `xsched run`: starts a program under the preload library. */
import fs from 'node:fs';
import path from 'node:path';
import tty from 'node:tty';
import { AGENT_SOCKET } from '../../../protocol/runtime-dir.js';
import { locateRuntimeDir } from '../../locate-daemon.js';
import { CommandError, EXIT } from '../exit-codes.js';
import { runEnvironment } from './environment.js';
import type { RunSettings } from './environment.js';
import { hasFileCapabilities } from './file-capabilities.js';
import { findProgram } from './find-program.js';
import { findPackageRoot, findShim, systemLibraryFolders } from './find-shim.js';
import { describeObstacle, findExecuted, inspectProgram } from './inspect-program.js';
import type { Obstacle } from './inspect-program.js';
import {
  inheritedDescriptors,
  inheritStdio,
  listDescriptors,
  restoreFileLimit,
} from './own-process.js';
import { writeError } from '../streams.js';
import { repeatEnding, supervise } from './supervise.js';

/** The options of `xsched run`, checked. */
export interface RunOptions extends Omit<RunSettings, 'shim' | 'runtimeDir'> {
  /** Path of the preload library. */
  readonly shim?: string | undefined;
  readonly runtimeDir?: string | undefined;
}

/**
 * Runs `command` and returns the exit code to leave with. It does not return when the program was
 * killed by a signal: the same signal then kills us.
 * @throws {CommandError} when the program cannot be started.
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<number> {
  const descriptors = inheritedDescriptors(listDescriptors());
  const identity = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const file = findProgram(command, process.env['PATH']);
  const obstacle = inspectProgram(file, identity);
  if (obstacle !== undefined) warn(describeObstacle(obstacle));
  else if (identity.uid !== 0) await warnOfCapabilities(findExecuted(file));
  const runtimeDir = locateRuntimeDir(options.runtimeDir);
  const shim = chooseShim(options, obstacle);
  if (shim !== undefined) warnOfNoDaemon(runtimeDir, options);
  const env = runEnvironment({ ...options, runtimeDir, shim }, process.env);
  restoreFileLimit();
  return repeatEnding(
    await supervise({ command, file, args, env, stdio: inheritStdio(descriptors) }),
  );
}

function chooseShim(options: RunOptions, obstacle: Obstacle | undefined): string | undefined {
  const search = findShim({
    option: options.shim,
    env: process.env,
    packageRoot: findPackageRoot(),
    libraryFolders: systemLibraryFolders(),
  });
  // Another C library's loader would refuse to start the program at all.
  if (obstacle?.kind === 'loader') return undefined;
  if (search.kind === 'found') return search.file;
  if (options.shim !== undefined) throw new CommandError(EXIT.USAGE, search.reason);
  if ((options.fail ?? process.env['XSCHED_FAIL']) === 'closed') {
    const reason = `${search.reason}; with --fail closed nothing runs unscheduled`;
    throw new CommandError(EXIT.CANNOT_START, reason);
  }
  warn(`${search.reason}: the program runs unscheduled`);
  return undefined;
}

/** A script without a daemon works as if there were no xsched; only a person is told. */
function warnOfNoDaemon(runtimeDir: string, { policy }: RunOptions): void {
  const alone = policy ?? process.env['XSCHED_POLICY'];
  if (alone !== undefined || !tty.isatty(2)) return;
  if (fs.existsSync(path.join(runtimeDir, AGENT_SOCKET))) return;
  warn(`no daemon in ${runtimeDir}: the program runs unscheduled until one starts there`);
}

/** It takes another program to know; root has all of them anyway, and nothing to be warned of. */
async function warnOfCapabilities(file: string): Promise<void> {
  if (!(await hasFileCapabilities(file))) return;
  const why = 'the loader ignores LD_PRELOAD for it, so it runs unscheduled';
  warn(`${file} has file capabilities: ${why}`);
}

function warn(text: string): void {
  writeError(`xsched: ${text}\n`);
}
