/** Finding the program as a shell would, so that failures get a shell's exit codes. */
import fs from 'node:fs';
import path from 'node:path';
import { EXIT, CommandError } from '../exit-codes.js';

/** What execvp() searches when there is no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * The file that execvp() would run for `command`.
 * @throws {CommandError} 127 when there is none, 126 when it cannot be executed.
 */
export function findProgram(command: string, searchPath: string = DEFAULT_PATH): string {
  if (command === '') throw new CommandError(EXIT.NOT_FOUND, `the command '' is empty`);
  if (command.includes('/')) return checkFile(command);
  let refused: string | undefined;
  for (const folder of searchPath.split(':')) {
    const file = path.join(folder === '' ? '.' : folder, command);
    if (!isFile(file)) continue;
    if (isExecutable(file)) return file;
    refused ??= file;
  }
  if (refused !== undefined) {
    throw new CommandError(EXIT.CANNOT_START, `${refused}: permission denied`);
  }
  throw new CommandError(EXIT.NOT_FOUND, `${command}: command not found`);
}

function checkFile(file: string): string {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CommandError(EXIT.NOT_FOUND, `${file}: no such file`);
    }
    throw new CommandError(EXIT.CANNOT_START, `${file}: ${message}`);
  }
  if (stat.isDirectory()) throw new CommandError(EXIT.CANNOT_START, `${file}: is a directory`);
  if (!isExecutable(file)) throw new CommandError(EXIT.CANNOT_START, `${file}: permission denied`);
  return file;
}

function isFile(file: string): boolean {
  try {
    return fs.statSync(file).isFile();
  } catch {
    // Folders of the search path may be missing or closed to us.
    return false;
  }
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
