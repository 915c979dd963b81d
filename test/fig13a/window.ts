/** What the answers of the clients say of the counted window. */
import { completionsPerSecond } from '../demo/statistics.js';
import type { Answer } from '../triton/load.js';

/** Wall clock, milliseconds since 1970. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A request of the high client in the counted window. */
export interface HighRequest {
  /** From the beginning of the window. */
  readonly startS: number;
  readonly latencyMs: number;
  /** The server's own times; null where it could not tell them. */
  readonly queueMs: number | null;
  readonly computeMs: number | null;
}

/** The low client in the counted window. */
export interface LowRequests {
  /** Answered requests; one that lies across a border counts with the part inside. */
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

function startedIn({ fromMs, toMs }: Window, answers: readonly Answer[]): Answer[] {
  return answers.filter(({ startedMs }) => startedMs >= fromMs && startedMs < toMs);
}

/**
 * The requests that were sent in the window.
 * @throws Error if there is none
 */
export function countHigh(answers: readonly Answer[], window: Window): HighRequest[] {
  const counted = startedIn(window, answers).map((answer) => ({
    startS: (answer.startedMs - window.fromMs) / 1000,
    latencyMs: answer.latencyMs,
    queueMs: answer.queueMs ?? null,
    computeMs: answer.computeMs ?? null,
  }));
  if (counted.length > 0) return counted;
  throw new Error('no request of the high client was sent in the counted time: use more --seconds');
}

/**
 * The rate in the window and the latencies of the requests that were sent in it.
 * @param answers of at least one request; one of them given after the window's end
 */
export function countLow(answers: readonly Answer[], window: Window): LowRequests {
  const { fromMs, toMs } = window;
  const starts = answers.map(({ startedMs }) => startedMs);
  const ends = answers.map(({ startedMs, latencyMs }) => startedMs + latencyMs);
  // Nothing is under way before the first request: its start counts like the end of one before.
  const known = [Math.min(fromMs, ...starts.slice(0, 1)), ...ends];
  const endsNs = known.map((end) => (end - fromMs) * 1e6).sort((x, y) => x - y);
  return {
    perSecond: completionsPerSecond(endsNs, 0, (toMs - fromMs) * 1e6),
    latenciesMs: startedIn(window, answers).map(({ latencyMs }) => latencyMs),
  };
}

const SHOWN_PROBLEMS = 3;

/** Throws an Error that tells the first requests of a model that failed or had a wrong answer. */
export function expectRight(model: string, answers: readonly Answer[]): void {
  const wrong = answers.filter(({ problem }) => problem !== null);
  if (wrong.length === 0) return;
  const shown = wrong
    .slice(0, SHOWN_PROBLEMS)
    .map(({ index, problem }) => `\n  request ${index}: ${problem ?? ''}`);
  throw new Error(
    `${wrong.length} of ${answers.length} requests to ${model} failed or had a wrong answer:` +
      shown.join(''),
  );
}
