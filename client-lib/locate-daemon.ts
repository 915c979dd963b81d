/** Which runtime directory a client uses. */
import fs from 'node:fs';
import path from 'node:path';
import { CONTROL_SOCKET, runtimeDirCandidates } from '../protocol/runtime-dir.js';

/**
 * The runtime directory in which to talk to a daemon, absolute: the first candidate of
 * `runtimeDirCandidates` that holds a control socket. Without any, it is where a daemon of this
 * user would be.
 * @param option A directory that was asked for; it is used whether or not a daemon is there.
 */
export function locateRuntimeDir(
  option?: string,
  env: NodeJS.ProcessEnv = process.env,
  uid: number = process.geteuid?.() ?? 0,
): string {
  const candidates = runtimeDirCandidates({ option, env, uid });
  const alive = candidates.find(mayHoldDaemon);
  if (alive !== undefined) return alive;
  const ownEnv = { ...env, RUNTIME_DIRECTORY: undefined };
  return runtimeDirCandidates({ option, env: ownEnv, uid })[0] as string;
}

/** A folder that this user may not look into counts: saying so helps more than looking elsewhere. */
function mayHoldDaemon(folder: string): boolean {
  try {
    fs.lstatSync(path.join(folder, CONTROL_SOCKET));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}
