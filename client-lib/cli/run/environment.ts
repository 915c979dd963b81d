/** The environment of a program that `xsched run` starts. */

/** What the options of `xsched run` ask for; undefined leaves the caller's variable alone. */
export interface RunSettings {
  /** Absolute path of the preload library; undefined runs without it. */
  readonly shim: string | undefined;
  /** Absolute. */
  readonly runtimeDir: string;
  /** -255 to 255. */
  readonly priority?: number | undefined;
  readonly name?: string | undefined;
  /** Rules inside the process while there is no daemon. */
  readonly policy?: string | undefined;
  /** Microseconds of the GPU's time in flight while outranked. */
  readonly preemptLatency?: number | undefined;
  /** Launches in flight while outranked, instead of a time. */
  readonly window?: number | undefined;
  /** Whether streams' CUDA priorities rank queues inside the process. */
  readonly streamPriority?: boolean | undefined;
  readonly fail?: 'open' | 'closed' | undefined;
}

/** A copy of `env` with what the preload library reads. */
export function runEnvironment(
  settings: RunSettings,
  env: Readonly<NodeJS.ProcessEnv>,
): NodeJS.ProcessEnv {
  const { shim, runtimeDir, priority, name, policy, streamPriority, fail } = settings;
  const { preemptLatency, window } = settings;
  const result: NodeJS.ProcessEnv = { ...env, XSCHED_RUNTIME_DIR: runtimeDir };
  if (shim !== undefined) result['LD_PRELOAD'] = prependPreload(shim, env['LD_PRELOAD']);
  if (priority !== undefined) result['XSCHED_PRIORITY'] = String(priority);
  if (name !== undefined) result['XSCHED_NAME'] = name;
  if (policy !== undefined) result['XSCHED_POLICY'] = policy;
  if (preemptLatency !== undefined) {
    result['XSCHED_PREEMPT_LATENCY_US'] = String(preemptLatency);
  }
  if (window !== undefined) result['XSCHED_WINDOW'] = String(window);
  if (streamPriority === true) result['XSCHED_STREAM_PRIORITY'] = '1';
  if (fail !== undefined) result['XSCHED_FAIL'] = fail;
  return result;
}

/** LD_PRELOAD with the library first, once, and all that was there before behind it. */
export function prependPreload(shim: string, existing = ''): string {
  // The loader takes colons and spaces as separators.
  const others = existing.split(/[\s:]+/).filter((entry) => entry !== '' && entry !== shim);
  return [shim, ...others].join(':');
}
