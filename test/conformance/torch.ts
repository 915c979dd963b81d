/**
 * Two PyTorch programs on a real GPU: a high-priority one that answers requests from a CUDA graph,
 * a low-priority one that runs large batches without pause; alone, together, and together under
 * xschedd. A part of `npm run test:gpu -- --torch`.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Child } from '../demo/children.js';
import { askDaemon, startDaemon } from '../demo/daemon.js';
import type { DemoDaemon } from '../demo/daemon.js';
import { COMMAND_SCRIPT } from '../demo/paths.js';
import { Session } from '../demo/session.js';
import { summarizeLatencies } from '../demo/statistics.js';
import type { LatencySummary } from '../demo/statistics.js';

const PROGRAM = path.join('test', 'conformance', 'torch_loop.py');
const START_TIMEOUT_MS = 180_000;

interface Role {
  readonly role: 'high' | 'low';
  readonly priority: number;
  readonly args: readonly string[];
}

interface Outcome {
  readonly requests: readonly (readonly [number, number])[];
  readonly digest: string;
  readonly gpu: string;
  readonly torch: string;
}

interface Phase {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly daemon: DemoDaemon | undefined;
}

interface PhaseResult {
  readonly high?: LatencySummary;
  /** Batches per second of the low program while the high one ran, or over its whole run. */
  readonly low?: number;
  readonly digests: Readonly<Record<string, string>>;
}

function firstLine(child: Child): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${child.title} was not ready within ${START_TIMEOUT_MS / 1000} s`));
    }, START_TIMEOUT_MS);
    child.stdout.once('data', () => {
      clearTimeout(timer);
      resolve();
    });
    child.ended.then(
      (ending) => {
        clearTimeout(timer);
        reject(child.failure(ending));
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** Requests per second that ended within [from, to], times in nanoseconds. */
function rateWithin({ requests }: Outcome, from: number, to: number): number {
  const inside = requests.filter(([, end]) => end >= from && end <= to);
  return (inside.length * 1e9) / (to - from);
}

function summarize(outcomes: ReadonlyMap<string, Outcome>): PhaseResult {
  const high = outcomes.get('high');
  const low = outcomes.get('low');
  const span = (high ?? low)?.requests ?? [];
  const from = span[0]?.[0] ?? 0;
  const to = span.at(-1)?.[1] ?? 0;
  return {
    ...(high && { high: summarizeLatencies(high.requests.map(([a, b]) => (b - a) / 1e6)) }),
    ...(low && { low: rateWithin(low, from, to) }),
    digests: Object.fromEntries([...outcomes].map(([role, { digest }]) => [role, digest])),
  };
}

async function runPhase(session: Session, phase: Phase, seconds: number): Promise<PhaseResult> {
  const go = path.join(session.scratchDir, `go-${phase.name}`);
  const started = phase.roles.map(({ role, priority, args }) => {
    const output = path.join(session.scratchDir, `${phase.name}-${role}.json`);
    const command = ['python3', PROGRAM, '--role', role, '--go', go, '--output', output, ...args];
    const prefix =
      phase.daemon === undefined
        ? []
        : [process.execPath, COMMAND_SCRIPT, 'run', '-p', String(priority), '--name', role, '--'];
    const argv = [...prefix, ...command] as [string, ...string[]];
    const env = { ...process.env, ...phase.daemon?.env, CUBLAS_WORKSPACE_CONFIG: ':4096:8' };
    return { role, output, child: session.children.start({ title: role, argv, env }) };
  });
  await Promise.all(started.map(({ child }) => firstLine(child)));
  writeFileSync(go, '');
  const high = started.find(({ role }) => role === 'high');
  const low = started.find(({ role }) => role === 'low');
  if (high !== undefined) await high.child.expectSuccess();
  else await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  if (phase.daemon !== undefined) {
    console.log(await askDaemon(session.children, phase.daemon, process.env, ['ps']));
  }
  if (low !== undefined) {
    await low.child.stop();
    await low.child.expectSuccess();
  }
  rmSync(go);
  const read = (file: string): Outcome => JSON.parse(readFileSync(file, 'utf8')) as Outcome;
  const outcomes = new Map(started.map(({ role, output }) => [role, read(output)]));
  return summarize(outcomes);
}

function describe(name: string, { high, low }: PhaseResult): string {
  const parts = [name.padEnd(16)];
  if (high !== undefined) {
    const { p50, p90, p99, n } = high;
    const [a, b, c] = [p50, p90, p99].map((value) => value.toFixed(2));
    parts.push(`high P50 ${a ?? ''} P90 ${b ?? ''} P99 ${c ?? ''} ms (n=${String(n)})`);
  }
  if (low !== undefined) parts.push(`low ${low.toFixed(2)} batches/s`);
  return parts.join('  ');
}

export interface TorchSettings {
  /** How long each phase lasts. */
  readonly seconds: string;
  /** Seconds between two requests. */
  readonly sleep: string;
  readonly layers: string;
  readonly lowBatch: string;
}

export interface TorchResult {
  readonly settings: TorchSettings;
  readonly results: Readonly<Record<string, PhaseResult>>;
  /** Whether both programs computed the same in all phases. */
  readonly identical: boolean;
}

/** Runs all phases; needs a GPU, and python3 with PyTorch. */
export async function runTorch(settings: TorchSettings): Promise<TorchResult> {
  const seconds = Number(settings.seconds);
  if (!existsSync(PROGRAM)) throw new Error(`run this in the repository: ${PROGRAM} is not here`);
  const shared = ['--seconds', settings.seconds, '--sleep', settings.sleep];
  const high: Role = {
    role: 'high',
    priority: 10,
    args: [...shared, '--batch', '1', '--layers', settings.layers],
  };
  const low: Role = { role: 'low', priority: 0, args: [...shared, '--batch', settings.lowBatch] };
  const session = new Session();
  const results: Record<string, PhaseResult> = {};
  try {
    const daemon = await startDaemon(session, process.env);
    const phases: readonly Phase[] = [
      { name: 'standalone', roles: [high], daemon: undefined },
      { name: 'low-alone', roles: [low], daemon: undefined },
      { name: 'native', roles: [low, high], daemon: undefined },
      { name: 'xschedd', roles: [low, high], daemon },
      { name: 'high-shimmed', roles: [high], daemon },
      { name: 'low-shimmed', roles: [low], daemon },
    ];
    for (const phase of phases) {
      const result = await runPhase(session, phase, seconds);
      results[phase.name] = result;
      console.log(describe(phase.name, result));
    }
  } finally {
    await session.close();
  }
  const digests = Object.values(results).map((result) => result.digests);
  const identical = ['high', 'low'].every(
    (role) => new Set(digests.map((d) => d[role]).filter((d) => d !== undefined)).size === 1,
  );
  console.log(`outputs identical in all phases: ${identical ? 'yes' : 'NO'}`);
  return { settings, results, identical };
}
