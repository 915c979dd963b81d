import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockFile } from '../../../native/index.js';
import {
  catchError,
  makeFolder,
  readLine,
  startProgram,
  startScript,
  startSleeper,
} from './programs.js';

describe('lockFile', () => {
  it('writes its process id into the file, over what was there', () => {
    const file = path.join(makeFolder(), 'lock');
    fs.writeFileSync(file, 'something longer than any process id\n');
    const lock = lockFile(file);
    expect(fs.readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
    lock.release();
  });

  it('says who holds it', async () => {
    const file = path.join(makeFolder(), 'lock');
    const holder = startScript(`
      new addon.FileLock(${JSON.stringify(file)});
      console.log('locked');
      setInterval(() => {}, 1000);`);
    await readLine(holder);
    expect(catchError(() => lockFile(file))).toMatchObject({
      name: 'Error',
      code: 'ELOCKED',
      path: file,
      pid: holder.pid,
      message: `cannot lock ${file}: process ${holder.pid} holds it`,
    });
  });

  it('is free again when its holder is killed', async () => {
    const file = path.join(makeFolder(), 'lock');
    const holder = startScript(`
      new addon.FileLock(${JSON.stringify(file)});
      console.log('locked');
      setInterval(() => {}, 1000);`);
    await readLine(holder);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    lockFile(file).release();
  });

  it.each([
    ['nothing', ''],
    ['nonsense', 'not a number\n'],
    ['no process id', '99999999999\n'],
  ])('does not guess a holder that has written %s', async (_, content) => {
    const file = path.join(makeFolder(), 'lock');
    fs.writeFileSync(file, content);
    const command = 'echo locked; exec sleep 60';
    const holder = startProgram('flock', ['--no-fork', file, 'sh', '-c', command]);
    await readLine(holder);
    expect(catchError(() => lockFile(file))).toMatchObject({
      code: 'ELOCKED',
      pid: null,
      message: `cannot lock ${file}: another process holds it`,
    });
  });

  it('is free after release, which can be repeated, and leaves the file', () => {
    const file = path.join(makeFolder(), 'lock');
    const lock = lockFile(file);
    expect(catchError(() => lockFile(file))).toMatchObject({ code: 'ELOCKED', pid: process.pid });
    lock.release();
    lock.release();
    expect(fs.existsSync(file)).toBe(true);
    const second = lockFile(file);
    lock.release();
    expect(catchError(() => lockFile(file))).toMatchObject({ code: 'ELOCKED' });
    second.release();
  });

  it('is not inherited by programs started meanwhile', () => {
    const file = path.join(makeFolder(), 'lock');
    const lock = lockFile(file);
    startSleeper();
    lock.release();
    lockFile(file).release();
  });

  it('names the file and the reason when it cannot be opened', () => {
    const folder = makeFolder();
    const missing = path.join(folder, 'missing', 'lock');
    expect(catchError(() => lockFile(missing))).toMatchObject({
      code: 'ENOENT',
      errno: 2,
      syscall: 'open',
      path: missing,
      message: `cannot lock ${missing}: No such file or directory (open, ENOENT)`,
    });
    expect(catchError(() => lockFile(folder))).toMatchObject({ code: 'EISDIR', path: folder });
  });

  it('does not follow a symbolic link', () => {
    const folder = makeFolder();
    const [target, link] = [path.join(folder, 'target'), path.join(folder, 'link')];
    fs.writeFileSync(target, 'precious');
    fs.symlinkSync(target, link);
    expect(catchError(() => lockFile(link))).toMatchObject({ code: 'ELOOP', path: link });
    expect(fs.readFileSync(target, 'utf8')).toBe('precious');
  });

  it.each([
    ['', "''"],
    ['a\0b', "'a\0b'"],
    ['x'.repeat(4096), `'${'x'.repeat(119)}...`],
    [7, '7'],
    [undefined, 'undefined'],
  ])('refuses %j as a path', (file, shown) => {
    expect(catchError(() => lockFile(file as string))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: `path must be a string of 1 to 4095 bytes without NUL, received ${shown}`,
    });
  });
});
