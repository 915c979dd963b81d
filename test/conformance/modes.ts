/** The ways in which each program is run. */

export interface Mode {
  readonly name: string;
  readonly meaning: string;
  /** Whether the shim is in the program. */
  readonly shim: boolean;
  /** none; one that lets it run; one that suspends it at random, for another's sake. */
  readonly daemon: 'none' | 'quiet' | 'random';
  readonly env: Readonly<Record<string, string>>;
}

const WITHOUT = { shim: false, daemon: 'none', env: {} } as const;
const UNDER = { shim: true, daemon: 'none', env: {} } as const;

/** The first is the one that all are compared with; it runs once more to see that it is the same. */
export const MODES: readonly Mode[] = [
  { ...WITHOUT, name: 'bare', meaning: 'without the shim' },
  { ...UNDER, name: 'shim', meaning: 'under the shim, without a daemon' },
  {
    ...UNDER,
    name: 'ranks',
    meaning: 'under the shim, without a daemon; stream priorities rank its queues',
    env: { XSCHED_POLICY: 'HPF', XSCHED_STREAM_PRIORITY: '1' },
  },
  {
    ...UNDER,
    name: 'narrow',
    meaning: 'the same with one launch in flight',
    env: { XSCHED_POLICY: 'HPF', XSCHED_STREAM_PRIORITY: '1', XSCHED_WINDOW: '1' },
  },
  { ...UNDER, name: 'daemon', meaning: 'under the shim, with a daemon', daemon: 'quiet' },
  {
    ...UNDER,
    name: 'random',
    meaning: 'the same, suspended and resumed at random beside a competitor',
    daemon: 'random',
  },
];

/** The settings of one run in the mode `random`. */
export function drawSettings(random: () => number): Readonly<Record<string, string>> {
  const window = [undefined, '1', '4', '32'][random() % 4];
  const settings = {
    XSCHED_STREAM_PRIORITY: String(random() % 2),
    XSCHED_GATE_COPIES: random() % 4 === 0 ? '0' : '1',
  };
  return window === undefined ? settings : { ...settings, XSCHED_WINDOW: window };
}
