/** Asking the daemon, for programs. */
import type { CallInfo, DaemonStatus, QueueInfo } from '../protocol/generated/messages.js';
import { LIMITS, PROTOCOL_VERSION } from '../protocol/messages.js';
import { VersionMismatchError } from './errors.js';
import { EventStream } from './event-stream.js';
import { Link } from './link.js';
import { locateRuntimeDir } from './locate-daemon.js';

export interface ConnectOptions {
  /** The daemon's runtime directory; by default it is looked for as `xsched` does. */
  readonly runtimeDir?: string | undefined;
  /** How long an answer may take, in milliseconds; 2000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Gives up connecting when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** The policy in force and the names of all policies. */
export interface PolicyState {
  readonly name: string;
  readonly available: readonly string[];
}

const TIMEOUT_MS = 2000;
/** The daemon drops a subscription that is not renewed for 15 s. */
const RENEW_MS = 5000;

/**
 * Connects to the daemon and checks that both speak the same version.
 * @throws {NoDaemonError} when none answers in the directory, which the error names;
 *   {AccessDeniedError} when this user may not open its socket; {VersionMismatchError}; the
 *   signal's reason, or NoDaemonError, when it aborts.
 */
export async function connect(options: ConnectOptions = {}): Promise<Controller> {
  const runtimeDir = locateRuntimeDir(options.runtimeDir);
  options.signal?.throwIfAborted();
  const controller = new Controller(runtimeDir, options.timeoutMs ?? TIMEOUT_MS);
  const giveUp = (): void => {
    void controller.close();
  };
  options.signal?.addEventListener('abort', giveUp);
  try {
    await controller.status();
  } catch (error) {
    await controller.close();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
  return controller;
}

/**
 * A link to one daemon. Every method rejects with RemoteError when the daemon refuses and with
 * NoDaemonError when it does not answer. A controller whose daemon went away stays useless: connect
 * again.
 */
export class Controller {
  readonly #link: Link;
  readonly #streams = new Set<EventStream>();
  #renewal: NodeJS.Timeout | undefined;

  /** Use connect(), which also checks who answers. */
  constructor(
    /** Absolute path of the daemon's runtime directory. */
    readonly runtimeDir: string,
    timeoutMs: number,
  ) {
    this.#link = new Link({
      runtimeDir,
      timeoutMs,
      onEvent: (event) => {
        for (const stream of this.#streams) stream.push(event);
      },
      onBroken: (error) => {
        this.#failStreams(error);
      },
    });
  }

  /** The daemon's own state. */
  async status(): Promise<DaemonStatus> {
    const message = { type: 'STATUS', version: PROTOCOL_VERSION } as const;
    const { status } = await this.#link.request(message, 'STATUS_REPLY');
    if (status.protocol !== PROTOCOL_VERSION) {
      throw new VersionMismatchError(
        `the daemon in ${this.runtimeDir} (version ${status.version}) speaks version ` +
          `${String(status.protocol)} of the protocol, this program ${String(PROTOCOL_VERSION)}`,
      );
    }
    return status;
  }

  /** All queues of the machine. */
  async list(): Promise<readonly QueueInfo[]> {
    return (await this.#link.request({ type: 'LIST' }, 'LIST_REPLY')).queues;
  }

  /** What the driver was called for, by process and function, of all processes of the machine. */
  async calls(): Promise<readonly CallInfo[]> {
    return (await this.#link.request({ type: 'CALLS_LIST' }, 'CALLS_REPLY')).calls;
  }

  /**
   * Gives the queues that a target names a priority: `4711.1` is a queue, `4711` a process, `name=x`
   * a name, `label=x` or `model=x` a label, anything else a name or a label. By name and label it
   * also holds for queues yet to come.
   * @param value A whole number from -255 to 255; higher runs first.
   * @returns The ids of the queues that it touched, none where a name or label has none yet.
   * @throws {RangeError} for another value; {RemoteError} NOT_FOUND for an unknown queue or process.
   */
  async setPriority(target: string, value: number): Promise<readonly string[]> {
    const { PRIORITY_MIN: least, PRIORITY_MAX: most } = LIMITS;
    if (!Number.isInteger(value) || value < least || value > most) {
      const range = `${String(least)} to ${String(most)}`;
      throw new RangeError(`priority ${String(value)} is not a whole number from ${range}`);
    }
    return this.#hint('priority', target, value);
  }

  /** Takes the priority that setPriority() gave back: rules, environment or 0 decide again. */
  async clearPriority(target: string): Promise<readonly string[]> {
    return this.#hint('priority', target, undefined);
  }

  /**
   * Says how long the work of the queues that a target names, as for setPriority(), may keep those
   * waiting who outrank them.
   * @param us Whole microseconds, 0 to 1,000,000; with 0 the configuration's `window` counts launches.
   * @returns The ids of the queues that it touched.
   * @throws {RangeError} for another value; {RemoteError} NOT_FOUND for an unknown queue or process.
   */
  async setLatency(target: string, us: number): Promise<readonly string[]> {
    const most = LIMITS.LATENCY_MAX_US;
    if (!Number.isInteger(us) || us < 0 || us > most) {
      throw new RangeError(`latency ${String(us)} is not a whole number from 0 to ${String(most)}`);
    }
    return this.#hint('latency', target, us);
  }

  /** Takes the latency that setLatency() gave back: rules or the configuration decide again. */
  async clearLatency(target: string): Promise<readonly string[]> {
    return this.#hint('latency', target, undefined);
  }

  /** Asks for the policy, or changes it where a name is given. */
  async policy(name = ''): Promise<PolicyState> {
    const reply = await this.#link.request({ type: 'POLICY', name }, 'POLICY_REPLY');
    return { name: reply.name, available: reply.available };
  }

  /** Switches scheduling on or off; off opens every gate on the machine. Says what holds now. */
  async enable(enabled: boolean): Promise<boolean> {
    return (await this.#link.request({ type: 'ENABLE', enabled }, 'ENABLE_REPLY')).enabled;
  }

  /** The daemon's events from now on; several readers may ask. */
  events(): EventStream {
    const stream: EventStream = new EventStream(this.#subscribe(true), () => this.#drop(stream));
    this.#streams.add(stream);
    this.#renewal ??= setInterval(() => {
      this.#subscribe(true).catch((error: unknown) => {
        this.#failStreams(error instanceof Error ? error : new Error(String(error)));
      });
    }, RENEW_MS);
    return stream;
  }

  /** Ends the link and all event streams. */
  async close(): Promise<void> {
    this.#stopRenewing();
    const streams = [...this.#streams];
    this.#streams.clear();
    this.#link.close();
    await Promise.all(streams.map((stream) => stream.close()));
  }

  /** @param value undefined takes the hint back */
  async #hint(hint: string, target: string, value: number | undefined): Promise<readonly string[]> {
    const what = { target, hint, value: value ?? 0, clear: value === undefined };
    const message = { type: 'HINT', ...what } as const;
    return (await this.#link.request(message, 'HINT_REPLY')).queues;
  }

  async #subscribe(on: boolean): Promise<void> {
    await this.#link.request({ type: 'SUBSCRIBE', on }, 'SUBSCRIBE_REPLY');
  }

  async #drop(stream: EventStream): Promise<void> {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return;
    this.#stopRenewing();
    // A daemon that is gone has dropped the subscription too.
    await this.#subscribe(false).catch(() => undefined);
  }

  #failStreams(error: Error): void {
    this.#stopRenewing();
    for (const stream of this.#streams) stream.fail(error);
    this.#streams.clear();
  }

  #stopRenewing(): void {
    clearInterval(this.#renewal);
    this.#renewal = undefined;
  }
}
