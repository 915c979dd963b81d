/** Programs that end, and say, the same without the shim, with it alone, and with it and a daemon. */
import { expect } from 'vitest';
import { FakeAgentDaemon, serveAll } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import { CLIENTS, makeEnvironment, makeStage, runClient, SHIM } from './programs.js';
import type { Ended, Environment, Stage } from './programs.js';

export interface Alike {
  readonly ended: Ended;
  readonly daemon: FakeAgentDaemon;
  readonly stage: Stage;
}

/**
 * Runs the client in all three ways, compares, and returns what the last one left. `folder` is where
 * it is; `others` are the preload libraries without the shim, `preload` those with it.
 */
export async function runAlike(
  name: string,
  args: readonly string[],
  more: Environment = {},
  behave: Behaviour = serveAll,
  { folder = CLIENTS, preload = SHIM, others = '' } = {},
): Promise<Alike> {
  const bare = { ...makeEnvironment(makeStage(), more, false), LD_PRELOAD: others };
  const expected = await runClient(name, args, bare, folder);
  expect(expected).toMatchObject({ stderr: '' });
  const shim = { ...more, LD_PRELOAD: preload };
  const alone = await runClient(name, args, makeEnvironment(makeStage(), shim), folder);
  expect(sortLines(alone)).toEqual(sortLines(expected));
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
  const ended = await runClient(name, args, makeEnvironment(stage, shim), folder);
  expect(sortLines(ended)).toEqual(sortLines(expected));
  return { ended, daemon, stage };
}

/** Several processes or threads say their lines in any order. */
function sortLines(ended: Ended): Ended {
  return { ...ended, stdout: ended.stdout.split('\n').sort().join('\n') };
}

/** The processes that the daemon has heard of, and how many links each had. */
export function countLinks(daemon: FakeAgentDaemon): ReadonlyMap<number, number> {
  const links = new Map<number, Set<string>>();
  for (const { link, message } of daemon.list('HELLO')) {
    links.set(message.pid, (links.get(message.pid) ?? new Set()).add(link));
  }
  return new Map([...links].map(([pid, { size }]) => [pid, size]));
}

/** Waits until so many processes are known: the last may have ended before its words are read. */
export async function expectProcesses(daemon: FakeAgentDaemon, processes: number): Promise<void> {
  await daemon.waitFor(`${processes} processes`, () =>
    countLinks(daemon).size >= processes ? true : undefined,
  );
  expect(countLinks(daemon).size).toBe(processes);
}

/** Every process that came said its own goodbye, on its own link, and nothing after it. */
export async function expectAllGone(daemon: FakeAgentDaemon, processes: number): Promise<void> {
  await daemon.waitFor(`${processes} BYE`, () =>
    daemon.list('BYE').length >= processes ? true : undefined,
  );
  expect([...countLinks(daemon).values()]).toEqual(Array(processes).fill(1));
  const leavers = daemon.list('BYE').map(({ link }) => link);
  expect(new Set(leavers).size).toBe(processes);
  for (const link of leavers) {
    const last = daemon.heard.findLast((heard) => heard.link === link);
    expect(last?.message.type).toBe('BYE');
  }
}
