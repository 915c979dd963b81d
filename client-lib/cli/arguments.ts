/** Reading and checking what a user types. */
import { InvalidArgumentError } from 'commander';
import { LIMITS } from '../../protocol/limits.js';
import type { Hint, HintValue } from './commands/set.js';

/** Limits of a name and of a target, in bytes of UTF-8, as in the table of messages. */
const NAME_BYTES = 256;
const TARGET_BYTES = 256;

/** Shortest and longest time between two samples of `xsched top`, in milliseconds. */
const INTERVAL_MIN = 100;
const INTERVAL_MAX = 3_600_000;

/** Policies that the preload library knows without a daemon. */
const SHIM_POLICIES: readonly string[] = ['HPF'];

/** A priority, -255 to 255. @throws {InvalidArgumentError} */
export function parsePriority(text: string): number {
  return parseInteger(text, LIMITS.PRIORITY_MIN, LIMITS.PRIORITY_MAX);
}

/** What `xsched set` takes for a hint, or `default` for none. @throws {InvalidArgumentError} */
export function parseHintValue(hint: Hint, text: string): HintValue {
  if (text === 'default') return text;
  try {
    return hint === 'priority' ? parsePriority(text) : parseInteger(text, 0, LIMITS.LATENCY_MAX_US);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError(error.message.replace(/\.$/, ", or 'default'."));
  }
}

/** Microseconds of the GPU's time, 1 to 1,000,000. @throws {InvalidArgumentError} */
export function parseLatency(text: string): number {
  return parseInteger(text, 1, LIMITS.LATENCY_MAX_US);
}

/** Launches in flight, 1 to 1021. @throws {InvalidArgumentError} */
export function parseWindow(text: string): number {
  return parseInteger(text, 1, LIMITS.WINDOW_MAX);
}

/** Milliseconds between samples, 100 to 3,600,000. @throws {InvalidArgumentError} */
export function parseInterval(text: string): number {
  return parseInteger(text, INTERVAL_MIN, INTERVAL_MAX);
}

/** A name for a program. @throws {InvalidArgumentError} */
export function parseName(text: string): string {
  return parseText(text, NAME_BYTES);
}

/** Names queues; the daemon finds which. @throws {InvalidArgumentError} */
export function parseTarget(text: string): string {
  const target = parseText(text, TARGET_BYTES);
  if (/^(name|label|model)=$/.test(target)) {
    throw new InvalidArgumentError(`Nothing follows the equals sign.`);
  }
  return target;
}

/** A policy of the preload library, in any case of letters. @throws {InvalidArgumentError} */
export function parseShimPolicy(text: string): string {
  const policy = SHIM_POLICIES.find((name) => name === text.toUpperCase());
  if (policy !== undefined) return policy;
  throw new InvalidArgumentError(`It must be ${SHIM_POLICIES.join(' or ')}.`);
}

function parseInteger(text: string, least: number, most: number): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(
    `It must be a whole number from ${String(least)} to ${String(most)}.`,
  );
}

function parseText(text: string, limit: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0) throw new InvalidArgumentError('It must not be empty.');
  if (bytes > limit) {
    throw new InvalidArgumentError(
      `It is ${String(bytes)} bytes long, over the limit of ${String(limit)}.`,
    );
  }
  return text;
}
