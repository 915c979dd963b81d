/** Everything native, in one place: what the addon offers, with types, and where it is found. */

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A wait for the exit of one process. */
export interface ProcessWatch {
  /** Gives the watch up: its callback is not called any more. Does nothing the second time. */
  close(): void;
}

/** An exclusive lock on a file, held until it is released or the process (or worker) ends. */
export interface FileLock {
  /** Gives the lock up; the file stays. Does nothing the second time. */
  release(): void;
}

/** Who has a slot of the board. */
export interface BoardOwner {
  /** The slot's name, 1 to BOARD_DEVICES * BOARD_SLOTS. */
  readonly slot: number;
  /** UUID of the device that it is on. */
  readonly device: string;
  readonly pid: number;
  /** As processStartTime gives it. */
  readonly startTime: number;
  readonly priority: number;
  /** The bits of the slots that it yields to. */
  readonly mask: bigint;
}

/**
 * The daemon's side of the board (protocol/board.h). Every change wakes whoever sleeps at a gate of
 * the device. Slots are named as BoardOwner names them; other names throw ERR_INVALID_ARG_VALUE.
 */
export interface Board {
  /** The slots that are given, by what the file says. */
  owners(): readonly BoardOwner[];
  /** Of a device, by its place on the board: a bit for each of its slots that has work. */
  bits(device: number): bigint;
  /**
   * The slot is the process's. Its bit is taken back.
   * @param device of all slots of one device the same, until all of them are free
   */
  give(slot: number, device: string, pid: number, startTime: number, priority: number): void;
  /** The slot is nobody's, yields to nobody, and has no work. */
  free(slot: number): void;
  /** @param mask 0 to 2^64 - 1: the bits of the slots that this one yields to */
  setMask(slot: number, mask: bigint): void;
  /** Gives a sign of life. */
  beat(): void;
  /** Lets go of the memory; anything but this throws from now on. */
  close(): void;
}

/** An exception of the addon: what failed and why, for programs. */
export interface NativeError extends Error {
  /** Such as ESRCH, ELOCKED, ERR_INVALID_ARG_VALUE. */
  readonly code: string;
  /** The errno of the system call, where one failed. */
  readonly errno?: number;
  /** The system call that failed. */
  readonly syscall?: string;
  /** The file concerned. */
  readonly path?: string;
  /** The process concerned; for ELOCKED the holder, or null if it has not said who it is. */
  readonly pid?: number | null;
}

/** Limits of the connections that libzmq accepts in this process. */
export interface ConnectionLimits {
  /** Open at a time, of all users. */
  readonly connections: number;
  /** Open at a time, of one user. */
  readonly connectionsPerUser: number;
  /** Bytes of one message, all its frames together; whose peer sends more, that connection ends. */
  readonly messageBytes: number;
}

/** What became of the connections that libzmq accepted in this process. */
export interface ConnectionCounts {
  readonly open: number;
  /** Were open and are not any more, whoever ended them; counted modulo 2^32. */
  readonly closed: number;
  /** Closed at once, since a limit was reached; and whose the last of them was. */
  readonly turnedAway: number;
  readonly turnedAwayUid: number;
  /** Ended, since a message was too long; and whose the last of them was. */
  readonly cutOff: number;
  readonly cutOffPid: number;
}

/** What build/native/xsched_native.node exports. */
interface Addon {
  ProcessWatch: new (pid: number, onExit: () => void) => ProcessWatch;
  FileLock: new (path: string) => FileLock;
  Board: new (folder: string, nonce: number, gid: number) => Board;
  guardConnections(connections: number, connectionsPerUser: number, messageBytes: number): boolean;
  countConnections(): ConnectionCounts;
  sdNotify(address: string, state: string): void;
}

const addon = loadAddon();

/**
 * Calls `onExit` once, as soon as a process has exited; at once if it is a zombie already. The
 * watch lasts until then or until it is closed, whether or not its object is kept. It does not keep
 * the event loop alive.
 *
 * @param pid 1 to 4194304; a process, not a thread of one
 * @param onExit what it throws is an uncaught exception
 * @param startTime what processStartTime gave for the process that is meant; guards against a
 *   process id that has been given to another process since
 * @throws NativeError with code ESRCH when there is no such process (any more), EMFILE when
 *   descriptors have run out, ERR_INVALID_ARG_VALUE for a bad argument
 */
