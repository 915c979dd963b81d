/** The distributions of latency as an SVG picture. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { curveStepAfter, line } from 'd3-shape';
import { pickLatencyTicks } from './latency-axis.js';
import { latencyExtent, type Series } from './series.js';
import type { CdfPoint } from './statistics.js';

const WIDTH = 760;
const HEIGHT = 440;
const MARGIN = { top: 64, right: 24, bottom: 56, left: 64 };
/** Colours of Okabe and Ito, which colour-blind readers tell apart; dashes help in print. */
const STYLES = {
  standalone: { color: '#009e73', dash: '2 3' },
  native: { color: '#d55e00', dash: '8 4' },
  xschedd: { color: '#0072b2', dash: 'none' },
} as const;

function escapeText(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

function textAt(x: number, y: number, text: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeText(text)}</text>`;
}

type Scale = ReturnType<typeof scaleLinear<number>>;
type LogScale = ReturnType<typeof scaleLog<number>>;

function renderAxes(x: LogScale, y: Scale): string {
  const [left, right, bottom] = [MARGIN.left, WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
  const [low = 1, high = 10] = x.domain();
  const vertical = pickLatencyTicks(low, high).map((tick) => {
    const at = x(tick);
    const grid = `<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${String(MARGIN.top)}" y2="${String(bottom)}" class="grid"/>`;
    return grid + textAt(at, bottom + 18, String(tick), 'text-anchor="middle"');
  });
  const horizontal = [0, 0.25, 0.5, 0.75, 0.9, 0.99].map((tick) => {
    const at = y(tick);
    const grid = `<line x1="${String(left)}" x2="${String(right)}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" class="grid"/>`;
    // 99% and 90% lie close to one another: there is just room for both.
    return (
      grid + textAt(left - 8, at + 4, `${String(Math.round(100 * tick))}%`, 'text-anchor="end"')
    );
  });
  const middle = (left + right) / 2;
  const label = 'latency of the high-priority program, ms (logarithmic)';
  return [
    ...vertical,
    ...horizontal,
    textAt(middle, HEIGHT - 14, label, 'text-anchor="middle"'),
  ].join('\n');
}

function renderLegend(series: readonly Series[]): string {
  return series
    .map(({ name, points }, index) => {
      const { color, dash } = STYLES[name];
      const x = MARGIN.left + index * 150;
      const sample = `<line x1="${String(x)}" x2="${String(x + 28)}" y1="48" y2="48" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`;
      return sample + textAt(x + 34, 52, `${name} (${String(points.length)})`);
    })
    .join('\n');
}

/**
 * Draws one step curve a series over a logarithmic latency axis.
 * @param title heading of the picture
 * @returns the text of an SVG file
 */
export function renderSvg(series: readonly Series[], title: string): string {
  const [low, high] = latencyExtent(series);
  const x = scaleLog([low * 0.95, high * 1.05], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([0, 1], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const draw = line<CdfPoint>(
    (point) => x(point.value),
    (point) => y(point.fraction),
  ).curve(curveStepAfter);
  const curves = series.map(({ name, points }) => {
    const { color, dash } = STYLES[name];
    const first = points[0];
    const fromFloor = first === undefined ? [] : [{ value: first.value, fraction: 0 }, ...points];
    return `<path d="${draw(fromFloor) ?? ''}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"><title>${name}</title></path>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(WIDTH)}" height="${String(HEIGHT)}" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" font-family="sans-serif" font-size="12">`,
    '<style>.grid { stroke: #dddddd; stroke-width: 1; }</style>',
    `<rect width="${String(WIDTH)}" height="${String(HEIGHT)}" fill="white"/>`,
    textAt(MARGIN.left, 26, title, 'font-size="15"'),
    renderLegend(series),
    renderAxes(x, y),
    ...curves,
    '</svg>',
    '',
  ].join('\n');
}
