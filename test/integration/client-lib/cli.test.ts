/** Every command that asks the daemon, against answers that the test chooses. */
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../protocol/messages.js';
import type { ControlUp } from '../../../protocol/generated/messages.js';
import { sampleCalls, sampleQueue, sampleStatus } from '../../unit/client-lib/samples.js';
import { agree, FakeDaemon, removeRuntimeDirs } from './fake-daemon.js';
import { commandEnvironment, Running, xsched, XSCHED } from './xsched.js';
import type { Ending } from './xsched.js';

let daemon: FakeDaemon;
const high = sampleQueue({
  ...{ id: '4711.1', label: 'bert-high', priority: 10, source: 'rule', state: 'running' },
  ...{ submitted: 12_345, waitedNs: 5e6 },
});
const low = sampleQueue({
  ...{ id: '4712.1', pid: 4712, name: 'train', command: 'python train.py', state: 'suspended' },
  ...{ reason: 'suspended: 4711.1 bert-high (priority 10) is ready', window: 8 },
});

beforeEach(async () => {
  daemon = await FakeDaemon.start((message) =>
    message.type === 'LIST'
      ? { type: 'LIST_REPLY', request: message.request, queues: [low, high] }
      : agree(message),
  );
});
afterEach(() => {
  Running.killAll();
  daemon.stop();
  removeRuntimeDirs();
});

function ask(...args: readonly string[]): Promise<Ending> {
  return xsched(args, { env: { XSCHED_RUNTIME_DIR: daemon.runtimeDir } });
}

function lastRequest(): ControlUp | undefined {
  return daemon.requests.at(-1);
}

describe('xsched ps', () => {
  it('shows who they are, what they have and why they wait', async () => {
    const { code, stdout, stderr } = await ask('ps');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [titles, first, second] = stdout.split('\n');
    expect(titles).toMatch(/^QUEUE +PID +NAME +MODEL +PRIORITY +FROM +STATE/);
    expect(first).toMatch(/^4711\.1 +4711 +serve +bert-high +10 +rule +running +12\.3k +5\.00 ms/);
    expect(second).toMatch(
      /4712\.1 .* 4711\.1 bert-high \(priority 10\) is ready +python train\.py/,
    );
  });

  it('shows every column with --all and the same as JSON', async () => {
    expect((await ask('ps', '--all')).stdout).toContain('/usr/bin/serve');
    expect(JSON.parse((await ask('ps', '--json')).stdout)).toEqual([high, low]);
  });

  it('says that there are none', async () => {
    daemon.answer = agree;
    expect((await ask('ps')).stdout).toBe('no queues\n');
    expect((await ask('ps', '--json')).stdout).toBe('[]\n');
  });

  it('shows with --calls what the driver was called for', async () => {
    const known = sampleCalls({ passed: 10 });
    const unknown = sampleCalls({ name: 'serve\x1b[2J', function: 'cuFooAsync', unknown: 12 });
    daemon.answer = (message) =>
      message.type === 'CALLS_LIST'
        ? { type: 'CALLS_REPLY', request: message.request, calls: [known, unknown] }
        : agree(message);
    const { code, stdout, stderr } = await ask('ps', '--calls');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [titles, first, second] = stdout.split('\n');
    expect(titles).toMatch(/^ PID +NAME +FUNCTION +PASSED +GATED +BYPASSED +CAPTURED +UNKNOWN$/);
    expect(first).toMatch(/^4711 +serve\\x1b\[2J +cuFooAsync +0 +0 +0 +0 +12$/);
    expect(second).toMatch(/^4711 +serve +cuLaunchKernel +10 +0 +0 +0 +0$/);
    expect((await ask('ps', '--calls', '--all')).stdout).toBe(stdout);
    expect(JSON.parse((await ask('ps', '--calls', '--json')).stdout)).toEqual([unknown, known]);
  });

  it('says that nothing was called', async () => {
    expect((await ask('ps', '--calls')).stdout).toBe('no calls\n');
    expect((await ask('ps', '--calls', '--json')).stdout).toBe('[]\n');
  });

  it('is silent when its reader leaves', () => {
    const queues = Array.from({ length: 5000 }, (_, index) =>
      sampleQueue({ id: `1.${String(index)}` }),
    );
    daemon.answer = (message) =>
      message.type === 'LIST'
        ? { type: 'LIST_REPLY', request: message.request, queues }
        : agree(message);
    const running = new Running(
      ['-c', '"$0" "$1" ps | head -1; echo "codes ${PIPESTATUS[*]}"', process.execPath, XSCHED],
      { XSCHED_RUNTIME_DIR: daemon.runtimeDir },
      'bash',
    );
    return expect(running.ending).resolves.toMatchObject({
      stdout: expect.stringMatching(/^QUEUE.*\ncodes 0 0\n$/) as string,
      stderr: '',
    });
  });
});

describe('xsched set', () => {
  it('sends what was typed and says whom it touched', async () => {
    const { code, stdout } = await ask('set', 'model=bert-high', 'priority', '-5');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'model=bert-high: priority -5 for 1 queue (4711.1)\n',
    });
    expect(lastRequest()).toMatchObject({ target: 'model=bert-high', value: -5, clear: false });
  });

  it('takes a priority back', async () => {
    const { stdout } = await ask('set', '4711', 'priority', 'default', '--json');
    expect(JSON.parse(stdout)).toEqual({ target: '4711', priority: 'default', queues: ['4711.1'] });
    expect(lastRequest()).toMatchObject({ target: '4711', clear: true });
  });

  it('sets how long work may keep others waiting', async () => {
    const { stdout } = await ask('set', '4711', 'latency', '150', '--json');
    expect(JSON.parse(stdout)).toEqual({ target: '4711', latency: 150, queues: ['4711.1'] });
    const sent = { target: '4711', hint: 'latency', value: 150, clear: false };
    expect(lastRequest()).toMatchObject(sent);
  });

  it('is 4 where nothing matches', async () => {
    daemon.answer = (message) =>
      message.type === 'HINT'
        ? {
            ...{ type: 'CONTROL_ERROR', request: message.request, code: ERROR_CODES.NOT_FOUND },
            message: 'process 99 is not registered',
          }
        : agree(message);
    const { code, stderr } = await ask('set', '99', 'priority', '5');
    expect({ code, stderr }).toEqual({ code: 4, stderr: 'xsched: process 99 is not registered\n' });
  });

  it('is 4 where the value waits for queues yet to come, and says so', async () => {
    daemon.answer = (message) =>
      message.type === 'HINT'
        ? { type: 'HINT_REPLY', request: message.request, queues: [] }
        : agree(message);
    const { code, stdout } = await ask('set', 'name=later', 'priority', '5');
    expect(code).toBe(4);
    expect(stdout).toContain('no queue matches now; priority 5 is kept for those to come');
    expect((await ask('set', 'name=later', 'priority', 'default')).code).toBe(0);
  });

  it.each([
    [['set', 'x', 'priority', '300'], /'300' is invalid.*-255 to 255, or 'default'/],
    [['set', 'x', 'deadline', '3'], /'deadline' is invalid.*priority, latency/],
    [['set', 'x', 'latency', '1000001'], /'1000001' is invalid.*0 to 1000000, or 'default'/],
    [['set', '', 'priority', '3'], /'' is invalid.*must not be empty/],
    [['set', 'x', 'priority'], /missing required argument 'value'/],
    [['set', 'x', 'priority', '3', '4'], /too many arguments/],
    [['policy', ''], /'' is invalid.*must not be empty/],
    [['top', '--interval', '5'], /'5' is invalid.*from 100 to 3600000/],
    [['bogus'], /unknown command 'bogus'/],
  ])('is 2 for %j, and the daemon hears nothing', async (args, message) => {
    const { code, stdout, stderr } = await ask(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(daemon.requests).toEqual([]);
  });
});

