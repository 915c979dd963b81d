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
  /** Titles of the columns that go where cutting is not enough, the first one first. */
  readonly leaveOut?: readonly string[];
}

const GAP = 2;
/** Rows laid out at a time: the time that cli-table3 takes grows with their square. */
const CHUNK = 32;
const NO_LINES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
};

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
  const line = (row: Row, index: number): readonly string[] =>
    shown.map(({ column, cells, width: cut }) => {
      const text = cutText(cells[index] ?? '', cut);
      return column.paint === undefined ? text : column.paint(text, row, colors);
    });
  const titles = shown.map(({ column, width: cut }) => colors.bold(cutText(column.title, cut)));
  const lines = [titles, ...rows.map(line)];
  const widths = shown.map((one) => one.width);
  const aligns = shown.map(({ column }) => column.align ?? 'left');
  const rendered: string[] = [];
  for (let first = 0; first < lines.length; first += CHUNK) {
    rendered.push(...layOut(lines.slice(first, first + CHUNK), widths, aligns));
  }
  return width === undefined ? rendered : rendered.map((text) => cutText(text, width));
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
  return columns.reduce((sum, one) => sum + widthOf(one) + GAP, -GAP);
}

function leastWidth<Row>({ column, width }: Measured<Row>): number {
  return Math.min(width, column.least ?? width);
}
