/** The control socket: answers the command line and programs that steer or watch the daemon. */
import type { Logger } from 'winston';
import { decodeMessage, encodeMessage, ProtocolError } from '../../protocol/codec.js';
import type {
  CallInfo,
  ControlDown,
  ControlUp,
  DaemonStatus,
  QueueInfo,
} from '../../protocol/generated/messages.js';
import { ERROR_CODES, LIMITS, PROTOCOL_VERSION } from '../../protocol/messages.js';
import type { ControlRights } from '../config/load.js';
import type { Effect, Event } from '../core/events.js';
import { clip } from '../core/report.js';
import { Outbox } from './outbox.js';
import { mayComplain } from './peers.js';
import type { Peer, PeerTable } from './peers.js';
import { readProcess } from './processes.js';
import type { MessageSocket } from './router-socket.js';
import { SharedList } from './shared-list.js';

/** A subscription that is not renewed for so long ends. */
const SUBSCRIPTION_MS = 15_000;
/** Subscriptions at a time; more are refused. */
const SUBSCRIPTIONS_MAX = 64;

export interface ControlServerOptions {
  readonly socket: MessageSocket;
  readonly peers: PeerTable;
  readonly log: Logger;
  readonly clock: () => number;
  readonly dispatch: (event: Event) => void;
  /** Who may steer; undefined for whoever can connect. */
  readonly rights: ControlRights | undefined;
  readonly status: () => DaemonStatus;
  readonly queues: () => readonly QueueInfo[];
  readonly calls: () => readonly CallInfo[];
}

type Report = Extract<Effect, { type: 'report' }>;

/** Serves the control socket. */
export class ControlServer {
  /** When each subscription ends, by routing id. */
  readonly #subscriptions = new Map<string, number>();
  readonly #queues: SharedList<QueueInfo>;
  readonly #calls: SharedList<CallInfo>;
  readonly #outbox: Outbox;
  #refused = 0;

