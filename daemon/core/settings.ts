/** What the configuration says to the core. */

/** Whom a rule matches; all matchers that are given must match. */
export interface RuleMatch {
  /** On the whole path of the executable, or on its last part if the pattern has no slash. */
  readonly exe?: RegExp;
  /** Anywhere in the command line. */
  readonly command?: RegExp;
  readonly uid?: number;
  /** On the whole label of a queue; a rule with it concerns single queues. */
  readonly label?: RegExp;
}

/** A rule of the configuration. The first one that matches wins. */
export interface Rule {
  /** The name that the process gets. */
  readonly name?: string;
  readonly match: RuleMatch;
  readonly priority?: number;
  /** As `preemptLatencyUs` of the settings, for the queues that it matches. */
  readonly preemptLatencyUs?: number;
  /** The label of queues that bring none. */
  readonly label?: string;
  /** Whether streams' CUDA priorities rank queues inside the process. */
  readonly streamPriority?: boolean;
}

/** The highest priority that a user may ask for. First match wins. */
export interface PriorityLimit {
  /** With neither `uid` nor `gid` it holds for everybody. */
  readonly uid?: number;
  readonly gid?: number;
  readonly maxPriority: number;
}

/** Everything that the core wants to know. Times are milliseconds. */
export interface CoreSettings {
  readonly policy: string;
  readonly enabled: boolean;
  /** Launches in flight of a queue that somebody outranks, 0 to WINDOW_MAX; 0 for no limit. */
  readonly window: number;
  /**
   * How long the work of such a queue may keep those waiting who outrank it, in microseconds; 0:
   * `window` counts launches. Rules and hints go before it.
   */
  readonly preemptLatencyUs: number;
  /** A process with work that says nothing for so long loses its precedence. */
  readonly silentMs: number;
  /** A queue whose work stands still for so long loses its precedence. */
  readonly stallMs: number;
  /** A queue that waits for so long gets a slice; 0 for never. */
  readonly maxSuspendMs: number;
  readonly sliceMs: number;
  readonly streamPriority: boolean;
  /** What the levels of models' own configurations stand for, -255 to 255. */
  readonly modelPriority: { readonly max: number; readonly default: number; readonly min: number };
  readonly rules: readonly Rule[];
  readonly limits: readonly PriorityLimit[];
}
