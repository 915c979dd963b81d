/** Tables without lines, one row a line. */
import Table from 'cli-table3';
import type { Colors } from './colors.js';
import { cutText, printable, textWidth } from './text.js';

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly value: (row: Row) => string;
  /** Colours the cell; it must not change its width. */
  readonly paint?: (text: string, row: Row, colors: Colors) => string;
  /** The least width to which a column may be cut where the terminal is narrow. */
  readonly least?: number;
}

export interface TableOptions {
  readonly colors: Colors;
  /** Columns of the terminal; undefined cuts nothing. */
  readonly width?: number | undefined;
}

const GAP = 2;
/** Rows laid out at a time: the time that cli-table3 takes grows with their square. */
const CHUNK = 32;
const NO_LINES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
};

/** The lines of a table: first the titles, then one line a row. Texts are made printable. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { colors, width }: TableOptions,
): readonly string[] {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const natural = columns.map((column, index) =>
    Math.max(textWidth(column.title), ...cells.map((line) => textWidth(line[index] ?? ''))),
  );
  const widths = fitWidths(natural, columns, width);
  const line = (row: Row, index: number): readonly string[] =>
    columns.map((column, at) => {
      const text = cutText(cells[index]?.[at] ?? '', widths[at] ?? 0);
      return column.paint === undefined ? text : column.paint(text, row, colors);
    });
  const titles = columns.map((column, at) => colors.bold(cutText(column.title, widths[at] ?? 0)));
  const lines = [titles, ...rows.map(line)];
  const aligns = columns.map((column) => column.align ?? 'left');
  const rendered: string[] = [];
  for (let first = 0; first < lines.length; first += CHUNK) {
    rendered.push(...layOut(lines.slice(first, first + CHUNK), widths, aligns));
  }
  return rendered;
}

function layOut(
  lines: readonly (readonly string[])[],
  widths: readonly number[],
  aligns: readonly ('left' | 'right')[],
): readonly string[] {
  const table = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
    colWidths: widths.map((width) => width + GAP),
    colAligns: [...aligns],
  });
  for (const line of lines) table.push([...line]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Cuts the columns that may be cut, the last one first, until the table fits. */
function fitWidths<Row>(
  natural: readonly number[],
  columns: readonly Column<Row>[],
  width: number | undefined,
): readonly number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  const used = widths.reduce((sum, value) => sum + value + GAP, -GAP);
  let excess = used - width;
  for (let index = widths.length - 1; index >= 0 && excess > 0; index--) {
    const least = columns[index]?.least;
    const present = widths[index] ?? 0;
    if (least === undefined || present <= least) continue;
    const cut = Math.min(excess, present - least);
    widths[index] = present - cut;
    excess -= cut;
  }
  return widths;
}
