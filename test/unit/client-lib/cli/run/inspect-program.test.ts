import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  describeObstacle,
  findExecuted,
  inspectProgram,
  scriptInterpreter,
} from '../../../../../client-lib/cli/run/inspect-program.js';

const identity = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const stranger = { uid: identity.uid + 1, gid: identity.gid + 1 };

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

function makeFile(content: string | Buffer, mode = 0o755): string {
  const file = path.join(folder, 'program');
  fs.writeFileSync(file, content);
  fs.chmodSync(file, mode);
  return file;
}

/** The header of an ELF program for this machine, with a loader or without. */
function makeElf(loader: string | undefined, machine?: number): Buffer {
  const elf = Buffer.alloc(256);
  elf.write('\x7fELF', 'latin1');
  elf[4] = 2;
  elf[5] = 1;
  elf.writeUInt16LE(machine ?? fs.readFileSync(process.execPath).readUInt16LE(18), 18);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(loader === undefined ? 1 : 3, 64);
  elf.writeBigUInt64LE(128n, 64 + 8);
  elf.writeBigUInt64LE(BigInt((loader ?? '').length + 1), 64 + 32);
  elf.write(loader ?? '', 128);
  return elf;
}

describe('inspectProgram', () => {
  it('has nothing against an ordinary program', () => {
    expect(inspectProgram(process.execPath, identity)).toBeUndefined();
    expect(inspectProgram(makeFile(makeElf('/lib64/ld-linux-x86-64.so.2')), identity)).toBe(
      undefined,
    );
  });

  it('knows a statically linked program', () => {
    expect(inspectProgram(makeFile(makeElf(undefined)), identity)).toMatchObject({
      kind: 'static',
    });
  });

  it('knows a program of another C library', () => {
    const file = makeFile(makeElf('/lib/ld-musl-x86_64.so.1'));
    expect(inspectProgram(file, identity)).toMatchObject({
      kind: 'loader',
      loader: '/lib/ld-musl-x86_64.so.1',
    });
  });

  it('knows a program of another machine', () => {
    expect(inspectProgram(makeFile(makeElf('/lib/ld.so', 8)), identity)).toMatchObject({
      kind: 'machine',
    });
  });

  it('knows programs that run as somebody else, but not those that run as us anyway', () => {
    const elf = makeElf('/lib64/ld.so');
    const setuid = makeFile(elf, 0o4755);
    expect(inspectProgram(setuid, stranger)).toMatchObject({ kind: 'privileged', what: 'setuid' });
    expect(inspectProgram(setuid, identity)).toBeUndefined();
    const setgid = makeFile(elf, 0o2755);
    expect(inspectProgram(setgid, stranger)).toMatchObject({ kind: 'privileged', what: 'setgid' });
    expect(inspectProgram(makeFile(elf, 0o2745), stranger)).toBeUndefined();
  });

  it("follows a script to its interpreter, whose bits count and not the script's", () => {
    const file = path.join(folder, 'static');
    fs.writeFileSync(file, makeElf(undefined));
    const script = makeFile(`#! ${file} -x\n`, 0o4755);
    expect(inspectProgram(script, stranger)).toEqual({ kind: 'static', file });
  });

  it('survives files of every other kind', () => {
    const path4 = makeFile(`#!${path.join(folder, 'program')}\n`);
    expect(inspectProgram(path4, identity)).toBeUndefined();
    for (const content of ['', '#!', '#!\n', 'echo', '\x7fELF', makeElf('/x').subarray(0, 70)]) {
      expect(inspectProgram(makeFile(content), identity)).toBeUndefined();
    }
    expect(inspectProgram('/no/such', identity)).toBeUndefined();
  });
});

it('finds what the kernel executes', () => {
  expect(findExecuted(process.execPath)).toBe(process.execPath);
  expect(findExecuted('/no/such')).toBe('/no/such');
  const inner = path.join(folder, 'inner');
  fs.writeFileSync(inner, `#!${process.execPath} -x\n`);
  expect(findExecuted(makeFile(`#!${inner}\n`))).toBe(process.execPath);
});

it('reads the first line of a script', () => {
  expect(scriptInterpreter(Buffer.from('#!/bin/sh\nexit'))).toBe('/bin/sh');
  expect(scriptInterpreter(Buffer.from('#! /usr/bin/env  python3 -u\n'))).toBe('/usr/bin/env');
  expect(scriptInterpreter(Buffer.from('#!\n'))).toBeUndefined();
  expect(scriptInterpreter(Buffer.from('\x7fELF'))).toBeUndefined();
});

it('names the file in every sentence', () => {
  const file = '/bin/x';
  for (const obstacle of [
    { kind: 'static', file } as const,
    { kind: 'privileged', file, what: 'setuid' } as const,
    { kind: 'loader', file, loader: '/lib/ld-musl.so' } as const,
    { kind: 'machine', file } as const,
  ]) {
    expect(describeObstacle(obstacle)).toMatch(/^\/bin\/x is .*unscheduled/);
  }
});
