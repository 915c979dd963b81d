/** Tables without lines, one row a line. */
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
  /** Titles of the columns that go where cutting is not enough, the first one first. */
  readonly leaveOut?: readonly string[];
}

const GAP = '  ';

/**
 * The lines of a table: first the titles, then one line a row. Texts are made printable. Where a
 * width is given no line is longer: columns are cut to their least widths, then left out in the
 * order of `leaveOut`, and what still does not fit is cut off at the right.
 */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { colors, width, leaveOut = [] }: TableOptions,
): readonly string[] {
  const measured = columns.map((column) => measure(column, rows));
  const shown = fitColumns(measured, width, leaveOut);
  const titles = shown.map((one) => layOut(one, one.column.title, colors.bold));
  const lines = rows.map((row, index) =>
    shown.map((one) => {
      const { column, cells } = one;
      return layOut(one, cells[index] ?? '', (text) => column.paint?.(text, row, colors) ?? text);
    }),
  );
  const room = width ?? Infinity;
  const fits = totalWidth(shown, (one) => one.width) <= room;
  return [titles, ...lines].map((line) => {
    const text = line.join(GAP).trimEnd();
    return fits ? text : cutText(text, room);
  });
}

/** A column with the texts of its cells and the width that it takes. */
interface Measured<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  readonly width: number;
}

function measure<Row>(column: Column<Row>, rows: readonly Row[]): Measured<Row> {
  const cells = rows.map((row) => printable(column.value(row)));
  const width = cells.reduce((most, cell) => Math.max(most, textWidth(cell)), 0);
  return { column, cells, width: Math.max(width, textWidth(column.title)) };
}

/** A text in its column, cut and filled up with blanks, which are not painted. */
function layOut<Row>(
  { column, width }: Measured<Row>,
  text: string,
  paint: (text: string) => string,
): string {
  const cut = cutText(text, width);
  const blanks = ' '.repeat(Math.max(0, width - textWidth(cut)));
  return column.align === 'right' ? blanks + paint(cut) : paint(cut) + blanks;
}

/** The columns that are shown in `width`, each with the width that it gets. */
function fitColumns<Row>(
  columns: readonly Measured<Row>[],
  width: number | undefined,
  leaveOut: readonly string[],
): readonly Measured<Row>[] {
  if (width === undefined) return columns;
  let shown = columns;
  for (const title of leaveOut) {
    if (totalWidth(shown, leastWidth) <= width) break;
    shown = shown.filter(({ column }) => column.title !== title);
  }
  return cutColumns(shown, totalWidth(shown, (one) => one.width) - width);
}

/** Takes `excess` from the columns that may be cut, the last one first. */
function cutColumns<Row>(
  columns: readonly Measured<Row>[],
  excess: number,
): readonly Measured<Row>[] {
  let left = Math.max(0, excess);
  return columns.reduceRight<Measured<Row>[]>((cut, one) => {
    const part = Math.min(left, one.width - leastWidth(one));
    left -= part;
    return [{ ...one, width: one.width - part }, ...cut];
  }, []);
}

function totalWidth<Row>(
  columns: readonly Measured<Row>[],
  widthOf: (one: Measured<Row>) => number,
): number {
  return columns.reduce((sum, one) => sum + widthOf(one) + GAP.length, -GAP.length);
}

function leastWidth<Row>({ column, width }: Measured<Row>): number {
  return Math.min(width, column.least ?? width);
}
