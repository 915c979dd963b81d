/** The files that the demo leaves in out/demo. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderSvg } from './chart-svg.js';
import type { Request } from './load-program.js';
import type { Result } from './outcome.js';
import type { Measurements } from './phases.js';
import { latencyFigure, latencySeries } from './series.js';

function csvRows(name: string, requests: readonly Request[]): string[] {
  const firstNs = requests[0]?.startNs ?? 0;
  return requests.map(({ startNs, latencyMs }) =>
    [name, ((startNs - firstNs) / 1e9).toFixed(6), latencyMs.toFixed(6)].join(','),
  );
}

/** Every measured request of the high program, one a line. */
export function renderCsv({ standalone, native, xschedd }: Measurements): string {
  return [
    'run,start_s,latency_ms',
    ...csvRows('standalone', standalone),
    ...csvRows('native', native.high),
    ...csvRows('xschedd', xschedd.high),
    '',
  ].join('\n');
}

/** Writes result.json, latencies.csv and cdf.svg into a folder, which is made if need be. */
export function writeFiles(folder: string, result: Result, measured: Measurements): void {
  const slowed = result.scale === 1 ? '' : `, clock slowed ${String(result.scale)} times`;
  const title = `High-priority program beside a low-priority one (${result.gpu}${slowed})`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(path.join(folder, 'latencies.csv'), renderCsv(measured));
  writeFileSync(
    path.join(folder, 'cdf.svg'),
    renderSvg(latencyFigure(latencySeries(measured), title)),
  );
}
