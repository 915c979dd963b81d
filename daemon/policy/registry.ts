/** All policies by name. */
import { HPF } from './hpf.js';
import type { Policy } from './policy.js';

/** The policies that the configuration and `xsched policy` can name. */
export const POLICIES: ReadonlyMap<string, Policy> = new Map([HPF].map((p) => [p.name, p]));

/** The policy of a daemon that was not told otherwise. */
export const DEFAULT_POLICY = HPF.name;
