/** The environment that programs are started with. */

/** What would lead the product elsewhere. */
const OWN = /^(XSCHED_|RUNTIME_DIRECTORY$|NOTIFY_SOCKET$)/;
/** What whoever runs the tests has set for other programs. */
const FOREIGN = /^(LD_PRELOAD$|NO_COLOR$|FORCE_COLOR$|NODE_|VITEST)/;

/** This process's environment without settings of ours, and with `extra`. */
export function cleanEnvironment(extra: Readonly<NodeJS.ProcessEnv> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !OWN.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** The same without what tests must not depend on either. */
export function bareEnvironment(extra: Readonly<NodeJS.ProcessEnv> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(cleanEnvironment()).filter(([name]) => !FOREIGN.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}
