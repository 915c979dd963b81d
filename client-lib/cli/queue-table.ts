/** Queues as `xsched ps` shows them. */
import type { QueueInfo } from '../../protocol/generated/messages.js';
import { paintState } from './colors.js';
import { formatCount, formatDuration } from './format.js';
import type { Column } from './table.js';

/** Queues by device, then the highest priority first, then by process. */
export function sortQueues<Q extends QueueInfo>(queues: readonly Q[]): readonly Q[] {
  return [...queues].sort(
    (a, b) =>
      compareText(a.device, b.device) ||
      b.priority - a.priority ||
      a.pid - b.pid ||
      a.id.localeCompare(b.id, 'en', { numeric: true }),
  );
}

/** A stream handle: the two special streams by name. */
export function formatStream(stream: number): string {
  if (stream === 1) return 'legacy';
  if (stream === 2) return 'per-thread';
  return `0x${stream.toString(16)}`;
}

/**
 * The columns that are worth showing for these queues.
 * @param all every column, whether or not it says anything
 */
export function queueColumns(
  queues: readonly QueueInfo[],
  all: boolean,
): readonly Column<QueueInfo>[] {
  const devices = new Set(queues.map((queue) => queue.device));
  const labelled = queues.some((queue) => queue.label !== '');
  const reasoned = queues.some((queue) => queue.reason !== '');
  const shown: readonly (readonly [boolean, Column<QueueInfo>])[] = [
    [true, { title: 'QUEUE', value: (queue) => queue.id }],
    [true, { title: 'PID', align: 'right', value: (queue) => String(queue.pid) }],
    [all, { title: 'UID', align: 'right', value: (queue) => String(queue.uid) }],
    [true, { title: 'NAME', value: (queue) => queue.name, least: 8 }],
    [all || labelled, { title: 'MODEL', value: (queue) => queue.label || '-', least: 8 }],
    [all, { title: 'VERSION', value: (queue) => queue.version || '-' }],
    [all, { title: 'INSTANCE', value: (queue) => queue.instance || '-', least: 8 }],
    [all || devices.size > 1, { title: 'DEVICE', value: (queue) => queue.device, least: 12 }],
    [all, { title: 'STREAM', value: (queue) => formatStream(queue.stream) }],
    [true, { title: 'PRIORITY', align: 'right', value: (queue) => String(queue.priority) }],
    [true, { title: 'FROM', value: (queue) => queue.source }],
    [true, STATE_COLUMN],
    [all, { title: 'WAITING', value: (queue) => (queue.waiting ? 'yes' : 'no') }],
    ...WINDOW_COLUMNS.map((column) => [all, column] as const),
    [true, { title: 'LAUNCHES', align: 'right', value: (queue) => formatCount(queue.submitted) }],
    [all, { title: 'DONE', align: 'right', value: (queue) => formatCount(queue.completed) }],
    [all, { title: 'READY', align: 'right', value: (queue) => formatDuration(queue.readyNs) }],
    [true, { title: 'WAITED', align: 'right', value: (queue) => formatDuration(queue.waitedNs) }],
    [all, { title: 'SUSPENDS', align: 'right', value: (queue) => formatCount(queue.suspends) }],
    [all || reasoned, { title: 'REASON', value: formatReason, least: 16 }],
    [all, { title: 'EXECUTABLE', value: (queue) => queue.exe, least: 12 }],
    [true, { title: 'COMMAND', value: (queue) => queue.command, least: 16 }],
  ];
  return shown.filter(([show]) => show).map(([, column]) => column);
}

/** What `xsched ps` leaves out of a narrow terminal; QUEUE, NAME, PRIORITY and STATE stay. */
export const LEAVE_OUT: readonly string[] = [
  ...['PID', 'FROM', 'WAITED', 'COMMAND', 'LAUNCHES', 'DEVICE', 'REASON', 'MODEL'],
];

/** The state of a queue, coloured. */
export const STATE_COLUMN: Column<QueueInfo> = {
  title: 'STATE',
  value: (queue) => queue.state,
  paint: (text, queue, colors) => paintState(text, queue.state, colors),
};

/** Why a queue waits, without the state, which has a column of its own. */
export function formatReason({ state, reason }: QueueInfo): string {
  const prefix = `${state}: `;
  return (reason.startsWith(prefix) ? reason.slice(prefix.length) : reason) || '-';
}

/** What may be in flight of the queue's process: a time, or a number of launches. */
function formatWindow({ window, latency }: QueueInfo): string {
  if (window === 0) return '-';
  return latency === 0 ? String(window) : formatMicroseconds(latency);
}

/** A time that says something of a queue with a window, by which its work is limited or measured. */
function formatTimeOf({ window }: QueueInfo, us: number): string {
  return window === 0 || us === 0 ? '-' : formatMicroseconds(us);
}

function formatMicroseconds(us: number): string {
  return formatDuration(us * 1e3);
}

/** As wide as the widest duration, so that columns stand still while they change. */
export const P50_TITLE = '    P50';
export const P99_TITLE = '    P99';

/** How long a queue may keep those waiting who outrank it, what that allows it, what came of it. */
export const WINDOW_COLUMNS: readonly Column<QueueInfo>[] = [
  { title: 'TARGET', align: 'right', value: (queue) => formatTimeOf(queue, queue.target) },
  { title: 'WINDOW', align: 'right', value: formatWindow },
  { title: P50_TITLE, align: 'right', value: (queue) => formatTimeOf(queue, queue.latencyP50) },
  { title: P99_TITLE, align: 'right', value: (queue) => formatTimeOf(queue, queue.latencyP99) },
];

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
