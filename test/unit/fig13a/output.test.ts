/** What a person sees and what stays: table, figure, files. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderFigure, renderPng } from '../../fig13a/figure.js';
import { readResult, renderRequests, writeFigure, writeResult } from '../../fig13a/files.js';
import { parseOptions } from '../../fig13a/options.js';
import type { Result } from '../../fig13a/result.js';
import { BOOTSTRAP, summarizeSettings } from '../../fig13a/summary.js';
import { renderTable } from '../../fig13a/table.js';
import { measurement } from './samples.js';

const MEASURED = [
  measurement('standalone', [10, 11, 12], 100),
  measurement('triton', [20, 30, 40], 60),
  measurement('triton-p', [15, 20, 25], 60),
  measurement('xsched', [10, 11, 13], 55),
];
const SETTINGS = summarizeSettings(MEASURED);
const SUBJECT = { machine: { gpu: 'Test <GPU>', scale: 1 }, options: { backend: 'cpp' } } as const;
const RESULT: Result = {
  ...{ figure: '13a', date: '2026-01-01T00:00:00.000Z', isComplete: true, problem: null },
  options: parseOptions([]),
  machine: {
    ...{ gpu: 'Test GPU', gpuKind: 'real', scale: 1, driverVersion: '570.1', cudaVersion: 12080 },
    ...{ cpu: 'Test CPU', cores: 8, memoryGiB: 16, system: 'Linux', node: '20' },
  },
  ...{ serverVersion: '2.51.0', models: [], bootstrap: BOOTSTRAP, settings: SETTINGS },
};
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

describe('renderTable', () => {
  it('has a row for each setting', () => {
    const rows = renderTable(SETTINGS).split('\n');
    const cells = (name: string): string[] =>
      (rows.find((row) => row.startsWith(`│ ${name} `)) ?? '').split('│').map((c) => c.trim());
    expect(cells('standalone').slice(2, 8)).toEqual(['11.00', '11.80', '11.98', '12.00', '3', '']);
    expect(cells('triton')[7]).toMatch(/^3\.32 \[\d\.\d\d, \d\.\d\d\]$/);
    expect(cells('xsched').slice(8, 12)).toEqual(['10.00', '11.96', '55.00', '55.2%']);
  });
});

describe('renderFigure', () => {
  const distributions = new Map([
    ['standalone', [10, 11, 12]],
    ['triton', [20, 30, 40]],
    ['triton-p', [15, 20, 25]],
    ['xsched', [10, 11, 13]],
  ] as const);

  it('draws a curve of its own look for each setting, and says how many requests it is of', () => {
    const svg = renderFigure(distributions, SUBJECT);
    const looks = Array.from(
      svg.matchAll(/<path [^>]*stroke="(\S+)"[^>]*stroke-dasharray="(.*?)"/g),
    );
    expect(looks).toHaveLength(4);
    expect(new Set(looks.map(([, color]) => color)).size).toBe(4);
    expect(new Set(looks.map(([, , dash]) => dash)).size).toBe(4);
    expect(svg).toContain('triton-p (n = 3)');
    expect(svg).toContain('Test &lt;GPU&gt;');
  });

  it('becomes a PNG with text, on a machine without fonts as well', async () => {
    const svg = renderFigure(distributions, SUBJECT);
    const png = await renderPng(svg);
    expect(png.subarray(0, PNG_SIGNATURE.length)).toEqual(PNG_SIGNATURE);
    const withoutText = await renderPng(svg.replaceAll(/<text.*?<\/text>/g, ''));
    expect(png.length).toBeGreaterThan(withoutText.length + 1000);
  });
});

describe('the files', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'xsched-fig13a-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are written and can be drawn again', async () => {
    writeResult(folder, RESULT, MEASURED);
    const { result, distributions } = readResult(path.join(folder, 'result.json'));
    expect(result).toEqual(RESULT);
    expect([...distributions]).toEqual(
      MEASURED.map(({ setting, high }) => [setting, high.map(({ latencyMs }) => latencyMs)]),
    );
    expect(await writeFigure(folder, distributions, result)).toBeNull();
    expect(readdirSync(folder).sort()).toEqual(
      ['fig13a.png', 'fig13a.svg', 'raw', 'requests.csv', 'result.json'].sort(),
    );
    expect(readdirSync(path.join(folder, 'raw'))).toHaveLength(8);
    expect(readFileSync(path.join(folder, 'raw', 'xsched-low.txt'), 'utf8')).toBe(
      '50.0000, 10.000000\n100.0000, 20.000000\n',
    );
  });

  it('hold every request', () => {
    const rows = renderRequests(MEASURED).trim().split('\n');
    expect(rows).toHaveLength(1 + 12);
    expect(rows[1]).toBe('standalone,1,0.000000,10.000000,0.100000,9.000000');
  });

  it('are missed by their names', () => {
    const file = path.join(folder, 'result.json');
    expect(() => readResult(file)).toThrow(`${file} does not exist`);
    writeFileSync(file, '{}');
    expect(() => readResult(file)).toThrow('"figure" is not "13a"');
    writeFileSync(file, JSON.stringify(RESULT));
    expect(() => readResult(file)).toThrow(/raw\/standalone\.txt does not exist/);
  });
});
