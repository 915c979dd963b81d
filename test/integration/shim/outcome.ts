/** A program of many launches, and how it must end under the shim: as without. */
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { makeEnvironment, makeStage, runClient } from './programs.js';
import type { Environment, Stage } from './programs.js';

/** Rounds and their pauses: a good half of a second, in which the daemon can do its worst. */
const WORK = ['250', '2000'];

/** Failing open takes a second at most; the rest is for a machine that is busy with other tests. */
const LONGEST_CALL_US = 3_000_000;

let reference: string | undefined;

/** What the program prints without the shim. */
async function getReference(): Promise<string> {
  if (reference !== undefined) return reference;
  const ended = await runClient('mixed', WORK, makeEnvironment(makeStage(), {}, false));
  expect(ended).toMatchObject({ code: 3, signal: null });
  expect(ended.stdout).toMatch(/^digest [0-9a-f]{8}\n$/);
  reference = ended.stdout;
  return reference;
}

/** Runs the program under the shim and compares; returns what it said on standard error. */
export async function expectSame(stage: Stage, more: Environment = {}): Promise<string> {
  const expected = await getReference();
  const { stderr, ...ended } = await runClient('mixed', WORK, makeEnvironment(stage, more));
  expect(ended, stderr).toEqual({ code: 3, signal: null, stdout: expected });
  const longest = Number(/^longest call (\d+) us$/m.exec(stderr)?.[1]);
  expect(longest).toBeLessThan(LONGEST_CALL_US);
  return stderr;
}

/** The shim's own lines on standard error. */
export function listComplaints(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('xsched['))
    .map((line) => line.replace(/^xsched\[\d+\]: /, ''));
}

/** A server that is no ROUTER: what it does with each connection is up to the test. */
export async function startServer(
  stage: Stage,
  serve: (socket: net.Socket) => void,
): Promise<void> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  server.listen(path.join(stage.runtimeDir, 'agent.sock'));
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}
