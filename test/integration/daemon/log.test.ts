/** The log of the program xschedd, when nobody takes it and when a program's name is hostile. */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeRegister } from '../../samples/messages.js';
import { makeHello } from './agent-client.js';
import { makeFolder, openClient, PROGRAM, Program, spawnDaemon } from './harness.js';

/** A client whose HELLO makes the daemon log something, and that is served. */
async function checkServed(runtimeDir: string): Promise<void> {
  const client = openClient(runtimeDir);
  client.sendRaw(Buffer.of(5));
  await client.next('ERROR');
  client.send(makeHello());
  await client.next('WELCOME');
  client.send(makeRegister());
  await client.next('PERMIT');
  client.close();
}

function startUnder(script: string, runtimeDir: string): Program {
  const command = [process.execPath, PROGRAM, '--runtime-dir', runtimeDir, '--log-level', 'debug'];
  return new Program('sh', ['-c', script, 'sh', ...command]);
}

async function untilBound(runtimeDir: string): Promise<void> {
  const sockets = ['agent.sock', 'control.sock'].map((name) => path.join(runtimeDir, name));
  await expect
    .poll(() => sockets.every((socket) => fs.existsSync(socket)), { timeout: 20_000 })
    .toBe(true);
}

describe('a log that cannot be written', () => {
  it('does not end the daemon when its reader has left', async () => {
    const folder = makeFolder();
    const daemon = startUnder('"$@" 2>&1 | head -n 1', folder);
    await daemon.line('serves');
    await checkServed(folder);
    await checkServed(folder);
    const holder = Number(fs.readFileSync(path.join(folder, 'xschedd.lock'), 'utf8'));
    process.kill(holder, 'SIGTERM');
    await daemon.ended;
    expect(fs.existsSync(path.join(folder, 'agent.sock'))).toBe(false);
  });

  it('does not end the daemon when the disk is full', async () => {
    const folder = makeFolder();
    const daemon = startUnder('exec "$@" 2>/dev/full', folder);
    await untilBound(folder);
    await checkServed(folder);
    daemon.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });
});

describe('a log that nobody reads', () => {
  it('is not waited for at the end', async () => {
    const folder = makeFolder();
    const fifo = path.join(folder, 'log');
    execFileSync('mkfifo', [fifo]);
    const fd = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    // Full, so that nothing of the daemon's fits.
    const noise = Buffer.alloc(4096, '\n');
    const fill = () => {
      try {
        return fs.writeSync(fd, noise) > 0;
      } catch {
        return false;
      }
    };
    while (fill());
    const daemon = spawn(process.execPath, [PROGRAM, '--runtime-dir', folder], {
      stdio: ['ignore', 'ignore', fd],
    });
    onTestFinished(() => {
      daemon.kill('SIGKILL');
      fs.closeSync(fd);
    });
    await untilBound(folder);
    await checkServed(folder);
    const begin = performance.now();
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(performance.now() - begin).toBeLessThan(3000);
    expect(fs.existsSync(path.join(folder, 'agent.sock'))).toBe(false);
  });
});

describe('the name of a program', () => {
  it('cannot forge lines of the log, nor reach the terminal', async () => {
    const folder = makeFolder();
    const daemon = spawnDaemon(['--runtime-dir', folder, '--log-format', 'human']);
    await daemon.line('serves');
    const client = openClient(folder);
    client.send(makeHello({ name: 'a\n2026-01-01 error forged\u001b[2J\u202e' }));
    await client.next('WELCOME');
    client.send(makeRegister());
    client.send({ type: 'BYE' });
    const line = await daemon.line('forged');
    expect(line).toContain("'a\\n2026-01-01 error forged\\x1b[2J\\u202e'");
    expect(daemon.lines.every((text) => /^\d{4}-\d\d-\d\d \d\d:\d\d:/.test(text))).toBe(true);
  });
});