describe('the other commands', () => {
  it('status', async () => {
    const { stdout } = await ask('status');
    expect(stdout).toMatch(/^daemon +xschedd 0\.1\.0, pid 4000\nscheduling +on\npolicy +HPF\n/);
    expect(stdout).toMatch(/^unknown calls +none$/m);
    expect(JSON.parse((await ask('status', '--json')).stdout)).toEqual(sampleStatus());
  });

  it('status shows where to look for calls that the shims do not know', async () => {
    const status = sampleStatus({ unknownCalls: 12 });
    daemon.answer = ({ request }) => ({ type: 'STATUS_REPLY', request, status });
    expect((await ask('status')).stdout).toMatch(/^unknown calls +12 \(xsched ps --calls\)$/m);
    expect(JSON.parse((await ask('status', '--json')).stdout)).toEqual(status);
  });

  it('policy', async () => {
    expect((await ask('policy')).stdout).toBe('* HPF  in force\n');
    expect(lastRequest()).toMatchObject({ type: 'POLICY', name: '' });
    const { stdout } = await ask('policy', 'HPF', '--json');
    expect(JSON.parse(stdout)).toEqual({ name: 'HPF', available: ['HPF'] });
    expect(lastRequest()).toMatchObject({ type: 'POLICY', name: 'HPF' });
  });

  it('off and on', async () => {
    expect((await ask('off')).stdout).toBe('scheduling is off: every launch passes\n');
    expect((await ask('on')).stdout).toBe('scheduling is on\n');
    expect((await ask('off', '--json')).stdout).toBe('{"enabled":false}\n');
  });

  it('top --once shows what happened in one interval', async () => {
    let lists = 0;
    daemon.answer = (message) => {
      if (message.type !== 'LIST') return agree(message);
      lists += 1;
      const queues = [{ ...high, submitted: lists * 1_000_000 }];
      return { type: 'LIST_REPLY', request: message.request, queues };
    };
    const { code, stdout } = await ask('top', '--once', '--json', '--interval', '100');
    expect({ code, lists }).toEqual({ code: 0, lists: 2 });
    const { queues } = JSON.parse(stdout) as { queues: { rates: { launchesPerSecond: number } }[] };
    const rate = queues[0]?.rates.launchesPerSecond ?? 0;
    expect(rate).toBeGreaterThan(0);
    expect(rate).toBeLessThanOrEqual(1_000_000 / 0.099);
    expect((await ask('top', '--once', '--interval', '100')).stdout).toContain('GPU-1 1 queue');
  });

  it('top repeats its table where it is no terminal, until the daemon goes away', async () => {
    const env = { XSCHED_RUNTIME_DIR: daemon.runtimeDir };
    const top = new Running(['top', '--interval', '100'], env);
    await top.sees('QUEUE', 3);
    daemon.stop();
    const { code, stdout, stderr } = await top.ending;
    expect(code).toBe(3);
    expect(stderr).toContain(`no daemon in ${daemon.runtimeDir}`);
    expect(stdout).not.toContain('\x1b');
  });

  it('events writes what happens, and ends with the daemon', async () => {
    const events = new Running(['events', '--json'], { XSCHED_RUNTIME_DIR: daemon.runtimeDir });
    const subscribed = (): boolean => daemon.requests.some((one) => one.type === 'SUBSCRIBE');
    await expect.poll(subscribed, { timeout: 10_000 }).toBe(true);
    const event = { timeMs: 5, kind: 'hint', id: '4711.1', text: 'a\x1b[31m' };
    await daemon.broadcast({ type: 'EVENT', ...event });
    await events.sees('4711.1');
    expect(JSON.parse(events.stdout)).toEqual(event);
    daemon.stop();
    expect((await events.ending).code).toBe(3);
  });
});

