/** The files of a result: result.json, raw files, every request, and the figure. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderFigure, renderPng, type Distributions, type FigureSubject } from './figure.js';
import type { Measurement } from './measure.js';
import { SETTINGS, type Setting } from './options.js';
import { parseRaw, renderRaw } from './raw.js';
import type { Result } from './result.js';

const RAW = 'raw';
const FIGURE = 'fig13a';

/** The names of all files, relative to their folder. */
export const FILE_NAMES = [
  'result.json',
  'requests.csv',
  `${RAW}/<setting>.txt`,
  `${RAW}/<setting>-low.txt`,
  `${FIGURE}.svg`,
  `${FIGURE}.png`,
] as const;

function highOf(measured: readonly Measurement[], setting: Setting): number[] {
  const own = measured.filter((one) => one.setting === setting);
  return own.flatMap(({ high }) => high.map(({ latencyMs }) => latencyMs));
}

function lowOf(measured: readonly Measurement[], setting: Setting): number[] {
  const own = measured.filter((one) => one.setting === setting);
  return own.flatMap(({ low }) => low.latenciesMs);
}

/** Every counted request of the high client, one a line, in the order in which they were sent. */
export function renderRequests(measured: readonly Measurement[]): string {
  const rows = measured.flatMap(({ setting, repeat, high }) =>
    high.map(({ startS, latencyMs, queueMs, computeMs }) =>
      [
        ...[setting, String(repeat), startS.toFixed(6), latencyMs.toFixed(6)],
        ...[queueMs, computeMs].map((value) => value?.toFixed(6) ?? ''),
      ].join(','),
    ),
  );
  return ['setting,repeat,start_s,latency_ms,queue_ms,compute_ms', ...rows, ''].join('\n');
}

/**
 * Writes a result into a folder, which is made if need be, but not its figure. Raw files of another
 * result are removed.
 */
export function writeResult(
  folder: string,
  result: Result,
  measured: readonly Measurement[],
): void {
  mkdirSync(path.join(folder, RAW), { recursive: true });
  writeFileSync(path.join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(path.join(folder, 'requests.csv'), renderRequests(measured));
  for (const setting of SETTINGS) {
    const file = path.join(folder, RAW, setting);
    rmSync(`${file}.txt`, { force: true });
    rmSync(`${file}-low.txt`, { force: true });
    if (!result.settings.some((one) => one.setting === setting)) continue;
    writeFileSync(`${file}.txt`, renderRaw(highOf(measured, setting)));
    writeFileSync(`${file}-low.txt`, renderRaw(lowOf(measured, setting)));
  }
}

/**
 * Reads a result.json and the raw files of the high client in `raw/` beside it.
 * @throws Error that names the file that is missing or of another form
 */
export function readResult(file: string): { result: Result; distributions: Distributions } {
  const result = JSON.parse(readText(file)) as Partial<Result>;
  if (result.figure !== '13a' || result.settings === undefined) {
    throw new Error(`${file} is no result of this command: "figure" is not "13a"`);
  }
  const measured = new Set(result.settings.map(({ setting }) => setting));
  const distributions = new Map<Setting, readonly number[]>();
  for (const setting of SETTINGS.filter((name) => measured.has(name))) {
    const raw = path.join(path.dirname(file), RAW, `${setting}.txt`);
    distributions.set(setting, parseRaw(readText(raw)));
  }
  return { result: result as Result, distributions };
}

function readText(file: string): string {
  if (!existsSync(file)) throw new Error(`${file} does not exist`);
  return readFileSync(file, 'utf8');
}

/** Why there is no PNG; null if there is one. */
export type FigureProblem = string | null;

/** Draws the figure of a result into a folder, as SVG and, where that is possible, as PNG. */
export async function writeFigure(
  folder: string,
  distributions: Distributions,
  subject: FigureSubject,
): Promise<FigureProblem> {
  const svg = renderFigure(distributions, subject);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${FIGURE}.svg`), svg);
  try {
    writeFileSync(path.join(folder, `${FIGURE}.png`), await renderPng(svg));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
