/** The ways in which each program is run. */

export interface Mode {
  readonly name: string;
  readonly meaning: string;
  /** Whether the shim is in the program. */
  readonly shim: boolean;
  /** none; one that lets it run; one that suspends it at random, for another's sake. */
  readonly daemon: 'none' | 'quiet' | 'random';
  readonly env: Readonly<Record<string, string>>;
  /** A program that runs the program. */
  readonly wrapper?: readonly string[];
  /** Whether one thing at a time runs on the device, which some sections are left out for. */
  readonly isSerial?: boolean;
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

/**
 * NVIDIA's checker of memory accesses and races on the device, which takes a hundred times as long. It
 * tells what it finds by its exit code alone; calls that fail on purpose are no finding.
 */
export const MEMCHECK: Mode = {
  ...UNDER,
  name: 'memcheck',
  meaning: 'under the shim and compute-sanitizer',
  wrapper: [
    ...['compute-sanitizer', '--tool', 'memcheck', '--error-exitcode', '66'],
    ...['--report-api-errors', 'no', '--log-file', '/dev/stderr'],
  ],
  isSerial: true,
};

/**
 * The modes of these names, in their order; the first always, since all are compared with it.
 * @throws RangeError naming one that does not exist
 */
export function chooseModes(names: readonly string[]): readonly Mode[] {
  const known = [...MODES, MEMCHECK];
  const unknown = names.find((name) => !known.some((mode) => mode.name === name));
  if (unknown !== undefined) {
    const list = known.map(({ name }) => name).join(', ');
    throw new RangeError(`--mode '${unknown}' is none of ${list}`);
  }
  if (names.length === 0) return MODES;
  return known.filter(({ name }, index) => index === 0 || names.includes(name));
}

/** The settings of one run in the mode `random`. */
export function drawSettings(random: () => number): Readonly<Record<string, string>> {
  const window = [undefined, '1', '4', '32'][random() % 4];
  const settings = {
    XSCHED_STREAM_PRIORITY: String(random() % 2),
    XSCHED_GATE_COPIES: random() % 4 === 0 ? '0' : '1',
  };
  return window === undefined ? settings : { ...settings, XSCHED_WINDOW: window };
}
