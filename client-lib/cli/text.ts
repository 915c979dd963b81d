/** Text of others, made fit for a terminal. */
import tableText from 'cli-table3/src/utils.js';
import { escapeUnicode } from '../../protocol/printable.js';

export { printable } from '../../protocol/printable.js';

// What JSON.stringify leaves as it is, though a terminal may obey it.
const UNESCAPED = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
// A colour or another way to draw letters; captured, so that split() keeps it.
// eslint-disable-next-line no-control-regex
const COLOR = /(\x1b\[[\d;]*m)/;
const PLAIN = /^[\x20-\x7e]*$/;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** JSON on one line, with nothing that a terminal would obey. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(UNESCAPED, (character) => escapeUnicode(character));
}

/** Columns of a terminal that text takes, colours not counted. */
export function textWidth(text: string): number {
  // Most text is plain, and looking closer takes twenty times as long.
  return PLAIN.test(text) ? text.length : tableText.strlen(text);
}

/** Text of at most `width` columns, with `…` where some was cut off. Colours are kept and closed. */
export function cutText(text: string, width: number): string {
  if (width <= 0) return '';
  if (textWidth(text) <= width) return text;
  let room = width - 1;
  let result = '';
  for (const part of text.split(COLOR)) {
    // What closes a colour stands behind the cut as often as before it.
    if (part.startsWith('\x1b')) result += part;
    else if (room >= 0) {
      const head = headOf(part, room);
      result += head;
      room -= textWidth(head);
      if (head.length < part.length) {
        result += '…';
        room = -1;
      }
    }
  }
  return result;
}

/** As many whole characters, as a reader counts them, as take at most `width` columns. */
function headOf(text: string, width: number): string {
  let used = 0;
  for (const { segment, index } of GRAPHEMES.segment(text)) {
    used += textWidth(segment);
    if (used > width) return text.slice(0, index);
  }
  return text;
}
