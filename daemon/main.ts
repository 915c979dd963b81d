#!/usr/bin/env node
/** The program `xschedd`: options, signals, exit codes. */
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Writable } from 'node:stream';
import { Command, CommanderError, Option } from 'commander';
import { resolveRuntimeDir } from '../protocol/runtime-dir.js';
import { ConfigError, loadConfig } from './config/load.js';
import { startDaemon } from './daemon.js';
import { defaultFormat, LOG_FORMATS, LOG_LEVELS, openLog } from './log/logger.js';
import type { LogFormat, LogLevel } from './log/logger.js';
import { DirectoryHeldError, RuntimeDirError } from './runtime-dir.js';
import { DescriptorsError } from './transport/connection-limits.js';
import { VERSION } from './version.js';

/** How long the end waits for those who read the log, in milliseconds. */
const END_MS = 500;

const EXIT = { OK: 0, FAILURE: 1, USAGE: 2, HELD: 3 } as const;

interface Options {
  readonly runtimeDir?: string;
  readonly config?: string;
  readonly logLevel: LogLevel;
  readonly logFormat?: LogFormat;
  readonly checkConfig?: boolean;
}

const program = new Command('xschedd')
  .description('Schedules the GPUs of this machine among the programs that run under the shim.')
  .version(VERSION)
  .option(
    '--runtime-dir <folder>',
    'folder of the sockets (default: $XSCHED_RUNTIME_DIR, $RUNTIME_DIRECTORY, /run/xsched for ' +
      'root, $XDG_RUNTIME_DIR/xsched otherwise)',
  )
  .option('--config <file>', 'configuration file, YAML (default: none, all at its default)')
  .addOption(new Option('--log-level <level>').choices(LOG_LEVELS).default('info'))
  .addOption(
    new Option('--log-format <format>', 'human on a terminal, json otherwise').choices(LOG_FORMATS),
  )
  .option('--check-config', 'checks the configuration file, says what is wrong and ends')
  .addHelpText(
    'after',
    '\nExit codes: 0 ended by a signal or --check-config, 1 failed, 2 wrong option or ' +
      'configuration, 3 another xschedd holds the folder.',
  )
  .exitOverride();

async function main(): Promise<number> {
  let options: Options;
  try {
    program.parse();
    options = program.opts();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
    throw error;
  }
  try {
    const config = loadConfig(
      options.config === undefined ? undefined : path.resolve(options.config),
    );
    if (options.checkConfig === true) {
      process.stdout.write(`${options.config ?? 'no file'}: the configuration is fine\n`);
      return EXIT.OK;
    }
    const log = openLog(options.logLevel, options.logFormat ?? defaultFormat());
    const signal = nextSignal();
    const daemon = await startDaemon({
      runtimeDir: resolveRuntimeDir({
        option: options.runtimeDir,
        env: process.env,
        uid: process.geteuid?.() ?? 0,
      }),
      config,
      log,
    });
    const end = await Promise.race([signal, daemon.broken]);
    if (end instanceof Error) log.error('a socket failed', { error: end });
    else log.info(`${end} received`);
    await daemon.stop();
    return end instanceof Error ? EXIT.FAILURE : EXIT.OK;
  } catch (error) {
    if (error instanceof ConfigError) return complain(error, EXIT.USAGE);
    if (error instanceof DirectoryHeldError) return complain(error, EXIT.HELD);
    if (error instanceof RuntimeDirError) return complain(error, EXIT.FAILURE);
    if (error instanceof DescriptorsError) return complain(error, EXIT.FAILURE);
    throw error;
  }
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
}

function complain(error: Error, code: number): number {
  process.stderr.write(`xschedd: ${error.message}\n`);
  return code;
}

/** Settles when what was written to a stream has left, or nobody takes it within END_MS. */
async function drain(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, END_MS);
    stream.write('', () => {
      resolve();
    });
  });
}

// What a message leaves behind is dead at once, so a large space for young objects only takes memory:
// by default it grows to 32 MB under load and stays so. It is read each time the space might grow.
setFlagsFromString('--semi-space-growth-factor=1');
// Whoever reads what is printed here may leave: that must not end the daemon.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
const code = await main();
await Promise.all([drain(process.stdout), drain(process.stderr)]);
// What nobody reads would keep the process alive for ever.
process.exit(code);
