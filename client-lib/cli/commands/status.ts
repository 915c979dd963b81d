/** `xsched status`: the daemon itself. */
import type { DaemonStatus } from '../../../protocol/generated/messages.js';
import { EXIT } from '../exit-codes.js';
import { formatDuration } from '../format.js';
import { writeJson, writeLine } from '../output.js';
import type { Output } from '../output.js';
import { printable } from '../text.js';
import type { Asking } from './asking.js';

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

function describeQueues({ queues, ready, suspended }: DaemonStatus): string {
  return `${String(queues)}, ${String(ready)} ready, ${String(suspended)} suspended`;
}
