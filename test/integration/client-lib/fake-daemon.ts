/** A daemon of a few lines: it answers control requests as the test says. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Context, Reply, Router } from 'zeromq';
import { decodeMessage, encodeMessage } from '../../../protocol/codec.js';
import type { ControlDown, ControlUp } from '../../../protocol/generated/messages.js';
import { CONTROL_SOCKET } from '../../../protocol/runtime-dir.js';
import { sampleStatus } from '../../unit/client-lib/samples.js';

/** What the daemon says to a request; undefined keeps silent, bytes are sent as they are. */
export type Answer = (message: ControlUp) => ControlDown | Buffer | undefined;

/** The answers of a daemon without queues that agrees to everything. */
export const agree: Answer = (message) => {
  const { request } = message;
  switch (message.type) {
    case 'STATUS':
      return { type: 'STATUS_REPLY', request, status: sampleStatus() };
    case 'LIST':
      return { type: 'LIST_REPLY', request, queues: [] };
    case 'CALLS_LIST':
      return { type: 'CALLS_REPLY', request, calls: [] };
    case 'HINT':
      return { type: 'HINT_REPLY', request, queues: ['4711.1'] };
    case 'POLICY':
      return { type: 'POLICY_REPLY', request, name: 'HPF', available: ['HPF'] };
    case 'ENABLE':
      return { type: 'ENABLE_REPLY', request, enabled: message.enabled };
    case 'SUBSCRIBE':
      return { type: 'SUBSCRIBE_REPLY', request, on: message.on };
  }
};

export class FakeDaemon {
  /** All requests so far. */
  readonly requests: ControlUp[] = [];
  /** What the authenticator answers: 200 lets a peer in, 400 does not. */
  admission: '200' | '400' = '200';
  readonly #context = new Context();
  readonly #authenticator = new Reply({ context: this.#context, linger: 0 });
  readonly #router = new Router({ context: this.#context, plainServer: true, linger: 0 });
  readonly #peers = new Set<string>();

  private constructor(
    readonly runtimeDir: string,
    public answer: Answer,
  ) {}

  /** Starts one in a directory of its own. */
  static async start(answer: Answer = agree, runtimeDir = makeRuntimeDir()): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(runtimeDir, answer);
    await daemon.#authenticator.bind('inproc://zeromq.zap.01');
    void daemon.#authenticate();
    await daemon.#router.bind(`ipc://${path.join(runtimeDir, CONTROL_SOCKET)}`);
    void daemon.#serve();
    return daemon;
  }

  /** Routing ids of all who have asked something, in their order. */
  get peers(): readonly string[] {
    return [...this.#peers];
  }

  /** Sends a message to everybody who has asked something. */
  async broadcast(message: ControlDown): Promise<void> {
    for (const peer of this.#peers) await this.#router.send([peer, encodeMessage(message)]);
  }

  stop(): void {
    this.#router.close();
    this.#authenticator.close();
  }

  async #authenticate(): Promise<void> {
    for await (const [version = '', id = ''] of this.#authenticator) {
      await this.#authenticator.send([version, id, this.admission, '', 'user', '']);
    }
  }

  async #serve(): Promise<void> {
    for await (const [peer, frame] of this.#router) {
      if (peer === undefined || frame === undefined) continue;
      this.#peers.add(peer.toString());
      const message = decodeMessage('control-up', frame);
      this.requests.push(message);
      const answer = this.answer(message);
      if (answer === undefined) continue;
      await this.#router.send([peer, Buffer.isBuffer(answer) ? answer : encodeMessage(answer)]);
    }
  }
}

const runtimeDirs: string[] = [];

/** A folder that is short enough for the address of a socket. */
export function makeRuntimeDir(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
  runtimeDirs.push(folder);
  return folder;
}

/** Removes all folders that makeRuntimeDir() made. */
export function removeRuntimeDirs(): void {
  for (const folder of runtimeDirs.splice(0)) fs.rmSync(folder, { recursive: true });
}
