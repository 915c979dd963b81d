/**
 * A program under the shim behaves as it does without: exit code, output and the answers of the
 * driver, whatever becomes of the daemon.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from 'winston';
import type { Controller, EventStream } from '../../../client-lib/index.js';
import { parseConfig } from '../../../daemon/config/load.js';
import { startDaemon } from '../../../daemon/daemon.js';
import { makeRandom, SEED } from '../../unit/daemon/seed.js';
import { makeLossy } from './lossy.js';
import type { Losses } from './lossy.js';
import { Place } from './place.js';
import type { Ending, Program } from './program.js';
import { HANG_MS, until } from './until.js';

const ROUNDS = 60;
/** Client, arguments and the priority that it asks for: those at the end outrank the others. */
const PROGRAMS: readonly (readonly [string, readonly string[], number])[] = [
  ['steady', [String(ROUNDS), '2000'], 0],
  ['errors', [], 0],
  ['handles', [], 0],
  ['resolve', [], 1],
  ['ordering', [], 2],
  ['capture', [], 3],
  ['stress', ['4', '8'], 4],
];
/** Rounds of the program that says how far it is, after which something happens to the daemon. */
const IN_THE_MIDDLE = 'round 5:';
/** A shim lets launches pass within a second of its daemon's silence; the rest is the machine's. */
const FAIL_OPEN_MS = 3000;

/** How often others than the rival are told to have been suspended, until the events end. */
async function countSuspensions(events: EventStream, rival: Program): Promise<number> {
  let times = 0;
  for await (const { kind, id } of events) {
    if (kind === 'suspended' && !id.startsWith(`${rival.pid}.`)) times++;
  }
  return times;
}

type Endings = Readonly<Record<string, Ending>>;

/** All programs at once, under the shim. */
function startAll(place: Place, env: Readonly<Record<string, string>> = {}): readonly Program[] {
  return PROGRAMS.map(([client, args, priority]) =>
    place.preloaded(client, args, { XSCHED_PRIORITY: String(priority), ...env }),
  );
}

/** A program that outranks all of them. */
async function startRival(place: Place): Promise<Program> {
  const rival = place.preloaded('model', [], { XSCHED_PRIORITY: '10', XSCHED_NAME: 'rival' });
  await rival.says('ready');
  return rival;
}

/** Lets all come to their end; none may hang. */
async function endAll(programs: readonly Program[]): Promise<Endings> {
  for (const program of programs) program.dismiss();
  const endings = programs.map(async (program) => [program.title, await program.end(HANG_MS)]);
  return Object.fromEntries(await Promise.all(endings)) as Endings;
}

function find(programs: readonly Program[], title: string): Program {
  const program = programs.find((one) => one.title === title);
  if (program === undefined) throw new Error(`${title} was not started`);
  return program;
}

/** Waits until some launch of a program waits at its gate because the daemon says so. */
async function untilHeldBack(control: Controller, program: Program): Promise<void> {
  await until(`${program.title} is held back`, async () =>
    (await control.list()).some(
      (queue) => queue.pid === program.pid && queue.state === 'suspended' && queue.waiting,
    ),
  );
}

/** What they do without shim and daemon: found out once. */
let expected: Promise<Endings> | undefined;
function expectSame(endings: Endings): Promise<void> {
  expected ??= endAll(PROGRAMS.map(([client, args]) => new Place().bare(client, args)));
  return expected.then((bare) => {
    expect(bare['errors']?.code).toBe(7);
    expect(bare['errors']?.stdout.length).toBeGreaterThan(200);
    expect(bare['steady']).toMatchObject({ code: 0, signal: null });
    expect(endings).toEqual(bare);
  });
}

