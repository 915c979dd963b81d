/** The command line of `npm run fig13a`. */
import path from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { ROOT } from '../demo/paths.js';
import { numberBetween, wholeNumberBetween } from '../demo/settings.js';

/** The settings of the experiment, in the order in which they are measured. */
export const SETTINGS = ['standalone', 'triton', 'triton-p', 'xsched'] as const;
export type Setting = (typeof SETTINGS)[number];

export interface Options {
  /** Without duplicates, in the order of SETTINGS. */
  readonly settings: readonly Setting[];
  readonly backend: 'cpp' | 'python';
  /** Length of each setting, 2 to 3600. */
  readonly seconds: number;
  /** Seconds at its beginning that are not counted, less than `seconds`. */
  readonly warmup: number;
  /** How often all settings are measured in turn, 1 to 100. */
  readonly repeat: number;
  /** From an answer of the high model to its next request, 0 to 60000. */
  readonly sleepMs: number;
  /** Requests that the low client has in flight, 1 to 64. */
  readonly lowConcurrency: number;
  /** Layers of a real BERT that is low, 1 to 96. */
  readonly layers: number;
  /** Layers of the other two. */
  readonly highLayers: number;
  /** Batch of a real BERT that is low, 1 to 256. */
  readonly lowBatch: number;
  readonly engine: 'auto' | 'bert' | 'chain';
  /** Whether the C++ backend gives its streams the CUDA priority of the configuration. */
  readonly streamPriorities: boolean;
  /** Variables of the servers' environment, by name. */
  readonly env: Readonly<Record<string, string>>;
  readonly mps: boolean;
  readonly gpu: 'auto' | 'real' | 'simulated';
  /** Clock of the simulated GPU, 1 to 1000. */
  readonly scale: number;
  /** Folder for the files. */
  readonly output: string;
  /** Print result.json on standard output, and everything else on standard error. */
  readonly json: boolean;
  /** Exit with status 1 when a limit is missed. */
  readonly check: boolean;
  /** What the P99 of the high model under xsched may be of its standalone P99, 1 to 100. */
  readonly limitP99: number;
  /** An existing result.json to draw again; nothing is measured then. */
  readonly draw?: string;
}

type Parsed = Omit<Options, 'settings' | 'highLayers' | 'limitP99' | 'streamPriorities'> & {
  readonly highLayers?: number;
  readonly limitP99?: number;
  readonly streamPriorities: 'on' | 'off';
};

const DEFAULT_LIMITS = { cpp: 1.05, python: 1.15, pythonMps: 1.1 } as const;

function numberOption(flags: string, text: string, parser: (text: string) => number): Option {
  return new Option(flags, text).argParser(parser);
}

/** Adds `NAME=VALUE` to the variables before it; of two with one name the later holds. */
function addVariable(
  text: string,
  before: Readonly<Record<string, string>>,
): Record<string, string> {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('NAME=VALUE is needed.');
  }
  return { ...before, [name]: value };
}