export function watchProcess(pid: number, onExit: () => void, startTime?: number): ProcessWatch {
  const watch = new addon.ProcessWatch(pid, onExit);
  if (startTime === undefined) return watch;
  // The watch came first: from here on a new process of this id cannot be taken for the old one.
  try {
    const found = processStartTime(pid);
    if (found !== startTime) {
      throw makeNoProcessError(pid, `process ${pid} started at ${found}, not at ${startTime}`);
    }
  } catch (error) {
    watch.close();
    throw error;
  }
  return watch;
}

/**
 * When a process started, in clock ticks since boot (field 22 of /proc/PID/stat). Together with the
 * pid it names a process for as long as the machine is up.
 *
 * @throws NativeError with code ESRCH when there is no such process
 */
export function processStartTime(pid: number): number {
  if (!Number.isInteger(pid) || pid < 1) {
    throw Object.assign(new TypeError(`pid must be a positive integer, received ${String(pid)}`), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  let text: string;
  try {
    text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
    throw makeNoProcessError(pid, `cannot read the start time of process ${pid}: no such process`);
  }
  // The second field is the program's name in parentheses, and may itself hold spaces and ")".
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[19]);
}

/**
 * Tells the service manager about this service, as sd_notify(3) does. Never blocks.
 *
 * @param state lines such as `READY=1` or `STATUS=serving 3 clients`, 4096 bytes at most
 * @returns false when nobody asked to be told ($NOTIFY_SOCKET is not set)
 * @throws NativeError when the socket cannot be reached (ENOENT, ECONNREFUSED) or is full (EAGAIN)
 */
export function sdNotify(state: string): boolean {
  const address = process.env['NOTIFY_SOCKET'];
  if (!address) return false;
  addon.sdNotify(address, state);
  return true;
}

/**
 * Takes an exclusive lock on a file, which is made if it is missing, and writes this process's id
 * into it. Does not wait.
 *
 * @throws NativeError with code ELOCKED and the holder's `pid` when somebody else has it; the code
 *   of the system call when the file cannot be opened (EACCES, ENOENT; ELOOP for a symbolic link)
 */
export function lockFile(file: string): FileLock {
  return new addon.FileLock(file);
}

/**
 * Opens the board of a folder, or makes it. What an earlier daemon wrote is kept, so that its masks
 * go on working, unless it makes no sense.
 *
 * @param nonce 1 to 2^53 - 1: by this clients know that it is the same board
 * @param gid the group that may say which slots have work; without it only this user may
 * @throws NativeError with the code of the system call that failed; EPERM for files of another user
 */
export function openBoard(folder: string, nonce: number, gid?: number): Board {
  return new addon.Board(folder, nonce, gid ?? -1);
}

/**
 * Sets limits that libzmq itself has not, by leading its calls of accept4, recv and close through
 * the addon. They hold for all sockets of this process, and for connections accepted from now on.
 *
 * @returns false when that is not possible: libzmq is not loaded, or it is one whose calls cannot be
 *   led anywhere
 * @throws NativeError with code ERR_INVALID_ARG_VALUE for a limit that is not from 1 to 2^32 - 1
 */
export function guardConnections(limits: ConnectionLimits): boolean {
  const { connections, connectionsPerUser, messageBytes } = limits;
  return addon.guardConnections(connections, connectionsPerUser, messageBytes);
}

/** What became of the connections since guardConnections was called first. */
export function countConnections(): ConnectionCounts {
  return addon.countConnections();
}

function makeNoProcessError(pid: number, message: string): NativeError {
  return Object.assign(new Error(message), { code: 'ESRCH', pid });
}

/** Finds the addon from native/ and from build/js/native/ alike. */
function loadAddon(): Addon {
  const here = path.dirname(fileURLToPath(import.meta.url));
  let root = here;
  while (!fs.existsSync(path.join(root, 'package.json'))) {
    const parent = path.dirname(root);
    if (parent === root) throw new Error(`no package.json in ${here} or any folder above it`);
    root = parent;
  }
  const file = path.join(root, 'build', 'native', 'xsched_native.node');
  if (!fs.existsSync(file)) {
    throw new Error(`${file} is missing: run "npm run build" to build it`);
  }
  return createRequire(import.meta.url)(file) as Addon;
}
