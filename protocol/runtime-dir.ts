/** Where the daemon's sockets lie: the one rule that the daemon and the command line share. */
import path from 'node:path';

/** Names of the sockets in the runtime directory. */
export const AGENT_SOCKET = 'agent.sock';
export const CONTROL_SOCKET = 'control.sock';

/** The runtime directory of a daemon that serves the whole machine. */
export const SYSTEM_RUNTIME_DIR = '/run/xsched';

/** What the rule looks at. `uid` is the effective user id. */
export interface RuntimeDirInputs {
  /** Value of `--runtime-dir`; empty counts as not given. */
  readonly option?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
}

/**
 * The runtime directory, absolute: the option, `$XSCHED_RUNTIME_DIR`, `$RUNTIME_DIRECTORY` (the
 * first of systemd's colon-separated list), `/run/xsched` for root, `$XDG_RUNTIME_DIR/xsched` for
 * others, and `/run/xsched` for those who have none. It need not exist.
 */
export function resolveRuntimeDir(inputs: RuntimeDirInputs): string {
  return explicitRuntimeDir(inputs) ?? serviceRuntimeDir(inputs.env) ?? userRuntimeDir(inputs);
}

/**
 * The directories in which a client looks for a daemon, best first. A client differs from the
 * daemon where nobody named a directory: a user without a daemon of his own uses the machine's, and
 * `$RUNTIME_DIRECTORY` may belong to the service that the client is part of.
 */
export function runtimeDirCandidates(inputs: RuntimeDirInputs): readonly string[] {
  const explicit = explicitRuntimeDir(inputs);
  if (explicit !== undefined) return [explicit];
  const service = serviceRuntimeDir(inputs.env);
  const all = [...(service === undefined ? [] : [service]), userRuntimeDir(inputs)];
  return [...new Set([...all, SYSTEM_RUNTIME_DIR])];
}

function explicitRuntimeDir({ option, env }: RuntimeDirInputs): string | undefined {
  const named = option || env['XSCHED_RUNTIME_DIR'];
  return named ? path.resolve(named) : undefined;
}

function serviceRuntimeDir(env: RuntimeDirInputs['env']): string | undefined {
  const first = env['RUNTIME_DIRECTORY']?.split(':')[0];
  return first ? path.resolve(first) : undefined;
}

function userRuntimeDir({ env, uid }: RuntimeDirInputs): string {
  const own = env['XDG_RUNTIME_DIR'];
  return uid !== 0 && own ? path.resolve(own, 'xsched') : SYSTEM_RUNTIME_DIR;
}
