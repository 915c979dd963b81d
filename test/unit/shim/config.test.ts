/** What the shim reads from its environment, and what it says of a value that is none. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ASAN_PROGRAMS, buildAsanPrograms, runAsanProgram } from './programs.js';

beforeAll(buildAsanPrograms, 150_000);

const RUNTIME = { XSCHED_RUNTIME_DIR: '/r' };

const DEFAULTS: Readonly<Record<string, string>> = {
  inert: '0',
  has_priority: '0',
  priority: '0',
  window: '8',
  latency_us: '-1',
  stream_priority: '-1',
  hardware_priority: '1',
  local_policy: '0',
  fail_closed: '0',
  gate_copies: '1',
  board: '1',
  gate_max_ms: '100',
  name: '',
  socket_path: '/r/agent.sock',
};

/** The settings that an environment makes, with the complaints about it, without their heads. */
function load(env: Readonly<Record<string, string>>, program = 'config_show') {
  const { status, stdout, stderr } = runAsanProgram(program, [], { env });
  expect(status, stderr).toBe(0);
  const settings = Object.fromEntries(
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  );
  const complaints = stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^xsched\[\d+\]: warning: /, ''));
  return { settings, complaints };
}

function makeFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-config-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

describe('the shim’s configuration', () => {
  it('has defaults', () => {
    expect(load(RUNTIME)).toEqual({ settings: DEFAULTS, complaints: [] });
  });

  it('takes empty values as missing', () => {
    const names = ['PRIORITY', 'WINDOW', 'STREAM_PRIORITY', 'GATE_MAX_MS', 'GATE_COPIES'];
    const more = [
      'FAIL',
      'BOARD',
      'NAME',
      'POLICY',
      'LOG',
      'LOG_FILE',
      'DISABLE',
      'AUTO_XQUEUE_PRIORITY',
    ];
    const env = Object.fromEntries([...names, ...more].map((name) => [`XSCHED_${name}`, '']));
    expect(load({ ...RUNTIME, ...env })).toEqual({ settings: DEFAULTS, complaints: [] });
  });

  it.each([
    ['XSCHED_PRIORITY', '-255', { has_priority: '1', priority: '-255' }],
    ['XSCHED_PRIORITY', '255', { has_priority: '1', priority: '255' }],
    ['XSCHED_PRIORITY', '+7', { has_priority: '1', priority: '7' }],
    ['XSCHED_PRIORITY', '0', { has_priority: '1' }],
    ['XSCHED_AUTO_XQUEUE_PRIORITY', '12', { has_priority: '1', priority: '12' }],
    ['XSCHED_PREEMPT_LATENCY_US', '0', { latency_us: '0' }],
    ['XSCHED_PREEMPT_LATENCY_US', '1000000', { latency_us: '1000000' }],
    ['XSCHED_WINDOW', '0', { window: '0' }],
    ['XSCHED_WINDOW', '1021', { window: '1021' }],
    ['XSCHED_STREAM_PRIORITY', '0', { stream_priority: '0' }],
    ['XSCHED_STREAM_PRIORITY', '1', { stream_priority: '1' }],
    ['XSCHED_GATE_MAX_MS', '0', { gate_max_ms: '0' }],
    ['XSCHED_GATE_MAX_MS', '1000000', { gate_max_ms: '1000000' }],
    ['XSCHED_HARDWARE_PRIORITY', '0', { hardware_priority: '0' }],
    ['XSCHED_GATE_COPIES', '0', { gate_copies: '0' }],
    ['XSCHED_BOARD', 'off', { board: '0' }],
    ['XSCHED_BOARD', 'on', {}],
    ['XSCHED_FAIL', 'closed', { fail_closed: '1' }],
    ['XSCHED_FAIL', 'open', {}],
    ['XSCHED_POLICY', 'HPF', { local_policy: '1' }],
    ['XSCHED_NAME', 'n'.repeat(256), { name: 'n'.repeat(256) }],
    ['XSCHED_DISABLE', '1', { inert: '1' }],
    ['XSCHED_DISABLE', 'yes', { inert: '1' }],
    ['XSCHED_DISABLE', '0', {}],
  ])('takes %s=%s', (name, value, changes) => {
    const { settings, complaints } = load({ ...RUNTIME, [name]: value });
    expect(settings).toEqual({ ...DEFAULTS, ...changes });
    expect(complaints).toEqual([]);
  });

  it.each([
    ['XSCHED_PRIORITY', '256', 'a whole number from -255 to 255'],
    ['XSCHED_PRIORITY', '-256', 'a whole number from -255 to 255'],
    ['XSCHED_PRIORITY', '1.5', 'a whole number from -255 to 255'],
    ['XSCHED_PRIORITY', '5 ', 'a whole number from -255 to 255'],
    ['XSCHED_PRIORITY', 'high', 'a whole number from -255 to 255'],
    ['XSCHED_PRIORITY', '-', 'a whole number from -255 to 255'],
    ['XSCHED_PRIORITY', '0x10', 'a whole number from -255 to 255'],
    ['XSCHED_PRIORITY', '99999999999999999999', 'a whole number from -255 to 255'],
    ['XSCHED_AUTO_XQUEUE_PRIORITY', '300', 'a whole number from -255 to 255'],
    ['XSCHED_WINDOW', '1022', 'a whole number from 0 to 1021'],
    ['XSCHED_WINDOW', '-1', 'a whole number from 0 to 1021'],
    ['XSCHED_STREAM_PRIORITY', '2', 'a whole number from 0 to 1'],
    ['XSCHED_GATE_MAX_MS', '1000001', 'a whole number from 0 to 1000000'],
    ['XSCHED_HARDWARE_PRIORITY', '2', 'a whole number from 0 to 1'],
    ['XSCHED_GATE_COPIES', 'no', 'a whole number from 0 to 1'],
    ['XSCHED_BOARD', 'none', 'on or off'],
    ['XSCHED_FAIL', 'shut', 'open or closed'],
    ['XSCHED_POLICY', 'EDF', 'HPF'],
    ['XSCHED_LOG', 'loud', 'error, warn, info or debug'],
  ])('ignores %s=%s and says what it expected', (name, value, expected) => {
    const { settings, complaints } = load({ ...RUNTIME, [name]: value });
    expect(settings).toEqual(DEFAULTS);
    expect(complaints).toEqual([`${name} is '${value}', expected ${expected}; ignored`]);
  });

  it('prefers its own priority to that of XSched', () => {
    const env = { ...RUNTIME, XSCHED_PRIORITY: '3', XSCHED_AUTO_XQUEUE_PRIORITY: '4' };
    expect(load(env).settings).toMatchObject({ priority: '3' });
  });

  it('cuts a long value in its complaint', () => {
    const { complaints } = load({ ...RUNTIME, XSCHED_PRIORITY: 'p'.repeat(5000) });
    expect(complaints).toEqual([
      `XSCHED_PRIORITY is '${'p'.repeat(64)}', expected a whole number from -255 to 255; ignored`,
    ]);
  });

  it('names the limit of a name', () => {
    const { settings, complaints } = load({ ...RUNTIME, XSCHED_NAME: 'n'.repeat(257) });
    expect(settings).toEqual(DEFAULTS);
    expect(complaints).toEqual(['XSCHED_NAME has 257 bytes, the limit is 256; ignored']);
  });

  it('names the limit of a socket path, and has no daemon where it does not fit', () => {
    const fitting = `/${'d'.repeat(107 - '/agent.sock'.length - 1)}`;
    expect(load({ XSCHED_RUNTIME_DIR: fitting })).toEqual({
      settings: { ...DEFAULTS, socket_path: `${fitting}/agent.sock` },
      complaints: [],
    });
    for (const folder of [`${fitting}d`, `/${'d'.repeat(300)}`, `/${'d'.repeat(8000)}`]) {
      expect(load({ XSCHED_RUNTIME_DIR: folder })).toEqual({
        settings: { ...DEFAULTS, socket_path: '' },
        complaints: [
          `the socket path under '${folder.slice(0, 200)}' is over the limit of 107 bytes; ` +
            'no daemon can be reached',
        ],
      });
    }
  });

  it('is quiet at a lower level', () => {
    const env = { ...RUNTIME, XSCHED_LOG: 'error', XSCHED_PRIORITY: 'high' };
    expect(load(env)).toEqual({ settings: DEFAULTS, complaints: [] });
  });

  it('writes its complaints to a file when told so, a line each', () => {
    const log = path.join(makeFolder(), 'log');
    const env = { ...RUNTIME, XSCHED_LOG_FILE: log, XSCHED_PRIORITY: 'high', XSCHED_WINDOW: 'x' };
    expect(load(env)).toEqual({ settings: DEFAULTS, complaints: [] });
    expect(fs.readFileSync(log, 'utf8')).toMatch(
      /^xsched\[\d+\]: warning: XSCHED_PRIORITY is .*\nxsched\[\d+\]: warning: XSCHED_WINDOW .*\n$/,
    );
  });

  it.each([
    ['gdb', '1'],
    ['cuda-gdb', '1'],
    ['cuda-gdbserver', '1'],
    ['nvidia-cuda-mps-server', '1'],
    ['nvidia-cuda-mps-control', '1'],
    ['gdbx', '0'],
    ['nvidia-smi', '0'],
  ])('in a program called %s is inert: %s', (name, inert) => {
    const folder = makeFolder();
    fs.copyFileSync(path.join(ASAN_PROGRAMS, 'config_show'), path.join(folder, name));
    const program = path.relative(ASAN_PROGRAMS, path.join(folder, name));
    expect(load(RUNTIME, program).settings).toMatchObject({ inert });
  });
});
