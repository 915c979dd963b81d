/** The daemon that the demo starts for itself, and the commands that it gives it. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CONTROL_SOCKET, resolveRuntimeDir } from '../../protocol/runtime-dir.js';
import type { Child, Children } from './children.js';
import { COMMAND_SCRIPT, DAEMON_SCRIPT } from './paths.js';
import type { Session } from './session.js';

const START_TIMEOUT_MS = 20_000;
const START_POLL_MS = 50;

export interface DemoDaemon {
  readonly runtimeDir: string;
  /** The command line looks there without being told. */
  readonly isDefaultDir: boolean;
  /** Environment under which clients find this daemon. */
  readonly env: NodeJS.ProcessEnv;
  readonly child: Child;
}

type RuntimeDirChoice = Pick<DemoDaemon, 'runtimeDir' | 'isDefaultDir'>;

/** Whether somebody listens on a unix socket. */
function isListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    const settle = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => {
      settle(true);
    });
    socket.once('error', () => {
      settle(false);
    });
  });
}

/** Makes a directory, for this user alone, or takes one that is there; throws if that fails. */
function takeDir(session: Session, dir: string): void {
  const isNew = mkdirSync(dir, { recursive: true, mode: 0o750 }) !== undefined;
  if (isNew) session.removeAtEnd(dir);
  accessSync(dir, constants.W_OK | constants.X_OK);
}

/**
 * The usual runtime directory, so that `npx xsched top` finds the demo's daemon without being told;
 * a private one where the usual one may not be written or serves another daemon already.
 */
async function chooseRuntimeDir(session: Session): Promise<RuntimeDirChoice> {
  const usual = resolveRuntimeDir({ env: process.env, uid: process.geteuid?.() ?? 0 });
  if (!(await isListening(path.join(usual, CONTROL_SOCKET)))) {
    try {
      takeDir(session, usual);
      return { runtimeDir: usual, isDefaultDir: true };
    } catch {
      // Not ours to write to: the private one below serves as well.
    }
  }
  const runtimeDir = path.join(session.scratchDir, 'run');
  takeDir(session, runtimeDir);
  return { runtimeDir, isDefaultDir: false };
}

/**
 * Starts the daemon and waits until it answers. No configuration file: its defaults are what the
 * demo shows.
 * @param env environment without settings of ours
 */
export async function startDaemon(session: Session, env: NodeJS.ProcessEnv): Promise<DemoDaemon> {
  const { children } = session;
  const choice = await chooseRuntimeDir(session);
  const { runtimeDir } = choice;
  const child = children.start({
    title: 'xschedd',
    argv: [process.execPath, DAEMON_SCRIPT, '--runtime-dir', runtimeDir, '--log-format', 'human'],
    env,
  });
  child.stdout.resume();
  const daemon = { ...choice, env: { XSCHED_RUNTIME_DIR: runtimeDir }, child };
  await waitUntilListening(daemon);
  await askDaemon(children, daemon, env, ['status', '--json']);
  return daemon;
}

async function waitUntilListening({ child, runtimeDir }: DemoDaemon): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await isListening(path.join(runtimeDir, CONTROL_SOCKET)))) {
    if (!child.running) throw child.failure(await child.ended);
    if (performance.now() > deadlineMs) {
      throw new Error(
        `xschedd did not listen in ${runtimeDir} within ${START_TIMEOUT_MS / 1000} s`,
      );
    }
    await delay(START_POLL_MS);
  }
}

/** Runs one `xsched` command against the daemon and returns what it printed. */
export async function askDaemon(
  children: Children,
  daemon: DemoDaemon,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<string> {
  const child = children.start({
    title: `xsched ${args.join(' ')}`,
    argv: [process.execPath, COMMAND_SCRIPT, ...args],
    env: { ...env, ...daemon.env },
  });
  let printed = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    printed += text;
  });
  await child.expectSuccess();
  return printed;
}
