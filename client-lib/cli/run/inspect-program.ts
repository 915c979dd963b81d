/** Whether the loader will honour LD_PRELOAD for a program, read from its file. */
import fs from 'node:fs';

/** Why a program escapes the preload library. */
export type Obstacle =
  | { readonly kind: 'static'; readonly file: string }
  | { readonly kind: 'privileged'; readonly file: string; readonly what: 'setuid' | 'setgid' }
  | { readonly kind: 'loader'; readonly file: string; readonly loader: string }
  | { readonly kind: 'machine'; readonly file: string };

/** Who runs the program: the real ids. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Interpreters of scripts that the kernel follows one after the other. */
const SCRIPT_DEPTH = 4;
const HEADER_BYTES = 4096;
const ELF_MAGIC = 0x7f454c46;
const ELF_CLASS_64 = 2;
const ELF_LITTLE_ENDIAN = 1;
const PROGRAM_HEADER_BYTES = 56;
const PT_INTERP = 3;
/** e_machine by Node's name of the architecture. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/** The file that the kernel executes for `file`: the interpreter, where it is a script. */
export function findExecuted(file: string): string {
  let current = file;
  for (let depth = 0; depth < SCRIPT_DEPTH; depth++) {
    const interpreter = findInterpreter(current);
    if (interpreter === undefined) break;
    current = interpreter;
  }
  return current;
}

/**
 * Finds what keeps the preload library out of `file`, or out of the interpreter that its first line
 * names. Undefined where nothing was found or the file cannot be read: then the loader decides.
 */
export function inspectProgram(file: string, identity: Identity): Obstacle | undefined {
  let current = file;
  for (let depth = 0; depth < SCRIPT_DEPTH; depth++) {
    const header = readHeader(current);
    if (header === undefined) return privilege(current, identity);
    const interpreter = scriptInterpreter(header);
    if (interpreter === undefined) {
      return privilege(current, identity) ?? inspectElf(current, header);
    }
    current = interpreter;
  }
  return undefined;
}

/** One sentence about an obstacle, for a person. */
export function describeObstacle(obstacle: Obstacle): string {
  const { file } = obstacle;
  switch (obstacle.kind) {
    case 'static':
      return `${file} is statically linked: the loader preloads nothing into it, so it runs unscheduled (programs that it starts are scheduled)`;
    case 'privileged':
      return `${file} is ${obstacle.what}: the loader ignores LD_PRELOAD for it, so it runs unscheduled`;
    case 'loader':
      return `${file} is made for another C library than glibc (${obstacle.loader}): it runs without the preload library, unscheduled`;
    case 'machine':
      return `${file} is made for another kind of processor than the preload library: it runs unscheduled`;
  }
}

/** The interpreter in a script's first line, or undefined for what is not a script. */
export function scriptInterpreter(header: Buffer): string | undefined {
  if (header.toString('latin1', 0, 2) !== '#!') return undefined;
  const [line = ''] = header.toString('utf8', 2).split('\n', 1);
  // The kernel takes nothing else for a blank: a line that ends as on Windows names another file.
  return /[^ \t]+/.exec(line)?.[0];
}

/** The interpreter of the script `file`; undefined for what is none or cannot be read. */
export function findInterpreter(file: string): string | undefined {
  const header = readHeader(file);
  return header === undefined ? undefined : scriptInterpreter(header);
}

function readHeader(file: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(file, 'r');
    const buffer = Buffer.alloc(HEADER_BYTES);
    return buffer.subarray(0, fs.readSync(descriptor, buffer, 0, HEADER_BYTES, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

function privilege(file: string, identity: Identity): Obstacle | undefined {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(file);
  } catch {
    return undefined;
  }
  if ((stat.mode & 0o4000) !== 0 && stat.uid !== identity.uid) {
    return { kind: 'privileged', file, what: 'setuid' };
  }
  // Without the group's execute bit, setgid means something else to the kernel.
  if ((stat.mode & 0o2010) === 0o2010 && stat.gid !== identity.gid) {
    return { kind: 'privileged', file, what: 'setgid' };
  }
  return undefined;
}

function inspectElf(file: string, header: Buffer): Obstacle | undefined {
  if (header.length < 64 || header.readUInt32BE(0) !== ELF_MAGIC) return undefined;
  const native = header[4] === ELF_CLASS_64 && header[5] === ELF_LITTLE_ENDIAN;
  const machine = MACHINES[process.arch];
  if (!native || (machine !== undefined && header.readUInt16LE(18) !== machine)) {
    return { kind: 'machine', file };
  }
  const table = Number(header.readBigUInt64LE(32));
  const count = header.readUInt16LE(56);
  for (let index = 0; index < count; index++) {
    const at = table + index * PROGRAM_HEADER_BYTES;
    if (at + PROGRAM_HEADER_BYTES > header.length) return undefined;
    if (header.readUInt32LE(at) !== PT_INTERP) continue;
    return inspectLoader(file, header, at);
  }
  return { kind: 'static', file };
}

function inspectLoader(file: string, header: Buffer, at: number): Obstacle | undefined {
  const offset = Number(header.readBigUInt64LE(at + 8));
  const size = Number(header.readBigUInt64LE(at + 32));
  const loader = header.toString('utf8', offset, offset + size).replace(/\0.*$/s, '');
  return loader.includes('ld-musl') ? { kind: 'loader', file, loader } : undefined;
}
