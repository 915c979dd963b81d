/** The lines that `xsched top` shows. */
import type { DaemonStatus } from '../../../protocol/generated/messages.js';
import type { Colors } from '../colors.js';
import { countOf, formatDuration, formatRate, formatShare } from '../format.js';
import {
  formatReason,
  P50_TITLE,
  P99_TITLE,
  STATE_COLUMN,
  WINDOW_COLUMNS,
} from '../queue-table.js';
import { renderTable } from '../table.js';
import type { Column } from '../table.js';
import { cutText, printable } from '../text.js';
import type { TopQueue } from './sample.js';

export interface ViewOptions {
  readonly colors: Colors;
  /** Columns and rows of the terminal; undefined cuts nothing. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** The id of the queue that another waits for, with which a reason begins, and `…`. */
const REASON_LEAST = 10;
/** As wide as the widest duration. */
const WAIT_TITLE = ' WAIT/S';

const NAME_COLUMNS: readonly Column<TopQueue>[] = [
  { title: 'QUEUE', value: (queue) => queue.id },
  { title: 'NAME', value: (queue) => queue.name, least: 8 },
];
const MODEL_COLUMN: Column<TopQueue> = {
  title: 'MODEL',
  value: (queue) => queue.label || '-',
  least: 8,
};
const LIVE_COLUMNS: readonly Column<TopQueue>[] = [
  { title: 'PRIORITY', align: 'right', value: (queue) => String(queue.priority) },
  {
    ...STATE_COLUMN,
    // As wide as the widest state, so that columns stand still while states change.
    value: (queue) => queue.state.padEnd('suspended'.length),
  },
  {
    title: 'LAUNCHES/S',
    align: 'right',
    value: ({ rates }) => (rates === undefined ? '-' : formatRate(rates.launchesPerSecond)),
  },
  {
    title: 'READY',
    align: 'right',
    value: ({ rates }) => (rates === undefined ? '-' : formatShare(rates.readyShare)),
  },
  {
    title: WAIT_TITLE,
    align: 'right',
    value: ({ rates }) => (rates === undefined ? '-' : formatDuration(rates.waitedNsPerSecond)),
  },
  ...WINDOW_COLUMNS,
  {
    title: 'REASON',
    // Never narrower than that, so that other columns do not come and go with the reasons.
    value: (queue) => formatReason(queue).padEnd(REASON_LEAST),
    least: REASON_LEAST,
  },
];

/** Where the terminal is narrow; QUEUE, NAME, PRIORITY and STATE stay. */
const LEAVE_OUT: readonly string[] = [
  ...[
    'TARGET',
    P50_TITLE,
    'WINDOW',
    P99_TITLE,
    WAIT_TITLE,
    'LAUNCHES/S',
    'READY',
    'REASON',
    'MODEL',
  ],
];

/** The daemon in one line. */
export function statusLine(status: DaemonStatus, colors: Colors): string {
  const state = status.enabled ? colors.green('on') : colors.red('OFF: every launch passes');
  const counts = [
    countOf(status.clients, 'process', 'processes'),
    countOf(status.queues, 'queue'),
    `${String(status.ready)} ready`,
    `${String(status.suspended)} suspended`,
  ].join(', ');
  const parts = [
    `${colors.bold(`xschedd ${printable(status.version)}`)} ${state}`,
    `policy ${printable(status.policy)}`,
    counts,
    `up ${formatDuration(status.uptimeMs * 1e6)}`,
    printable(status.runtimeDir),
  ];
  return parts.join(' · ');
}

/** All lines: the daemon, then the queues under their devices. No more than fit on the screen. */
export function renderTop(
  status: DaemonStatus,
  queues: readonly TopQueue[],
  { colors, width, height }: ViewOptions,
): readonly string[] {
  const head = [statusLine(status, colors), ''];
  if (queues.length === 0) return fitScreen([...head, 'no queues'], { width, height });
  const labelled = queues.some((queue) => queue.label !== '');
  const columns = [...NAME_COLUMNS, ...(labelled ? [MODEL_COLUMN] : []), ...LIVE_COLUMNS];
  const [titles = '', ...rows] = renderTable(columns, queues, {
    colors,
    width,
    leaveOut: LEAVE_OUT,
  });
  const body: string[] = [titles];
  queues.forEach((queue, index) => {
    if (queue.device !== queues[index - 1]?.device) {
      body.push(deviceLine(queue.device, queues, colors));
    }
    body.push(rows[index] ?? '');
  });
  return fitScreen([...head, ...body], { width, height });
}

/** Lines that fit a terminal: the long ones cut off, the last ones counted. */
export function fitScreen(
  lines: readonly string[],
  { width, height }: Pick<ViewOptions, 'width' | 'height'>,
): readonly string[] {
  const cut = (line: string): string => (width === undefined ? line : cutText(line, width));
  if (height === undefined || lines.length <= height) return lines.map(cut);
  const kept = height - 1;
  // The only row goes to the daemon.
  if (kept < 1) return lines.slice(0, height).map(cut);
  return [...lines.slice(0, kept), `… ${countOf(lines.length - kept, 'more line')}`].map(cut);
}

function deviceLine(device: string, queues: readonly TopQueue[], colors: Colors): string {
  const own = queues.filter((queue) => queue.device === device);
  const launches = own.reduce((sum, { rates }) => sum + (rates?.launchesPerSecond ?? 0), 0);
  const what = `${countOf(own.length, 'queue')}, ${formatRate(launches)} launches/s`;
  return `${colors.cyan(printable(device))} ${colors.dim(what)}`;
}
