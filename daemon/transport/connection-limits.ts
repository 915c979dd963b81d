/** How many connections there may be, so that descriptors and memory never run out. */
import fs from 'node:fs';
import type { Logger } from 'winston';
import { countConnections, guardConnections } from '../../native/index.js';
import type { ConnectionCounts } from '../../native/index.js';
import { LIMITS } from '../../protocol/messages.js';

/** Descriptors that are left to everything but connections: /proc, the log, the service manager. */
const SPARE_DESCRIPTORS = 48;
/** Most connections in all, however many descriptors there are: each takes memory, too. */
const CONNECTIONS_MAX = 4 * LIMITS.CLIENTS;
/** A daemon that could serve fewer than so many is of no use. */
const CONNECTIONS_MIN = 16;
/**
 * A message may be so long, in bytes, all its frames together. What is over LIMITS.MESSAGE_BYTES is
 * refused in so many words; beyond this here nobody waits for its end.
 */
export const RECEIVED_BYTES_MAX = 4 * LIMITS.MESSAGE_BYTES;

/**
 * After a connection was closed its link may still be there for so long, in milliseconds: libzmq takes what
 * is sent next before it finds out, and clients are asked only when they have been quiet for a while.
 */
const CLOSED_LATELY_MS = 30_000;

/** There are too few descriptors to serve anybody; the message says how many are needed. */
export class DescriptorsError extends Error {
  override readonly name = 'DescriptorsError';
}

/** How many connections there is room for. */
export interface Room {
  readonly connections: number;
  readonly connectionsPerUser: number;
}

/**
 * @param limit descriptors that the process may have open (RLIMIT_NOFILE)
 * @param open descriptors that it has open without any connection
 * @throws {DescriptorsError}
 */
export function computeRoom(limit: number, open: number): Room {
  // A connection takes a descriptor, and the watch over its process another one.
  const room = Math.floor((limit - open - SPARE_DESCRIPTORS) / 2);
  if (room < CONNECTIONS_MIN) {
    const least = open + SPARE_DESCRIPTORS + 2 * CONNECTIONS_MIN;
    throw new DescriptorsError(
      `at most ${String(limit)} files may be open (RLIMIT_NOFILE), at least ${String(least)} are ` +
        'needed: raise it with ulimit -n, or LimitNOFILE= in a unit of systemd',
    );
  }
  const connections = Math.min(room, CONNECTIONS_MAX);
  // One user must not keep all others out.
  return { connections, connectionsPerUser: Math.ceil(connections / 2) };
}

/** Keeps the connections of all sockets of this process within limits, and says when it has to. */
export class ConnectionLimits {
  readonly #before = countConnections();
  #told = this.#before;
  #closed = this.#before.closed;
  #closedAt = -Infinity;

  private constructor(
    private readonly log: Logger,
    private readonly room: Room,
    private readonly isGuarded: boolean,
  ) {}

  /**
   * Sets the limits. To be called before a socket is bound.
   * @throws {DescriptorsError} when there are too few descriptors
   */
  static set(log: Logger): ConnectionLimits {
    const room = computeRoom(readDescriptorLimit(), fs.readdirSync('/proc/self/fd').length);
    const isGuarded = guardConnections({ ...room, messageBytes: RECEIVED_BYTES_MAX });
    if (!isGuarded) {
      log.warn(
        'this build of libzmq cannot be kept within limits: a flood of connections may end xschedd',
      );
    }
    return new ConnectionLimits(log, room, isGuarded);
  }

  /** Connections that were ended since their message was too long. */
  get cutOff(): number {
    return countConnections().cutOff - this.#before.cutOff;
  }

  /**
   * Whether there may be links whose connections were closed.
   * @param now monotonic, in milliseconds
   */
  closedLately(now: number): boolean {
    const { closed } = countConnections();
    if (closed !== this.#closed) this.#closedAt = now;
    this.#closed = closed;
    // Without the guard nobody counts.
    return !this.isGuarded || now - this.#closedAt < CLOSED_LATELY_MS;
  }

  /** Logs what was turned away or ended since it was called last. */
  tell(): void {
    const now = countConnections();
    const before = this.#told;
    this.#told = now;
    if (now.turnedAway !== before.turnedAway) this.log.warn(this.#describeTurnedAway(before, now));
    if (now.cutOff !== before.cutOff) {
      this.log.warn(
        `${String(now.cutOff - before.cutOff)} links were ended, since a message had more than ` +
          `${String(RECEIVED_BYTES_MAX)} bytes; the last was of process ${String(now.cutOffPid)}`,
      );
    }
  }

  #describeTurnedAway(before: ConnectionCounts, now: ConnectionCounts): string {
    const { connections, connectionsPerUser } = this.room;
    return (
      `${String(now.turnedAway - before.turnedAway)} connections were turned away, the last of uid ` +
      `${String(now.turnedAwayUid)}: ${String(now.open)} are open, at most ${String(connections)} ` +
      `in all and ${String(connectionsPerUser)} of one user may be`
    );
  }
}

/** The limit of open files in force; Node has raised it as far as it may go. */
function readDescriptorLimit(): number {
  const match = /^Max open files +(\S+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'));
  return match?.[1] === 'unlimited' ? Infinity : Number(match?.[1]);
}
