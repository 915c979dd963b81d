/** The daemon's side of the board, as the addon offers it. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBoard } from '../../../native/index.js';
import type { Board } from '../../../native/index.js';
import { LIMITS } from '../../../protocol/messages.js';
import { catchError, makeFolder } from './programs.js';

const FILES = ['board-1', 'ready-1'] as const;
const SLOTS = LIMITS.BOARD_DEVICES * LIMITS.BOARD_SLOTS;
/** Where the bits of the first device are in `ready-1`, and how many bytes a device has there. */
const [READY_HEAD, READY_DEVICE] = [64, 64];

function open(folder: string, nonce = 1, gid?: number): Board {
  const board = openBoard(folder, nonce, gid);
  onTestFinished(() => {
    board.close();
  });
  return board;
}

/** Sets bits as a client would, and counts itself among the sleepers. */
function pretendClient(folder: string, device: number, bits: bigint, waiters = 0): void {
  const file = fs.openSync(path.join(folder, 'ready-1'), 'r+');
  const words = Buffer.alloc(16);
  words.writeBigUInt64LE(bits);
  words.writeUInt32LE(waiters, 12);
  fs.writeSync(file, words, 0, 16, READY_HEAD + device * READY_DEVICE);
  fs.closeSync(file);
}

/** `wake_seq` and `waiters` of a device. */
function readWords(folder: string, device: number): readonly [number, number] {
  const file = fs.readFileSync(path.join(folder, 'ready-1'));
  const at = READY_HEAD + device * READY_DEVICE;
  return [file.readUInt32LE(at + 8), file.readUInt32LE(at + 12)];
}

describe('openBoard', () => {
  it('makes files that only it may write, and that all may read but for who has work', () => {
    const folder = makeFolder();
    open(folder);
    const modes = FILES.map((name) => fs.statSync(path.join(folder, name)).mode & 0o777);
    expect(modes).toEqual([0o644, 0o600]);
  });

  it('lets a group say who has work', () => {
    const folder = makeFolder();
    const gid = process.getegid?.() ?? 0;
    open(folder, 1, gid);
    expect(fs.statSync(path.join(folder, 'ready-1'))).toMatchObject({ gid, mode: 0o100660 });
  });

  it('finds what was there, in the very same files', () => {
    const folder = makeFolder();
    const first = open(folder, 1);
    first.give(3, 'GPU-a', 7, 8, -9);
    first.setMask(3, 5n);
    pretendClient(folder, 0, 4n);
    const before = FILES.map((name) => fs.statSync(path.join(folder, name)).ino);
    first.close();
    const second = open(folder, 2);
    expect(second.owners()).toEqual([
      { slot: 3, device: 'GPU-a', pid: 7, startTime: 8, priority: -9, mask: 5n },
    ]);
    expect(second.bits(0)).toBe(4n);
    expect(FILES.map((name) => fs.statSync(path.join(folder, name)).ino)).toEqual(before);
  });

  it.each([
    ['is shorter', (file: string) => fs.truncateSync(file, 100)],
    ['is longer', (file: string) => fs.appendFileSync(file, 'x')],
    [
      'has another head',
      (file: string) => {
        const descriptor = fs.openSync(file, 'r+');
        fs.writeSync(descriptor, 'nonsense', 0);
        fs.closeSync(descriptor);
      },
    ],
  ])('makes the board anew when a file %s: who has the old one keeps it', (_name, spoil) => {
    for (const name of FILES) {
      const folder = makeFolder();
      open(folder).give(3, 'GPU-a', 7, 8, -9);
      const file = path.join(folder, name);
      const { ino } = fs.statSync(file);
      const kept = fs.openSync(file, 'r');
      onTestFinished(() => {
        fs.closeSync(kept);
      });
      spoil(file);
      expect(open(folder).owners()).toEqual([]);
      expect(fs.statSync(file).ino).not.toBe(ino);
      expect(fs.fstatSync(kept).size).toBeGreaterThan(0);
    }
  });

  it('follows no link, and opens nothing but a file of its own', () => {
    for (const name of FILES) {
      const folder = makeFolder();
      const target = path.join(folder, 'target');
      fs.writeFileSync(target, 'precious');
      fs.symlinkSync(target, path.join(folder, name));
      expect(catchError(() => openBoard(folder, 1))).toMatchObject({
        code: 'ELOOP',
        syscall: 'open',
      });
      expect(fs.readFileSync(target, 'utf8')).toBe('precious');
    }
    const folder = makeFolder();
    fs.mkdirSync(path.join(folder, 'board-1'));
    expect(catchError(() => openBoard(folder, 1))).toMatchObject({ code: 'EISDIR' });
    expect(catchError(() => openBoard(path.join(folder, 'none'), 1))).toMatchObject({
      code: 'ENOENT',
      path: path.join(folder, 'none', 'board-1'),
    });
  });

  it('refuses a nonce that JavaScript cannot count', () => {
    for (const nonce of [0, 1.5, 2 ** 53, NaN]) {
      expect(catchError(() => openBoard(makeFolder(), nonce))).toMatchObject({
        code: 'ERR_INVALID_ARG_VALUE',
        message: `nonce must be an integer from 1 to 9007199254740991, received ${String(nonce)}`,
      });
    }
  });
});

