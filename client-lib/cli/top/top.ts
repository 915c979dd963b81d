/** `xsched top`: the queues, again and again. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../controller.js';
import type { Controller } from '../../controller.js';
import { NoDaemonError } from '../../errors.js';
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../output.js';
import type { Output } from '../output.js';
import { printable } from '../text.js';
import type { AskOptions } from '../commands/asking.js';
import { compareSamples } from './sample.js';
import type { Sample, TopQueue } from './sample.js';
import { Screen } from './screen.js';
import { renderTop } from './view.js';

export interface TopOptions extends AskOptions {
  /** Time between two samples, in milliseconds. */
  readonly interval: number;
  /** One table, of one interval. */
  readonly once?: boolean | undefined;
}

/** Shows the queues until the user quits, or the daemon goes where nobody watches a screen. */
export async function showTop(output: Output, options: TopOptions): Promise<number> {
  const controller = await connect({ runtimeDir: options.runtimeDir });
  const live = output.isTTY && options.json !== true && options.once !== true;
  if (live) await watchScreen(output, options, controller);
  else await writeTables(output, options, controller);
  return EXIT.OK;
}

async function takeSample(controller: Controller): Promise<Sample> {
  const [status, queues] = await Promise.all([controller.status(), controller.list()]);
  return { timeMs: Date.now(), clockMs: performance.now(), status, queues };
}

async function writeTables(
  output: Output,
  options: TopOptions,
  controller: Controller,
): Promise<void> {
  try {
    let earlier = await takeSample(controller);
    do {
      await sleep(options.interval);
      const sample = await takeSample(controller);
      const queues = compareSamples(earlier, sample);
      if (options.json === true) writeJson(output, jsonSample(sample, queues));
      else writeTable(output, sample, queues, options.once === true);
      earlier = sample;
    } while (options.once !== true);
  } finally {
    await controller.close();
  }
}

function writeTable(
  output: Output,
  sample: Sample,
  queues: readonly TopQueue[],
  alone: boolean,
): void {
  const { colors, columns } = output;
  for (const line of renderTop(sample.status, queues, { colors, width: columns })) {
    writeLine(output, line);
  }
  if (!alone) writeLine(output, '');
}

function jsonSample({ timeMs, status }: Sample, queues: readonly TopQueue[]): object {
  return {
    timeMs,
    status,
    queues: queues.map((queue) => ({ ...queue, rates: queue.rates ?? null })),
  };
}

/** Redraws the screen until a key or a signal ends it; a daemon that goes away is waited for. */
async function watchScreen(output: Output, options: TopOptions, first: Controller): Promise<void> {
  const quit = new AbortController();
  let controller: Controller | undefined = first;
  let lines: readonly string[] = [];
  let view = (): readonly string[] => lines;
  const screen = new Screen({
    onQuit: () => {
      quit.abort();
    },
    onRedraw: () => {
      screen.draw(view());
    },
  });
  let earlier: Sample | undefined;
  screen.enter();
  try {
    while (!quit.signal.aborted) {
      try {
        controller ??= await connect({ runtimeDir: options.runtimeDir });
        const sample = await takeSample(controller);
        const queues = compareSamples(earlier, sample);
        earlier = sample;
        view = () => renderScreen(output, sample, queues);
      } catch (error) {
        if (!(error instanceof NoDaemonError)) throw error;
        await controller?.close();
        controller = undefined;
        lines = [printable(error.message), '', 'Trying again. Press q to quit.'];
        view = () => lines;
      }
      screen.draw(view());
      await sleep(options.interval, undefined, { signal: quit.signal }).catch(() => undefined);
    }
  } finally {
    screen.leave();
    await controller?.close();
  }
}

function renderScreen(
  { colors, columns, rows }: Output,
  { status }: Sample,
  queues: readonly TopQueue[],
): readonly string[] {
  return renderTop(status, queues, { colors, width: columns, height: rows });
}
