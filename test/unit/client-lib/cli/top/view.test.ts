import { describe, expect, it } from 'vitest';
import { makeColors } from '../../../../../client-lib/cli/colors.js';
import { textWidth } from '../../../../../client-lib/cli/text.js';
import type { TopQueue } from '../../../../../client-lib/cli/top/sample.js';
import { renderTop, statusLine } from '../../../../../client-lib/cli/top/view.js';
import { sampleQueue, sampleStatus, widelyNamedQueues } from '../../samples.js';

const colors = makeColors(false);
const rates = { launchesPerSecond: 1234, readyShare: 0.5, waitedNsPerSecond: 2e6 };

function makeQueues(count: number): readonly TopQueue[] {
  return Array.from({ length: count }, (_, index) => ({
    ...sampleQueue({ id: `1.${String(index)}`, device: index < 2 ? 'GPU-1' : 'GPU-2' }),
    rates: index === 0 ? rates : undefined,
  }));
}

describe('renderTop', () => {
  it('shows the daemon, then the queues under their devices', () => {
    const lines = renderTop(sampleStatus(), makeQueues(3), { colors });
    expect(lines[0]).toContain('xschedd 0.1.0 on · policy HPF · 2 processes, 2 queues');
    expect(lines.slice(3).map((line) => line.split(' ')[0])).toEqual([
      ...['GPU-1', '1.0', '1.1', 'GPU-2', '1.2'],
    ]);
    expect(lines[3]).toBe('GPU-1 2 queues, 1234 launches/s');
    expect(lines[4]).toMatch(/1234 +50% +2\.00 ms/);
    expect(lines[5]).toMatch(/idle +- +- +-/);
  });

  it('shows target, window and what was measured where there is a window', () => {
    const rows = (queue: Partial<TopQueue>) => {
      const lines = renderTop(sampleStatus(), [{ ...sampleQueue(), ...queue, rates }], { colors });
      return lines.at(-1) ?? '';
    };
    const measured = { latencyP50: 94, latencyP99: 1180 };
    const outranked = rows({ target: 200, window: 8, latency: 100, ...measured });
    expect(outranked).toMatch(/ 200 µs +100 µs +94\.0 µs +1\.18 ms +-$/);
    expect(rows({ target: 200, window: 8, latency: 200 })).toMatch(/ 200 µs +200 µs +- +- +-$/);
    expect(rows({ target: 0, window: 8, latency: 0, ...measured })).toMatch(/ - +8 +94\.0 µs/);
    // Nobody outranks it: what was measured was before.
    expect(rows({ target: 200, window: 0, latency: 200, ...measured })).toMatch(/ms( +-){5}$/);
  });

  it('fits the terminal', () => {
    const lines = renderTop(sampleStatus(), makeQueues(100), { colors, width: 80, height: 24 });
    expect(lines).toHaveLength(24);
    expect(lines.at(-1)).toBe('… 82 more lines');
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(80);
  });

  it.each([
    [40, ['QUEUE', 'NAME', 'PRIORITY', 'STATE']],
    [60, ['QUEUE', 'NAME', 'PRIORITY', 'STATE', 'READY', 'REASON']],
    [80, ['QUEUE', 'NAME', 'PRIORITY', 'STATE', 'LAUNCHES/S', 'READY', 'WAIT/S', 'REASON']],
    [
      100,
      [
        ...['QUEUE', 'NAME', 'PRIORITY', 'STATE', 'LAUNCHES/S', 'READY', 'WAIT/S', 'WINDOW', 'P99'],
        ...['REASON'],
      ],
    ],
    [
      120,
      [
        ...['QUEUE', 'NAME', 'PRIORITY', 'STATE', 'LAUNCHES/S', 'READY', 'WAIT/S', 'TARGET'],
        ...['WINDOW', 'P50', 'P99', 'REASON'],
      ],
    ],
  ])('shows in %i columns what matters most', (width, titles) => {
    const queues = widelyNamedQueues().map((queue) => ({ ...queue, rates }));
    const lines = renderTop(sampleStatus(), queues, { colors, width });
    expect(lines[2]?.split(/ +/)).toEqual(titles);
  });

  it('keeps its columns while queues are suspended and resumed', () => {
    const queues = widelyNamedQueues().map((queue) => ({ ...queue, rates }));
    const resumed = queues.map((queue) => ({ ...queue, state: 'running', reason: '' }));
    for (const width of [40, 60, 80, 100, 120]) {
      const titles = [queues, resumed].map((now) => {
        const [, , line = ''] = renderTop(sampleStatus(), now, { colors, width });
        return line.split(/ +/);
      });
      expect(titles[0]).toEqual(titles[1]);
    }
  });

  it('never is larger than the terminal, whatever its size', () => {
    const queues = widelyNamedQueues().map((queue) => ({ ...queue, rates }));
    for (let width = 1; width <= 130; width++) {
      for (let height = 1; height <= 8; height++) {
        const lines = renderTop(sampleStatus(), queues, { colors, width, height });
        const size = `${String(width)}x${String(height)}`;
        expect(lines.length, size).toBe(Math.min(height, 6));
        expect(Math.max(...lines.map(textWidth)), size).toBeLessThanOrEqual(width);
      }
    }
  });

  it('says that there are no queues', () => {
    expect(renderTop(sampleStatus(), [], { colors }).at(-1)).toBe('no queues');
  });
});

it('says loudly that scheduling is off', () => {
  expect(statusLine(sampleStatus({ enabled: false }), colors)).toContain(
    'OFF: every launch passes',
  );
});
