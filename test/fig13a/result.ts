/** The content of result.json, and what is judged of it. */
import type { ModelOptions } from '../triton/models.js';
import type { Machine } from './machine.js';
import type { Options } from './options.js';
import type { BOOTSTRAP, SettingResult } from './summary.js';

/** What was asked for, as far as the figures depend on it. */
export type ResultOptions = Omit<Options, 'output' | 'json' | 'check' | 'draw'>;

export interface Result {
  readonly figure: '13a';
  /** When the measurement began, in ISO 8601. */
  readonly date: string;
  /** Whether all settings were measured as often as asked for. */
  readonly isComplete: boolean;
  /** Why not, in words. */
  readonly problem: string | null;
  readonly options: ResultOptions;
  readonly machine: Machine;
  readonly serverVersion: string;
  readonly models: readonly ModelOptions[];
  readonly bootstrap: typeof BOOTSTRAP;
  readonly settings: readonly SettingResult[];
}

/** One limit, and whether it holds. */
export interface Verdict {
  readonly text: string;
  readonly holds: boolean;
}

/** What the low model has to keep of what the high one leaves. */
export const KEPT_LEAST = 0.9;

/**
 * Judges the setting xsched. The limit of the ratio holds when the lower end of its interval is
 * within it: a miss is one that chance does not explain.
 * @returns nothing where the figures are not known
 */
export function judge({ settings, options }: Pick<Result, 'settings' | 'options'>): Verdict[] {
  const figures = settings.find(({ setting }) => setting === 'xsched')?.pooled;
  const { p99Ratio = null, kept = null } = figures ?? {};
  const verdicts: Verdict[] = [];
  if (p99Ratio !== null) {
    const { value, low, high } = p99Ratio;
    const interval = `${low.toFixed(3)} to ${high.toFixed(3)}`;
    verdicts.push({
      text:
        `with xschedd P99 is ${value.toFixed(3)} times standalone, 95% interval ${interval} ` +
        `(limit for the interval's lower end: ${options.limitP99})`,
      holds: low <= options.limitP99,
    });
  }
  if (kept !== null) {
    verdicts.push({
      text:
        `with xschedd the low model keeps ${(100 * kept).toFixed(1)}% of what is left ` +
        `(limit: ${100 * KEPT_LEAST}%)`,
      holds: kept >= KEPT_LEAST,
    });
  }
  return verdicts;
}
