/** The ways in which asking the daemon fails. */
import { ERROR_CODES } from '../protocol/limits.js';

/** No daemon answers in the runtime directory. */
export class NoDaemonError extends Error {
  override readonly name = 'NoDaemonError';
  constructor(
    /** The directory in which it was looked for. */
    readonly runtimeDir: string,
    /** What was seen there. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`no daemon in ${runtimeDir}: ${reason}`, options);
  }
}

/** The daemon refused, and says why. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  constructor(
    /** One of ERROR_CODES. */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }

  /** The name of `code` in ERROR_CODES, or its number. */
  get codeName(): string {
    const entry = Object.entries(ERROR_CODES).find(([, code]) => code === this.code);
    return entry?.[0] ?? String(this.code);
  }
}

/** The daemon speaks another version of the protocol. */
export class VersionMismatchError extends Error {
  override readonly name = 'VersionMismatchError';
}

/** The kernel does not let this user open the daemon's control socket. */
export class AccessDeniedError extends Error {
  override readonly name = 'AccessDeniedError';
  constructor(
    /** The socket. */
    readonly socket: string,
    options?: ErrorOptions,
  ) {
    super(
      `user ${String(process.geteuid?.() ?? '?')} may not open ${socket}: ` +
        `ask for membership of the socket's group`,
      options,
    );
  }
}
