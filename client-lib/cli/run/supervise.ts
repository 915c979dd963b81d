/** Starting a program and standing in its place: signals in, exit status out. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import os from 'node:os';
import { CommandError, EXIT } from '../exit-codes.js';
import { findInterpreter } from './inspect-program.js';
import { forbidCoreFile, inForeground } from './own-process.js';

export interface Program {
  readonly command: string;
  /** The file that `command` names. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdio: readonly ('inherit' | 'ignore' | number)[];
}

export type Ending =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/** Signals that only a process sends: they are always passed on. */
const DIRECTED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'];
/** Signals that a terminal sends to its whole foreground group, the program included. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGHUP'];
/** Signals whose default is a core file, which should be the program's and not ours. */
const DUMPING: ReadonlySet<string> = new Set([
  ...['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGXCPU'],
  ...['SIGXFSZ', 'SIGSYS'],
]);

/** Signals that Node ignores from its beginning. */
const IGNORED_BY_NODE: ReadonlySet<string> = new Set(['SIGPIPE', 'SIGXFSZ']);

/**
 * Runs a program in our process group until it ends. Signals that reach us are passed on, except
 * those that its terminal has already sent it.
 * @throws {CommandError} 126 or 127 when it cannot be started.
 */
export async function supervise(program: Program): Promise<Ending> {
  // Signals are caught from before the program exists, and passed on once it does.
  const stopForwarding = forwardSignals((signal) => {
    sendSignal(child, signal);
  });
  const child = spawnProgram(program);
  try {
    return await waitForEnding(child);
  } catch (error) {
    throw startFailure(program, error as NodeJS.ErrnoException);
  } finally {
    stopForwarding();
  }
}

/**
 * The exit code for an ending. A signal that killed the program kills us too, so that a shell sees
 * what it would have seen; where that is not possible (as the first process of a container) the
 * code is 128 and the signal's number.
 */
export function repeatEnding(ending: Ending): number {
  if (ending.kind === 'exited') return ending.code;
  const { signal } = ending;
  if (!DUMPING.has(signal) || forbidCoreFile()) {
    if (IGNORED_BY_NODE.has(signal)) restoreDefaultAction(signal);
    process.kill(process.pid, signal);
  }
  return EXIT.SIGNAL_BASE + os.constants.signals[signal];
}

function spawnProgram(program: Program): ChildProcess {
  const { command, args, env, stdio } = program;
  try {
    return spawn(command, [...args], { env, stdio: [...stdio] });
  } catch (error) {
    // Such as a list of arguments that is too long.
    throw startFailure(program, error as NodeJS.ErrnoException);
  }
}

function waitForEnding(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal });
    });
  });
}

function forwardSignals(send: (signal: NodeJS.Signals) => void): () => void {
  const forward = (signal: NodeJS.Signals): void => {
    send(signal);
  };
  const forwardUnlessSeen = (signal: NodeJS.Signals): void => {
    if (!inForeground()) send(signal);
  };
  const stop = (signal: NodeJS.Signals): void => {
    forwardUnlessSeen(signal);
    // The default action stops us, unless nobody could wake us again (an orphaned group).
    process.removeListener('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', stop);
  };
  for (const signal of DIRECTED) process.on(signal, forward);
  for (const signal of FROM_TERMINAL) process.on(signal, forwardUnlessSeen);
  process.on('SIGTSTP', stop);
  return () => {
    for (const signal of DIRECTED) process.removeListener(signal, forward);
    for (const signal of FROM_TERMINAL) process.removeListener(signal, forwardUnlessSeen);
    process.removeListener('SIGTSTP', stop);
  };
}

/** Taking the last listener away gives a signal its default action. */
function restoreDefaultAction(signal: NodeJS.Signals): void {
  const listen = (): void => undefined;
  process.on(signal, listen);
  process.removeListener(signal, listen);
}

function sendSignal(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(child.pid, signal);
  } catch {
    // It has just ended, or it runs as a user whom we may not signal.
  }
}

function startFailure({ command, file }: Program, error: NodeJS.ErrnoException): CommandError {
  switch (error.code) {
    case 'ENOENT': {
      // findProgram() saw the file, so it is what the file's first line or header asks for.
      const interpreter = findInterpreter(file);
      const which = interpreter === undefined ? '' : ` '${interpreter}'`;
      const reason = `${command}: its interpreter${which} does not exist`;
      return new CommandError(EXIT.CANNOT_START, reason);
    }
    case 'EACCES':
      return new CommandError(EXIT.CANNOT_START, `${command}: permission denied`);
    default:
      return new CommandError(EXIT.CANNOT_START, `${command}: ${error.message}`);
  }
}
