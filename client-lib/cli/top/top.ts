/** `xsched top`: the queues, again and again. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../controller.js';
import type { Controller } from '../../controller.js';
import {
  AccessDeniedError,
  NoDaemonError,
  RemoteError,
  VersionMismatchError,
} from '../../errors.js';
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../output.js';
import type { Output } from '../output.js';
import { printable } from '../text.js';
import type { AskOptions } from '../commands/asking.js';
import { compareSamples } from './sample.js';
import type { Sample, TopQueue } from './sample.js';
import { Screen } from './screen.js';
import { fitScreen, renderTop } from './view.js';

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

/**
 * Redraws the screen until a key or a signal ends it, at once even where the daemon keeps an answer
 * waiting. A daemon that goes away or refuses is asked again.
 */
async function watchScreen(output: Output, options: TopOptions, first: Controller): Promise<void> {
  const quit = new AbortController();
  let controller: Controller | undefined = first;
  let view = (): readonly string[] => [];
  const screen = new Screen({
    onQuit: () => {
      quit.abort();
      void controller?.close();
    },
    onRedraw: () => {
      screen.draw(view());
    },
  });
  let earlier: Sample | undefined;
  screen.enter();
  try {
    do {
      try {
        controller ??= await connect({ runtimeDir: options.runtimeDir, signal: quit.signal });
        const sample = await takeSample(controller);
        const queues = compareSamples(earlier, sample);
        earlier = sample;
        view = () => renderScreen(output, sample, queues);
      } catch (error) {
        if (quit.signal.aborted) break;
        if (!isRefusal(error)) throw error;
        await controller?.close();
        controller = undefined;
        view = () => renderRefusal(output, error);
      }
      screen.draw(view());
      await sleep(options.interval, undefined, { signal: quit.signal }).catch(() => undefined);
    } while (!quit.signal.aborted);
  } finally {
    screen.leave();
    await controller?.close();
  }
}

/** Whether it is the daemon's, which may be restarting, and no mistake of ours. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof NoDaemonError ||
    error instanceof AccessDeniedError ||
    error instanceof RemoteError ||
    error instanceof VersionMismatchError
  );
}

function renderRefusal({ columns, rows }: Output, error: Error): readonly string[] {
  const lines = [printable(error.message), '', 'Trying again. Press q to quit.'];
  return fitScreen(lines, { width: columns, height: rows });
}

function renderScreen(
  { colors, columns, rows }: Output,
  { status }: Sample,
  queues: readonly TopQueue[],
): readonly string[] {
  return renderTop(status, queues, { colors, width: columns, height: rows });
}
