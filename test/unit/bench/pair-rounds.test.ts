import { describe, expect, it } from 'vitest';
import { HIGH_PHASES, orderPhases, runRound, turnOf } from '../../bench/pair-rounds.js';
import type { Cell, Pair, PhaseName, Settings } from '../../bench/pair-rounds.js';
import type { Measured, MeasureRequest, Worker } from '../../bench/pair-workers.js';

const TURNS = [0, 1, 2, 3, 4, 5];
const NAMES: PhaseName[] = [...HIGH_PHASES, 'native low alone', 'shim low alone'];

describe('orderPhases', () => {
  it('has each phase once in each turn', () => {
    for (const turn of [...TURNS, 6, 99])
      expect(orderPhases(turn).toSorted()).toEqual(NAMES.toSorted());
  });

  it('has each phase once at each place in six turns', () => {
    const orders = TURNS.map(orderPhases);
    for (const place of TURNS)
      expect(orders.map((order) => order[place]).toSorted()).toEqual(NAMES.toSorted());
  });

  it('has each phase once right behind each other one in six turns', () => {
    const followed = TURNS.map(orderPhases).flatMap((order) =>
      order.slice(1).map((name, index) => `${String(order[index])}, ${name}`),
    );
    expect(new Set(followed).size).toBe(30);
    expect(followed).toHaveLength(30);
  });

  it('begins anew after six turns', () => {
    expect(orderPhases(7)).toEqual(orderPhases(1));
  });
});

describe('turnOf', () => {
  it('lets pairs take turns, each in all orders', () => {
    const turns = [0, 1, 2, 3, 4].map((round) => turnOf(round, 2));
    expect(turns).toEqual([
      { pair: 0, turn: 0 },
      { pair: 1, turn: 0 },
      { pair: 0, turn: 1 },
      { pair: 1, turn: 1 },
      { pair: 0, turn: 2 },
    ]);
  });
});

/** Notes what it is asked, and answers as if each request took a millisecond. */
class FakeWorker {
  readonly seeds: number[] = [];

  constructor(
    private readonly name: string,
    private readonly asked: string[],
    private readonly failure?: Error,
  ) {}

  measure({ seed }: MeasureRequest): Promise<Measured> {
    this.asked.push(`${this.name} measure`);
    this.seeds.push(seed);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const parts = { lateUs: [0], launchUs: [400], waitUs: [600] };
    return Promise.resolve({ from: 2e9, to: 3e9, missed: 0, ...parts });
  }

  flood(): Promise<void> {
    this.asked.push(`${this.name} flood`);
    return Promise.resolve();
  }

  stop(): Promise<readonly number[]> {
    this.asked.push(`${this.name} stop`);
    return Promise.resolve([1e9, 2e9, 2.5e9, 3e9]);
  }
}

const SETTINGS: Settings = { seconds: 0.001, rounds: 1, arrivals: 'even', load: 0.4 };

/** A cell of fake workers, and what they are asked. */
function fakeCell(
  pairs: number,
  failure?: Error,
): { readonly cell: Cell; readonly asked: string[]; readonly highs: readonly FakeWorker[] } {
  const asked: string[] = [];
  const highs: FakeWorker[] = [];
  const pairOf = (name: string): Pair => {
    const high = new FakeWorker(`${name} high`, asked, failure);
    highs.push(high);
    const low = new FakeWorker(`${name} low`, asked);
    return { high: high as unknown as Worker, low: low as unknown as Worker };
  };
  const matched = Array.from({ length: pairs }, (_, index) => ({
    native: pairOf(`native ${String(index)}`),
    shim: pairOf(`shim ${String(index)}`),
  }));
  const place = { arrangement: 'two', matched, stream: 'high' as const };
  return { cell: { place, high: '0.4', highMs: 0.4, low: 'b1', goal: 1.2 }, asked, highs };
}

const list = () => Promise.resolve([]);

describe('runRound', () => {
  it('runs all phases of the pair whose turn it is, with the same requests', async () => {
    const { cell, asked, highs } = fakeCell(2);
    const round = await runRound(cell, SETTINGS, 1, list);
    expect(round.pair).toBe(1);
    expect(asked).toEqual([
      'native 1 high measure',
      ...['native 1 low flood', 'native 1 high measure', 'native 1 low stop'],
      ...['shim 1 low flood', 'shim 1 low stop'],
      'shim 1 high measure',
      ...['native 1 low flood', 'native 1 low stop'],
      ...['shim 1 low flood', 'shim 1 high measure', 'shim 1 low stop'],
    ]);
    expect(highs.flatMap(({ seeds }) => seeds)).toEqual([2, 2, 2, 2]);
    expect(round.lowPerSecond).toEqual({ alone: 1.5, shimAlone: 1.5, native: 2, shim: 2 });
  });

  it('leaves no low model running when the high one fails beside it', async () => {
    const { cell, asked } = fakeCell(1, new Error('out of memory'));
    await expect(runRound(cell, SETTINGS, 1, list)).rejects.toThrow('out of memory');
    const flooded = asked.filter((text) => text.endsWith('flood'));
    const stopped = asked.filter((text) => text.endsWith('stop'));
    expect(flooded.length).toBeGreaterThan(0);
    expect(stopped).toHaveLength(flooded.length);
  });
});
