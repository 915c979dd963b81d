/** The whole daemon: sockets, core, directory, and its end. */
import { performance } from 'node:perf_hooks';
import type { Logger } from 'winston';
import { Context } from 'zeromq';
import { sdNotify } from '../native/index.js';
import { prepareDecoding } from '../protocol/codec.js';
import type { CallInfo, DaemonStatus, QueueInfo } from '../protocol/generated/messages.js';
import { LIMITS, PROTOCOL_VERSION } from '../protocol/messages.js';
import { BoardKeeper } from './board-keeper.js';
import type { Config } from './config/load.js';
import { countState, listCalls, listQueues } from './core/report.js';
import { createState } from './core/state.js';
import { Engine } from './engine.js';
import { POLICIES } from './policy/registry.js';
import { Rounds } from './rounds.js';
import { RuntimeDir, RuntimeDirError } from './runtime-dir.js';
import { AgentServer } from './transport/agent-server.js';
import { ConnectionLimits, RECEIVED_BYTES_MAX } from './transport/connection-limits.js';
import { ControlServer } from './transport/control-server.js';
import { PeerTable } from './transport/peers.js';
import { RouterSocket } from './transport/router-socket.js';
import type { MessageSocket, RouterOptions } from './transport/router-socket.js';
import { Authenticator } from './transport/zap.js';
import { VERSION } from './version.js';

/** Subscriptions and the status line are looked after this often, in milliseconds. */
const HOUSEKEEPING_MS = 1000;
/**
 * Clients that have been quiet for long are asked this often whether they are there, in milliseconds, while
 * there may be some that are not: to ask costs as much as all else that is done while nothing changes.
 */
const PROBE_MS = 5000;
/** Bytes of a list reply that the fixed fields of one queue take at most. */
const QUEUE_INFO_BYTES = 1200;
/** Bytes of a reply about calls that one function takes at most, less the name of its process. */
const CALL_INFO_BYTES = 220;
/** Complaints about one who wants in are logged this often, in milliseconds. */
const REFUSAL_LOG_MS = 1000;

export interface DaemonOptions {
  /** Absolute path of the folder of the sockets. */
  readonly runtimeDir: string;
  readonly config: Config;
  readonly log: Logger;
  /** Puts something between the agent socket and the daemon. */
  readonly wrapAgentSocket?: (socket: MessageSocket) => MessageSocket;
}

/** A running daemon. */
export interface Daemon {
  readonly runtimeDir: string;
  readonly generation: number;
  status(): DaemonStatus;
  queues(): readonly QueueInfo[];
  calls(): readonly CallInfo[];
  /** Resumes every client, closes the sockets and gives the directory back. */
  stop(): Promise<void>;
  /** Settles when a socket failed for good. */
  readonly broken: Promise<Error>;
}

