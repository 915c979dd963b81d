/** The command line of `end-to-end`. */
import { Command, Option } from 'commander';
import { numberBetween, wholeNumberBetween } from '../demo/settings.js';
import { requestRate } from './pair-rounds.js';
import type { Settings } from './pair-rounds.js';
import type { StageOptions } from './pair-stage.js';

const ARRANGEMENTS = ['two', 'mps', 'one'];
const HIGH_MS: Readonly<Record<string, number>> = { '0.4': 0.4, '1.8': 1.8 };
const LOW_BATCH: Readonly<Record<string, number>> = { b1: 1, b8: 8 };
const LOADS = ['load', 'load-pinned'];
const STREAMS = ['plain', 'priority'];
/** A phase without a single request, which Poisson arrivals may have, says nothing. */
const LEAST_REQUESTS = 20;

export interface Options {
  readonly stage: StageOptions;
  readonly settings: Settings;
  /** Without duplicates. */
  readonly arrangements: readonly string[];
  readonly isProfiled: boolean;
  /** Seconds from the start of this process; none: Infinity. */
  readonly limit: number;
}

interface Parsed {
  readonly arrangement: readonly string[];
  readonly high: readonly string[];
  readonly low: readonly string[];
  readonly stream: readonly string[];
  readonly graph: boolean;
  readonly seconds: number;
  readonly rounds: number;
  readonly pairs: number;
  readonly load: number;
  readonly arrivals: Settings['arrivals'];
  readonly limit?: number;
  readonly profile: boolean;
  readonly device: string;
}

const choiceOption = (flags: string, text: string, choices: readonly string[]) =>
  new Option(flags, text).choices(choices);

/** May be given several times. */
const listOption = (flags: string, text: string, choices: readonly string[]) =>
  choiceOption(flags, text, choices).default(choices, 'all');

const numberOption = (flags: string, text: string, parser: (text: string) => number) =>
  new Option(flags, text).argParser(parser);

function buildCommand(): Command {
  return new Command('npm run bench -- end-to-end')
    .usage('[options]')
    .description(
      'Two PyTorch models on one GPU, a high and a low one, natively and under the shim: what the ' +
        'high one pays, and what the low one keeps. In each round all of these have a short phase, in ' +
        'an order that changes: the high model alone and beside the low one, and the low one alone, ' +
        'each natively and under the shim. Processes live through all rounds. Figures have 95% ' +
        'bootstrap intervals over rounds; all of them are in out/bench/end-to-end.json.',
    )
    .addOption(
      listOption(
        '--arrangement <which...>',
        'two processes in time slices, two under MPS, or two threads of one process',
        ARRANGEMENTS,
      ),
    )
    .addOption(listOption('--high <ms...>', 'what the high model takes', Object.keys(HIGH_MS)))
    .addOption(
      listOption('--low <which...>', 'batch of the low model, or how it is loaded', [
        ...Object.keys(LOW_BATCH),
        ...LOADS,
      ]),
    )
    .addOption(listOption('--stream <which...>', "the high model's in one process", STREAMS))
    .option('--graph', 'the high model is a CUDA graph, one launch a request', false)
    .addOption(
      numberOption('--seconds <s>', 'of each phase, 0.01 to 600', numberBetween(0.01, 600)) //
        .default(0.25),
    )
    .addOption(
      numberOption(
        '--rounds <n>',
        'of each cell, over all its pairs, 1 to 1000',
        wholeNumberBetween(1, 1000),
      ).default(12),
    )
    .addOption(
      numberOption(
        '--pairs <n>',
        'how many processes of each kind take turns, 1 to 8',
        wholeNumberBetween(1, 8),
      ).default(1),
    )
    .addOption(
      numberOption(
        '--load <percent>',
        'of the time that the high model has work, 1 to 99',
        wholeNumberBetween(1, 99),
      ).default(40),
    )
    .addOption(
      choiceOption('--arrivals <how>', 'gaps between requests: even ones differ by a quarter', [
        'even',
        'poisson',
      ]).default('even'),
    )
    .addOption(
      numberOption(
        '--limit <s>',
        'no round begins that would end later, from the start on, 1 to 86400',
        numberBetween(1, 86_400),
      ),
    )
    .option('--profile', 'say why a cell falls short', false)
    .addOption(
      choiceOption('--device <which>', 'cpu: small and unscheduled, to see that all runs', [
        'cuda',
        'cpu',
      ]).default('cuda'),
    )
    .addHelpText(
      'after',
      '\nXSCHED_TEST_PYTHON names the interpreter that has PyTorch (python3).\n' +
        'exit status: 0 done, 1 something failed, 2 wrong arguments',
    )
    .exitOverride();
}

const pick = (from: Readonly<Record<string, number>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));

/**
 * Reads the command line.
 * @throws CommanderError after --help, with exit code 0, and on wrong arguments, whose names, values and
 *   limits have then been printed
 */
export function parseOptions(argv: readonly string[]): Options {
  const command = buildCommand().parse(argv, { from: 'user' });
  const { high, low, seconds, rounds, pairs, ...parsed } = command.opts<Parsed>();
  const refuse = (text: string): never => command.error(`error: ${text}`);
  if (rounds < pairs) {
    refuse(`--rounds is ${rounds}: each of the ${pairs} --pairs needs one, so at least ${pairs}`);
  }
  const load = parsed.load / 100;
  const highMs = pick(HIGH_MS, high);
  // The longest requests come the least often.
  const rate = requestRate(load, Math.max(...Object.values(highMs)));
  const least = Math.ceil((1e6 * LEAST_REQUESTS) / rate) / 1e6;
  if (seconds < least) {
    const why = `${LEAST_REQUESTS} requests of each --high at --load ${parsed.load}`;
    refuse(`--seconds is ${seconds}: a phase is to have ${why}, so at least ${least}`);
  }
  return {
    stage: {
      device: parsed.device,
      highMs,
      lowBatch: pick(LOW_BATCH, low),
      loads: LOADS.filter((name) => low.includes(name)),
      streams: STREAMS.filter((name) => parsed.stream.includes(name)),
      isGraph: parsed.graph,
      pairs,
    },
    settings: { seconds, rounds, arrivals: parsed.arrivals, load },
    arrangements: ARRANGEMENTS.filter((name) => parsed.arrangement.includes(name)),
    isProfiled: parsed.profile,
    limit: parsed.limit ?? Infinity,
  };
}