describe('a board', () => {
  it('takes the bit of a slot back when it is given, and when it is free again', () => {
    const folder = makeFolder();
    const board = open(folder);
    pretendClient(folder, 1, 0b111n);
    board.give(LIMITS.BOARD_SLOTS + 2, 'GPU-a', 7, 8, 0);
    expect(board.bits(1)).toBe(0b101n);
    pretendClient(folder, 1, 0b111n);
    board.free(LIMITS.BOARD_SLOTS + 2);
    expect(board.bits(1)).toBe(0b101n);
  });

  it('counts up whatever may open a gate', () => {
    const folder = makeFolder();
    const board = open(folder);
    board.give(1, 'GPU-a', 7, 8, 0);
    // A bit more opens none.
    board.setMask(1, (1n << 64n) - 1n);
    expect(readWords(folder, 0)[0]).toBe(1);
    board.setMask(1, 0b101n);
    board.free(1);
    expect(readWords(folder, 0)[0]).toBe(3);
  });

  it('has room for another device when no slot of one is given', () => {
    const folder = makeFolder();
    const board = open(folder);
    board.give(1, 'GPU-a', 7, 8, 0);
    board.give(2, 'GPU-a', 9, 8, 0);
    pretendClient(folder, 0, 0n, 3);
    board.free(1);
    board.free(2);
    board.give(1, 'GPU-b', 7, 8, 0);
    expect(board.owners()).toMatchObject([{ device: 'GPU-b' }]);
    // Who sleeps there counts itself out.
    expect(readWords(folder, 0)[1]).toBe(3);
  });

  it('is as it was after a daemon that died between two writes', () => {
    const folder = makeFolder();
    open(folder).give(1, 'GPU-a', 7, 8, 0);
    const file = fs.openSync(path.join(folder, 'board-1'), 'r+');
    const [head, device] = [64, 1600];
    fs.writeSync(file, 'GPU-half', head + device);
    fs.closeSync(file);
    const board = open(folder, 2);
    expect(board.owners()).toMatchObject([{ device: 'GPU-a' }]);
    board.give(LIMITS.BOARD_SLOTS + 1, 'GPU-b', 7, 8, 0);
    expect(board.owners()).toHaveLength(2);
  });

  it('keeps a device by its name while a slot of it is given', () => {
    const board = open(makeFolder());
    board.give(1, 'GPU-a', 7, 8, 0);
    expect(catchError(() => board.give(2, 'GPU-b', 7, 8, 0))).toMatchObject({
      message: "device must be 'GPU-a', received 'GPU-b'",
    });
  });

  it('refuses slots and masks that there are none of', () => {
    const board = open(makeFolder());
    for (const slot of [0, SLOTS + 1, -1, 0.5]) {
      const message = `slot must be an integer from 1 to ${String(SLOTS)}, received ${String(slot)}`;
      expect(catchError(() => board.free(slot))).toMatchObject({ message });
    }
    expect(catchError(() => board.setMask(1, 1n << 64n))).toMatchObject({
      message: 'mask must be a bigint from 0 to 2^64 - 1, received a bigint',
    });
    expect(catchError(() => board.setMask(1, -1n))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
  });

  it('does nothing any more once it is closed', () => {
    const board = open(makeFolder());
    board.close();
    board.close();
    for (const use of [
      () => board.owners(),
      () => board.free(1),
      () => board.beat(),
      () => board.bits(0),
    ]) {
      expect(catchError(use)).toMatchObject({ message: 'the board is closed' });
    }
  });
});
