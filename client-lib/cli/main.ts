#!/usr/bin/env node
/** The `xsched` command. */
import fs from 'node:fs';
import path from 'node:path';
import { CommanderError } from 'commander';
import { NoDaemonError } from '../errors.js';
import { CommandError, EXIT } from './exit-codes.js';
import { buildProgram } from './program.js';
import { findPackageRoot } from './run/find-shim.js';
import { allowHangup, writeError } from './streams.js';

function readVersion(): string {
  const root = findPackageRoot();
  if (root === undefined) return 'unknown';
  const text = fs.readFileSync(path.join(root, 'package.json'), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** Says what went wrong and gives the exit code for it. */
async function reportFailure(error: unknown): Promise<number> {
  // Commander has written its message already; asking for help or the version is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
  const message = error instanceof Error ? error.message : String(error);
  const { printable } = await import('./text.js');
  writeError(`xsched: ${printable(message)}\n`);
  if (error instanceof CommandError) return error.exitCode;
  if (!(error instanceof NoDaemonError)) return EXIT.REFUSED;
  writeError('Start it with xschedd, or name its folder with --runtime-dir.\n');
  return EXIT.NO_DAEMON;
}

allowHangup();
const program = buildProgram(readVersion(), (code) => {
  process.exitCode = code;
});
try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = await reportFailure(error);
}
