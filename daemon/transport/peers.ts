/** Who is behind a link: what the kernel says of each routing id that was let in. */
import { LIMITS } from '../../protocol/messages.js';
import { isRunning } from './processes.js';

/** The two sockets, by the ZAP domain that tells them apart. */
export type Domain = 'agent' | 'control';

/** A link that was let in. Times are milliseconds of the daemon's monotonic clock. */
export interface Peer {
  readonly id: string;
  readonly domain: Domain;
  /** From the kernel, as of the moment of its connection. */
  readonly uid: number;
  readonly gid: number;
  /** 0 where the peer's pid namespace is not visible from here. */
  readonly pid: number;
  /** When it was let in, or last said something. */
  usedAt: number;
  /** Whether it is somebody's who said who he is: then it stays until it is dropped. */
  kept: boolean;
  /** Messages that could not be used, since its last HELLO. */
  bad: number;
  /** No message but HELLO is read any more. */
  muted: boolean;
  /** Complaints sent since `complainedAt`. */
  complaints: number;
  complainedAt: number;
}

/** Links in all; more are turned away until some are gone. */
const PEERS_MAX = 2 * LIMITS.CLIENTS;
/** Links of one user that nobody has said HELLO on yet. */
const STRANGERS_MAX = 1024;
/** A link to the agent socket that says nothing is given up after so long. */
const STRANGER_MS = 10_000;
/** A link to the control socket that is not used for so long is given up with its process. */
const CONTROLLER_MS = 10_000;
/** Links of one process to the control socket; the one that was not used for longest goes first. */
const CONTROLLERS_MAX = 64;
/** What a link said before it was dropped may arrive for so long after it. */
const DEPARTED_MS = 10_000;
/** Dropped links that are remembered; of more the oldest are forgotten. */
const DEPARTED_MAX = 2 * PEERS_MAX;
/** Complaints to one link within a second; what is wrong beyond that is only counted. */
const COMPLAINTS_PER_SECOND = 10;

const ID = new RegExp(`^[0-9a-f]{${String(LIMITS.ROUTING_ID_BYTES)}}$`);
/** What libzmq says of the peer of an ipc connection: host, uid, gid, pid. */
const ADDRESS = /:(\d{1,10}):(\d{1,10}):(\d{1,10})$/;

/** All links that were let in, by routing id. */
export class PeerTable {
  readonly #peers = new Map<string, Peer>();
  /** Links that were dropped, oldest first, with their process and the time of it. */
  readonly #departed = new Map<string, { readonly pid: number; readonly at: number }>();

  /** @param isAlive whether the process of that id still runs */
  constructor(private readonly isAlive: (pid: number) => boolean = isRunning) {}

  get size(): number {
    return this.#peers.size;
  }

  /**
   * Lets a link in.
   * @param username what it calls itself, which has to be its routing id
   * @param address what the kernel says of it, in the words of libzmq
   * @returns why not, or undefined if it is in.
   */
  admit(username: string, domain: string, address: string, now: number): string | undefined {
    if (domain !== 'agent' && domain !== 'control') return `there is no socket '${domain}'`;
    if (!ID.test(username)) {
      const wanted = `${String(LIMITS.ROUTING_ID_BYTES)} lower-case hexadecimal digits`;
      return `a user name has to be ${wanted}, received ${JSON.stringify(username.slice(0, 64))}`;
    }
    const match = ADDRESS.exec(address);
    if (match === null) return `the kernel does not say who ${JSON.stringify(address)} is`;
    const [uid, gid, pid] = [Number(match[1]), Number(match[2]), Number(match[3])];
    const known = this.#peers.get(username);
    if (
      known !== undefined &&
      (known.uid !== uid || known.pid !== pid || known.domain !== domain)
    ) {
      return `routing id of pid ${String(pid)} is in use by pid ${String(known.pid)}`;
    }
    // The same process may come back with its id: libzmq reconnects so by itself.
    if (known === undefined) {
      if (domain === 'control') this.#makeRoom(pid);
      const refusal = this.#checkRoom(domain, uid);
      if (refusal !== undefined) return refusal;
    }
    this.#departed.delete(username);
    this.#peers.set(username, {
      id: username,
      domain,
      uid,
      gid,
      pid,
      usedAt: now,
      kept: known?.kept ?? false,
      bad: known?.bad ?? 0,
      muted: known?.muted ?? false,
      complaints: known?.complaints ?? 0,
      complainedAt: known?.complainedAt ?? now,
    });
    return undefined;
  }

  /** The peer of a routing id on one of the sockets. */
  find(domain: Domain, id: string): Peer | undefined {
    const peer = this.#peers.get(id);
    return peer?.domain === domain ? peer : undefined;
  }

  /** Takes a peer that was dropped back, with all that is known of it. */
  restore(peer: Peer): void {
    this.#departed.delete(peer.id);
    this.#peers.set(peer.id, peer);
  }

  drop(id: string, now: number): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    this.#peers.delete(id);
    this.#departed.set(id, { pid: peer.pid, at: now });
    const [oldest] = this.#departed.keys();
    if (this.#departed.size > DEPARTED_MAX && oldest !== undefined) this.#departed.delete(oldest);
  }

  /** Whether a link was that of a process which died of late: its last words are no offence. */
  isOfTheDead(id: string): boolean {
    const departed = this.#departed.get(id);
    return departed !== undefined && !this.isAlive(departed.pid);
  }

  /** Drops the links that never became somebody's, and those of controllers that are gone. */
  sweep(now: number): void {
    for (const [id, { at }] of this.#departed) {
      if (now - at > DEPARTED_MS) this.#departed.delete(id);
    }
    for (const peer of this.#peers.values()) {
      const over =
        peer.domain === 'agent'
          ? !peer.kept && now - peer.usedAt > STRANGER_MS
          : now - peer.usedAt > CONTROLLER_MS && !this.isAlive(peer.pid);
      if (over) this.#peers.delete(peer.id);
    }
  }

  /** libzmq does not tell which link was closed, so a process has the newest few only. */
  #makeRoom(pid: number): void {
    let oldest: Peer | undefined;
    let count = 0;
    for (const peer of this.#peers.values()) {
      if (peer.domain !== 'control' || peer.pid !== pid) continue;
      count++;
      if (oldest === undefined || peer.usedAt < oldest.usedAt) oldest = peer;
    }
    if (oldest !== undefined && count >= CONTROLLERS_MAX) this.#peers.delete(oldest.id);
  }

  #checkRoom(domain: Domain, uid: number): string | undefined {
    if (this.#peers.size >= PEERS_MAX) return `${String(PEERS_MAX)} links are open already`;
    // Few are waiting at any time; the table is only searched when it is large.
    if (this.#peers.size < STRANGERS_MAX) return undefined;
    let strangers = 0;
    for (const peer of this.#peers.values()) {
      if (!peer.kept && peer.uid === uid && peer.domain === domain) strangers++;
    }
    if (strangers < STRANGERS_MAX) return undefined;
    const what = domain === 'agent' ? 'have not said HELLO yet' : 'to the control socket are open';
    return `${String(STRANGERS_MAX)} links of uid ${String(uid)} ${what}`;
  }
}

/** Whether a peer may be sent one more complaint now. */
export function mayComplain(peer: Peer, now: number): boolean {
  if (now - peer.complainedAt >= 1000) {
    peer.complainedAt = now;
    peer.complaints = 0;
  }
  return ++peer.complaints <= COMPLAINTS_PER_SECOND;
}