describe('without a daemon', () => {
  it.each(['ps', 'top', 'status', 'policy', 'on', 'off', 'events'])('%s is 3', async (command) => {
    const { code, stdout, stderr } = await xsched([command, '--runtime-dir', '/no/where']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toBe(
      'xsched: no daemon in /no/where: there is no control.sock\n' +
        'Start it with xschedd, or name its folder with --runtime-dir.\n',
    );
  });

  it('takes --runtime-dir before the command too', async () => {
    const { stderr } = await xsched(['--runtime-dir', '/no/where', 'ps']);
    expect(stderr).toContain('no daemon in /no/where');
  });
});

describe('when the daemon refuses', () => {
  it('is 1, with its words made printable', async () => {
    daemon.answer = (message) =>
      message.type === 'ENABLE'
        ? {
            ...{ type: 'CONTROL_ERROR', request: message.request, code: ERROR_CODES.FORBIDDEN },
            message: 'user 7 may not\x1b[2J',
          }
        : agree(message);
    const { code, stderr } = await ask('off');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'xsched: user 7 may not\\x1b[2J\n' });
  });
});

it('loads neither zeromq nor the codec to run a program', () => {
  const { stdout, status } = spawnSync(
    'bash',
    ['-c', '"$0" "$1" run -- cat "/proc/$$/maps"', process.execPath, XSCHED],
    {
      env: commandEnvironment(),
      encoding: 'utf8',
    },
  );
  expect(status).toBe(0);
  expect(stdout).not.toContain('zeromq');
});

it.each([
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['help', 'frobnicate'], "unknown command 'frobnicate'"],
  [['ps', '-x'], "unknown option '-x'"],
  [['run', '-p'], "option '-p, --priority <n>' argument missing"],
])('%j is 2, and says so as all messages do', async (args, message) => {
  const { code, stdout, stderr } = await xsched(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^xsched: .*\nAdd --help to see how it's used\.\n$/);
  expect(stderr).toContain(message);
});

it('helps with a command by its name', async () => {
  const [byName, byOption] = await Promise.all([xsched(['help', 'set']), xsched(['set', '-h'])]);
  expect(byName).toEqual(byOption);
  expect((await xsched(['help'])).stdout).toBe((await xsched(['-h'])).stdout);
});

it('writes its help and its version on standard output', async () => {
  const help = await xsched(['--help']);
  expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: '' });
  expect(help.stdout).toContain('Examples:');
  expect((await xsched(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const bare = await xsched([]);
  expect({ code: bare.code, stdout: bare.stdout }).toEqual({ code: 2, stdout: '' });
  expect(bare.stderr).toContain('Usage: xsched');
});
