/** The load on a daemon: the program crowd, which plays many processes with many queues. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../demo/paths.js';
import { awaitEnd } from './programs.js';

const PROGRAM = path.join(ROOT, 'build', 'bench', 'crowd');
/** Queues that have a part of their own in it; the rest is spread over the clients. */
export const CAST = 5;

/** Events as fast as the daemon takes them. Times are nanoseconds. */
export interface Flood {
  readonly ns: number;
  /** Processor time that the crowd took to send them: what bounds it without a daemon. */
  readonly ownCpuNs: number;
  /** PERMITs and SUSPENDs that came of them. */
  readonly decisions: number;
}

/** Events at random times, and how long it took until the queue that they concern was told. */
export interface Latencies {
  /** Whether it was a permit, and nanoseconds. */
  readonly probes: readonly (readonly [0 | 1, number])[];
  readonly ns: number;
  /** How late the latest event was sent. */
  readonly lateNs: number;
}

/** What the queues said and were told last. */
export interface CrowdState {
  /** By process id, a letter for each queue: `i`dle, `r`unning, `s`uspended. */
  readonly queues: Readonly<Record<string, string>>;
  /** Messages in all. */
  readonly sent: number;
}

/** A crowd that obeys. A command settles when the daemon has answered all that was sent. */
export class Crowd {
  private constructor(
    private readonly child: ReturnType<typeof spawnCrowd>,
    private readonly lines: AsyncIterator<string, undefined>,
  ) {}

  /**
   * Starts a crowd whose processes are connected.
   * @param socket path of the daemon's socket for agents
   * @param queues in all, at least CAST and one for each client
   * @param clients processes of the rest
   * @param cpu the processor that it stays on
   */
  static async start(socket: string, queues: number, clients: number, cpu: number): Promise<Crowd> {
    const child = spawnCrowd(cpu, [socket, queues, clients].map(String));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const crowd = new Crowd(child, lines);
    await crowd.#answer();
    return crowd;
  }

  async register(): Promise<void> {
    await this.#ask('register');
  }

  /** READY or IDLE of random queues, which change nobody's permit. */
  async calm(events: number): Promise<Flood> {
    return (await this.#ask(`calm ${String(events)}`)) as Flood;
  }

  /** READY and IDLE of one queue, each of which changes the permit of another one. */
  async decide(events: number): Promise<Flood> {
    return (await this.#ask(`decide ${String(events)}`)) as Flood;
  }

  /** Both kinds, so many a second at random times. */
  async latency(events: number, rate: number): Promise<Latencies> {
    return (await this.#ask(`latency ${String(events)} ${String(rate)}`)) as Latencies;
  }

  /** All become idle. */
  async quiet(): Promise<void> {
    await this.#ask('quiet');
  }

  async state(): Promise<CrowdState> {
    return (await this.#ask('state')) as CrowdState;
  }

  /** All processes end. */
  async stop(): Promise<void> {
    this.child.stdin.end();
    await awaitEnd(this.child);
  }

  #ask(command: string): Promise<unknown> {
    this.child.stdin.write(`${command}\n`);
    return this.#answer();
  }

  async #answer(): Promise<unknown> {
    const line: IteratorResult<string, undefined> = await this.lines.next();
    if (line.done === true) throw new Error('the crowd ended; what it said last is above');
    return JSON.parse(line.value) as unknown;
  }
}

function spawnCrowd(cpu: number, args: readonly string[]) {
  return spawn('taskset', ['-c', String(cpu), PROGRAM, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}
