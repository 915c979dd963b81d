/** A core with a board, for tests. */
import type { SlotLeft } from '../../../../daemon/core/board.js';
import { POLICIES } from '../../../../daemon/policy/registry.js';
import { LIMITS } from '../../../../protocol/messages.js';
import { World } from './world.js';

/** @param left the slots of an earlier daemon */
export function newWorld(left: readonly SlotLeft[] = [], yaml = ''): World {
  return new World(yaml, POLICIES, left);
}

/** A slot's bit in a mask. */
export function bit(slot: number): bigint {
  return 1n << BigInt((slot - 1) % LIMITS.BOARD_SLOTS);
}
