/** The picture: how the latencies of the high client are distributed in each setting. */
import { createRequire } from 'node:module';
import { CURVE_STYLES, renderSvg } from '../demo/chart-svg.js';
import { empiricalCdf } from '../demo/statistics.js';
import type { Machine } from './machine.js';
import type { Options, Setting } from './options.js';

const STYLES = {
  standalone: CURVE_STYLES.dottedGreen,
  triton: CURVE_STYLES.dashDottedPurple,
  'triton-p': CURVE_STYLES.dashedRed,
  xsched: CURVE_STYLES.solidBlue,
} as const;
/** Pixels of the PNG for one of the SVG. */
const PNG_ZOOM = 2;
/** The font that the PNG has on any machine; it comes from a package. */
const FONT = { file: 'dejavu-fonts-ttf/ttf/DejaVuSans.ttf', family: 'DejaVu Sans' };

/** Latencies of the high client, in ms, of each setting that was measured. */
export type Distributions = ReadonlyMap<Setting, readonly number[]>;

export interface FigureSubject {
  readonly machine: Pick<Machine, 'gpu' | 'scale'>;
  readonly options: Pick<Options, 'backend'>;
}

/** The picture as the text of an SVG file. */
export function renderFigure(
  distributions: Distributions,
  { machine, options }: FigureSubject,
): string {
  const slowed = machine.scale === 1 ? '' : `, clock slowed ${machine.scale} times`;
  const backend = options.backend === 'cpp' ? 'C++ backend' : 'Python backend';
  return renderSvg({
    title: `Figure 13a, ${backend} (${machine.gpu}${slowed})`,
    valueLabel: 'latency of the high-priority client, ms',
    curves: Array.from(distributions, ([name, latenciesMs]) => ({
      name,
      points: empiricalCdf(latenciesMs),
      style: STYLES[name],
    })),
  });
}

/**
 * The same picture as a PNG file, of twice the size.
 * @throws Error if the package @resvg/resvg-js has no binary for this machine
 */
export async function renderPng(svg: string): Promise<Buffer> {
  // Loaded when it is needed: it is a native module, which not every machine has.
  const { Resvg } = await import('@resvg/resvg-js');
  const fontFile = createRequire(import.meta.url).resolve(FONT.file);
  const picture = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: PNG_ZOOM },
    font: {
      fontFiles: [fontFile],
      loadSystemFonts: false,
      defaultFontFamily: FONT.family,
      sansSerifFamily: FONT.family,
    },
  });
  return picture.render().asPng();
}
