import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hasFileCapabilities } from '../../../../../client-lib/cli/run/file-capabilities.js';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

/** A folder with a getcap that says what getcap says of such a file. */
function makeGetcap(output: string): string {
  const script = `#!/bin/sh\n[ "$1" = /bin/ping ] && printf '%s' '${output}'\n`;
  fs.writeFileSync(path.join(folder, 'getcap'), script, { mode: 0o755 });
  return folder;
}

it('believes getcap', async () => {
  expect(await hasFileCapabilities('/bin/ping', makeGetcap('/bin/ping cap_net_raw=ep\n'))).toBe(
    true,
  );
  expect(await hasFileCapabilities('/bin/ping', makeGetcap(''))).toBe(false);
});

it('knows nothing where there is no getcap or it fails', async () => {
  expect(await hasFileCapabilities('/bin/ping', '/nonexistent')).toBe(false);
  expect(await hasFileCapabilities('/bin/other', makeGetcap('cap_x'))).toBe(false);
});