describe('programs behave as they do without the shim', () => {
  it('with no daemon at all', async () => {
    await expectSame(await endAll(startAll(new Place())));
  });

  it('with no daemon, by the rules inside each process', async () => {
    const env = { XSCHED_POLICY: 'HPF', XSCHED_STREAM_PRIORITY: '1' };
    await expectSame(await endAll(startAll(new Place(), env)));
  });

  it('with a daemon, started by xsched run', async () => {
    const place = new Place();
    const daemon = await place.startDaemon();
    const programs = PROGRAMS.map(([client, args, priority]) =>
      place.run(client, args, ['-p', String(priority), '--name', client]),
    );
    await expectSame(await endAll(programs));
    // All have been served but the one that launches nothing.
    for (const [client] of PROGRAMS)
      if (client !== 'resolve') await daemon.logs(`'${client}' came`);
    await until('no queue is left', async () => (await place.queues()).length === 0);
    daemon.signal('SIGTERM');
    expect((await daemon.end(HANG_MS)).code).toBe(0);
  });

  it.each([true, false])('with the daemon killed in the middle, restarted: %s', async (again) => {
    const place = new Place();
    const daemon = await place.startDaemon();
    const programs = startAll(place);
    const steady = find(programs, 'steady');
    await steady.says(IN_THE_MIDDLE);
    await daemon.kill();
    if (again) {
      const second = await place.startDaemon();
      // It waits for us in the middle of its work: the new daemon schedules the rest of it.
      await second.logs(`process ${steady.pid} 'steady' came`);
    }
    await expectSame(await endAll(programs));
  });

  it('with the daemon replaced in order', async () => {
    const place = new Place();
    const daemon = await place.startDaemon();
    const programs = startAll(place);
    await find(programs, 'steady').says(IN_THE_MIDDLE);
    daemon.signal('SIGTERM');
    expect((await daemon.end(HANG_MS)).code).toBe(0);
    await place.startDaemon();
    await expectSame(await endAll(programs));
  });

  it(`with a daemon that loses every tenth message (seed ${SEED})`, async () => {
    const place = new Place();
    const random = makeRandom(SEED);
    const lost: Losses = { up: 0, down: 0 };
    fs.mkdirSync(path.dirname(place.runtimeDir), { recursive: true });
    const daemon = await startDaemon({
      runtimeDir: place.runtimeDir,
      // Where all goes by messages.
      config: parseConfig('board: false', 'test.yaml'),
      log: createLogger({ silent: true }),
      wrapAgentSocket: makeLossy(makeRandom(SEED + 1), lost),
    });
    onTestFinished(() => daemon.stop());
    const rival = await startRival(place);
    const programs = startAll(place);
    for (const program of programs) program.dismiss();
    let bursts = 0;
    while (programs.some((program) => !program.isOver)) {
      rival.tell(`run ${1 + (random() % 10)} 500000`);
      await rival.says('ran', ++bursts);
      await delay(random() % 20);
    }
    await expectSame(await endAll(programs));
    expect(lost.up).toBeGreaterThan(5);
    expect(lost.down).toBeGreaterThan(5);
    rival.dismiss();
    expect((await rival.end(HANG_MS)).code).toBe(0);
    await until('no queue is left', () => daemon.queues().length === 0);
  });

  it.each([
    ['by the board', ''],
    ['by messages', 'board: false'],
  ])(`held back and let go at random %s (seed ${SEED})`, async (_name, config) => {
    const place = new Place();
    const random = makeRandom(SEED);
    await place.startDaemon(config);
    const control = await place.control();
    const rival = await startRival(place);
    const programs = startAll(place);
    // Its second half begins with the tenth change, whatever the others have done by then.
    for (const program of programs) if (program.title !== 'steady') program.dismiss();
    // Programs tell how often they had to wait every half second, and live hardly longer.
    const events = control.events();
    await events.ready;
    const count = countSuspensions(events, rival);
    let bursts = 0;
    while (programs.some((program) => !program.isOver)) {
      if (bursts === 10) find(programs, 'steady').dismiss();
      rival.tell(`run ${1 + (random() % 30)} ${100_000 + (random() % 1_000_000)}`);
      if (random() % 4 === 0) await control.setPriority('name=rival', random() % 2 ? 10 : -10);
      if (random() % 4 === 0) await control.setPriority('name=steady', (random() % 21) - 10);
      await rival.says('ran', ++bursts);
      await delay(random() % 10);
    }
    await expectSame(await endAll(programs));
    await events.close();
    const times = await count;
    console.log(`held back ${times} times by ${bursts} bursts of work`);
    expect(times).toBeGreaterThanOrEqual(3);
  });

  it('with a daemon that hangs while everything is held back', async () => {
    const place = new Place();
    const daemon = await place.startDaemon();
    const rival = await startRival(place);
    rival.tell('loop 500000');
    const programs = startAll(place);
    await untilHeldBack(await place.control(), find(programs, 'steady'));
    daemon.signal('SIGSTOP');
    const stoppedAt = performance.now();
    await find(programs, 'steady').says('round 0:');
    const openMs = performance.now() - stoppedAt;
    await expectSame(await endAll(programs));
    daemon.signal('SIGCONT');
    await until('no queue is left but the rival', async () => {
      const queues = await place.queues();
      return queues.every((queue) => queue.pid === rival.pid);
    });
    console.log(`the first launches passed ${Math.round(openMs)} ms after the daemon hung`);
    expect(openMs).toBeLessThan(FAIL_OPEN_MS);
  });

  it('with scheduling switched off and on', async () => {
    const place = new Place();
    await place.startDaemon();
    const control = await place.control();
    const rival = await startRival(place);
    rival.tell('loop 500000');
    const programs = startAll(place);
    // Everything is held back by the rival, until the gates open.
    const steady = find(programs, 'steady');
    await untilHeldBack(control, steady);
    await place.ask('off');
    await steady.says('half');
    await place.ask('on');
    steady.dismiss();
    await untilHeldBack(control, steady);
    rival.tell('stop');
    await expectSame(await endAll(programs));
  });
});
