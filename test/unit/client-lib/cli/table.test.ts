import { describe, expect, it } from 'vitest';
import { makeColors, paintState, wantsColors } from '../../../../client-lib/cli/colors.js';
import { renderTable } from '../../../../client-lib/cli/table.js';
import type { Column } from '../../../../client-lib/cli/table.js';
import { textWidth } from '../../../../client-lib/cli/text.js';

interface Row {
  readonly name: string;
  readonly count: number;
}
const name: Column<Row> = { title: 'NAME', value: (row) => row.name, least: 4 };
const count: Column<Row> = {
  title: 'COUNT',
  align: 'right',
  value: (row) => String(row.count),
};
const columns = [name, count];
const plain = makeColors(false);

describe('renderTable', () => {
  it('aligns columns, without lines and without blanks at the end', () => {
    const rows = [
      { name: 'a', count: 5 },
      { name: 'longer', count: 1234 },
    ];
    expect(renderTable(columns, rows, { colors: plain })).toEqual([
      'NAME    COUNT',
      'a           5',
      'longer   1234',
    ]);
  });

  it('cuts the columns that may be cut until a line fits', () => {
    const rows = [{ name: 'a-very-long-name', count: 1 }];
    const lines = renderTable(columns, rows, { colors: plain, width: 13 });
    expect(lines).toEqual(['NAME    COUNT', 'a-ver…      1']);
  });

  it('leaves columns out where nothing more can be cut, in the order that it is told', () => {
    const rows = [{ name: 'a-very-long-name', count: 1 }];
    const fit = (width: number, leaveOut: readonly string[]): readonly string[] =>
      renderTable(columns, rows, { colors: plain, width, leaveOut });
    expect(fit(11, ['COUNT'])).toEqual(['NAME  COUNT', 'a-v…      1']);
    expect(fit(10, ['COUNT'])).toEqual(['NAME', 'a-very-lo…']);
    expect(fit(10, ['NAME', 'COUNT'])).toEqual(['COUNT', '    1']);
    expect(fit(10, ['NO SUCH', 'COUNT'])).toEqual(['NAME', 'a-very-lo…']);
  });

  it('cuts off what does not fit then', () => {
    const rows = [{ name: 'a-very-long-name', count: 1 }];
    const lines = renderTable(columns, rows, { colors: plain, width: 3 });
    expect(lines).toEqual(['NA…', 'a-…']);
  });

  it('keeps one row on one line, whatever a cell holds', () => {
    const rows = [{ name: 'two\nlines\x1b[31m', count: 1 }];
    expect(renderTable(columns, rows, { colors: plain })).toHaveLength(2);
  });

  it('does not count colours', () => {
    const red: Column<Row> = { ...name, paint: (text, _row, colors) => colors.red(text) };
    const rows = [{ name: 'a-very-long-name', count: 1 }];
    const lines = renderTable([red, count], rows, { colors: makeColors(true), width: 13 });
    expect(lines[1]).toContain('\x1b[31m');
    expect(textWidth(lines[1] ?? '')).toBe(13);
  });
});

describe('wantsColors', () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
    [false, { CI: 'true' }, false],
    [undefined, { CI: 'true' }, false],
  ])('on a terminal: %s, environment %j: %s', (isTTY, env, wanted) => {
    expect(wantsColors(isTTY, env)).toBe(wanted);
  });
});

it('paints states apart', () => {
  const colors = makeColors(true);
  const painted = ['idle', 'running', 'suspended', 'stalled'].map((state) =>
    paintState('x', state, colors),
  );
  expect(new Set(painted).size).toBe(4);
});

it('aligns a table of any length', () => {
  const rows = Array.from({ length: 1000 }, (_, index) => ({
    name: `n${String(index)}`,
    count: 7,
  }));
  const lines = renderTable(columns, rows, { colors: plain });
  expect(lines).toHaveLength(1001);
  expect(new Set(lines.map((line) => line.length))).toEqual(new Set([11]));
});
