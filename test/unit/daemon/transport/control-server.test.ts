/** Who may steer the daemon, and who is told what happens. */
import { describe, expect, it } from 'vitest';
import { createLogger } from 'winston';
import type { ControlRights } from '../../../../daemon/config/load.js';
import type { Event } from '../../../../daemon/core/events.js';
import { ControlServer } from '../../../../daemon/transport/control-server.js';
import { PeerTable } from '../../../../daemon/transport/peers.js';
import type { MessageSocket, Receive } from '../../../../daemon/transport/router-socket.js';
import { decodeMessage, encodeMessage } from '../../../../protocol/codec.js';
import type { ControlDown, ControlUp, QueueInfo } from '../../../../protocol/generated/messages.js';
import { ERROR_CODES, LIMITS, PROTOCOL_VERSION } from '../../../../protocol/messages.js';

const STATUS = {
  ...{ version: '1.2.3', protocol: PROTOCOL_VERSION, pid: 1, generation: 1, uptimeMs: 0 },
  ...{ runtimeDir: '/run/xsched', config: '', policy: 'HPF', enabled: true, clients: 0 },
  ...{ queues: 0, ready: 0, suspended: 0, messages: 0, refused: 0, unknownCalls: 0, hints: [] },
};

/** A control server without sockets, core or clock. */
class Bench {
  now = 0;
  readonly events: Event[] = [];
  readonly sent: { readonly id: string; readonly message: ControlDown }[] = [];
  readonly peers = new PeerTable();
  readonly server: ControlServer;
  #receive: Receive = () => undefined;
  #fail: (id: string) => void = () => undefined;

  constructor(rights?: ControlRights, queues: readonly QueueInfo[] = []) {
    const socket: MessageSocket = {
      start: (receive, onFailure) => {
        this.#receive = receive;
        this.#fail = (id) => {
          onFailure(id, 'unreachable');
        };
      },
      send: (id, frame, onTaken) => {
        this.sent.push({ id, message: decodeMessage('control-down', frame) });
        onTaken?.();
      },
      close: () => undefined,
    };
    this.server = new ControlServer({
      socket,
      peers: this.peers,
      log: createLogger({ silent: true }),
      clock: () => this.now,
      dispatch: (event) => this.events.push(event),
      rights,
      status: () => STATUS,
      queues: () => queues,
      calls: () => [],
    });
    this.server.start();
  }

  /** A link of a process; its groups are those of this process, since they come from /proc. */
  connect(uid: number, gid = 4242): string {
    const id = this.peers.size.toString(16).padStart(32, '0');
    const address = `localhost:${String(uid)}:${String(gid)}:${String(process.pid)}`;
    expect(this.peers.admit(id, 'control', address, this.now)).toBeUndefined();
    return id;
  }

  send(id: string, message: ControlUp): ControlDown | undefined {
    this.#receive(id, [encodeMessage(message)]);
    return this.sent.at(-1)?.message;
  }

  breakLink(id: string): void {
    this.#fail(id);
  }

  publish(text: string): void {
    this.server.publish({ type: 'report', kind: 'hint', level: 'info', id: '', text });
  }
}

const STEERING: readonly (readonly [string, ControlUp])[] = [
  [
    'change priorities',
    {
      ...{ type: 'HINT', request: 1, target: '1', hint: 'priority' },
      ...{ value: 1, clear: false },
    },
  ],
  ['change the policy', { type: 'POLICY', request: 1, name: 'HPF' }],
  ['switch scheduling on or off', { type: 'ENABLE', request: 1, enabled: false }],
];

describe('rights', () => {
  it.each(STEERING)('to %s belong to whoever can connect, unless configured', (_what, message) => {
    const bench = new Bench();
    bench.send(bench.connect(1234), message);
    expect(bench.events).toHaveLength(1);
  });

  it.each(STEERING)('to %s belong to those that the configuration names', (what, message) => {
    const bench = new Bench({ uids: [1001], gids: [77] });
    expect(bench.send(bench.connect(1234), message)).toEqual({
      type: 'CONTROL_ERROR',
      request: 1,
      code: ERROR_CODES.FORBIDDEN,
      message: `uid 1234 may not ${what}: the configuration does not name it under 'control'`,
    });
    expect(bench.events).toEqual([]);
    for (const [uid, gid] of [
      [1001, 1],
      [1234, 77],
      [0, 1],
    ] as const) {
      bench.send(bench.connect(uid, gid), message);
    }
    expect(bench.events).toHaveLength(3);
  });

  it('to give any priority belong to those who are named, the rest has a ceiling', () => {
    const [, hint] = STEERING[0] ?? [];
    if (hint === undefined) throw new Error('there is no such message');
    const limits = (bench: Bench, uid: number, gid: number): unknown => {
      bench.send(bench.connect(uid, gid), hint);
      const event = bench.events.at(-1);
      return event?.type === 'hint' ? event.limitedAs : 'no hint';
    };
    const open = new Bench();
    expect(limits(open, 0, 1)).toBeUndefined();
    expect(limits(open, process.geteuid?.() ?? 0, 1)).toBeUndefined();
    expect(limits(open, 1234, 77)).toMatchObject({ uid: 1234 });
    expect(limits(open, 1234, 77)).toHaveProperty('gids', expect.arrayContaining([77]));
    const named = new Bench({ uids: [1001], gids: [77] });
    expect(limits(named, 1001, 1)).toBeUndefined();
    expect(limits(named, 1234, 77)).toBeUndefined();
  });

  it('to look are everybody’s', () => {
    const bench = new Bench({ uids: [], gids: [] });
    const id = bench.connect(1234);
    expect(bench.send(id, { type: 'LIST', request: 2 })?.type).toBe('LIST_REPLY');
    expect(bench.send(id, { type: 'CALLS_LIST', request: 5 })).toEqual({
      ...{ type: 'CALLS_REPLY', request: 5, calls: [] },
    });
    const status = { type: 'STATUS', request: 3, version: PROTOCOL_VERSION } as const;
    expect(bench.send(id, status)).toEqual({ type: 'STATUS_REPLY', request: 3, status: STATUS });
    bench.send(id, { type: 'POLICY', request: 4, name: '' });
    expect(bench.events).toMatchObject([{ type: 'policy', name: '', controller: id }]);
  });
});

