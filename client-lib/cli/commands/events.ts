/** `xsched events`: what happens, as it happens. */
import type { EventMessage } from '../../../protocol/generated/messages.js';
import type { Colors } from '../colors.js';
import { EXIT } from '../exit-codes.js';
import { formatTime } from '../format.js';
import { writeJson, writeLine } from '../output.js';
import { printable } from '../text.js';
import type { Asking } from './asking.js';

/** Longest of the kinds that the daemon reports. */
const KIND_WIDTH = 'unknown-call'.length;

/** Writes events until the daemon goes away or the reader does. */
export async function showEvents({ controller, output, json }: Asking): Promise<number> {
  for await (const event of controller.events()) {
    const { timeMs, kind, id, text } = event;
    if (json) writeJson(output, { timeMs, kind, id, text });
    else writeLine(output, formatEvent(event, output.colors));
  }
  return EXIT.OK;
}

/** One event on one line. */
export function formatEvent(event: Omit<EventMessage, 'type'>, colors: Colors): string {
  const kind = printable(event.kind).padEnd(KIND_WIDTH);
  const who = event.id === '' || event.text.includes(event.id) ? '' : `${printable(event.id)}: `;
  return `${colors.dim(formatTime(event.timeMs))}  ${paintKind(kind, colors)}  ${who}${printable(event.text)}`;
}

function paintKind(kind: string, colors: Colors): string {
  switch (kind.trim()) {
    case 'suspended':
      return colors.yellow(kind);
    case 'resumed':
      return colors.green(kind);
    case 'stalled':
    case 'unknown-call':
      return colors.red(kind);
    default:
      return colors.bold(kind);
  }
}
