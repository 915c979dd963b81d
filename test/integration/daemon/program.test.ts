/** The program xschedd: options, signals, exit codes, and its life after a kill. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRegister } from '../../samples/messages.js';
import { makeHello } from './agent-client.js';
import { helperPath, makeFolder, openClient, Program, spawnDaemon } from './harness.js';

async function serve(runtimeDir: string, ...args: readonly string[]): Promise<Program> {
  const daemon = spawnDaemon(['--runtime-dir', runtimeDir, '--log-format', 'human', ...args]);
  await daemon.line(`serves ${runtimeDir}`);
  return daemon;
}

describe('xschedd', () => {
  it('holds its folder alone, and says who does', async () => {
    const folder = path.join(makeFolder(), 'a/b');
    const first = await serve(folder);
    const second = spawnDaemon(['--runtime-dir', folder]);
    expect(await second.ended).toBe(3);
    expect(second.lines).toEqual([
      `xschedd: another xschedd (pid ${String(first.pid)}) holds ${folder}`,
    ]);
    // The first one has not noticed.
    const client = openClient(folder);
    client.send(makeHello());
    await client.next('WELCOME');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('resumes everybody on %s', async (signal) => {
    const folder = path.join(makeFolder(), 'run');
    const daemon = await serve(folder);
    const low = openClient(folder, { comesBack: true });
    low.send(makeHello({ hasPriority: true, priority: -1 }));
    low.send(makeRegister({ device: 'GPU-raw', ready: true }));
    await low.next('PERMIT');
    const high = new Program('python3', [helperPath('raw_agent.py'), `${folder}/agent.sock`, '1']);
    await high.line('registered');
    high.write('ready\n');
    await low.next('SUSPEND');
    daemon.kill(signal);
    expect(await low.next('PERMIT')).toMatchObject({ window: 0, enabled: true });
    expect(await daemon.ended).toBe(0);
    // The board stays, for the next daemon and for those who have it mapped.
    const left = ['board-1', 'generation', 'ready-1', 'xschedd.lock'];
    expect(fs.readdirSync(folder).sort()).toEqual(left);
  });

  it('comes back after kill -9 in the same folder, one generation later', async () => {
    const folder = makeFolder();
    const first = await serve(folder);
    const client = openClient(folder);
    client.send(makeHello());
    expect(await client.next('WELCOME')).toMatchObject({ generation: 1 });
    first.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    await client.disconnected;
    expect(fs.existsSync(path.join(folder, 'agent.sock'))).toBe(true);
    await serve(folder);
    const again = openClient(folder);
    again.send(makeHello());
    expect(await again.next('WELCOME')).toMatchObject({ generation: 2 });
  });

  it('opens its sockets to its group and to nobody else', async () => {
    const folder = path.join(makeFolder(), 'run');
    await serve(folder);
    const mode = (name: string) => (fs.statSync(path.join(folder, name)).mode & 0o777).toString(8);
    expect([mode(''), mode('agent.sock'), mode('control.sock')]).toEqual(['750', '660', '660']);
  });

  it('logs as JSON where nobody watches', async () => {
    const folder = makeFolder();
    const daemon = spawnDaemon(['--runtime-dir', folder, '--log-level', 'debug']);
    const line = JSON.parse(await daemon.line('serves')) as Record<string, unknown>;
    expect(line['level']).toBe('info');
    expect(line['message']).toContain(`serves ${folder}`);
    expect(Date.parse(String(line['timestamp']))).not.toBeNaN();
  });

  it('tells the service manager', async () => {
    const folder = makeFolder();
    const address = path.join(folder, 'notify');
    const script = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(receiver.recv(4096).decode(), flush=True)
`;
    const manager = new Program('python3', ['-c', script, address]);
    await manager.line('bound');
    const daemon = spawnDaemon(['--runtime-dir', folder], { NOTIFY_SOCKET: address });
    await manager.line('READY=1');
    await manager.line('STATUS=serving 0 processes with 0 queues; policy HPF');
    daemon.kill('SIGTERM');
    await manager.line('STOPPING=1');
    expect(await daemon.ended).toBe(0);
  });

  it.each([
    [['--no-such-option'], 2, /unknown option '--no-such-option'/],
    [['--log-level', 'loud'], 2, /Allowed choices are error, warn, info, debug/],
    [['surplus'], 2, /too many arguments/],
    [['--version'], 0, /^\d+\.\d+\.\d+$/],
    [['--help'], 0, /Exit codes: 0 /],
    [['--config', '/nowhere.yaml'], 2, /^xschedd: cannot read the configuration \/nowhere\.yaml: /],
    [['--runtime-dir', `/tmp/${'x'.repeat(100)}`], 1, /has 116 bytes, at most 107 are possible/],
    [
      ['--runtime-dir', '/dev/null/x'],
      1,
      /^xschedd: cannot make the runtime directory \/dev\/null/,
    ],
    [['--runtime-dir', '/dev/null'], 1, /^xschedd: cannot make the runtime directory \/dev\/null/],
  ] as const)('%j ends with %i', async (args, code, text) => {
    const daemon = spawnDaemon(args);
    expect(await daemon.ended).toBe(code);
    expect(daemon.lines.join('\n')).toMatch(new RegExp(text.source, 'm'));
  });

  it('checks a configuration without serving', async () => {
    const folder = makeFolder();
    const file = path.join(folder, 'xschedd.yaml');
    const check = async (text: string) => {
      fs.writeFileSync(file, text);
      const daemon = spawnDaemon(['--check-config', '--config', file]);
      return { code: await daemon.ended, lines: daemon.lines };
    };
    expect(await check('window: 4\n')).toEqual({
      code: 0,
      lines: [`${file}: the configuration is fine`],
    });
    expect(await check('\nwindow: 5000\n')).toEqual({
      code: 2,
      lines: [`xschedd: ${file}:2: window must be at most 1021, received 5000`],
    });
  });

  it('finds its folder by the environment', async () => {
    const folder = makeFolder();
    const named = (name: string) => path.join(folder, name);
    const places = { XDG_RUNTIME_DIR: named('xdg'), RUNTIME_DIRECTORY: `${named('unit')}:/other` };
    await spawnDaemon([], { ...places, XSCHED_RUNTIME_DIR: named('own') }).line(
      `serves ${named('own')}`,
    );
    await spawnDaemon([], places).line(`serves ${named('unit')}`);
  });
});
