/** The command line of the demo. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { GpuChoice } from './gpu.js';
import { OUTPUT_DIR } from './paths.js';

export interface Settings {
  /** Length of each measurement with the high program, 2 to 600. */
  readonly seconds: number;
  readonly gpu: GpuChoice;
  /** Clock of the simulated GPU, 1 to 1000. */
  readonly scale: number;
  /** Folder for the files. */
  readonly output: string;
  /** Print result.json on standard output, and everything else on standard error. */
  readonly json: boolean;
  /** Exit with status 1 when a target is missed. */
  readonly check: boolean;
}

/** For Option.argParser: refuses what is no number from `low` to `high`. */
export function numberBetween(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`A number from ${String(low)} to ${String(high)} is needed.`);
  };
}

/** The same for whole numbers. */
export function wholeNumberBetween(low: number, high: number): (text: string) => number {
  const parse = numberBetween(low, high);
  return (text) => {
    const value = parse(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError('A whole number is needed.');
  };
}

/** Reads the command line; prints and exits by itself on --help and on wrong arguments. */
export function parseSettings(argv: readonly string[]): Settings {
  const command = new Command('demo')
    .description(
      'Shows what xschedd does: a program of high priority at 10 requests/s and one of low priority\n' +
        'without pause share a GPU, natively and under xschedd.',
    )
    .addOption(
      new Option('--seconds <s>', 'length of each measurement')
        .default(18)
        .argParser(numberBetween(2, 600)),
    )
    .addOption(
      new Option('--gpu <which>', 'which GPU').choices(['auto', 'real', 'sim']).default('auto'),
    )
    .addOption(
      new Option('--scale <n>', "how many times slower than a GPU's the simulated GPU's clock runs")
        .default(20)
        .argParser(numberBetween(1, 1000)),
    )
    .option('--output <folder>', 'where the files go', OUTPUT_DIR)
    .option('--json', 'print result.json on standard output, all else on standard error', false)
    .option('--check', 'exit with status 1 when a target is missed', false)
    .addHelpText(
      'after',
      '\nexit status: 0 done, 1 something failed, 2 wrong arguments, 130 interrupted',
    )
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  return command.parse(argv, { from: 'user' }).opts<Settings>();
}
