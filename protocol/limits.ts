/** Numbers that both ends of a link must agree on. */

/** The version that HELLO carries. It changes when an old peer could misread a message. */
export const PROTOCOL_VERSION = 6;

/** Limits that both ends enforce. Strings are limited in bytes of UTF-8. */
export const LIMITS = {
  /** A frame, in bytes; a longer one is refused before it is decoded. */
  MESSAGE_BYTES: 16384,
  /** A reply on the control socket, in bytes; the command line refuses longer ones. */
  REPLY_BYTES: 16 * 1024 * 1024,
  /** Queues that one client may register. */
  QUEUES_PER_CLIENT: 1024,
  /** Clients of one daemon. */
  CLIENTS: 4096,
  PRIORITY_MIN: -255,
  PRIORITY_MAX: 255,
  /** Launches in flight that a PERMIT may allow; 0 means no window. */
  WINDOW_MAX: 1021,
  /** The window of a queue as a budget of GPU time, in microseconds: the most, and by default. */
  LATENCY_MAX_US: 1_000_000,
  LATENCY_US: 200,
  /** Length of a routing id, which is also the PLAIN username, in hexadecimal digits. */
  ROUTING_ID_BYTES: 32,
  /** A shim that waits at its gate repeats READY this often, in milliseconds. */
  READY_REPEAT_MS: 200,
  /** A shim that waits and has heard nothing from its daemon for so long lets launches through. */
  SILENCE_MS: 800,
  /** A shim with a ready queue sends STATS this often, in milliseconds. */
  STATS_MS: 500,
  /** A shim tells what the driver was called for this often, in milliseconds. */
  CALLS_MS: 2000,
  /** The board, as `board.h` lays it out: devices, and slots of each. */
  BOARD_DEVICES: 64,
  BOARD_SLOTS: 64,
  /** The daemon's sign of life on the board comes this often, in milliseconds, while a slot has work. */
  BEAT_MS: 250,
  /**
   * And this often, in milliseconds, while none has: whoever waits shows work and counts from when he
   * began, so he sees the next one within this time and the others within BEAT_MS.
   */
  BEAT_QUIET_MS: 500,
  /** A shim that waits by the board and has seen no sign of life for so long lets launches through. */
  BEATLESS_MS: 1000,
  /** Functions of the driver that one client may tell of. */
  FUNCTIONS: 512,
  /** Name of a function of the driver, in bytes. */
  FUNCTION_BYTES: 96,
  /** Models and model instances that one client may serve at a time. */
  LABELS: 1024,
  /** Name of a model or an instance, in bytes. */
  LABEL_BYTES: 256,
  /** Version of a model as its server writes it, in bytes. */
  VERSION_BYTES: 32,
  /** What the levels MAX and MIN of a model's own configuration stand for by default. */
  LEVEL_MAX_PRIORITY: 100,
  LEVEL_MIN_PRIORITY: -100,
} as const;

/** How important a server's own configuration calls a model; NONE where it says nothing. */
export const LEVELS = { NONE: 0, MIN: 1, DEFAULT: 2, MAX: 3 } as const;

/** Numbers of ERROR and CONTROL_ERROR messages; the name is what a person reads. */
export const ERROR_CODES = {
  MALFORMED: 1,
  VERSION: 2,
  IDENTITY: 3,
  STATE: 4,
  LIMIT: 5,
  FORBIDDEN: 6,
  NOT_FOUND: 7,
  INVALID: 8,
  INTERNAL: 9,
} as const;