describe('another version', () => {
  it('is told both', () => {
    const bench = new Bench();
    expect(bench.send(bench.connect(1), { type: 'STATUS', request: 5, version: 9 })).toEqual({
      type: 'CONTROL_ERROR',
      request: 5,
      code: ERROR_CODES.VERSION,
      message: 'the controller speaks version 9 of the protocol, the daemon version 6',
    });
  });
});

describe('subscriptions', () => {
  it('bring events until they are ended', () => {
    const bench = new Bench();
    const id = bench.connect(1);
    bench.publish('nobody hears this');
    bench.send(id, { type: 'SUBSCRIBE', request: 1, on: true });
    expect(bench.events).toEqual([{ type: 'observe', on: true }]);
    bench.publish('x'.repeat(600));
    const event = bench.sent.at(-1)?.message;
    expect(event).toMatchObject({ type: 'EVENT', kind: 'hint', text: 'x'.repeat(512) });
    bench.send(id, { type: 'SUBSCRIBE', request: 2, on: false });
    expect(bench.events.at(-1)).toEqual({ type: 'observe', on: false });
    bench.publish('nobody hears this either');
    expect(bench.sent.at(-1)?.message).toMatchObject({ type: 'SUBSCRIBE_REPLY', on: false });
  });

  it('end when they are not renewed, and with their link', () => {
    const bench = new Bench();
    const [first, second] = [bench.connect(1), bench.connect(1)];
    bench.send(first, { type: 'SUBSCRIBE', request: 1, on: true });
    bench.send(second, { type: 'SUBSCRIBE', request: 1, on: true });
    bench.now = 14_000;
    bench.send(second, { type: 'SUBSCRIBE', request: 2, on: true });
    bench.now = 15_000;
    bench.server.sweep(bench.now);
    bench.publish('hello');
    const heard = bench.sent.filter(({ message }) => message.type === 'EVENT');
    expect(heard.map(({ id }) => id)).toEqual([second]);
    bench.breakLink(second);
    expect(bench.events.at(-1)).toEqual({ type: 'observe', on: false });
    expect(bench.peers.find('control', second)).toBeUndefined();
  });

  it('are limited in number', () => {
    const bench = new Bench();
    for (let n = 0; n < 64; n++) {
      bench.send(bench.connect(n), { type: 'SUBSCRIBE', request: 1, on: true });
    }
    expect(
      bench.send(bench.connect(99), { type: 'SUBSCRIBE', request: 1, on: true }),
    ).toMatchObject({ code: ERROR_CODES.LIMIT, message: '64 subscriptions are served already' });
  });
});

describe('a list', () => {
  it('that is longer than a reply may be is refused with its length', () => {
    const queue: QueueInfo = {
      ...{ id: '1.1', pid: 1, uid: 0, name: 'n', exe: 'e', command: 'c'.repeat(4096) },
      ...{ device: 'GPU-0', stream: 1, label: '', version: '', instance: '' },
      ...{ priority: 0, source: 'default' },
      ...{ state: 'idle', reason: '', window: 0, waiting: false, submitted: 0, completed: 0 },
      ...{ readyNs: 0, waitedNs: 0, suspends: 0 },
      ...{ target: 0, latency: 0, latencyP50: 0, latencyP99: 0 },
    };
    const bench = new Bench(undefined, Array<QueueInfo>(5000).fill(queue));
    const reply = bench.send(bench.connect(1), { type: 'LIST', request: 6 });
    expect(reply).toMatchObject({ type: 'CONTROL_ERROR', request: 6, code: ERROR_CODES.LIMIT });
    expect(reply).toHaveProperty(
      'message',
      expect.stringMatching(`^the reply has \\d+ bytes, at most ${String(LIMITS.REPLY_BYTES)} are`),
    );
  });
});
