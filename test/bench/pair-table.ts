/** What `end-to-end` prints. */
import { newTable } from '../demo/tables.js';
import { formatInterval } from '../fig13a/bootstrap.js';
import type { Interval } from '../fig13a/bootstrap.js';
import { fallsShort } from './pair-cells.js';
import type { CellResult } from './pair-cells.js';
import { HIGH_PHASES } from './pair-rounds.js';
import type { Calibration } from './pair-workers.js';

const times = (ratio: number) => `${ratio.toFixed(2)}x`;
const percent = (part: number) => (Number.isFinite(part) ? `${(100 * part).toFixed(0)}%` : '-');
const part = (interval: Interval) => formatInterval(interval, percent);
const spread = ([p50, p99]: readonly [number, number]) => `${p50.toFixed(0)}/${p99.toFixed(0)}`;

/** `one, priority: 0.4 beside b8`. */
export function nameCell({
  arrangement,
  stream,
  high,
  low,
}: Pick<CellResult, 'arrangement' | 'stream' | 'high' | 'low'>): string {
  const kind = stream === 'high-priority' ? 'priority' : 'plain';
  return `${arrangement}${arrangement === 'one' ? `, ${kind}` : ''}: ${high} beside ${low}`;
}

/** How the high models came to their layers. */
export function describeCalibration({ layers, layerMs, layerHostMs, baseMs }: Calibration): string {
  const models = Object.entries(layers).map(([name, count]) => {
    return `${name} ms: ${String(count)} layers, ${(baseMs + count * layerMs).toFixed(2)} ms`;
  });
  const host = `a layer takes ${layerMs.toFixed(3)} ms, ${layerHostMs.toFixed(3)} ms to launch`;
  const bound = layerHostMs > 0.8 * layerMs ? '; the GPU waits for the host' : '';
  return `high models of ${models.join('; ')}; ${host}${bound}`;
}

/** A cell in a line, and what its profile says in a few more. */
export function describeCell(cell: CellResult): string {
  const { phases, pairRatios, rounds, profile } = cell;
  const ratio = (interval: Interval) => formatInterval(interval, times);
  const ratios = [
    `native ${ratio(cell.nativeRatio)}`,
    `of shim alone ${ratio(cell.shimRatio)}`,
    `median of rounds ${ratio(cell.medianRatio)}`,
    ...(pairRatios.length > 1 ? [`of each pair ${pairRatios.map(times).join(' ')}`] : []),
    `at most ${String(cell.goal)}`,
  ];
  const short = fallsShort(cell) ? ' SHORT' : '';
  const lines = [
    `${nameCell(cell)}: P99 ${ratio(cell.ratio)} (${ratios.join(', ')}), ` +
      `kept ${part(cell.kept)} (native ${part(cell.nativeKept)}), ${String(rounds)} rounds${short}`,
  ];
  if (profile === undefined) return lines.join('\n');
  for (const name of HIGH_PHASES) {
    const { late, launch, wait } = phases[name].parts;
    lines.push(
      `  ${name}, µs P50/P99: late ${spread(late)}, launch ${spread(launch)}, wait ${spread(wait)}`,
    );
  }
  for (const queue of profile.queues)
    lines.push(
      `  ${queue.role} ${queue.id}: priority ${String(queue.priority)} (${queue.source}), ` +
        `target ${String(queue.targetUs)}, window ${String(queue.windowUs)}, ` +
        `in flight ${spread(queue.inFlightUs)} µs; ${String(queue.launches)} launches, ` +
        `${String(queue.suspends)} suspends, ${queue.waitedMs.toFixed(1)} ms at the gate`,
    );
  return lines.join('\n');
}

/** All cells, with P50/P99 in milliseconds. */
export function renderCells(cells: readonly CellResult[]): string {
  const head = [
    'high, P50/P99 ms',
    ...HIGH_PHASES,
    'P99 native [95%]',
    'P99',
    'of shim alone',
    'median of rounds',
  ];
  const table = newTable([...head, 'at most', 'kept native', 'kept', 'requests', 'missed']);
  for (const cell of cells) {
    const { phases, ratio, nativeRatio, shimRatio, medianRatio, goal, kept, nativeKept } = cell;
    const requests = HIGH_PHASES.map((name) => phases[name].n);
    const missed = HIGH_PHASES.reduce((sum, name) => sum + phases[name].missed, 0);
    table.push([
      nameCell(cell),
      ...HIGH_PHASES.map((name) => `${phases[name].p50.toFixed(2)}/${phases[name].p99.toFixed(2)}`),
      ...[nativeRatio, ratio, shimRatio, medianRatio].map((interval) => formatInterval(interval)),
      ...[times(goal), part(nativeKept), part(kept)],
      ...[String(Math.min(...requests)), String(missed)],
    ]);
  }
  return table.toString();
}
