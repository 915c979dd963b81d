/** Exit codes of `xsched`; docs/cli.md lists them. */
export const EXIT = {
  OK: 0,
  /** The daemon refused, or something unexpected failed. */
  REFUSED: 1,
  /** Bad usage: nothing was asked of the daemon. */
  USAGE: 2,
  NO_DAEMON: 3,
  /** No queue matches the target. */
  NO_MATCH: 4,
  /** `xsched run`: the program was found but cannot be started. */
  CANNOT_START: 126,
  /** `xsched run`: the program was not found. */
  NOT_FOUND: 127,
  /** `xsched run`: added to the number of the signal that ended the program. */
  SIGNAL_BASE: 128,
} as const;

/** An error that ends the command with a message and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}
