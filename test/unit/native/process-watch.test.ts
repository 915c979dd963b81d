import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { processStartTime, watchProcess } from '../../../native/index.js';
import { catchError, readLine, startProgram, startScript, startSleeper } from './programs.js';

/** Watches a process and waits for its exit. */
function waitForExit(pid: number, startTime?: number): Promise<void> {
  return new Promise((resolve) => watchProcess(pid, resolve, startTime));
}

describe('watchProcess', () => {
  it('calls back when the process is killed', async () => {
    const child = startSleeper();
    const exited = waitForExit(child.pid);
    child.kill('SIGKILL');
    await exited;
  });

  it('calls back when the process ends by itself', async () => {
    const child = startProgram('cat', ['/dev/null']);
    await waitForExit(child.pid);
  });

  it('watches a process that is not a child of this one', async () => {
    const shell = startProgram('sh', ['-c', 'sleep 60 & echo $!; wait']);
    const pid = Number(await readLine(shell));
    const exited = waitForExit(pid);
    process.kill(pid, 'SIGKILL');
    await exited;
  });

  it('calls back at once for a zombie', async () => {
    // The shell becomes a program that never waits for the child that it left behind.
    const parent = startProgram('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']);
    await waitForExit(Number(await readLine(parent)));
  });

  it('says that a process has exited to each of several watches', async () => {
    const child = startSleeper();
    const exits = Promise.all([waitForExit(child.pid), waitForExit(child.pid)]);
    child.kill('SIGKILL');
    await exits;
  });

  it('watches 300 processes at a time', async () => {
    const children = Array.from({ length: 300 }, startSleeper);
    const exited = new Set<number>();
    const exits = children.map(async ({ pid }) => {
      await waitForExit(pid);
      exited.add(pid);
    });
    // The first half goes, and nobody of the second half is taken for one of them.
    children.slice(0, 150).forEach((child) => child.kill('SIGKILL'));
    await Promise.all(exits.slice(0, 150));
    expect(exited).toEqual(new Set(children.slice(0, 150).map(({ pid }) => pid)));
    children.slice(150).forEach((child) => child.kill('SIGKILL'));
    await Promise.all(exits);
    expect(exited.size).toBe(300);
  });

  it('does not call back after close, which can be repeated', async () => {
    const child = startSleeper();
    let calls = 0;
    const watch = watchProcess(child.pid, () => calls++);
    watch.close();
    watch.close();
    // The second watch is served after the first one would have been.
    const exited = waitForExit(child.pid);
    child.kill('SIGKILL');
    await exited;
    expect(calls).toBe(0);
  });

  it('does not call back when it is closed while the exit is on its way', async () => {
    const [first, second] = [startSleeper(), startSleeper()];
    let calls = 0;
    const watches = [first, second].map(({ pid }) =>
      watchProcess(pid, () => {
        calls++;
        for (const watch of watches) watch.close();
      }),
    );
    const exits = [first, second].map((child) => once(child, 'exit'));
    first.kill('SIGKILL');
    second.kill('SIGKILL');
    await Promise.all(exits);
    await waitForExit(startProgram('true', []).pid);
    expect(calls).toBe(1);
  });

  it('refuses a process that is gone', async () => {
    const child = startProgram('true', []);
    await once(child, 'exit');
    expect(catchError(() => watchProcess(child.pid, () => undefined))).toMatchObject({
      code: 'ESRCH',
      errno: 3,
      syscall: 'pidfd_open',
      pid: child.pid,
      message: `cannot watch process ${child.pid}: No such process (pidfd_open, ESRCH)`,
    });
  });

  it('accepts the start time of the process and refuses that of another one', async () => {
    const child = startSleeper();
    const started = processStartTime(child.pid);
    const exited = waitForExit(child.pid, started);
    expect(catchError(() => watchProcess(child.pid, () => undefined, started + 1))).toMatchObject({
      code: 'ESRCH',
      pid: child.pid,
      message: `process ${child.pid} started at ${started}, not at ${started + 1}`,
    });
    child.kill('SIGKILL');
    await exited;
  });

  it.each([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [4194305, '4194305'],
    ['1', "'1'"],
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, 'an object'],
    [1n, 'a bigint'],
    [Symbol('1'), 'a symbol'],
  ])('refuses %s as a pid', (pid, shown) => {
    expect(catchError(() => watchProcess(pid as number, () => undefined))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: `pid must be an integer from 1 to 4194304, received ${shown}`,
    });
  });

  it('refuses a callback that is not a function', () => {
    expect(catchError(() => watchProcess(process.pid, 'later' as never))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: "onExit must be a function, received 'later'",
    });
  });

  it('refuses to close an object of another class', () => {
    const watch = watchProcess(process.pid, () => undefined);
    const impostor = Object.create(Object.getPrototypeOf(watch) as object) as typeof watch;
    expect(() => impostor.close()).toThrow(TypeError);
    watch.close();
  });
});

describe('processStartTime', () => {
  it('reads past a name with spaces and parentheses in it', async () => {
    const child = startScript(`
      process.once('SIGUSR2', () => {
        require('node:fs').writeFileSync('/proc/self/comm', 'a) R (1 2 3');
        console.log('renamed');
      });
      console.log('started');
      setInterval(() => {}, 1000);`);
    await readLine(child);
    const started = processStartTime(child.pid);
    expect(started).toBeGreaterThanOrEqual(processStartTime(process.pid));
    child.kill('SIGUSR2');
    expect(await readLine(child)).toBe('renamed');
    expect(processStartTime(child.pid)).toBe(started);
  });

  it('refuses a process that is gone, and nonsense', async () => {
    const child = startProgram('true', []);
    await once(child, 'exit');
    expect(catchError(() => processStartTime(child.pid))).toMatchObject({ code: 'ESRCH' });
    expect(catchError(() => processStartTime(-1))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'pid must be a positive integer, received -1',
    });
  });
});
