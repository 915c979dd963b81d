/** The configuration file: its keys, ranges and defaults. `docs/configuration.md` tells of them. */
import { LIMITS } from '../../protocol/messages.js';
import { DEFAULT_POLICY, POLICIES } from '../policy/registry.js';

/** The file as it is read, with defaults filled in. */
export interface ConfigFile {
  readonly policy: string;
  readonly enabled: boolean;
  readonly preempt_latency_us: number;
  readonly window: number;
  readonly silent_ms: number;
  readonly stall_ms: number;
  readonly max_suspend_ms: number;
  readonly slice_ms: number;
  readonly stream_priority: boolean;
  readonly model_priority: { readonly max: number; readonly default: number; readonly min: number };
  readonly group?: string | number;
  readonly board: boolean;
  readonly board_group?: string | number;
  readonly rules: readonly RuleFile[];
  readonly limits: readonly LimitFile[];
  readonly control?: {
    readonly users: readonly (string | number)[];
    readonly groups: readonly (string | number)[];
  };
}

export interface RuleFile {
  readonly name?: string;
  readonly match: {
    readonly exe?: string;
    readonly command?: string;
    readonly user?: string | number;
    readonly label?: string;
  };
  readonly priority?: number;
  readonly preempt_latency_us?: number;
  readonly label?: string;
  readonly stream_priority?: boolean;
}

export interface LimitFile {
  readonly user?: string | number;
  readonly group?: string | number;
  readonly max_priority: number;
}

const DAY_MS = 86_400_000;
/** Two intervals at which a shim with work speaks; less would call healthy processes silent. */
const SILENT_MIN_MS = 2 * LIMITS.STATS_MS;
const ID_MAX = 0xffff_fffe;

const account = { type: ['string', 'integer'], minLength: 1, minimum: 0, maximum: ID_MAX };
const priority = {
  type: 'integer',
  minimum: LIMITS.PRIORITY_MIN,
  maximum: LIMITS.PRIORITY_MAX,
};
const name = { type: 'string', minLength: 1, maxBytes: 256 };
const pattern = { type: 'string', minLength: 1, maxLength: 1024, regex: true };
const accounts = { type: 'array', items: account, default: [] };

/** The JSON schema of the file; `regex` and `maxBytes` are keywords of `load.ts`. */
export const CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    policy: { type: 'string', enum: [...POLICIES.keys()], default: DEFAULT_POLICY },
    enabled: { type: 'boolean', default: true },
    preempt_latency_us: {
      type: 'integer',
      minimum: 0,
      maximum: LIMITS.LATENCY_MAX_US,
      default: LIMITS.LATENCY_US,
    },
    window: { type: 'integer', minimum: 0, maximum: LIMITS.WINDOW_MAX, default: 8 },
    silent_ms: { type: 'integer', minimum: SILENT_MIN_MS, maximum: DAY_MS, default: 3000 },
    stall_ms: { type: 'integer', minimum: SILENT_MIN_MS, maximum: DAY_MS, default: 10_000 },
    max_suspend_ms: { type: 'integer', minimum: 0, maximum: DAY_MS, default: 0 },
    slice_ms: { type: 'integer', minimum: 1, maximum: DAY_MS, default: 50 },
    stream_priority: { type: 'boolean', default: false },
    model_priority: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        max: { ...priority, default: LIMITS.LEVEL_MAX_PRIORITY },
        default: { ...priority, default: 0 },
        min: { ...priority, default: LIMITS.LEVEL_MIN_PRIORITY },
      },
    },
    group: account,
    board: { type: 'boolean', default: true },
    board_group: account,
    rules: {
      type: 'array',
      maxItems: 1024,
      default: [],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['match'],
        properties: {
          name,
          match: {
            type: 'object',
            additionalProperties: false,
            minProperties: 1,
            properties: { exe: pattern, command: pattern, user: account, label: pattern },
          },
          priority,
          preempt_latency_us: { type: 'integer', minimum: 0, maximum: LIMITS.LATENCY_MAX_US },
          label: name,
          stream_priority: { type: 'boolean' },
        },
      },
    },
    limits: {
      type: 'array',
      maxItems: 1024,
      default: [],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['max_priority'],
        // So a limit has a user or a group, not both.
        maxProperties: 2,
        properties: { user: account, group: account, max_priority: priority },
      },
    },
    control: {
      type: 'object',
      additionalProperties: false,
      properties: { users: accounts, groups: accounts },
    },
  },
} as const;
