/** The demo's figures as tables for the terminal. */
import Table from 'cli-table3';
import type { Ratios, Result } from './outcome.js';

const ROWS = ['standalone', 'native', 'xschedd'] as const;

export function newTable(head: string[]): InstanceType<typeof Table> {
  return new Table({
    head,
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  });
}

/** Latency of the high program, one row for each way to run it. */
export function renderHighTable({ high }: Result): string {
  const head = ['high program', 'P50 ms', 'P90 ms', 'P99 ms', 'requests', 'P99 / standalone'];
  const table = newTable(head);
  for (const row of ROWS) {
    const { p50, p90, p99, n } = high[row];
    const ratio = `${(p99 / high.standalone.p99).toFixed(2)}x`;
    table.push([row, p50.toFixed(2), p90.toFixed(2), p99.toFixed(2), String(n), ratio]);
  }
  return table.toString();
}

/** Throughput of the low program, one row for each way to run it. */
export function renderLowTable({ low }: Result, { kept }: Ratios): string {
  const table = newTable(['low program', 'requests/s', 'of alone', 'kept of what is left']);
  for (const row of ['alone', 'native', 'xschedd'] as const) {
    const ofAlone = `${((100 * low[row]) / low.alone).toFixed(1)}%`;
    const keptText = row === 'xschedd' ? `${(100 * kept).toFixed(1)}%` : '';
    table.push([row, low[row].toFixed(2), ofAlone, keptText]);
  }
  return table.toString();
}
