/** How much a model suffers beside another one: the measurement that the end-to-end tests share. */
import { expect } from 'vitest';
import { percentile } from '../demo/statistics.js';
import { startLoad, type Answer, type Load } from './load.js';
import type { TritonServer } from './server.js';

/** Alone and beside the low model by turns, so that whatever else the machine does meets both. */
export const ROUNDS = 3;
export const ROUND_SAMPLES = 20;
export const HIGH = { model: 'bert-high', intervalMs: 160 } as const;
export const LOW = { model: 'bert-low', intervalMs: 0 } as const;

/** The median latency, in ms. */
export function latency(answers: readonly Answer[]): number {
  return percentile(
    answers.map((answer) => answer.latencyMs),
    50,
  );
}

/** Ends a load and checks that every request that it sent was answered, and rightly. */
export async function finish(load: Load): Promise<void> {
  const answers = await load.stop();
  expect(answers.filter((answer) => answer.problem !== null)).toEqual([]);
  expect(answers.map((answer) => answer.index)).toEqual(answers.map((_, index) => index));
}

/** The high model's median latency, in ms, alone and beside the low one. */
export async function measureContention(
  server: TritonServer,
  rounds = ROUNDS,
): Promise<{ alone: number; beside: number }> {
  const high = await startLoad(server, HIGH);
  const alone: Answer[] = [];
  const beside: Answer[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(...(await high.collect(ROUND_SAMPLES)));
    const low = await startLoad(server, LOW);
    beside.push(...(await high.collect(ROUND_SAMPLES)));
    await finish(low);
  }
  await finish(high);
  return { alone: latency(alone), beside: latency(beside) };
}
