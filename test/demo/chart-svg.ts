/** The distributions of latency as an SVG picture. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { curveStepAfter, line } from 'd3-shape';
import { latencyExtent, pickLatencyTicks } from './latency-axis.js';
import type { CdfPoint } from './statistics.js';

/** How a curve looks. */
export interface CurveStyle {
  readonly color: string;
  /** Lengths of strokes and gaps in pixels, as SVG has them. */
  readonly dash: string;
}

/** One distribution. */
export interface Curve {
  /** What the legend calls it; the number of values is added. */
  readonly name: string;
  /** Values above 0. */
  readonly points: readonly CdfPoint[];
  readonly style: CurveStyle;
}

/** A picture of distributions. */
export interface CdfFigure {
  readonly title: string;
  /** What the values are, with their unit. */
  readonly valueLabel: string;
  readonly curves: readonly Curve[];
}

const WIDTH = 760;
const HEIGHT = 440;
const MARGIN = { top: 64, right: 24, bottom: 56, left: 64 };
/** Colours of Okabe and Ito, which colour-blind readers tell apart; dashes help in print. */
export const CURVE_STYLES = {
  dottedGreen: { color: '#009e73', dash: '2 3' },
  dashedRed: { color: '#d55e00', dash: '8 4' },
  dashDottedPurple: { color: '#cc79a7', dash: '10 3 2 3' },
  solidBlue: { color: '#0072b2', dash: 'none' },
} as const;
/** In pixels: the sample of a line with its distance, a character, and the way to the next entry. */
const LEGEND = { sample: 28, text: 34, character: 6.8, gap: 14 };

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

function renderAxes(x: LogScale, y: Scale, valueLabel: string): string {
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
  return [
    ...vertical,
    ...horizontal,
    textAt(middle, HEIGHT - 14, `${valueLabel} (logarithmic)`, 'text-anchor="middle"'),
  ].join('\n');
}

function renderLegend(curves: readonly Curve[]): string {
  let next = MARGIN.left;
  return curves
    .map(({ name, points, style: { color, dash } }) => {
      const x = next;
      const text = `${name} (n = ${String(points.length)})`;
      next += LEGEND.text + LEGEND.character * text.length + LEGEND.gap;
      const ends = `x1="${x.toFixed(1)}" x2="${(x + LEGEND.sample).toFixed(1)}" y1="48" y2="48"`;
      const sample = `<line ${ends} stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`;
      return sample + textAt(x + LEGEND.text, 52, text);
    })
    .join('\n');
}

/**
 * Draws each distribution as a curve of steps over a logarithmic axis of values.
 * @returns the text of an SVG file
 * @throws RangeError if no curve has a value, or one is not above 0
 */
export function renderSvg({ title, valueLabel, curves }: CdfFigure): string {
  const [low, high] = latencyExtent(curves);
  const x = scaleLog([low * 0.95, high * 1.05], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([0, 1], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const draw = line<CdfPoint>(
    (point) => x(point.value),
    (point) => y(point.fraction),
  ).curve(curveStepAfter);
  const paths = curves.map(({ name, points, style: { color, dash } }) => {
    const first = points[0];
    const fromFloor = first === undefined ? [] : [{ value: first.value, fraction: 0 }, ...points];
    return `<path d="${draw(fromFloor) ?? ''}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"><title>${escapeText(name)}</title></path>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(WIDTH)}" height="${String(HEIGHT)}" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" font-family="sans-serif" font-size="12">`,
    '<style>.grid { stroke: #dddddd; stroke-width: 1; }</style>',
    `<rect width="${String(WIDTH)}" height="${String(HEIGHT)}" fill="white"/>`,
    textAt(MARGIN.left, 26, title, 'font-size="15"'),
    renderLegend(curves),
    renderAxes(x, y, valueLabel),
    ...paths,
    '</svg>',
    '',
  ].join('\n');
}
