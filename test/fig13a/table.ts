/** The figures as a table for the terminal. */
import Table from 'cli-table3';
import { formatInterval } from './bootstrap.js';
import type { Figures, SettingResult } from './summary.js';

const HEAD = [
  ...['setting', 'P50 ms', 'P90', 'P99', 'max', 'n', 'P99 / standalone [95%]'],
  ...['server P50 ms', 'P99', 'low req/s', 'kept'],
];

function renderRow({ high, compute, p99Ratio, lowPerSecond, kept }: Figures): string[] {
  const latencies = [high.p50, high.p90, high.p99, high.max].map((value) => value.toFixed(2));
  return [
    ...[...latencies, String(high.n), p99Ratio === null ? '' : formatInterval(p99Ratio)],
    ...[compute?.p50.toFixed(2) ?? '', compute?.p99.toFixed(2) ?? ''],
    ...[lowPerSecond.toFixed(2), kept === null ? '' : `${(100 * kept).toFixed(1)}%`],
  ];
}

/**
 * One row a setting: latencies of the high client, P99 over that of standalone with its 95%
 * interval, the server's own times, and what the low client did.
 */
export function renderTable(settings: readonly SettingResult[]): string {
  const table = new Table({
    head: HEAD,
    colAligns: HEAD.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  for (const { setting, pooled } of settings) table.push([setting, ...renderRow(pooled)]);
  return table.toString();
}
