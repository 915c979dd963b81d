/** `npm run demo`: measures a high and a low program on one GPU, without and with xschedd. */
import path from 'node:path';
import pc from 'picocolors';
import { renderChart } from './chart-terminal.js';
import { startDaemon, type DemoDaemon } from './daemon.js';
import { cleanEnvironment } from './environment.js';
import { writeFiles } from './files.js';
import { chooseGpu, type Gpu } from './gpu.js';
import { buildResult, compareColumns, judgeTargets, type Ratios, type Result } from './outcome.js';
import { nearest } from './paths.js';
import { measureAll, plannedSeconds, type Measurements } from './phases.js';
import { Progress } from './progress.js';
import { latencySeries } from './series.js';
import { Session } from './session.js';
import { parseSettings, type Settings } from './settings.js';
import { renderHighTable, renderLowTable } from './tables.js';

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
const DEFAULT_COLUMNS = 80;

function describeGpu({ kind, name, scale, reason }: Gpu): string {
  if (kind === 'real') return `GPU: ${pc.bold(name)}`;
  return (
    `GPU: ${pc.bold(name)} (${reason ?? 'no other'})\n` +
    `     Its clock runs ${String(scale)} times slower than a GPU's: ` +
    `${String(scale)} ms below stand for 1 ms of a GPU.`
  );
}

function describeDaemon({ runtimeDir, isDefaultDir }: DemoDaemon): string {
  const where = isDefaultDir ? '' : ` --runtime-dir ${runtimeDir}`;
  return `xschedd runs in ${runtimeDir}. In a second terminal:  ${pc.bold(`npx xsched${where} top`)}`;
}

function describeFiles(folder: string): string {
  const names = ['result.json', 'latencies.csv', 'cdf.svg'];
  return names.map((name) => path.join(nearest(folder), name)).join(', ');
}

/** Prints what was found; the chart comes last but one, so that it stays in sight. */
function printOutcome(
  out: NodeJS.WriteStream,
  result: Result,
  ratios: Ratios,
  measured: Measurements,
): void {
  // A terminal that does not know its width says 0.
  const columns = (out.isTTY && out.columns) || DEFAULT_COLUMNS;
  const chart = renderChart(latencySeries(measured), columns, pc.isColorSupported && out.isTTY);
  const share = (100 * measured.highShare).toFixed(1);
  const clock =
    result.scale === 1 ? '' : ` Milliseconds are this machine's: scale ${String(result.scale)}.`;
  const verdicts = judgeTargets(ratios).map(({ text, holds }) =>
    holds ? `  ${pc.green('holds ')}  ${text}` : `  ${pc.red('missed')}  ${text}`,
  );
  const lines = [
    '',
    `${pc.bold(result.gpu)}.${clock}`,
    renderHighTable(result),
    renderLowTable(result, ratios),
    `The high program needs the GPU for ${share}% of the time; what is left is the rest.`,
    '',
    pc.bold('Latency of the high program (ms): part of its requests that were answered by then'),
    chart,
    '',
    ...verdicts,
  ];
  out.write(`${lines.join('\n')}\n`);
}

/** Runs the whole demo; returns its exit status. */
async function runDemo(settings: Settings, session: Session): Promise<number> {
  const { children, scratchDir } = session;
  const out = settings.json ? process.stderr : process.stdout;
  const env = cleanEnvironment();
  const { gpu: choice, scale } = settings;
  const gpu = await chooseGpu(children, { choice, scale, scratchDir, env });
  out.write(`${describeGpu(gpu)}\n`);
  const daemon = await startDaemon(session, env);
  out.write(`${describeDaemon(daemon)}\n`);
  const planned = plannedSeconds(settings.seconds);
  out.write(`Four measurements follow, about ${String(Math.round(planned))} s in all.\n`);
  const progress = new Progress(out, planned);
  const measured = await Promise.race([
    measureAll({ children, gpu, daemon, progress, seconds: settings.seconds }),
    endedEarly(daemon),
  ]).finally(() => {
    progress.stop();
  });
  const result = buildResult(gpu, measured);
  const ratios = compareColumns(result, measured.highShare);
  writeFiles(settings.output, result, measured);
  printOutcome(out, result, ratios, measured);
  out.write(`\nFiles: ${describeFiles(settings.output)}\n`);
  if (settings.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  const isMissed = judgeTargets(ratios).some(({ holds }) => !holds);
  return settings.check && isMissed ? EXIT_FAILED : 0;
}

async function endedEarly({ child }: DemoDaemon): Promise<never> {
  throw child.failure(await child.ended);
}

/**
 * Resolves with the exit status when somebody asks the demo to end, or closes the pipe that it
 * prints to.
 */
function interrupted(): Promise<number> {
  return new Promise((resolve) => {
    const end = (): void => {
      resolve(EXIT_INTERRUPTED);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
    for (const stream of [process.stdout, process.stderr]) stream.on('error', end);
  });
}

async function main(): Promise<number> {
  const settings = parseSettings(process.argv.slice(2));
  const session = new Session();
  try {
    const demo = runDemo(settings, session);
    // After an interruption the programs are stopped under the demo's feet: that failure is no news.
    demo.catch(() => undefined);
    return await Promise.race([demo, interrupted()]);
  } catch (error) {
    process.stderr.write(
      `\n${pc.red('demo:')} ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return EXIT_FAILED;
  } finally {
    await session.close();
  }
}

process.exitCode = await main();
process.exit();
