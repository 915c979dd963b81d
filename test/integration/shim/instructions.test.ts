/**
 * How many instructions of the processor the shim adds to a launch or a copy that nobody holds back.
 * Counted, not timed, so that it hardly depends on the machine, though on the compiler. The driver does
 * nothing, and the program makes each launch once through the shim and once past it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TestContext } from 'vitest';
import { FakeAgentDaemon, serveAll } from './fake-daemon.js';
import { BUILD, makeEnvironment, makeStage, runClient } from './programs.js';
import type { Environment, Stage } from './programs.js';
import { prepareValgrind } from './valgrind.js';

/** What a launch or a copy may cost at most; a default stream is known by the current context, which is asked for. */
const MOST = { own: 120, legacy: 160 } as const;
/** The same in a window with room, its part of a fence behind every 24 launches with it. */
const MOST_OUTRANKED = { own: 350, legacy: 390 } as const;

type Stream = keyof typeof MOST;
type Work = 'kernel' | 'copy';

const LAUNCHES = 500;
const FEW = 10;
const MANY = 50;
const LIFE_MS = 60_000;
const TEST_MS = 150_000;

const needValgrind = prepareValgrind();

/** Instructions of a launch and one past the shim: what more batches cost, so that the start does not count. */
async function countLaunch(
  context: TestContext,
  stage: Stage,
  stream: Stream,
  work: Work,
  env: Environment,
  rank: readonly 'outranked'[] = [],
) {
  const { program, options, env: more } = needValgrind(context);
  const count = async (batches: number) => {
    const file = path.join(stage.runtimeDir, `counts-${String(batches)}`);
    const launches = path.join(BUILD, 'bench', 'launches');
    const argv = [
      ...['--tool=callgrind', '--separate-threads=yes', `--callgrind-out-file=${file}`],
      ...['--fair-sched=yes', ...options],
      ...[launches, String(batches), String(LAUNCHES), '0', stream, work, ...rank],
    ];
    const ended = await runClient(program, argv, { ...env, ...more }, '/', LIFE_MS);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    // Of the thread that launches: what the shim's own do meanwhile goes by the time it takes.
    return Number(/^totals: (\d+)$/m.exec(readFileSync(`${file}-01`, 'latin1'))?.[1]);
  };
  const [few, many] = await Promise.all([count(FEW), count(MANY)]);
  return (many - few) / ((MANY - FEW) * LAUNCHES);
}

describe('a submission', () => {
  it.for([
    ['kernel', 'own', false],
    ['kernel', 'own', true],
    ['kernel', 'legacy', true],
    ['copy', 'own', true],
    ['copy', 'legacy', true],
  ] as const)(
    'of a %s on the stream %s, with a daemon: %s, takes few instructions more',
    { timeout: TEST_MS },
    async ([work, stream, isServed], context) => {
      const stage = makeStage();
      const driver = { LD_LIBRARY_PATH: path.join(BUILD, 'bench', 'null') };
      const daemon = isServed ? await FakeAgentDaemon.start(stage.runtimeDir, serveAll) : undefined;
      const count = (env: Environment) => countLaunch(context, stage, stream, work, env);
      const bare = await count(makeEnvironment(stage, driver, false));
      const shim = await count(makeEnvironment(stage, driver));
      const added = shim - bare;
      // None at all would mean that the shim was not there.
      expect(added).toBeGreaterThan(10);
      expect(added).toBeLessThanOrEqual(MOST[stream]);
      if (daemon !== undefined) expect(daemon.list('REGISTER').length).toBeGreaterThan(0);
    },
  );

  it.for([
    ['kernel', 'own'],
    ['kernel', 'legacy'],
    ['copy', 'own'],
  ] as const)(
    'of a %s on the stream %s takes not many more where a window is in force and has room',
    { timeout: TEST_MS },
    async ([work, stream], context) => {
      const stage = makeStage();
      const settings = {
        ...{ LD_LIBRARY_PATH: path.join(BUILD, 'bench', 'null') },
        ...{ XSCHED_POLICY: 'HPF', XSCHED_PREEMPT_LATENCY_US: '1000000' },
      };
      const count = (env: Environment) =>
        countLaunch(context, stage, stream, work, env, ['outranked']);
      const added =
        (await count(makeEnvironment(stage, settings))) -
        (await count(makeEnvironment(stage, settings, false)));
      // Less would mean that there was no window.
      expect(added).toBeGreaterThan(MOST[stream]);
      expect(added).toBeLessThanOrEqual(MOST_OUTRANKED[stream]);
    },
  );
});
