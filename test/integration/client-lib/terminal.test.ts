/** What happens on a terminal, which script(1) of util-linux provides. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleQueue } from '../../unit/client-lib/samples.js';
import { agree, FakeDaemon, removeRuntimeDirs } from './fake-daemon.js';
import type { Answer } from './fake-daemon.js';
import { Running, XSCHED } from './xsched.js';

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';
const ALTERNATE_SCREEN = '\x1b[?1049h';
const NORMAL_SCREEN = '\x1b[?1049l';

/** Runs a shell command on a terminal of 80 columns and 24 rows; its keyboard is child.stdin. */
function onTerminal(command: string, env: Readonly<NodeJS.ProcessEnv> = {}): Running {
  const script = `stty cols 80 rows 24; ${command}`;
  const settings = { SHELL: '/bin/bash', TERM: 'xterm', NODE: process.execPath, XSCHED, ...env };
  return new Running(['-qefc', script, '/dev/null'], settings, 'script');
}

afterEach(() => {
  Running.killAll();
});

describe('xsched run', () => {
  const counter = `
    let count = 0;
    process.on('SIGINT', () => console.log('got ' + ++count));
    process.stdin.on('data', () => { console.log('count ' + count); process.exit(0); });
    console.log('ready');
  `.replaceAll('\n', ' ');

  it('leaves it to the terminal to interrupt the program', async () => {
    const running = onTerminal(`"$NODE" "$XSCHED" run -- "$NODE" -e "${counter}"`);
    await running.sees('ready');
    for (const count of [1, 2, 3]) {
      running.child.stdin.write(CTRL_C);
      await running.sees(`got ${String(count)}`);
    }
    running.child.stdin.write('\n');
    await running.sees('count 3');
    expect((await running.ending).code).toBe(0);
  });

  it('stops with Ctrl-Z and goes on in the foreground', async () => {
    const running = onTerminal('bash --norc -i');
    const type = (text: string): void => {
      running.child.stdin.write(text);
    };
    type(`"$NODE" "$XSCHED" run -- sh -c 'echo re""ady; read x; echo "read $x"'\n`);
    await running.sees('ready');
    type(CTRL_Z);
    await running.sees('Stopped');
    type('fg\n');
    await running.sees('run -- sh -c', 2);
    type('line\n');
    await running.sees('read line');
    type('exit 3\n');
    expect((await running.ending).code).toBe(3);
  });

  it('tells a person that there is no daemon', async () => {
    const running = onTerminal('"$NODE" "$XSCHED" run --runtime-dir /no/where -- true');
    const { stdout } = await running.ending;
    expect(stdout).toContain('xsched: no daemon in /no/where: the program runs unscheduled');
  });
});

describe('xsched top', () => {
  let daemon: FakeDaemon;
  const withQueues: Answer = (message) =>
    message.type === 'LIST'
      ? {
          type: 'LIST_REPLY',
          request: message.request,
          queues: [sampleQueue({ state: 'running', name: 'an-unusually-long-name'.repeat(8) })],
        }
      : agree(message);
  beforeEach(async () => {
    daemon = await FakeDaemon.start(withQueues);
  });
  afterEach(() => {
    daemon.stop();
    removeRuntimeDirs();
  });

  function startTop(options = ''): Running {
    const env = { XSCHED_RUNTIME_DIR: daemon.runtimeDir };
    return onTerminal(`"$NODE" "$XSCHED" top -i 100 ${options}`, env);
  }

  it.each([
    ['q', 'q'],
    ['Ctrl-C', CTRL_C],
  ])('fills the screen until %s, and gives it back', async (_name, key) => {
    const top = startTop();
    await top.sees('4711.1', 2);
    top.child.stdin.write(key);
    const { code, stdout } = await top.ending;
    expect(code).toBe(0);
    expect(stdout).toContain(ALTERNATE_SCREEN);
    expect(stdout.lastIndexOf(NORMAL_SCREEN)).toBeGreaterThan(stdout.lastIndexOf('4711.1'));
    expect(stdout.endsWith(NORMAL_SCREEN)).toBe(true);
  });

  it('gives the screen back when it is terminated', async () => {
    const top = onTerminal('"$NODE" "$XSCHED" top -i 100 & echo "pid $!."; fg %1 2>&1; wait', {
      XSCHED_RUNTIME_DIR: daemon.runtimeDir,
    });
    await top.sees('4711.1');
    process.kill(Number(/pid (\d+)\./.exec(top.stdout)?.[1]), 'SIGTERM');
    expect((await top.ending).stdout).toContain(NORMAL_SCREEN);
  });

  it('colours states, unless NO_COLOR asks for none', async () => {
    const coloured = startTop();
    await coloured.sees('\x1b[32mrunning');
    coloured.child.stdin.write('q');
    await coloured.ending;
    const env = { XSCHED_RUNTIME_DIR: daemon.runtimeDir, NO_COLOR: '1' };
    const plain = onTerminal('"$NODE" "$XSCHED" top -i 100', env);
    await plain.sees('running');
    plain.child.stdin.write('q');
    expect((await plain.ending).stdout).not.toContain('\x1b[32m');
  });

  it('waits for a daemon that went away', async () => {
    const top = startTop();
    await top.sees('4711.1');
    daemon.stop();
    await top.sees('Trying again');
    daemon = await FakeDaemon.start(withQueues, daemon.runtimeDir);
    const before = top.stdout.split('4711.1').length - 1;
    await top.sees('4711.1', before + 1);
    top.child.stdin.write('q');
    expect((await top.ending).code).toBe(0);
  });
});
