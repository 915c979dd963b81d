import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startMps, MPS_PROGRAM } from '../../fig13a/mps.js';

/** Behaves like NVIDIA's: `-d` leaves a daemon with a pid file, `quit` ends it. */
const PROGRAM = `#!/bin/sh
pid_file="$CUDA_MPS_PIPE_DIRECTORY/${MPS_PROGRAM}.pid"
if [ "$1" = -d ]; then
  sleep 60 &
  echo $! > "$pid_file"
elif [ "$(cat)" = quit ]; then
  kill "$(cat "$pid_file")"
fi
`;

let folder: string;
let program: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'xsched-mps-'));
  program = path.join(folder, 'bin', MPS_PROGRAM);
  mkdirSync(path.dirname(program));
  writeFileSync(program, PROGRAM);
  chmodSync(program, 0o755);
  vi.stubEnv('PATH', `${path.dirname(program)}${path.delimiter}${process.env['PATH'] ?? ''}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('startMps', () => {
  it('starts a daemon with folders of its own, and ends it', async () => {
    const mps = startMps(folder);
    const place = mps.env['CUDA_MPS_PIPE_DIRECTORY'] ?? '';
    expect(mps.env).toEqual({ CUDA_MPS_PIPE_DIRECTORY: place, CUDA_MPS_LOG_DIRECTORY: place });
    expect(path.dirname(place)).toBe(folder);
    const pid = readFileSync(path.join(place, `${MPS_PROGRAM}.pid`), 'utf8').trim();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await mps.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('says what the program said when it does not start', () => {
    writeFileSync(program, '#!/bin/sh\necho no GPU\nexit 1\n');
    expect(() => startMps(folder)).toThrow(`${MPS_PROGRAM} -d: exit status 1. It said: no GPU`);
  });
});
