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
  const table = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
    colWidths: widths.map((value) => value + GAP),
    colAligns: columns.map((column) => column.align ?? 'left'),
  });
  table.push(
    columns.map((column, index) => colors.bold(cutText(column.title, widths[index] ?? 0))),
  );
  rows.forEach((row, rowIndex) => {
    table.push(
      columns.map((column, index) => {
        const text = cutText(cells[rowIndex]?.[index] ?? '', widths[index] ?? 0);
        return column.paint === undefined ? text : column.paint(text, row, colors);
      }),
    );
  });
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
