/** The distributions of latency drawn with characters. */
import { plot, type MultiLine } from 'simple-ascii-chart';
import { latencyExtent, pickLatencyTicks } from './latency-axis.js';
import type { Series } from './series.js';

const HEIGHT = 16;
/** Room for the labels of the vertical axis. */
const LABEL_COLUMNS = 8;
const STYLES = {
  standalone: { color: 'ansiGreen', code: 32, letter: 's' },
  native: { color: 'ansiRed', code: 31, letter: 'n' },
  xschedd: { color: 'ansiBlue', code: 34, letter: 'x' },
} as const;

/** Without colours all curves look alike, so each is made of a letter of its own. */
function replaceColors(text: string, series: readonly Series[]): string {
  return series.reduce((drawn, { name }) => {
    const { code, letter } = STYLES[name];
    return drawn.replaceAll(new RegExp(`\\u001b\\[${String(code)}m.\\u001b\\[0m`, 'gu'), letter);
  }, text);
}

/**
 * Draws one curve a series over a logarithmic latency axis in milliseconds.
 * @param columns width of the terminal
 * @param colored whether it shows colours; without, the curves are made of letters
 */
export function renderChart(series: readonly Series[], columns: number, colored: boolean): string {
  const [low, high] = latencyExtent(series);
  const lines: MultiLine = series.map(({ points }) =>
    points.map(({ value, fraction }) => [Math.log10(value), fraction]),
  );
  const text = plot(lines, {
    width: Math.min(100, columns) - LABEL_COLUMNS,
    height: HEIGHT,
    yRange: [0, 1],
    customYAxisTicks: [0, 0.25, 0.5, 0.75, 1],
    customXAxisTicks: pickLatencyTicks(low, high).map(Math.log10),
    formatter: (value, { axis }) =>
      axis === 'x'
        ? String(Number((10 ** value).toPrecision(3)))
        : `${String(Math.round(100 * value))}%`,
    color: series.map(({ name }) => STYLES[name].color),
    legend: { position: 'bottom', series: series.map(({ name }) => name) },
  });
  const lined = (colored ? text : replaceColors(text, series)).split('\n');
  return lined
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}
