/** Users and groups by name, as the machine's name service knows them. */
import { execFileSync } from 'node:child_process';

/** How long a name service may take, in milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * The number of a user or a group; a number stands for itself.
 * @returns undefined when there is no such account.
 */
export function resolveAccount(
  kind: 'user' | 'group',
  account: string | number,
): number | undefined {
  if (typeof account === 'number') return account;
  // A name that begins with a dash would be an option of getent.
  if (!/^[A-Za-z0-9_][^:\n]*$/.test(account)) return undefined;
  const database = kind === 'user' ? 'passwd' : 'group';
  let line: string;
  try {
    line = execFileSync('getent', [database, account], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS,
    });
  } catch {
    // Exit code 2: unknown. Without getent there are no names at all.
    return undefined;
  }
  const id = Number(line.split(':')[2]);
  return Number.isInteger(id) ? id : undefined;
}
