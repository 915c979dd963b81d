/** What happens on a terminal, which script(1) of util-linux provides. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textWidth } from '../../../client-lib/cli/text.js';
import { ERROR_CODES } from '../../../protocol/messages.js';
import { sampleQueue, widelyNamedQueues } from '../../unit/client-lib/samples.js';
import { agree, FakeDaemon, removeRuntimeDirs } from './fake-daemon.js';
import type { Answer } from './fake-daemon.js';
import { Running, XSCHED } from './xsched.js';

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';
const ALTERNATE_SCREEN = '\x1b[?1049h';
const NORMAL_SCREEN = '\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_BELOW = '\x1b[J';

/** Runs a shell command on a terminal; its keyboard is child.stdin. */
function onTerminal(
  command: string,
  env: Readonly<NodeJS.ProcessEnv> = {},
  { columns, rows } = { columns: 80, rows: 24 },
): Running {
  const script = `stty cols ${String(columns)} rows ${String(rows)}; ${command}`;
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
    // What is typed before bash has set up the terminal for it would be lost.
    const program =
      "process.on('SIGCONT', () => console.log('goes' + ' on'));" +
      "process.stdin.on('data', (line) => { console.log('read ' + line); process.exit(0); });" +
      "console.log('re' + 'ady');";
    type(`"$NODE" "$XSCHED" run -- "$NODE" -e "${program}"\n`);
    await running.sees('ready');
    type(CTRL_Z);
    await running.sees('Stopped');
    type('fg\n');
    await running.sees('goes on');
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

/** The lines on a terminal, without colours and other things that a terminal obeys. */
function plainLines(text: string): readonly string[] {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\x1b\[[?\d;]*[A-Za-z]/g, '').split('\r\n');
}

describe('xsched ps', () => {
  afterEach(removeRuntimeDirs);

  it.each([0, 40, 60, 80, 120])('fits a terminal of %i columns', async (columns) => {
    const daemon = await FakeDaemon.start((message) =>
      message.type === 'LIST'
        ? { type: 'LIST_REPLY', request: message.request, queues: widelyNamedQueues() }
        : agree(message),
    );
    const env = { XSCHED_RUNTIME_DIR: daemon.runtimeDir };
    const { stdout } = await onTerminal('"$NODE" "$XSCHED" ps', env, { columns, rows: 24 }).ending;
    daemon.stop();
    const lines = plainLines(stdout);
    expect(lines).toHaveLength(4);
    const widest = Math.max(...lines.map(textWidth));
    // A terminal of no columns is one that was never told its size.
    if (columns === 0) expect(widest).toBeGreaterThan(200);
    else expect(widest).toBeLessThanOrEqual(columns);
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

  it.each([
    [40, 24],
    [80, 24],
    [57, 5],
    [80, 1],
  ])('draws no more than fits %i columns and %i rows', async (columns, rows) => {
    const env = { XSCHED_RUNTIME_DIR: daemon.runtimeDir };
    const size = { columns, rows };
    const top = onTerminal('"$NODE" "$XSCHED" top -i 100', env, size);
    await top.sees(HOME, 3);
    top.child.stdin.write('q');
    const { stdout } = await top.ending;
    const [, screen = ''] = stdout.split(HOME);
    const lines = plainLines(screen.split(CLEAR_BELOW)[0]?.replace(/\r\n$/, '') ?? '');
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(columns);
    // What is cleared behind a line that fills the terminal takes its last letter.
    expect(screen.replaceAll('\x1b[K', '\0')).not.toMatch(/[^\n]\0/);
  });

  it('draws anew when the terminal has another size', async () => {
    const env = { XSCHED_RUNTIME_DIR: daemon.runtimeDir };
    const top = onTerminal('tty; "$NODE" "$XSCHED" top -i 3600000', env);
    await top.sees('4711.1');
    const terminal = /\/dev\/\S+/.exec(top.stdout)?.[0] ?? '';
    for (const columns of ['50', '70']) {
      const before = top.stdout.split(HOME).length - 1;
      expect(spawnSync('stty', ['-F', terminal, 'cols', columns]).status).toBe(0);
      await top.sees(HOME, before + 1);
      const [title = ''] = plainLines(top.stdout.split(HOME).at(-1) ?? '');
      expect(textWidth(title)).toBe(Number(columns));
    }
    top.child.stdin.write('q');
    expect((await top.ending).code).toBe(0);
  });

  it('quits at once while the daemon keeps an answer waiting', async () => {
    const top = startTop();
    await top.sees('4711.1', 2);
    daemon.answer = () => undefined;
    const asked = daemon.requests.length;
    await expect.poll(() => daemon.requests.length).toBeGreaterThan(asked);
    top.child.stdin.write('q');
    const { code, stdout } = await top.ending;
    expect(code).toBe(0);
    expect(stdout).not.toContain('nobody answered');
  });

  it('quits at once while it waits for a daemon that is silent', async () => {
    const top = startTop();
    await top.sees('4711.1');
    daemon.answer = () => undefined;
    await top.sees('nobody answered within 2000 ms');
    const asked = daemon.requests.length;
    await expect.poll(() => daemon.requests.length, { timeout: 5000 }).toBeGreaterThan(asked);
    const frames = top.stdout.split(HOME).length;
    top.child.stdin.write('q');
    const { code, stdout } = await top.ending;
    expect(code).toBe(0);
    expect(stdout.split(HOME)).toHaveLength(frames);
  });

  it('goes on when a daemon refuses for a while', async () => {
    const top = startTop();
    await top.sees('4711.1');
    daemon.answer = (message) => ({
      ...{ type: 'CONTROL_ERROR', request: message.request, code: ERROR_CODES.LIMIT },
      message: 'too much is asked',
    });
    await top.sees('too much is asked');
    daemon.answer = withQueues;
    const before = top.stdout.split('4711.1').length - 1;
    await top.sees('4711.1', before + 1);
    top.child.stdin.write('q');
    expect((await top.ending).code).toBe(0);
  });

  it('takes no keys from elsewhere than a keyboard', async () => {
    const top = startTop('<<< q');
    await top.sees('4711.1', 3);
    top.child.stdin.write(CTRL_C);
    expect((await top.ending).stdout.endsWith(NORMAL_SCREEN)).toBe(true);
  });

  it('stops with Ctrl-Z together with who started it, and goes on in the foreground', async () => {
    const running = onTerminal('bash --norc -i', { XSCHED_RUNTIME_DIR: daemon.runtimeDir });
    const type = (text: string): void => {
      running.child.stdin.write(text);
    };
    type(`sh -c '"$NODE" "$XSCHED" top -i 100; echo "le""ft"'\n`);
    await running.sees('4711.1');
    type(CTRL_Z);
    await running.sees('Stopped');
    expect(running.stdout.lastIndexOf(NORMAL_SCREEN)).toBeLessThan(
      running.stdout.lastIndexOf('Stopped'),
    );
    const before = running.stdout.split('4711.1').length - 1;
    type('fg\n');
    await running.sees('4711.1', before + 2);
    type('q');
    await running.sees('left');
    type('exit 3\n');
    expect((await running.ending).code).toBe(3);
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

// What cat says of a terminal that is gone depends on when it looks.
it.each([
  ['top -i 100', '1', /^xsched: cannot write: .*EIO/],
  [`run -- sh -c 'trap "" HUP; echo 4711.1; cat 2>&-; exit 5'`, '5', /^$/],
])('ends in order when its terminal is closed: %s', async (args, code, message) => {
  const daemon = await FakeDaemon.start((request) =>
    request.type === 'LIST'
      ? { type: 'LIST_REPLY', request: request.request, queues: [sampleQueue()] }
      : agree(request),
  );
  const folder = daemon.runtimeDir;
  const command = `"$NODE" "$XSCHED" ${args} 2>${folder}/stderr; echo $? >${folder}/code`;
  const running = onTerminal(`trap "" HUP; ${command}`, { XSCHED_RUNTIME_DIR: folder });
  await running.sees('4711.1');
  running.child.kill('SIGKILL');
  const readCode = (): string => fs.readFileSync(`${folder}/code`, 'utf8').trim();
  await expect.poll(() => fs.existsSync(`${folder}/code`) && readCode()).toBe(code);
  expect(fs.readFileSync(`${folder}/stderr`, 'utf8')).toMatch(message);
  daemon.stop();
  removeRuntimeDirs();
});
