/** Keeps the board's files: opens them, finds who of an earlier daemon's clients lives, and beats. */
import { randomInt } from 'node:crypto';
import type { Logger } from 'winston';
import { openBoard, processStartTime, watchProcess } from '../native/index.js';
import type { Board, NativeError, ProcessWatch } from '../native/index.js';
import { LIMITS } from '../protocol/messages.js';
import { createBoard } from './core/board.js';
import type { BoardChange, BoardState, SlotProcess } from './core/board.js';
import type { Event } from './core/events.js';
import type { Rounds } from './rounds.js';

/** Nonces are random and below this; Node draws no larger ones. */
const NONCE_END = 2 ** 48 - 1;

export interface BoardOptions {
  /** The runtime directory. */
  readonly folder: string;
  /** The group that may say which slots have work. */
  readonly gid: number | undefined;
  readonly log: Logger;
}

/** The board of a daemon. */
export class BoardKeeper {
  /** For the core; what it changes comes back to `write`. */
  readonly state: BoardState;
  readonly #watches: ProcessWatch[] = [];
  /** Processes with slots that have no link yet. */
  readonly #left = new Map<string, SlotProcess>();
  #hastenBeat: () => void = () => undefined;
  /** Whether the core was told last that no slot has work. */
  #wasQuiet = false;

  private constructor(
    private readonly board: Board,
    nonce: number,
  ) {
    const living = board.owners().filter((owner) => {
      if (!isAlive(owner)) {
        board.free(owner.slot);
        return false;
      }
      this.#left.set(`${String(owner.pid)} ${String(owner.startTime)}`, owner);
      return true;
    });
    this.state = createBoard(nonce, living);
  }

  /** @returns undefined where there can be none, which is logged: then all goes by messages. */
  static open({ folder, gid, log }: BoardOptions): BoardKeeper | undefined {
    const nonce = randomInt(1, NONCE_END);
    try {
      return new BoardKeeper(openBoard(folder, nonce, gid), nonce);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn(`there is no board, so that all goes by messages: ${reason}`);
      return undefined;
    }
  }

  /**
   * From now on the board is the core's: it hears of the end of processes that it has not met, and
   * which slots have work.
   */
  start(rounds: Rounds, dispatch: (event: Event) => void): void {
    dispatch({ type: 'begin' });
    for (const process of this.#left.values()) {
      const onExit = () => {
        dispatch({ type: 'vacated', process });
      };
      try {
        this.#watches.push(watchProcess(process.pid, onExit, process.startTime));
      } catch (error) {
        if (hasEnded(error)) onExit();
        // Else there is nothing left to watch it with: its slots are kept, since it may use them.
      }
    }
    this.#hastenBeat = rounds.add(() => this.#beat(dispatch));
  }

  /** Gives a sign of life and tells which slots have work. @returns when to do so again, in milliseconds */
  #beat(dispatch: (event: Event) => void): number {
    this.board.beat();
    const { devices } = this.state;
    // Without a slot nobody waits for it.
    if (devices.size === 0) return Infinity;
    const bits = new Map<string, bigint>();
    for (const { id, index } of devices.values()) bits.set(id, this.board.bits(index));
    const isQuiet = [...bits.values()].every((word) => word === 0n);
    // That there still is no work is no news, but that time is up for slots which an earlier daemon gave.
    const isNews = !isQuiet || !this.#wasQuiet || this.state.restoredUntil !== Infinity;
    this.#wasQuiet = isQuiet;
    if (isNews) dispatch({ type: 'bits', bits });
    return isQuiet ? LIMITS.BEAT_QUIET_MS : LIMITS.BEAT_MS;
  }

  /** Does what the core wants. */
  write(change: BoardChange): void {
    switch (change.kind) {
      case 'give': {
        const { slot, device, pid, startTime, priority } = change;
        this.board.give(slot, device, pid, startTime, priority);
        // It may be the first one, for which there were no beats.
        this.#hastenBeat();
        return;
      }
      case 'free':
        this.board.free(change.slot);
        return;
      case 'mask':
        this.board.setMask(change.slot, change.mask);
        return;
    }
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
    this.board.close();
  }
}

function isAlive({ pid, startTime }: SlotProcess): boolean {
  try {
    return processStartTime(pid) === startTime;
  } catch (error) {
    return !hasEnded(error);
  }
}

function hasEnded(error: unknown): boolean {
  return (error as NativeError).code === 'ESRCH';
}