  constructor(private readonly options: ControlServerOptions) {
    const { clock } = options;
    this.#queues = new SharedList(clock, options.queues, (request, queues) => ({
      ...{ type: 'LIST_REPLY', request, queues },
    }));
    this.#calls = new SharedList(clock, options.calls, (request, calls) => ({
      ...{ type: 'CALLS_REPLY', request, calls },
    }));
    this.#outbox = new Outbox((id, frame) => {
      options.socket.send(id, frame, () => {
        this.#outbox.taken(id);
      });
    });
  }

  get refused(): number {
    return this.#refused;
  }

  start(): void {
    this.options.socket.start(
      (id, frames) => {
        this.#receive(id, frames);
      },
      (id, failure) => {
        if (failure === 'full') {
          this.#outbox.refused(id);
          return;
        }
        this.#outbox.forget(id);
        this.#unsubscribe(id);
        this.options.peers.drop(id, this.options.clock());
      },
    );
  }

  close(): void {
    this.#outbox.close();
    this.options.socket.close();
  }

  /** Sends a reply. */
  send(id: string, message: ControlDown): void {
    this.#sendReply(id, encodeMessage(message), 'request' in message ? message.request : 0);
  }

  /** Tells subscribers what happened. */
  publish(report: Report): void {
    if (this.#subscriptions.size === 0) return;
    const bytes = encodeMessage({
      type: 'EVENT',
      timeMs: Date.now(),
      kind: report.kind,
      id: clip(report.id, 64),
      text: clip(report.text, 512),
    });
    for (const id of this.#subscriptions.keys()) this.#outbox.post(id, bytes);
  }

  /** Ends the subscriptions that were not renewed. */
  sweep(now: number): void {
    for (const [id, until] of this.#subscriptions) if (until <= now) this.#unsubscribe(id);
  }

  #receive(id: string, frames: readonly Buffer[]): void {
    const peer = this.options.peers.find('control', id);
    if (peer === undefined) {
      this.#refused++;
      return;
    }
    peer.usedAt = this.options.clock();
    const [frame] = frames;
    try {
      if (frame === undefined || frames.length !== 1) {
        const text = `a message is one frame, received ${String(frames.length)}`;
        throw new ProtocolError(ERROR_CODES.MALFORMED, text);
      }
      this.#take(peer, decodeMessage('control-up', frame));
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#refused++;
        // A request that has a number waits for its answer; the rest is answered within reason.
        if (error.request === 0 && !mayComplain(peer, peer.usedAt)) return;
        this.#sendError(id, error.request, error.code, error.message.slice(0, 300));
        return;
      }
      // A fault of our own must not cost the others their service.
      this.options.log.error(`control: a request of process ${String(peer.pid)} failed`, { error });
      this.#sendError(id, 0, ERROR_CODES.INTERNAL, 'the daemon failed on this request');
    }
  }

  #take(peer: Peer, message: ControlUp): void {
    const { request } = message;
    const controller = peer.id;
    switch (message.type) {
      case 'STATUS':
        if (message.version !== PROTOCOL_VERSION) {
          const [theirs, ours] = [String(message.version), String(PROTOCOL_VERSION)];
          throw new ProtocolError(
            ERROR_CODES.VERSION,
            `the controller speaks version ${theirs} of the protocol, the daemon version ${ours}`,
            request,
          );
        }
        this.send(controller, { type: 'STATUS_REPLY', request, status: this.options.status() });
        return;
      case 'LIST':
        this.#sendReply(controller, this.#queues.render(request), request);
        return;
      case 'CALLS_LIST':
        this.#sendReply(controller, this.#calls.render(request), request);
        return;
      case 'SUBSCRIBE':
        this.#subscribe(controller, message.on, request);
        return;
      case 'HINT':
        this.#checkRights(peer, 'change priorities', request);
        this.#steer({
          ...message,
          controller,
          type: 'hint',
          limitedAs: this.#isPrivileged(peer) ? undefined : identify(peer),
        });
        return;
      case 'POLICY':
        if (message.name !== '') this.#checkRights(peer, 'change the policy', request);
        this.#steer({ ...message, controller, type: 'policy' });
        return;
      case 'ENABLE':
        this.#checkRights(peer, 'switch scheduling on or off', request);
        this.#steer({ ...message, controller, type: 'enable' });
        return;
    }
  }

  #steer(event: Event): void {
    this.options.dispatch(event);
    this.#queues.forget();
  }

  /** @throws {ProtocolError} FORBIDDEN, for those that the configuration does not name. */
  #checkRights(peer: Peer, what: string, request: number): void {
    if (this.options.rights === undefined || this.#isPrivileged(peer)) return;
    throw new ProtocolError(
      ERROR_CODES.FORBIDDEN,
      `uid ${String(peer.uid)} may not ${what}: the configuration does not name it under 'control'`,
      request,
    );
  }

  /** Root, the daemon's own user, and those that the configuration names under `control`. */
  #isPrivileged(peer: Peer): boolean {
    if (peer.uid === 0 || peer.uid === process.geteuid?.()) return true;
    const { rights } = this.options;
    if (rights === undefined) return false;
    const { uid, gids } = identify(peer);
    return rights.uids.includes(uid) || gids.some((gid) => rights.gids.includes(gid));
  }

  #subscribe(id: string, on: boolean, request: number): void {
    if (!on) {
      this.#unsubscribe(id);
    } else {
      if (!this.#subscriptions.has(id) && this.#subscriptions.size >= SUBSCRIPTIONS_MAX) {
        const text = `${String(SUBSCRIPTIONS_MAX)} subscriptions are served already`;
        throw new ProtocolError(ERROR_CODES.LIMIT, text, request);
      }
      if (this.#subscriptions.size === 0) this.options.dispatch({ type: 'observe', on: true });
      this.#subscriptions.set(id, this.options.clock() + SUBSCRIPTION_MS);
    }
    this.send(id, { type: 'SUBSCRIBE_REPLY', request, on });
  }

  #unsubscribe(id: string): void {
    if (!this.#subscriptions.delete(id) || this.#subscriptions.size > 0) return;
    this.options.dispatch({ type: 'observe', on: false });
  }

  #sendReply(id: string, bytes: Buffer, request: number): void {
    if (bytes.length <= LIMITS.REPLY_BYTES) {
      this.#outbox.post(id, bytes);
      return;
    }
    const text = `the reply has ${String(bytes.length)} bytes, at most ${String(LIMITS.REPLY_BYTES)} are sent`;
    this.#sendError(id, request, ERROR_CODES.LIMIT, text);
  }

  #sendError(id: string, request: number, code: number, message: string): void {
    this.#outbox.post(id, encodeMessage({ type: 'CONTROL_ERROR', request, code, message }));
  }
}

function identify({ uid, gid, pid }: Peer): { readonly uid: number; readonly gids: number[] } {
  return { uid, gids: [gid, ...readGroups(pid)] };
}

/** The groups of a process, or none when it is gone already. */
function readGroups(pid: number): readonly number[] {
  try {
    return readProcess(pid).gids;
  } catch {
    return [];
  }
}
