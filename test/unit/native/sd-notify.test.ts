import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sdNotify } from '../../../native/index.js';
import { catchError, makeFolder, readLine, startProgram } from './programs.js';

/** Node has no unix datagram sockets, so that the service manager is played by a line of Python. */
const RECEIVER = `
import signal, socket, sys
address = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(b"\\0" + address[1:].encode() if address[0] == "@" else address)
print("bound", flush=True)
if sys.argv[2] == "deaf":
    signal.pause()
print(ascii(receiver.recv(8192)), flush=True)
`;

async function startReceiver(address: string, mode: 'reads' | 'deaf'): Promise<ChildProcess> {
  const receiver = startProgram('python3', ['-c', RECEIVER, address, mode]);
  expect(await readLine(receiver)).toBe('bound');
  setAddress(address);
  return receiver;
}

function setAddress(address: string | undefined): void {
  const before = process.env['NOTIFY_SOCKET'];
  onTestFinished(() => assignAddress(before));
  assignAddress(address);
}

function assignAddress(address: string | undefined): void {
  if (address === undefined) delete process.env['NOTIFY_SOCKET'];
  else process.env['NOTIFY_SOCKET'] = address;
}

describe('sdNotify', () => {
  it('returns false when nobody asked to be told', () => {
    setAddress(undefined);
    expect(sdNotify('READY=1')).toBe(false);
    assignAddress('');
    expect(sdNotify('READY=1')).toBe(false);
  });

  it('sends the state to a socket in the file system', async () => {
    const receiver = await startReceiver(path.join(makeFolder(), 'notify'), 'reads');
    const line = readLine(receiver);
    expect(sdNotify('READY=1\nSTATUS=3 clients, für alle')).toBe(true);
    expect(await line).toBe("b'READY=1\\nSTATUS=3 clients, f\\xc3\\xbcr alle'");
  });

  it('sends the state to an abstract socket', async () => {
    const receiver = await startReceiver(`@xsched-notify-test-${process.pid}`, 'reads');
    const line = readLine(receiver);
    expect(sdNotify('STOPPING=1')).toBe(true);
    expect(await line).toBe("b'STOPPING=1'");
  });

  it('throws rather than blocks when the receiver does not read', async () => {
    const address = path.join(makeFolder(), 'notify');
    await startReceiver(address, 'deaf');
    const error = catchError(() => {
      for (let i = 0; i < 100_000; i++) sdNotify('WATCHDOG=1');
    });
    expect(error).toMatchObject({ code: 'EAGAIN', syscall: 'sendto' });
  });

  it('names the socket that it cannot reach', () => {
    const address = path.join(makeFolder(), 'nobody');
    setAddress(address);
    expect(catchError(() => sdNotify('READY=1'))).toMatchObject({
      code: 'ENOENT',
      syscall: 'sendto',
      message: `cannot notify ${address}: No such file or directory (sendto, ENOENT)`,
    });
  });

  it.each([
    [
      'relative/socket',
      "an absolute path, or a name that begins with @, received 'relative/socket'",
    ],
    [
      `/${'x'.repeat(107)}`,
      `a string of 1 to 107 bytes without NUL, received '/${'x'.repeat(107)}'`,
    ],
  ])('refuses %s as an address', (address, complaint) => {
    setAddress(address);
    expect(catchError(() => sdNotify('READY=1'))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: `NOTIFY_SOCKET must be ${complaint}`,
    });
  });

  it.each([[''], ['a\0b'], ['x'.repeat(4097)], [12]])('refuses %j as a state', (state) => {
    setAddress(path.join(makeFolder(), 'nobody'));
    expect(catchError(() => sdNotify(state as string))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringMatching(
        /^state must be a string of 1 to 4096 bytes without NUL, received/,
      ) as string,
    });
  });
});
