/** Where the output of a command goes, and what happens when it cannot go there. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeDaemon, removeRuntimeDirs } from './fake-daemon.js';
import { Running, XSCHED } from './xsched.js';
import type { Ending } from './xsched.js';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await FakeDaemon.start();
});
afterEach(() => {
  Running.killAll();
  daemon.stop();
  removeRuntimeDirs();
});

/** Runs a script of bash in which `$0 $1` is `xsched`. */
function runScript(script: string): Promise<Ending> {
  const env = { XSCHED_RUNTIME_DIR: daemon.runtimeDir };
  return new Running(['-c', script, process.execPath, XSCHED], env, 'bash').ending;
}

/** Makes descriptor 3 a pipe whose reader has ended. */
const BROKEN_PIPE = 'exec 3> >(:); wait $!; ';

const ANSWERED = [
  ...['help', 'help set', 'set --help', 'run --help', '--version'],
  ...[
    'status',
    'status --json',
    'ps',
    'ps --json',
    'ps --calls',
    'policy',
    'on --json',
    'top --json -i 100',
  ],
];

describe('standard output', () => {
  it.each(ANSWERED)('without a reader ends `xsched %s` quietly', async (args) => {
    const script = `${BROKEN_PIPE} "$0" "$1" ${args} >&3; echo "code $?"`;
    const { stdout, stderr } = await runScript(script);
    expect({ stdout, stderr }).toEqual({ stdout: 'code 0\n', stderr: '' });
  });

  it.each(ANSWERED)('on a full disk makes `xsched %s` say so', async (args) => {
    const { stdout, stderr } = await runScript(`"$0" "$1" ${args} >/dev/full; echo "code $?"`);
    expect(stdout).toBe('code 1\n');
    expect(stderr).toMatch(/^xsched: cannot write: ENOSPC: no space left on device.*\n$/);
  });
});

describe('standard error', () => {
  it.each(['/dev/full', '&3'])('that takes nothing (%s) changes no exit code', async (target) => {
    const commands = ['', 'no-such-command', 'set x priority 300', 'run -p 300 -- true'];
    const codes = commands.map((args) => `"$0" "$1" ${args} 2>${target}; echo "code $?"`);
    const missing = `"$0" "$1" ps --runtime-dir /no/where 2>${target}; echo "code $?"`;
    const { stdout } = await runScript(`${BROKEN_PIPE} ${[...codes, missing].join('; ')}`);
    expect(stdout).toBe('code 2\ncode 2\ncode 2\ncode 2\ncode 3\n');
  });
});
