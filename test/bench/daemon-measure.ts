/** One life of a daemon under load, and what it took: the measurements of daemon-load. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { connect } from '../../client-lib/index.js';
import type { QueueInfo } from '../../client-lib/index.js';
import { AGENT_SOCKET } from '../../protocol/runtime-dir.js';
import { Crowd } from './crowd.js';
import type { CrowdState, Flood } from './crowd.js';
import { readCpuUs, readMemoryMb } from './process-usage.js';
import { awaitEnd, startDaemon } from './programs.js';

/** Until what the events before have left behind is done: V8 gives memory back after 8 s. */
const SETTLE_MS = 10_000;
/** A list may be as old as this, and is asked for this often until it is not. */
const SHARED_MS = 5000;
const POLL_MS = 50;

export interface Load {
  /** Processes that the rest of the queues are spread over. */
  readonly clients: number;
  /** Events of a flood. */
  readonly events: number;
  /** Events a second where latency is measured. */
  readonly rate: number;
  readonly latencySeconds: number;
  readonly quietSeconds: number;
  /** The processors of the daemon and of the crowd. */
  readonly cpus: readonly [number, number];
}

/** What a flood took. */
export interface FloodCost {
  /** Processor time of the daemon for each event. */
  readonly cpuUs: number;
  readonly perSecond: number;
  /** What the crowd alone would have sent. */
  readonly crowdPerSecond: number;
  /** PERMITs and SUSPENDs for each event. */
  readonly decisions: number;
}

/** What one life showed. */
export interface Life {
  readonly calm: FloodCost;
  readonly decide: FloodCost;
  /** Microseconds from a READY to the SUSPEND of another process, and from an IDLE to the PERMIT. */
  readonly suspendUs: readonly number[];
  readonly resumeUs: readonly number[];
  /** Processor time of the daemon for each event at the rate at which latency was measured. */
  readonly latencyCpuUs: number;
  readonly lateUs: number;
  /** Percent of a processor while all queues are registered and idle. */
  readonly quietCpuPercent: number;
  /** MB with all queues registered, and the most of the whole life. */
  readonly registeredMb: number;
  readonly peakMb: number;
}

/** @param queues registered queues in all, at least CAST and one for each client */
export async function measureLife(queues: number, load: Load): Promise<Life> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xsched-load-'));
  const runtimeDir = path.join(folder, 'run');
  const daemon = await startDaemon(runtimeDir, { cpu: load.cpus[0] });
  try {
    const socket = path.join(runtimeDir, AGENT_SOCKET);
    const crowd = await Crowd.start(socket, queues, load.clients, load.cpus[1]);
    try {
      return await measure(crowd, daemon.pid ?? NaN, runtimeDir, load);
    } finally {
      await crowd.stop();
    }
  } finally {
    daemon.kill();
    await awaitEnd(daemon);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(crowd: Crowd, pid: number, runtimeDir: string, load: Load): Promise<Life> {
  const { events, rate, latencySeconds, quietSeconds } = load;
  await crowd.register();
  const registered = readMemoryMb(pid);
  const flood = async (kind: 'calm' | 'decide', count: number): Promise<FloodCost> => {
    const before = readCpuUs(pid);
    const result = await crowd[kind](count);
    const cost = describeFlood(result, count, readCpuUs(pid) - before);
    await checkState(runtimeDir, await crowd.state());
    await crowd.quiet();
    return cost;
  };
  // The first events are handled by code that is not compiled yet.
  await flood('calm', Math.ceil(events / 4));
  await flood('decide', Math.ceil(events / 16));
  const calm = await flood('calm', events);
  const decide = await flood('decide', events);
  const paced = rate * latencySeconds;
  const before = readCpuUs(pid);
  const { probes, lateNs } = await crowd.latency(paced, rate);
  const latencyCpuUs = (readCpuUs(pid) - before) / paced;
  await checkState(runtimeDir, await crowd.state());
  await crowd.quiet();
  await delay(SETTLE_MS);
  const quietFrom = readCpuUs(pid);
  const began = performance.now();
  await delay(quietSeconds * 1000);
  const quietUs = readCpuUs(pid) - quietFrom;
  const quietCpuPercent = (100 * quietUs) / ((performance.now() - began) * 1000);
  const times = (permit: 0 | 1) =>
    probes.filter(([kind]) => kind === permit).map(([, ns]) => ns / 1000);
  return {
    ...{ calm, decide, suspendUs: times(0), resumeUs: times(1), latencyCpuUs },
    ...{ lateUs: lateNs / 1000, quietCpuPercent },
    ...{ registeredMb: registered.now, peakMb: readMemoryMb(pid).peak },
  };
}

function describeFlood(flood: Flood, events: number, cpuUs: number): FloodCost {
  return {
    cpuUs: cpuUs / events,
    perSecond: (events * 1e9) / flood.ns,
    crowdPerSecond: (events * 1e9) / flood.ownCpuNs,
    decisions: flood.decisions / events,
  };
}

/** @throws {assert.AssertionError} where a message was lost, or the two sides know different things. */
async function checkState(runtimeDir: string, crowd: CrowdState): Promise<void> {
  const controller = await connect({ runtimeDir });
  try {
    const { messages, refused } = await controller.status();
    assert.equal(messages, crowd.sent, 'messages that the daemon took, and that were sent');
    assert.equal(refused, 0, 'messages that the daemon refused');
    const deadline = performance.now() + SHARED_MS;
    for (;;) {
      const known = gather(await controller.list());
      // A list that somebody asked for before is given out for a while.
      if (isDeepStrictEqual(known, crowd.queues)) return;
      if (performance.now() > deadline)
        assert.deepEqual(known, crowd.queues, 'what both sides know');
      await delay(POLL_MS);
    }
  } finally {
    await controller.close();
  }
}

/** The daemon's list in the form of the crowd's. */
function gather(list: readonly QueueInfo[]): Record<string, string> {
  const queues: Record<string, string[]> = {};
  for (const { id, state } of list) {
    const [pid = '', number = ''] = id.split('.');
    (queues[pid] ??= [])[Number(number) - 1] = state.slice(0, 1);
  }
  return Object.fromEntries(
    Object.entries(queues).map(([pid, letters]) => [pid, letters.join('')]),
  );
}
