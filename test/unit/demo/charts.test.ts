import { describe, expect, it } from 'vitest';
import { renderSvg } from '../../demo/chart-svg.js';
import { renderChart } from '../../demo/chart-terminal.js';
import { pickLatencyTicks } from '../../demo/latency-axis.js';
import { latencyFigure, type Series } from '../../demo/series.js';
import { empiricalCdf } from '../../demo/statistics.js';

const SERIES: Series[] = [
  { name: 'standalone', points: empiricalCdf([10, 11, 12]) },
  { name: 'native', points: empiricalCdf([30, 60, 90]) },
  { name: 'xschedd', points: empiricalCdf([11, 12, 14]) },
];

describe('pickLatencyTicks', () => {
  it('labels 1, 2, 3 and 5 in each power of ten', () => {
    expect(pickLatencyTicks(0.4, 12)).toEqual([0.5, 1, 2, 3, 5, 10]);
    expect(pickLatencyTicks(9.5, 94)).toEqual([10, 20, 30, 50]);
  });

  it('labels round numbers where these would be few', () => {
    expect(pickLatencyTicks(62, 210)).toEqual([80, 100, 120, 140, 160, 180, 200]);
  });

  it('refuses what has no logarithm', () => {
    expect(() => pickLatencyTicks(0, 5)).toThrow('0 < low <= high, got 0 and 5');
  });
});

describe('renderSvg', () => {
  const svg = renderSvg(latencyFigure(SERIES, 'A & "B" <C>'));

  /** The corners of a curve, in pixels. */
  function corners(name: string): { x: number; y: number }[] {
    const path = new RegExp(`<path d="([^"]+)"[^>]*><title>${name}</title>`).exec(svg)?.[1] ?? '';
    return Array.from(path.matchAll(/[ML]([\d.]+),([\d.]+)/g), ([, x, y]) => ({
      x: Number(x),
      y: Number(y),
    }));
  }

  it('draws each series as steps that only rise', () => {
    for (const { name, points } of SERIES) {
      const curve = corners(name);
      expect(curve.length).toBeGreaterThanOrEqual(2 * points.length);
      for (const [index, point] of curve.slice(1).entries()) {
        expect(point.x).toBeGreaterThanOrEqual(curve[index]?.x ?? Infinity);
        expect(point.y).toBeLessThanOrEqual(curve[index]?.y ?? -Infinity);
      }
    }
  });

  it('places all series on the same axes, from none to all of the requests', () => {
    const ends = SERIES.map(({ name }) => corners(name));
    const tops = ends.map((curve) => curve.at(-1)?.y);
    const floors = ends.map((curve) => curve[0]?.y);
    expect(new Set(tops).size).toBe(1);
    expect(new Set(floors).size).toBe(1);
    expect(corners('native')[0]?.x).toBeGreaterThan(corners('xschedd').at(-1)?.x ?? Infinity);
  });

  it('escapes what would break the file', () => {
    expect(svg).toContain('A &amp; &quot;B&quot; &lt;C&gt;');
  });
});

describe('renderChart', () => {
  it('fits the terminal and labels both axes', () => {
    const lines = renderChart(SERIES, 80, false).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.some((line) => line.startsWith('100%'))).toBe(true);
    expect(lines.some((line) => /^\s+10\s+20\s+30\s+50\s*$/.test(line))).toBe(true);
  });

  it('tells the curves apart without colours', () => {
    const text = renderChart(SERIES, 80, false);
    expect(text).not.toContain('\u001b');
    for (const legend of ['s standalone', 'n native', 'x xschedd']) expect(text).toContain(legend);
    const highest = text.split('\n').find((line) => line.startsWith('100%')) ?? '';
    expect(highest).toMatch(/s.*x.*n/);
  });

  it('uses colours where they are wanted', () => {
    expect(renderChart(SERIES, 80, true)).toContain('\u001b[31m');
  });
});
