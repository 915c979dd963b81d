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
    [all, { title: 'WINDOW', align: 'right', value: (queue) => formatWindow(queue.window) }],
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

/** How many launches may be in flight; 0 means no limit. */
export function formatWindow(window: number): string {
  return window === 0 ? '-' : String(window);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
