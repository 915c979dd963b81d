/** What becomes of watches and locks when objects, workers and processes go away. */

import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockFile, watchProcess } from '../../../native/index.js';
import {
  catchError,
  collectGarbage,
  makeFolder,
  runScript,
  startSleeper,
  withAddon,
} from './programs.js';

function startWorker(script: string, workerData?: unknown): Worker {
  const worker = new Worker(withAddon(script), { eval: true, workerData });
  onTestFinished(async () => {
    await worker.terminate();
  });
  return worker;
}

describe('garbage collection', () => {
  it('leaves a watch that nobody holds to do its work', async () => {
    const child = startSleeper();
    let resolve: () => void = () => undefined;
    const exited = new Promise<void>((settle) => (resolve = settle));
    (() => void watchProcess(child.pid, () => resolve()))();
    await collectGarbage();
    child.kill('SIGKILL');
    await exited;
  });

  it('takes closed watches, finished watches and their callbacks', async () => {
    const child = startSleeper();
    const { refs, exited } = (() => {
      const closed = Array.from({ length: 200 }, () => {
        const onExit = () => undefined;
        const watch = watchProcess(process.pid, onExit);
        watch.close();
        return [new WeakRef(watch), new WeakRef(onExit)];
      });
      let settle: () => void = () => undefined;
      const exited = new Promise<void>((resolve) => (settle = resolve));
      const finished = new WeakRef(watchProcess(child.pid, () => settle()));
      return { refs: [...closed.flat(), finished] as WeakRef<object>[], exited };
    })();
    child.kill('SIGKILL');
    await exited;
    await collectGarbage();
    expect(refs.filter((ref) => ref.deref() !== undefined)).toEqual([]);
  });

  it('leaves a lock that nobody holds locked', async () => {
    const file = path.join(makeFolder(), 'lock');
    (() => void lockFile(file))();
    await collectGarbage();
    expect(catchError(() => lockFile(file))).toMatchObject({ code: 'ELOCKED', pid: process.pid });
  });
});

describe('a worker', () => {
  it('watches processes of its own', async () => {
    const child = startSleeper();
    const worker = startWorker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const idle = setInterval(() => {}, 1000);
       new addon.ProcessWatch(workerData, () => {
         clearInterval(idle);
         parentPort.postMessage('exited');
       });
       parentPort.postMessage('watching');`,
      child.pid,
    );
    expect(await once(worker, 'message')).toEqual(['watching']);
    const last = Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    child.kill('SIGKILL');
    expect(await last).toEqual([['exited'], [0]]);
  });

  it('can be terminated with watches and a lock, which it then gives up', async () => {
    const child = startSleeper();
    const file = path.join(makeFolder(), 'lock');
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      for (let i = 0; i < 20; i++) new addon.ProcessWatch(workerData.pid, () => {});
      new addon.FileLock(workerData.file);
      setInterval(() => {}, 1000);
      parentPort.postMessage('ready');`;
    for (let round = 0; round < 5; round++) {
      const worker = startWorker(script, { pid: child.pid, file });
      await once(worker, 'message');
      await worker.terminate();
    }
    lockFile(file).release();
  });

  it('can end while exits are being delivered to it', async () => {
    const children = Array.from({ length: 50 }, startSleeper);
    const worker = startWorker(
      `const { parentPort, workerData } = require('node:worker_threads');
       for (const pid of workerData) new addon.ProcessWatch(pid, () => process.exit(7));
       setInterval(() => {}, 1000);
       parentPort.postMessage('ready');`,
      children.map(({ pid }) => pid),
    );
    await once(worker, 'message');
    const ended = once(worker, 'exit');
    children.forEach((child) => child.kill('SIGKILL'));
    expect(await ended).toEqual([7]);
  });
});

describe('a process', () => {
  it('is not kept alive by a watch', async () => {
    const result = await runScript(
      `new addon.ProcessWatch(${process.pid}, () => console.log('wrong'));`,
    );
    expect(result).toEqual({ code: 0, signal: null, output: '' });
  });

  it('ends cleanly by process.exit with watches and while exits are being delivered', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const children = Array.from({ length: 20 }, () => spawn('sleep', ['60'], { stdio: 'ignore' }));
      for (const { pid } of children) new addon.ProcessWatch(pid, () => process.exit(5));
      for (const child of children) child.kill('SIGKILL');
      setInterval(() => {}, 1000);`;
    for (let round = 0; round < 5; round++) {
      expect(await runScript(script)).toEqual({ code: 5, signal: null, output: '' });
    }
  });

  it('gets what a callback throws as an uncaught exception', async () => {
    const result = await runScript(`
      process.on('uncaughtException', (error) => {
        console.log(error.message);
        process.exit(3);
      });
      const child = require('node:child_process').spawn('true');
      new addon.ProcessWatch(child.pid, () => { throw new Error('from the callback'); });
      setInterval(() => {}, 1000);`);
    expect(result).toEqual({ code: 3, signal: null, output: 'from the callback\n' });
  });

  it('runs out of descriptors with an error that says so, and goes on', async () => {
    const result = await runScript(`
      const watches = [];
      let code;
      while (code === undefined) {
        try {
          watches.push(new addon.ProcessWatch(process.ppid, () => {}));
        } catch (error) {
          code = error.code;
        }
      }
      for (const watch of watches) watch.close();
      new addon.ProcessWatch(process.ppid, () => {}).close();
      console.log(code);`);
    expect(result).toEqual({ code: 0, signal: null, output: 'EMFILE\n' });
  });
});