function buildCommand(): Command {
  return new Command('fig13a')
    .description(
      "Reproduces Figure 13a of XSched (OSDI'25) with an unmodified tritonserver: the latency of a\n" +
        'model of high priority alone, and beside one of low priority without and with xschedd.',
    )
    .addArgument(
      new Argument('[settings...]', 'what to measure')
        .choices([...SETTINGS, 'all'])
        .default(['all'], 'all'),
    )
    .addOption(
      new Option('--backend <which>', 'backend of the models')
        .choices(['cpp', 'python'])
        .default('cpp'),
    )
    .addOption(
      numberOption('--seconds <s>', 'length of each setting', numberBetween(2, 3600)).default(60),
    )
    .addOption(
      numberOption('--warmup <s>', 'of them not counted', numberBetween(0, 3599)).default(20),
    )
    .addOption(
      numberOption(
        '--repeat <n>',
        'measure all in turn, n times',
        wholeNumberBetween(1, 100),
      ).default(1),
    )
    .addOption(
      numberOption('--sleep-ms <ms>', 'pause of the high client', numberBetween(0, 60_000)).default(
        100,
      ),
    )
    .addOption(
      numberOption(
        '--low-concurrency <n>',
        'low requests in flight',
        wholeNumberBetween(1, 64),
      ).default(1),
    )
    .addOption(
      new Option('--engine <which>', 'a real BERT-large or timed kernels')
        .choices(['auto', 'bert', 'chain'])
        .default('auto', 'bert on a real GPU, chain on the simulated one'),
    )
    .addOption(
      numberOption('--layers <n>', 'layers of a bert model', wholeNumberBetween(1, 96)).default(24),
    )
    .addOption(
      numberOption(
        '--high-layers <n>',
        'layers of bert-high and bert-norm (default: those of --layers)',
        wholeNumberBetween(1, 96),
      ),
    )
    .addOption(
      numberOption('--low-batch <n>', 'batch of a bert-low', wholeNumberBetween(1, 256)).default(1),
    )
    .addOption(
      new Option('--stream-priorities <on|off>', 'CUDA priorities of the C++ backend')
        .choices(['on', 'off'])
        .default('on'),
    )
    .addOption(
      new Option('--env <NAME=VALUE>', "variable of the servers' environment; may be repeated")
        .argParser(addVariable)
        .default({}, 'none'),
    )
    .option('--mps', 'run the servers under an MPS control daemon', false)
    .addOption(
      new Option('--gpu <which>', 'which GPU')
        .choices(['auto', 'real', 'simulated'])
        .default('auto'),
    )
    .addOption(
      numberOption(
        '--scale <n>',
        "how much slower the simulated GPU's clock is",
        numberBetween(1, 1000),
      ).default(20),
    )
    .option('--output <folder>', 'where the files go', path.join(ROOT, 'out', 'fig13a'))
    .option('--json', 'print result.json on standard output, all else on standard error', false)
    .option('--check', 'exit with status 1 when a limit is missed', false)
    .addOption(
      numberOption(
        '--limit-p99 <ratio>',
        'what P99 under xsched may be of standalone (default: 1.05; python 1.15, with --mps 1.1)',
        numberBetween(1, 100),
      ),
    )
    .option('--draw <result.json>', 'draw table and figures of a result again; measure nothing')
    .addHelpText(
      'after',
      '\nexit status: 0 done, 1 something failed, 2 wrong arguments, 130 interrupted',
    )
    .exitOverride();
}

/** The limit for the P99 ratio when none is given. */
function defaultLimit({ backend, mps }: Parsed): number {
  if (backend === 'cpp') return DEFAULT_LIMITS.cpp;
  return mps ? DEFAULT_LIMITS.pythonMps : DEFAULT_LIMITS.python;
}

/**
 * Reads the command line.
 * @throws CommanderError after --help, with exit code 0, and on wrong arguments, whose names,
 *   values and limits have then been printed
 */
export function parseOptions(argv: readonly string[]): Options {
  const command = buildCommand().parse(argv, { from: 'user' });
  const parsed = command.opts<Parsed>();
  const named = new Set(command.processedArgs[0] as readonly string[]);
  const settings = SETTINGS.filter((name) => named.has('all') || named.has(name));
  const refuse = (text: string): never => command.error(`error: ${text}`);
  if (parsed.warmup >= parsed.seconds) {
    refuse(`--warmup is ${parsed.warmup}: it has to be less than --seconds (${parsed.seconds})`);
  }
  if (parsed.engine === 'bert' && parsed.gpu === 'simulated') {
    refuse('--engine is bert: it needs a real GPU, and --gpu is simulated');
  }
  if (parsed.mps && parsed.gpu === 'simulated') {
    refuse('--mps is given: it needs a real GPU, and --gpu is simulated');
  }
  const isJudged = settings.includes('standalone') && settings.includes('xsched');
  if (parsed.check && parsed.draw === undefined && !isJudged) {
    refuse(`--check is given: it needs standalone and xsched, not only ${settings.join(', ')}`);
  }
  return {
    ...parsed,
    settings,
    output: path.resolve(parsed.output),
    highLayers: parsed.highLayers ?? parsed.layers,
    limitP99: parsed.limitP99 ?? defaultLimit(parsed),
    streamPriorities: parsed.streamPriorities === 'on',
  };
}
