/** What /proc says of this process and of those that are not there. */
import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readProcess } from '../../../../daemon/transport/processes.js';

describe('readProcess', () => {
  it('knows the groups of a process and its pid in its own namespace', () => {
    const { ownPid, gids } = readProcess(process.pid);
    expect(ownPid).toBe(Number(fs.readlinkSync('/proc/self')));
    expect(gids).toContain(process.getegid?.());
    for (const gid of process.getgroups?.() ?? []) expect(gids).toContain(gid);
  });

  it('fails for a process that is not there', () => {
    // The largest id that the kernel can be told to give is one less.
    expect(() => readProcess(4_194_304)).toThrow(/ENOENT/);
  });
});
