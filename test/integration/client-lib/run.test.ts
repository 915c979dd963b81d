import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HARMLESS_LIBRARY, Running, xsched, XSCHED } from './xsched.js';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
});
afterEach(() => {
  Running.killAll();
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

function shell(script: string, ...options: readonly string[]): Promise<Awaited<Running['ending']>> {
  return xsched(['run', ...options, '--', 'sh', '-c', script]);
}

/** Counts a signal until its standard input closes, then says how often it came. */
const COUNTER = `
  let count = 0;
  process.on(process.argv[1], () => console.log('got ' + ++count));
  process.stdin.on('end', () => { console.log('count ' + count); process.exit(0); }).resume();
  console.log('ready');
`;

describe('what a program sees', () => {
  it('has the library, the directory and the options in its environment', async () => {
    const script = 'echo "$LD_PRELOAD|$XSCHED_RUNTIME_DIR|$XSCHED_PRIORITY|$XSCHED_NAME"';
    const options = ['-p', '-7', '--name', 'a b', '--runtime-dir', '/run/here'];
    const { stdout, stderr, code } = await shell(script, ...options);
    expect(stdout).toBe(`${HARMLESS_LIBRARY}|/run/here|-7|a b\n`);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  });

  it('has the library really loaded', async () => {
    const { stdout } = await xsched(['run', '--', 'cat', '/proc/self/maps']);
    expect(stdout).toContain(HARMLESS_LIBRARY);
  });

  it('gets its arguments as they were typed', async () => {
    const args = ['-p', '3', '--', '', 'a b', '$HOME', '*', '--json'];
    const { stdout } = await xsched(['run', '-p', '1', 'printf', '[%s]', ...args]);
    expect(stdout).toBe('[-p][3][--][][a b][$HOME][*][--json]');
  });

  it('has the standard streams, byte for byte', async () => {
    const input = 'line\n\u0000\u00e9'.repeat(50_000);
    const { stdout, stderr } = await xsched(['run', '--', 'sh', '-c', 'cat; echo e >&2'], {
      input,
    });
    expect(stdout).toBe(input);
    expect(stderr).toBe('e\n');
  });

  it('has the descriptors that its caller had open, and no more', () => {
    const file = path.join(folder, 'list');
    const list = 'ls -1 /proc/self/fd | sort -n | tr "\\n" " "';
    const script = `${list} > ${file}.without; "$0" "$1" run -- sh -c '${list}; cat <&7' > ${file}.with`;
    const bash = `exec 7</etc/hostname 40< <(true); ${script}`;
    const { status, stderr } = spawnSync('bash', ['-c', bash, process.execPath, XSCHED], {
      env: { ...process.env, XSCHED_SHIM: HARMLESS_LIBRARY },
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const without = fs.readFileSync(`${file}.without`, 'utf8');
    const hostname = fs.readFileSync('/etc/hostname', 'utf8');
    expect(fs.readFileSync(`${file}.with`, 'utf8')).toBe(`${without}${hostname}`);
    expect(without).toMatch(/\b7 .*\b40 /);
  });

  it("has its caller's limit of open files, which Node raises for itself", () => {
    const script = 'ulimit -Sn 100; "$0" "$1" run -- sh -c "ulimit -Sn"; exit $?';
    const { stdout } = spawnSync('bash', ['-c', script, process.execPath, XSCHED], {
      env: { ...process.env, XSCHED_SHIM: HARMLESS_LIBRARY },
      encoding: 'utf8',
    });
    expect(stdout).toBe('100\n');
  });

  it('is in the process group of xsched', async () => {
    const { stdout } = await shell('cut -d" " -f5 /proc/self/stat; cut -d" " -f5 /proc/$PPID/stat');
    const [own, parents] = stdout.trim().split('\n');
    expect(own).toBe(parents);
  });
});

describe('exit codes', () => {
  it.each([0, 1, 7, 255])('passes on %i', async (code) => {
    expect((await shell(`exit ${String(code)}`)).code).toBe(code);
  });

  it.each(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGSEGV', 'SIGUSR1', 'SIGPIPE'] as const)(
    'dies of %s as its program did',
    async (signal) => {
      const { code, signal: seen } = await shell(`kill -${signal.slice(3)} $$`);
      expect({ code, seen }).toEqual({ code: null, seen: signal });
    },
  );

  it('is seen by a shell as 128 and the number', () => {
    const script = '"$0" "$1" run -- sh -c "kill -TERM \\$\\$"; echo $?';
    const { stdout } = spawnSync('bash', ['-c', script, process.execPath, XSCHED], {
      env: { ...process.env, XSCHED_SHIM: HARMLESS_LIBRARY },
      encoding: 'utf8',
    });
    expect(stdout).toBe('143\n');
  });

  it('leaves no second core file', () => {
    const script =
      'cd "$2" && ulimit -c unlimited && "$0" "$1" run -- sh -c "ulimit -c 0; kill -SEGV \\$\\$"';
    spawnSync('bash', ['-c', script, process.execPath, XSCHED, folder], {
      env: { ...process.env, XSCHED_SHIM: HARMLESS_LIBRARY },
    });
    expect(fs.readdirSync(folder).filter((name) => name.startsWith('core'))).toEqual([]);
  });

  it('is 127 for a command that is not there', async () => {
    const { code, stderr } = await xsched(['run', '--', 'no-such-command']);
    expect({ code, stderr }).toEqual({
      code: 127,
      stderr: 'xsched: no-such-command: command not found\n',
    });
  });

  it('is 126 for what cannot be executed', async () => {
    const script = path.join(folder, 'bad');
    fs.writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 });
    for (const command of ['/etc/passwd', '/tmp', script]) {
      const { code, stderr } = await xsched(['run', '--', command]);
      expect(code).toBe(126);
      expect(stderr).toContain(command);
    }
  });

  it.each([
    ['/no/such/interpreter', "'/no/such/interpreter'"],
    ['/bin/sh\r', "'/bin/sh\\x0d'"],
  ])('names the interpreter %j where it is what does not exist', async (line, named) => {
    const script = path.join(folder, 'script');
    fs.writeFileSync(script, `#!${line}\nexit 0\n`, { mode: 0o755 });
    const { code, stderr } = await xsched(['run', '--', script]);
    expect({ code, stderr }).toEqual({
      code: 126,
      stderr: `xsched: ${script}: its interpreter ${named} does not exist\n`,
    });
  });

  it.each([
    [['run', '-p', '300', '--', 'true'], /'300' is invalid.* -255 to 255/],
    [['run', '--window', '0', '--', 'true'], /'0' is invalid.* 1 to 1021/],
    [['run', '--fail', 'maybe', '--', 'true'], /'maybe' is invalid.*open, closed/],
    [['run', '--policy', 'fair', '--', 'true'], /'fair' is invalid.*HPF/],
    [['run', '--prio', '3', '--', 'true'], /unknown option '--prio'/],
    [['run'], /missing required argument 'command'/],
    [['run', '--shim', '/no/such.so', '--', 'true'], /--shim names \/no\/such\.so/],
  ])('is 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await xsched(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('without the library', () => {
  const env = { XSCHED_SHIM: '/no/such.so' };

  it('says so and runs the program', async () => {
    const { code, stdout, stderr } = await xsched(['run', '--', 'printenv', 'LD_PRELOAD'], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/XSCHED_SHIM names \/no\/such\.so.*runs unscheduled/);
  });

  it('runs nothing that shall fail closed', async () => {
    const args = ['run', '--fail', 'closed', '--', 'echo', 'ran'];
    const { code, stdout, stderr } = await xsched(args, { env });
    expect({ code, stdout }).toEqual({ code: 126, stdout: '' });
    expect(stderr).toContain('/no/such.so');
  });
});

it('warns of a program that the loader preloads nothing into', async () => {
  const source = path.join(folder, 'static.c');
  fs.writeFileSync(source, 'int main(void) { return 5; }\n');
  const program = path.join(folder, 'static');
  expect(spawnSync('gcc', ['-static', '-o', program, source]).status).toBe(0);
  const { code, stderr } = await xsched(['run', '--', program]);
  expect(code).toBe(5);
  expect(stderr).toMatch(/^xsched: .*static is statically linked/);
});

/** Only root may give a file to somebody else. */
describe.skipIf(process.getuid?.() !== 0)('a program that runs as somebody else', () => {
  function makeProgram(name: string, mode: number): string {
    const program = path.join(folder, name);
    fs.copyFileSync('/usr/bin/id', program);
    fs.chownSync(program, 65534, 65534);
    fs.chmodSync(program, mode);
    fs.chmodSync(folder, 0o755);
    return program;
  }

  it.each([
    ['setuid', 0o4755],
    ['setgid', 0o2755],
  ])('is warned of when it is %s, and runs', async (what, mode) => {
    const program = makeProgram(what, mode);
    const { code, stdout, stderr } = await xsched(['run', '--', program]);
    expect({ code, stdout: stdout.startsWith('uid=') }).toEqual({ code: 0, stdout: true });
    const why = 'the loader ignores LD_PRELOAD for it, so it runs unscheduled';
    expect(stderr).toBe(`xsched: ${program} is ${what}: ${why}\n`);
  });

  it('is warned of when it is the interpreter of a script', async () => {
    const program = makeProgram('interpreter', 0o4755);
    const script = path.join(folder, 'script');
    fs.writeFileSync(script, `#!${program}\n`, { mode: 0o755 });
    const { stderr } = await xsched(['run', '--', script]);
    expect(stderr).toMatch(/^xsched: .*interpreter is setuid: /);
  });
});

describe('signals', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    'passes %s on, once each time',
    async (signal) => {
      const running = new Running(['run', '--', process.execPath, '-e', COUNTER, signal]);
      await running.sees('ready');
      for (const count of [1, 2, 3]) {
        running.child.kill(signal);
        await running.sees(`got ${String(count)}`);
      }
      running.child.stdin.end();
      const { code, stdout } = await running.ending;
      expect(code).toBe(0);
      expect(stdout).toContain('count 3');
    },
  );

  it('outlives a signal that the program ignores', async () => {
    const running = new Running([
      'run',
      '--',
      'sh',
      '-c',
      'trap "" TERM; echo ready; read x; exit 9',
    ]);
    await running.sees('ready');
    running.child.kill('SIGTERM');
    running.child.stdin.end('x\n');
    expect((await running.ending).code).toBe(9);
  });

  it('stops and continues together with its program', async () => {
    // In a group of its own below a parent, since a group that nobody could wake does not stop. Not
    // below a shell: bash's `wait` loses a job that stops and ends in quick succession.
    const parent = [
      'import os, subprocess, sys',
      'job = subprocess.Popen(sys.argv[1:], preexec_fn=os.setpgrp)',
      'print(f"xsched {job.pid}.", flush=True)',
      'sys.exit(job.wait())',
    ].join('\n');
    const program = ['sh', '-c', 'echo "program $$."; read x; exit 6'];
    const argv = ['-c', parent, process.execPath, XSCHED, 'run', '--', ...program];
    const running = new Running(argv, {}, 'python3');
    await running.sees('xsched');
    await running.sees('program');
    const pids = ['xsched', 'program'].map((name) =>
      Number(new RegExp(`${name} (\\d+)\\.`).exec(running.stdout)?.[1]),
    );
    const [pid = 0] = pids;
    process.kill(pid, 'SIGTSTP');
    await waitForStates(pids, 'T');
    process.kill(pid, 'SIGCONT');
    await waitForStates(pids, 'S');
    running.child.stdin.end('x\n');
    expect((await running.ending).code).toBe(6);
  });
});

/** Waits until all processes are in a state of /proc/PID/stat; the test's time limit ends it. */
async function waitForStates(pids: readonly number[], state: string): Promise<void> {
  const readState = (pid: number): string | undefined =>
    /\) (\w)/.exec(fs.readFileSync(`/proc/${String(pid)}/stat`, 'latin1'))?.[1];
  await expect
    .poll(() => pids.map(readState), { timeout: 10_000, interval: 10 })
    .toEqual(pids.map(() => state));
}
