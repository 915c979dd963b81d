/**
 * What an event costs the daemon's core, by the number of queues on the device.
 *
 *   node build/js/test/bench/core-cost.js [--events N]
 *
 * Prints microseconds for each REGISTER and for each READY or IDLE of one queue among many, where no
 * verdict changes and where those on five others do, with the ratios to the smallest device.
 */
import { parseArgs } from 'node:util';
import { parseConfig } from '../../daemon/config/load.js';
import type { Event } from '../../daemon/core/events.js';
import { createState } from '../../daemon/core/state.js';
import type { State } from '../../daemon/core/state.js';
import { step } from '../../daemon/core/step.js';
import { POLICIES } from '../../daemon/policy/registry.js';
import { makeRegister } from '../samples/messages.js';

const SIZES = [10, 100, 1000, 5000];
const QUEUES_PER_PROCESS = 5;
const ROUNDS = 7;
const TITLE = [
  'Microseconds an event, and how many times those of the smallest device:',
  'queues     REGISTER            READY, IDLE       and five change',
].join('\n');

type AgentMessage = Extract<Event, { type: 'message' }>['message'];

/** Times of one size, in microseconds an event. */
interface Cost {
  readonly size: number;
  readonly register: number;
  readonly unchanged: number;
  readonly fiveChange: number;
}

/** A core with clients. The clock stands still: no timer comes into the times. */
class Bench {
  readonly #state: State = createState(parseConfig('', 'bench').core, POLICIES, 1);

  hello(pid: number, ownPriority: number): void {
    const identity = { uid: 1000, gids: [1000], startTime: 1, exe: '/bin/x', command: 'x' };
    const own = { link: String(pid), pid, ownName: '', ownPriority, ancestors: [], board: 0 };
    const client = { ...identity, ...own };
    step(this.#state, { type: 'hello', client }, 0);
  }

  register(pid: number, queue: number): void {
    this.#send(pid, makeRegister({ queue, stream: queue }));
  }

  /** Lets the first queue of a process become ready and idle again. @returns microseconds an event */
  timeTurns(pid: number, events: number): number {
    const began = performance.now();
    for (let seq = 2; seq < events + 2; seq += 2) {
      this.#send(pid, { type: 'READY', queue: 1, seq, waiting: false });
      this.#send(pid, { type: 'IDLE', queue: 1, seq: seq + 1 });
    }
    return ((performance.now() - began) * 1000) / events;
  }

  #send(pid: number, message: AgentMessage): void {
    step(this.#state, { type: 'message', link: String(pid), message }, 0);
  }
}

/** A process of the lowest priority, one above it, and above both the rest, five queues each. */
function measure(size: number, events: number): Cost {
  const bench = new Bench();
  const processes = Math.ceil(size / QUEUES_PER_PROCESS);
  for (let pid = 1; pid <= processes; pid++) bench.hello(pid, pid < 3 ? pid - 3 : 0);
  const began = performance.now();
  for (let index = 0; index < size; index++) {
    bench.register((index % processes) + 1, Math.floor(index / processes) + 1);
  }
  const register = ((performance.now() - began) * 1000) / size;
  return {
    size,
    register,
    unchanged: bench.timeTurns(1, events),
    fiveChange: bench.timeTurns(2, events),
  };
}

/** The best of some rounds: the others had the compiler at work, or shared their core. */
function measureBest(size: number, events: number): Cost {
  const rounds = Array.from({ length: ROUNDS }, () => measure(size, events));
  const best = (pick: (cost: Cost) => number) => Math.min(...rounds.map(pick));
  return {
    size,
    register: best((cost) => cost.register),
    unchanged: best((cost) => cost.unchanged),
    fiveChange: best((cost) => cost.fiveChange),
  };
}

function render(costs: readonly Cost[]): string {
  const [first] = costs;
  const cell = (value: number, base: number | undefined) =>
    `${value.toFixed(2).padStart(9)} ${`(x${(value / (base ?? value)).toFixed(1)})`.padEnd(8)}`;
  const lines = costs.map(
    ({ size, register, unchanged, fiveChange }) =>
      String(size).padStart(6) +
      cell(register, first?.register) +
      cell(unchanged, first?.unchanged) +
      cell(fiveChange, first?.fiveChange),
  );
  return [TITLE, ...lines].join('\n');
}

const { values } = parseArgs({ options: { events: { type: 'string', default: '20000' } } });
const events = Number(values.events);
process.stdout.write(`${render(SIZES.map((size) => measureBest(size, events)))}\n`);
