/** The daemon's folder, with things in it that somebody else has put there. */
import fs from 'node:fs';
import path from 'node:path';
import { createLogger } from 'winston';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../daemon/config/load.js';
import { startDaemon } from '../../../daemon/daemon.js';
import { RuntimeDirError } from '../../../daemon/runtime-dir.js';
import { makeFolder, runDaemon } from './harness.js';

describe('a folder that others may write to', () => {
  it('makes the daemon write to no file but its own', async () => {
    const runtimeDir = makeFolder();
    const victim = path.join(makeFolder(), 'victim');
    fs.writeFileSync(victim, 'precious\n');
    fs.symlinkSync(victim, path.join(runtimeDir, 'generation.new'));
    const daemon = await runDaemon({ runtimeDir });
    expect(fs.readFileSync(victim, 'utf8')).toBe('precious\n');
    expect(daemon.generation).toBe(1);
    expect(fs.readFileSync(path.join(runtimeDir, 'generation'), 'utf8')).toBe('1\n');
    expect(fs.lstatSync(path.join(runtimeDir, 'generation')).isFile()).toBe(true);
  });
});

describe('a socket that cannot be bound', () => {
  it('is named, with the reason, and the folder is given back', async () => {
    const runtimeDir = makeFolder();
    const log = createLogger({ silent: true });
    const config = parseConfig('', 'test.yaml');
    const socket = path.join(runtimeDir, 'agent.sock');
    const starting = startDaemon({ runtimeDir, config, log });
    // The folder has been taken and cleared by now; the sockets are bound later.
    fs.mkdirSync(socket);
    const error = await starting.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(RuntimeDirError);
    expect((error as Error).message).toBe(`cannot bind ${socket}: Address already in use`);
    fs.rmdirSync(socket);
    await runDaemon({ runtimeDir });
  });
});
