/** Priorities, seen from the GPU: which kernels were submitted while a more important one had work. */
import { describe, expect, it } from 'vitest';
import type { Controller, QueueInfo } from '../../../client-lib/index.js';
import { monotonicNs, Place } from './place.js';
import type { Program } from './program.js';
import { HANG_MS, until } from './until.js';

const MS = 1e6;
/** A kernel of a program that launches without pause. */
const LOOP_NS = 0.2 * MS;
/** A request that keeps the GPU for more than a second. */
const REQUEST = `run 60 ${20 * MS}`;
/** From a request's first launch on, nothing of lower priority is submitted after so long. */
const SIGNAL_MS = 500;

type Suspension = 'running' | 'suspended';

class Scene {
  readonly place = new Place({ XSCHED_SIM_JITTER: '0' });
  #control: Controller | undefined;

  /** Starts a daemon. */
  async open(config = ''): Promise<Program> {
    const daemon = await this.place.startDaemon(config);
    this.#control = await this.place.control();
    return daemon;
  }

  get control(): Controller {
    if (this.#control === undefined) throw new Error('there is no daemon');
    return this.#control;
  }

  /** A program of a priority that has used the GPU once. */
  async model(name: string, priority: number, env: Record<string, string> = {}): Promise<Program> {
    const model = this.place.preloaded('model', [], {
      ...{ XSCHED_NAME: name, XSCHED_PRIORITY: String(priority), ...env },
    });
    model.tell('run 1 1000');
    await model.says('ran');
    return model;
  }

  async loop(...models: readonly Program[]): Promise<void> {
    for (const model of models) {
      model.tell(`loop ${LOOP_NS}`);
      await model.says('looping');
    }
  }

  /** What the daemon says of a program's only queue. */
  async queue(model: Program): Promise<QueueInfo | undefined> {
    return (await this.control.list()).find((queue) => queue.pid === model.pid);
  }

  /** Waits until the daemon holds a program back and the program waits at its gate, or neither. */
  async is(model: Program, state: Suspension): Promise<void> {
    await until(`process ${model.pid} is ${state}`, async () => {
      const queue = await this.queue(model);
      return queue?.state === state && queue.waiting === (state === 'suspended');
    });
  }

  /** Waits until a program has finished `count` kernels that it submitted from now on. */
  async moves(model: Program, count = 50): Promise<void> {
    const from = monotonicNs();
    await until(`process ${model.pid} gets on`, async () => {
      const kernels = await this.place.kernels(model);
      return kernels.filter(({ submit }) => submit >= from).length >= count;
    });
  }

  /**
   * Kernels that a program submitted between two moments. The device's log tells of finished ones
   * alone, so the program has to have moved since.
   */
  async submitted(model: Program, fromNs: number, toNs: number): Promise<number> {
    const kernels = await this.place.kernels(model);
    return kernels.filter(({ submit }) => submit > fromNs && submit < toNs).length;
  }

  /** From the first launch of a program's last request to the end of its last kernel. */
  async request(model: Program, kernels: number): Promise<{ beganNs: number; endedNs: number }> {
    const all = (await this.place.kernels(model)).slice(-kernels);
    const [first, last] = [all[0], all[kernels - 1]];
    if (first === undefined || last === undefined) throw new Error('no request was made');
    return { beganNs: first.submit, endedNs: last.finish };
  }
}

describe('priorities on one GPU', () => {
  it('without xschedd a low program launches all through a high request', async () => {
    const scene = new Scene();
    const low = await scene.model('low', 0, { XSCHED_DISABLE: '1' });
    const high = await scene.model('high', 10, { XSCHED_DISABLE: '1' });
    await scene.loop(low);
    await scene.moves(low);
    high.tell(REQUEST);
    await high.says('ran', 2);
    await scene.moves(low);
    const { beganNs, endedNs } = await scene.request(high, 60);
    expect(await scene.submitted(low, beganNs + SIGNAL_MS * MS, endedNs)).toBeGreaterThan(100);
  });

  it('a high program that has launched nothing yet has the low one keep a window', async () => {
    const scene = new Scene();
    await scene.open();
    const low = await scene.model('low', 0);
    await scene.loop(low);
    const keepsWindow = async () => ((await scene.queue(low))?.window ?? 0) > 0;
    expect(await keepsWindow()).toBe(false);
    const high = scene.place.preloaded('model', [], { XSCHED_PRIORITY: '10' });
    await until('the low program keeps a window', keepsWindow);
    await scene.moves(low);
    expect(await scene.queue(high)).toBeUndefined();
    expect(await scene.queue(low)).toMatchObject({ suspends: 0 });
    await high.kill();
    await until('the low program keeps none', async () => !(await keepsWindow()));
    low.tell('stop');
  });

  it('nothing low starts while a high request is ready', async () => {
    const scene = new Scene();
    await scene.open();
    const low = await scene.model('low', 0);
    const high = await scene.model('high', 10);
    await scene.loop(low);
    await scene.moves(low);
    high.tell(REQUEST);
    await scene.is(low, 'suspended');
    const suspendedNs = monotonicNs();
    await high.says('ran', 2);
    await scene.moves(low);
    const { beganNs, endedNs } = await scene.request(high, 60);
    expect(endedNs - suspendedNs).toBeGreaterThan(300 * MS);
    expect(await scene.submitted(low, suspendedNs, endedNs)).toBe(0);
    expect(await scene.submitted(low, beganNs + SIGNAL_MS * MS, endedNs)).toBe(0);
    const during = (await scene.place.kernels(low)).filter(
      ({ submit }) => submit > beganNs && submit < endedNs,
    );
    const last = Math.max(beganNs, ...during.map(({ submit }) => submit));
    const ms = (ns: number) => (ns / MS).toFixed(2);
    console.log(
      `low submitted ${during.length} kernels in the first ${ms(last - beganNs)} ms of a request of ` +
        `${ms(endedNs - beganNs)} ms, and none after`,
    );
    // All that was on the way by then fits in its window, but for what the signal took.
    expect(during.length).toBeLessThan(100);
  });

  it('equal priorities run together', async () => {
    const scene = new Scene();
    await scene.open();
    const [one, other] = [await scene.model('one', 3), await scene.model('other', 3)];
    await scene.loop(one, other);
    await Promise.all([scene.moves(one, 100), scene.moves(other, 100)]);
    for (const model of [one, other]) {
      expect(await scene.queue(model)).toMatchObject({ suspends: 0, window: 0, state: 'running' });
    }
  });

  it('three levels give way to each other', async () => {
    const scene = new Scene();
    await scene.open();
    const low = await scene.model('low', -5);
    const middle = await scene.model('middle', 0);
    const high = await scene.model('high', 5);
    await scene.loop(low, middle);
    await scene.is(low, 'suspended');
    await scene.moves(middle);
    high.tell(REQUEST);
    await scene.is(middle, 'suspended');
    const suspendedNs = monotonicNs();
    await high.says('ran', 2);
    await scene.moves(middle);
    await scene.is(low, 'suspended');
    middle.tell('stop');
    await middle.says('stopped');
    await scene.moves(low);
    const { endedNs } = await scene.request(high, 60);
    expect(await scene.submitted(middle, suspendedNs, endedNs)).toBe(0);
    expect(await scene.submitted(low, suspendedNs, endedNs)).toBe(0);
  });

  it('a low program goes on when the high one is killed', async () => {
    const scene = new Scene();
    await scene.open();
    const low = await scene.model('low', 0);
    const high = await scene.model('high', 10);
    await scene.loop(low, high);
    await scene.is(low, 'suspended');
    await high.kill();
    await scene.is(low, 'running');
    await scene.moves(low);
    expect(await scene.queue(high)).toBeUndefined();
  });

  it('a high program that is stopped loses its precedence until it moves', async () => {
    const scene = new Scene();
    await scene.open('silent_ms: 1000\n');
    const low = await scene.model('low', 0);
    const high = await scene.model('high', 10);
    await scene.loop(low);
    // All is launched at once, then it only waits: it is not stopped while it holds the device.
    high.tell(`run 900 ${20 * MS}`);
    await scene.is(low, 'suspended');
    await until('all is launched', async () => (await scene.queue(high))?.submitted === 901);
    high.signal('SIGSTOP');
    await scene.is(low, 'running');
    await scene.moves(low);
    expect(await scene.queue(high)).toMatchObject({ state: 'stalled' });
    high.signal('SIGCONT');
    await scene.is(low, 'suspended');
    expect(await scene.queue(high)).toMatchObject({ state: 'running' });
    const suspendedNs = monotonicNs();
    const done = (await scene.place.kernels(high)).length;
    await until('high gets on', async () => {
      return (await scene.place.kernels(high)).length >= done + 10;
    });
    const aliveNs = monotonicNs();
    await high.kill();
    await scene.moves(low);
    expect(await scene.submitted(low, suspendedNs, aliveNs)).toBe(0);
  });

  it('xsched set swaps the roles at once, and takes the hint back', async () => {
    const scene = new Scene();
    await scene.open();
    const [one, other] = [await scene.model('one', 10), await scene.model('other', 0)];
    await scene.loop(one, other);
    await scene.is(other, 'suspended');
    await scene.place.ask('set', 'name=other', 'priority', '20');
    await scene.is(one, 'suspended');
    await scene.moves(other);
    expect(await scene.queue(other)).toMatchObject({ priority: 20, source: 'hint' });
    await scene.place.ask('set', String(other.pid), 'priority', '-20');
    await scene.is(other, 'suspended');
    await scene.moves(one);
    await scene.place.ask('set', String(other.pid), 'priority', 'default');
    await scene.is(one, 'suspended');
    await scene.place.ask('set', 'name=other', 'priority', 'default');
    await scene.is(other, 'suspended');
    await scene.moves(one);
    expect(await scene.queue(other)).toMatchObject({ priority: 0, source: 'environment' });
  });

  it('xsched off lets all go on at once, and on holds them back again', async () => {
    const scene = new Scene();
    await scene.open();
    const low = await scene.model('low', 0);
    const high = await scene.model('high', 10);
    await scene.loop(low, high);
    await scene.is(low, 'suspended');
    const offNs = monotonicNs();
    await scene.control.enable(false);
    await scene.moves(low);
    const [first] = (await scene.place.kernels(low)).filter(({ submit }) => submit > offNs);
    expect(((first?.submit ?? Infinity) - offNs) / MS).toBeLessThan(SIGNAL_MS);
    await scene.moves(high);
    await scene.place.ask('on');
    await scene.is(low, 'suspended');
    await scene.moves(high);
  });

  it('a low program goes on when the daemon is killed, and gives way to its successor', async () => {
    const scene = new Scene();
    const daemon = await scene.open();
    const low = await scene.model('low', 0);
    const high = await scene.model('high', 10);
    await scene.loop(low, high);
    await scene.is(low, 'suspended');
    await daemon.kill();
    await scene.moves(low);
    await scene.open();
    await scene.is(low, 'suspended');
    await scene.moves(high);
    for (const model of [high, low]) {
      model.tell('stop');
      model.dismiss();
    }
    for (const model of [high, low]) expect((await model.end(HANG_MS)).code).toBe(0);
  });
});