/**
 * Starts a daemon. It serves when the promise settles.
 * @throws {DirectoryHeldError} when another daemon holds the directory
 * @throws {RuntimeDirError} when the directory cannot be used
 * @throws {DescriptorsError} when there are too few descriptors to serve anybody
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  prepareDecoding('agent-up');
  prepareDecoding('control-up');
  const limits = ConnectionLimits.set(options.log);
  const directory = RuntimeDir.claim(options.runtimeDir, options.config.socketGid);
  const { config, log } = options;
  const folder = { folder: directory.path, gid: config.board.gid };
  const board = config.board.enabled ? BoardKeeper.open({ ...folder, log }) : undefined;
  const daemon = new RunningDaemon(options, directory, limits, board);
  try {
    await daemon.start();
  } catch (error) {
    // What it fails on again now is not what it failed on.
    await daemon.stop().catch(() => undefined);
    throw error;
  }
  return daemon;
}

/** @throws {RuntimeDirError} naming the socket, and why it cannot be bound. */
async function bindSocket(options: RouterOptions): Promise<RouterSocket> {
  try {
    return await RouterSocket.open(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeDirError(`cannot bind ${options.path}: ${reason}`, { cause: error });
  }
}

class RunningDaemon implements Daemon {
  readonly broken: Promise<Error>;
  readonly #startedAt = performance.now();
  readonly #peers = new PeerTable();
  readonly #rounds = new Rounds(() => performance.now());
  readonly #engine: Engine;
  readonly #closers: (() => void)[] = [];
  #agents: AgentServer | undefined;
  #controllers: ControlServer | undefined;
  #break: (error: Error) => void = () => undefined;
  #statusLine = '';
  #undelivered = 0;
  #refusalLoggedAt = -Infinity;
  #unheardRefusals = 0;
  #stopped = false;

  constructor(
    private readonly options: DaemonOptions,
    private readonly directory: RuntimeDir,
    private readonly limits: ConnectionLimits,
    private readonly board: BoardKeeper | undefined,
  ) {
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
    const { generation } = directory;
    const state = createState(options.config.core, POLICIES, generation, board?.state);
    this.#engine = new Engine(state, {
      clock: () => performance.now(),
      send: (link, message) => this.#agents?.send(link, message),
      board: (change) => this.board?.write(change),
      forget: (link, stillWatch) => this.#agents?.forget(link, stillWatch),
      reply: (controller, message) => this.#controllers?.send(controller, message),
      report: (report) => {
        options.log.log(report.level, report.text);
        this.#controllers?.publish(report);
      },
    });
  }

  get runtimeDir(): string {
    return this.directory.path;
  }

  get generation(): number {
    return this.directory.generation;
  }

  async start(): Promise<void> {
    const { config, log } = this.options;
    const context = new Context();
    const onBroken = (error: unknown) => {
      this.#break(error instanceof Error ? error : new Error(String(error)));
    };
    const authenticator = new Authenticator(context, ({ username, domain, address }) => {
      const refusal = this.#peers.admit(username, domain, address, performance.now());
      if (refusal !== undefined) this.#logRefusal(domain, address, refusal);
      return refusal;
    });
    await authenticator.start(onBroken);
    this.#closers.push(() => {
      authenticator.close();
    });
    const common = {
      context,
      maxMessageSize: RECEIVED_BYTES_MAX,
      onBroken,
    };
    const agentSocket = await bindSocket({
      ...common,
      domain: 'agent',
      path: this.directory.agentSocket,
      sendHighWaterMark: 1024,
      receiveHighWaterMark: 256,
      turnMs: Infinity,
    });
    this.#closers.push(() => {
      agentSocket.close();
    });
    const controlSocket = await bindSocket({
      ...common,
      domain: 'control',
      path: this.directory.controlSocket,
      // A reply may have megabytes; small messages that find no room wait in the server's outbox.
      sendHighWaterMark: 4,
      receiveHighWaterMark: 64,
      // Who only looks must not keep those waiting who want to launch.
      turnMs: 2,
    });
    this.#closers.push(() => {
      controlSocket.close();
    });
    this.directory.openSockets();
    const links = {
      peers: this.#peers,
      log,
      clock: () => performance.now(),
      dispatch: this.#engine.dispatch.bind(this.#engine),
    };
    this.#agents = new AgentServer({
      ...links,
      socket: this.options.wrapAgentSocket?.(agentSocket) ?? agentSocket,
    });
    this.#controllers = new ControlServer({
      ...links,
      socket: controlSocket,
      rights: config.control,
      status: () => this.status(),
      queues: () => this.queues(),
      calls: () => this.calls(),
    });
    this.board?.start(this.#rounds, (event) => {
      this.#engine.dispatch(event);
    });
    this.#agents.start();
    this.#controllers.start();
    this.#rounds.add(() => this.#keepHouse());
    this.#rounds.add(() => this.#probe());
    log.info(
      `xschedd ${VERSION} serves ${this.runtimeDir}, policy ${this.#engine.state.policy.name}, ` +
        `generation ${String(this.generation)}`,
    );
    this.#tellServiceManager('READY=1');
  }

  status(): DaemonStatus {
    const { state } = this.#engine;
    return {
      version: VERSION,
      protocol: PROTOCOL_VERSION,
      pid: process.pid,
      generation: this.generation,
      uptimeMs: Math.round(performance.now() - this.#startedAt),
      runtimeDir: this.runtimeDir,
      config: this.options.config.file,
      policy: state.policy.name,
      enabled: state.enabled,
      ...countState(state),
      hints: state.hints.list(),
      messages: this.#agents?.messages ?? 0,
      refused:
        (this.#agents?.refused ?? 0) + (this.#controllers?.refused ?? 0) + this.limits.cutOff,
    };
  }

  queues(): readonly QueueInfo[] {
    const { state } = this.#engine;
    // Executable and command line share what a reply of that many queues leaves to each.
    const room = LIMITS.REPLY_BYTES / Math.max(1, state.queueCount) - QUEUE_INFO_BYTES;
    const textBytes = Math.max(0, Math.min(4096, Math.floor(room / 2)));
    return listQueues(state, performance.now(), textBytes);
  }

  calls(): readonly CallInfo[] {
    const { state } = this.#engine;
    const room = LIMITS.REPLY_BYTES / Math.max(1, state.functionCount) - CALL_INFO_BYTES;
    return listCalls(state, Math.min(256, Math.floor(room)));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws has to be a rejection
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#rounds.stop();
    this.#tellServiceManager('STOPPING=1');
    this.#engine.dispatch({ type: 'leave' });
    this.#engine.stop();
    this.#agents?.close();
    this.#controllers?.close();
    this.board?.close();
    for (const close of this.#closers.reverse()) close();
    this.directory.release();
    this.options.log.info(`xschedd leaves ${this.runtimeDir}`);
  }

  #keepHouse(): number {
    this.#controllers?.sweep(performance.now());
    this.#tellStatus();
    this.#tellUndelivered();
    this.limits.tell();
    return HOUSEKEEPING_MS;
  }

  #probe(): number {
    const now = performance.now();
    // It reads a file for each controller that has been quiet for long.
    this.#peers.sweep(now);
    const closed = this.limits.closedLately(now);
    this.#engine.dispatch({ type: 'probe', closed });
    return PROBE_MS;
  }

  #tellStatus(): void {
    const { state } = this.#engine;
    const { clients, queueCount } = state;
    const mode = state.enabled ? `policy ${state.policy.name}` : 'scheduling is off';
    const line = `serving ${String(clients.size)} processes with ${String(queueCount)} queues; ${mode}`;
    if (line === this.#statusLine) return;
    this.#statusLine = line;
    this.#tellServiceManager(`STATUS=${line}`);
  }

  #tellUndelivered(): void {
    const count = this.#agents?.undelivered ?? 0;
    if (count === this.#undelivered) return;
    const fresh = String(count - this.#undelivered);
    this.#undelivered = count;
    this.options.log.warn(`agent: ${fresh} messages were not taken by clients that do not read`);
  }

  #tellServiceManager(state: string): void {
    try {
      sdNotify(state);
    } catch (error) {
      this.options.log.warn(`the service manager was not told ${state}: ${String(error)}`);
    }
  }

  #logRefusal(domain: string, address: string, refusal: string): void {
    const now = performance.now();
    if (now - this.#refusalLoggedAt < REFUSAL_LOG_MS) {
      this.#unheardRefusals++;
      return;
    }
    const others =
      this.#unheardRefusals === 0 ? '' : ` (and ${String(this.#unheardRefusals)} more)`;
    this.#refusalLoggedAt = now;
    this.#unheardRefusals = 0;
    this.options.log.warn(`${domain}: ${address} may not connect: ${refusal}${others}`);
  }
}
