/** `npm run fig13a`: reproduces Figure 13a of XSched with an unmodified tritonserver. */
import path from 'node:path';
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { nearest } from '../demo/paths.js';
import { FILE_NAMES, readResult, writeFigure, type FigureProblem } from './files.js';
import { parseOptions, type Options } from './options.js';
import { judge, type Result } from './result.js';
import { runSession } from './session.js';
import { renderTable } from './table.js';

const EXIT_FAILED = 1;
const EXIT_ARGUMENTS = 2;
const EXIT_INTERRUPTED = 130;

function printResult(out: NodeJS.WriteStream, result: Result): void {
  const { machine, serverVersion } = result;
  const clock =
    machine.scale === 1 ? '' : ` Milliseconds are this machine's: scale ${machine.scale}.`;
  const verdicts = judge(result).map(({ text, holds }) =>
    holds ? `  ${pc.green('holds ')}  ${text}` : `  ${pc.red('missed')}  ${text}`,
  );
  const lines = [
    '',
    `${pc.bold(machine.gpu)}, tritonserver ${serverVersion}.${clock}`,
    renderTable(result.settings),
    ...verdicts,
    '',
  ];
  out.write(lines.join('\n'));
}

function describeFiles(folder: string): string {
  return `Files in ${nearest(folder)}: ${FILE_NAMES.join(', ')}`;
}

/** Draws the figure of the result.json in a folder, or of any other, and prints its table. */
async function show(
  file: string,
  { output, json }: Pick<Options, 'output' | 'json'>,
): Promise<Result> {
  const out = json ? process.stderr : process.stdout;
  const { result, distributions } = readResult(file);
  const problem: FigureProblem = await writeFigure(output, distributions, result);
  printResult(out, result);
  if (problem !== null) out.write(`${pc.yellow('No PNG:')} ${problem}\n`);
  out.write(`${describeFiles(output)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** Runs the command; returns its exit status. */
async function run(options: Options, signal: AbortSignal): Promise<number> {
  const out = options.json ? process.stderr : process.stdout;
  if (options.draw !== undefined) {
    const file = path.resolve(options.draw);
    await show(file, { ...options, output: path.dirname(file) });
    return 0;
  }
  const { result, failure } = await runSession(options, out, signal);
  const drawn = result && (await show(path.join(options.output, 'result.json'), options));
  if (failure !== null) throw failure;
  const isMissed = drawn === null || judge(drawn).some(({ holds }) => !holds);
  return options.check && isMissed ? EXIT_FAILED : 0;
}

/**
 * Ends the run when somebody asks for it, or closes the pipe that it prints to; at once, and leaving
 * behind what cannot be ended at once, when asked twice.
 */
function abortOnSignals(controller: AbortController): void {
  const end = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      controller.abort();
    });
  }
}

async function main(): Promise<number> {
  const controller = new AbortController();
  try {
    const options = parseOptions(process.argv.slice(2));
    abortOnSignals(controller);
    return await run(options, controller.signal);
  } catch (error) {
    // Commander has printed what is wrong with the arguments.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_ARGUMENTS;
    if (controller.signal.aborted) return EXIT_INTERRUPTED;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\n${pc.red('fig13a:')} ${message}\n`);
    return EXIT_FAILED;
  }
}

process.exitCode = await main();
process.exit();
