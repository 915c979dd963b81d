import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDON_FILE, makeFolder, ROOT } from './programs.js';

/** Uses everything that the addon offers, and ends workers in the middle of it. */
const SCRIPT = `
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

async function useAddon({ addonFile, folder, name }) {
  const addon = require(addonFile);
  const children = Array.from({ length: 8 }, () => spawn('sleep', ['60'], { stdio: 'ignore' }));
  let exits = 0;
  const watches = children.map(({ pid }) => new addon.ProcessWatch(pid, () => exits++));
  watches[0].close();
  const lock = new addon.FileLock(path.join(folder, name));
  for (const wrong of [() => new addon.ProcessWatch(0), () => new addon.FileLock(folder),
      () => new addon.FileLock(path.join(folder, name)), () => addon.sdNotify('@nobody', 'A=1'),
      () => addon.sdNotify('nonsense', 'A=1'), () => addon.guardConnections(0, 1, 1),
      () => new addon.ProcessWatch('1', 2)]) {
    try { wrong(); exits = NaN; } catch { gc(); }
  }
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map((child) => once(child, 'exit')));
  while (exits < 7) await new Promise(setImmediate);
  lock.release();
  // libzmq is not loaded here, so there is nothing to guard.
  if (addon.guardConnections(1, 1, 1) || addon.countConnections().open !== 0) exits = NaN;
  gc();
  return exits;
}

if (isMainThread) {
  const [addonFile, folder] = process.argv.slice(1);
  (async () => {
    const total = [await useAddon({ addonFile, folder, name: 'main' })];
    for (let round = 0; round < 6; round++) {
      const data = { addonFile, folder, name: 'worker' + round };
      const source = process.execArgv[process.execArgv.indexOf('--eval') + 1];
      const worker = new Worker(source, { eval: true, workerData: data });
      const ended = once(worker, 'exit');
      if (round % 2 === 0) total.push((await once(worker, 'message'))[0]);
      else await once(worker, 'online');
      await worker.terminate();
      await ended;
    }
    console.log(JSON.stringify(total));
  })();
} else {
  useAddon(workerData).then((exits) => parentPort.postMessage(exits));
}
`;

/** Where the compiler keeps the run-time library of a sanitizer. */
function findLibrary(name: string): string {
  return execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

describe('the addon under the address and undefined behaviour sanitizers', () => {
  it('does nothing that they object to', { timeout: 240_000 }, () => {
    const make = ['-s', '-C', path.join(ROOT, 'native'), 'SANITIZE=address,undefined', '-j2'];
    execFileSync('make', make, { stdio: ['ignore', 'ignore', 'inherit'] });
    const addonFile = ADDON_FILE.replace('/native/', '/native-asan/');
    const output = execFileSync(
      process.execPath,
      ['--expose-gc', '--eval', SCRIPT, addonFile, makeFolder()],
      {
        encoding: 'utf8',
        timeout: 120_000,
        env: {
          ...process.env,
          LD_PRELOAD: `${findLibrary('libasan.so')}:${findLibrary('libubsan.so')}`,
          // Node itself never frees everything.
          ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:exitcode=99',
          UBSAN_OPTIONS: 'halt_on_error=1:exitcode=98',
        },
      },
    );
    expect(JSON.parse(output)).toEqual([7, 7, 7, 7]);
  });
});
