/** `xsched status`: the daemon itself. */
import type { DaemonStatus, HintInfo } from '../../../protocol/generated/messages.js';
import type { Colors } from '../colors.js';
import { EXIT } from '../exit-codes.js';
import { formatDuration } from '../format.js';
import { writeJson, writeLine } from '../output.js';
import type { Output } from '../output.js';
import { printable } from '../text.js';
import type { Asking } from './asking.js';
import { describeHint } from './set.js';

/** More hints are counted. */
const HINTS_SHOWN = 8;

export async function showStatus({ controller, output, json }: Asking): Promise<number> {
  const status = await controller.status();
  if (json) writeJson(output, status);
  else writeStatus(output, status);
  return EXIT.OK;
}

function writeStatus(output: Output, status: DaemonStatus): void {
  const { colors } = output;
  const scheduling = status.enabled
    ? colors.green('on')
    : colors.red('off: every launch passes (xsched on)');
  const lines: readonly (readonly [string, string])[] = [
    ['daemon', `xschedd ${printable(status.version)}, pid ${String(status.pid)}`],
    ['scheduling', scheduling],
    ['policy', printable(status.policy)],
    ['processes', String(status.clients)],
    ['queues', describeQueues(status)],
    ['messages', `${String(status.messages)}, ${String(status.refused)} refused`],
    ['unknown calls', describeUnknown(status.unknownCalls, colors)],
    ['hints', describeHints(status.hints)],
    ['up', `${formatDuration(status.uptimeMs * 1e6)}, generation ${String(status.generation)}`],
    ['directory', printable(status.runtimeDir)],
    ['configuration', printable(status.config) || 'none: defaults'],
    ['protocol', String(status.protocol)],
  ];
  const width = Math.max(...lines.map(([title]) => title.length)) + 2;
  for (const [title, value] of lines) {
    writeLine(output, `${colors.bold(title.padEnd(width))}${value}`);
  }
}

/** A call that the shims do not know may be work that nobody schedules. */
function describeUnknown(count: number, colors: Colors): string {
  return count === 0 ? 'none' : colors.red(`${String(count)} (xsched ps --calls)`);
}

/** As many as fit on a line or two; `--json` has all. */
function describeHints(hints: readonly HintInfo[]): string {
  if (hints.length === 0) return 'none';
  const shown = hints
    .slice(0, HINTS_SHOWN)
    .map(({ target, hint, value }) => `${printable(target)} ${describeHint(hint, value)}`);
  const more = hints.length - shown.length;
  return shown.join(', ') + (more > 0 ? `, and ${String(more)} more` : '');
}

function describeQueues({ queues, ready, suspended }: DaemonStatus): string {
  return `${String(queues)}, ${String(ready)} ready, ${String(suspended)} suspended`;
}
