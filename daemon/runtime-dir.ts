/** The daemon's runtime directory: made, held by one daemon, and the count of its lives. */
import fs from 'node:fs';
import path from 'node:path';
import { lockFile } from '../native/index.js';
import type { FileLock, NativeError } from '../native/index.js';
import { AGENT_SOCKET, CONTROL_SOCKET } from '../protocol/runtime-dir.js';

/** Longest path of a unix socket, in bytes: sun_path less its terminator. */
const SOCKET_PATH_BYTES = 107;
const LOCK = 'xschedd.lock';
const GENERATION = 'generation';
const DIRECTORY_MODE = 0o750;
const SOCKET_MODE = 0o660;

/** Another daemon holds the directory. */
export class DirectoryHeldError extends Error {
  override readonly name = 'DirectoryHeldError';
}

/** The directory cannot be used; the message says which and why. */
export class RuntimeDirError extends Error {
  override readonly name = 'RuntimeDirError';
}

/** A runtime directory that belongs to this daemon until it is released. */
export class RuntimeDir {
  private constructor(
    readonly path: string,
    /** One life of the daemon, counted up in the directory. */
    readonly generation: number,
    private readonly lock: FileLock,
    private readonly gid: number | undefined,
  ) {}

  /**
   * Makes the directory if it is missing, and takes it.
   * @param gid the group that the directory, if it is made, and the sockets are given to
   * @throws {DirectoryHeldError} naming the process that holds it
   * @throws {RuntimeDirError} when it cannot be made or written, or its path is too long
   */
  static claim(directory: string, gid: number | undefined): RuntimeDir {
    for (const name of [AGENT_SOCKET, CONTROL_SOCKET]) checkLength(path.join(directory, name));
    makeDirectory(directory, gid);
    const lock = takeLock(directory);
    try {
      const generation = countGeneration(path.join(directory, GENERATION));
      const claimed = new RuntimeDir(directory, generation, lock, gid);
      claimed.#removeSockets();
      return claimed;
    } catch (error) {
      lock.release();
      throw fail(`cannot write to the runtime directory ${directory}`, error);
    }
  }

  get agentSocket(): string {
    return path.join(this.path, AGENT_SOCKET);
  }

  get controlSocket(): string {
    return path.join(this.path, CONTROL_SOCKET);
  }

  /** Lets the group in, now that the sockets are bound. */
  openSockets(): void {
    for (const socket of [this.agentSocket, this.controlSocket]) {
      try {
        if (this.gid !== undefined) fs.chownSync(socket, -1, this.gid);
        fs.chmodSync(socket, SOCKET_MODE);
      } catch (error) {
        throw fail(`cannot give ${socket} to its group`, error);
      }
    }
  }

  /** Removes the sockets and lets the next daemon have the directory. */
  release(): void {
    try {
      this.#removeSockets();
    } finally {
      this.lock.release();
    }
  }

  #removeSockets(): void {
    // A daemon that was killed leaves its sockets behind; nobody listens on them.
    for (const socket of [this.agentSocket, this.controlSocket]) fs.rmSync(socket, { force: true });
  }
}

function checkLength(socket: string): void {
  const bytes = Buffer.byteLength(socket);
  if (bytes <= SOCKET_PATH_BYTES) return;
  throw new RuntimeDirError(
    `the path of the socket ${socket} has ${String(bytes)} bytes, ` +
      `at most ${String(SOCKET_PATH_BYTES)} are possible: choose a shorter --runtime-dir`,
  );
}

function makeDirectory(directory: string, gid: number | undefined): void {
  try {
    if (fs.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE }) !== undefined) {
      fs.chmodSync(directory, DIRECTORY_MODE);
      if (gid !== undefined) fs.chownSync(directory, -1, gid);
    }
  } catch (error) {
    throw fail(`cannot make the runtime directory ${directory}`, error);
  }
}

function takeLock(directory: string): FileLock {
  try {
    return lockFile(path.join(directory, LOCK));
  } catch (error) {
    const { code, pid } = error as NativeError;
    if (code !== 'ELOCKED') throw fail(`cannot lock the runtime directory ${directory}`, error);
    const holder = pid === null || pid === undefined ? 'pid unknown' : `pid ${String(pid)}`;
    throw new DirectoryHeldError(`another xschedd (${holder}) holds ${directory}`, {
      cause: error,
    });
  }
}

/** Reads and raises the count of lives. Called under the lock. */
function countGeneration(file: string): number {
  let before = 0;
  try {
    before = Number(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const generation = Number.isSafeInteger(before) && before >= 0 ? before + 1 : 1;
  // By way of a second file: a crash in the middle must not leave half a number.
  const fresh = `${file}.new`;
  // Made anew: in a folder that others may write to, a link of that name could point at any file.
  fs.rmSync(fresh, { force: true });
  fs.writeFileSync(fresh, `${String(generation)}\n`, { flag: 'wx' });
  fs.renameSync(fresh, file);
  return generation;
}

function fail(what: string, error: unknown): RuntimeDirError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RuntimeDirError(`${what}: ${reason}`, { cause: error });
}
