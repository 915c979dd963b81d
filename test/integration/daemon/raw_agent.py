"""Processes that speak the agent protocol over a bare unix socket, without libzmq.

raw_agent.py SOCKET COUNT: forks COUNT processes at once, each of which says HELLO, registers one
queue (priority: its number modulo 7) and waits for its answer. Prints "registered N SECONDS" when
all have theirs, then does line by line what stdin says:
  ready          every process says READY, waiting at the gate, and waits for the answer
  kill           all processes are killed
The processes end with the first one, however it ends.
"""

import os
import secrets
import signal
import socket
import struct
import sys
import time
import traceback

TIMEOUT_S = 30


# Of the protocol that the messages below speak.
VERSION = 6


def pack(value):
    """Standard msgpack of what the messages consist of."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        return b"\xd9" + bytes([len(value.encode())]) + value.encode()
    return bytes([0x90 | len(value)]) + b"".join(map(pack, value))


def frame(body, command=False):
    return bytes([4 if command else 0, len(body)]) + body


class Link:
    """A DEALER with the mechanism PLAIN, as far as one process needs it."""

    def __init__(self, path):
        self.id = secrets.token_hex(16).encode()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(path)
        signature = b"\xff" + b"\0" * 8 + b"\x7f"
        greeting = signature + b"\x03\x00" + b"PLAIN".ljust(20, b"\0") + b"\0"
        self.socket.sendall(greeting.ljust(64, b"\0"))
        self.read(64)
        hello = b"\x05HELLO" + bytes([len(self.id)]) + self.id + b"\0"
        self.socket.sendall(frame(hello, command=True))
        self.expect(b"\x07WELCOME")
        properties = [(b"Socket-Type", b"DEALER"), (b"Identity", self.id)]
        body = b"".join(
            bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
            for name, value in properties
        )
        self.socket.sendall(frame(b"\x08INITIATE" + body, command=True))
        self.expect(b"\x05READY")

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the daemon closed the link")
            data += more
        return data

    def receive(self):
        flags, length = self.read(2)
        if flags & 2:
            length = struct.unpack(">Q", bytes([length]) + self.read(7))[0]
        return self.read(length)

    def expect(self, command):
        got = self.receive()
        if not got.startswith(command):
            raise ConnectionError(f"expected {command!r}, got {got[:40]!r}")

    def send(self, *fields):
        self.socket.sendall(frame(pack(fields)))

    def await_verdict(self, acks):
        """Waits for the PERMIT or SUSPEND that has seen what was said: opcode, queue, seq, acks."""
        while True:
            body = self.receive()
            # All four are below 128, so that each is one byte.
            if body[1] in (17, 18) and body[4] == acks:
                return


def start_time():
    with open("/proc/self/stat", encoding="latin1") as file:
        return int(file.read().rsplit(")", 1)[1].split()[19])


def run_process(path, number, done, orders, life):
    link = Link(path)
    command = f"raw_agent.py number {number}"
    priority = number % 7
    own = (os.getpid(), start_time(), "/raw_agent", command, "", True, priority, "raw")
    link.send(1, VERSION, *own, 0)
    link.send(2, 1, 1, "GPU-raw", 1, 1, 0, "", "", "", 0, False, False)
    link.await_verdict(acks=1)
    os.write(done, b".")
    if not os.read(orders, 1):
        return
    link.send(3, 1, 2, True)
    link.await_verdict(acks=2)
    os.write(done, b".")
    # Nobody writes here: it ends when the first process, which holds the other side, does.
    os.read(life, 1)


def gather(done, count):
    got = 0
    while got < count:
        more = len(os.read(done, count))
        if more == 0:
            sys.exit("a process ended early")
        got += more


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    done, tell = os.pipe()
    orders, order = os.pipe()
    life, alive = os.pipe()
    # One process that fails says why and ends all of them.
    children = []
    begin = time.monotonic()
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            os.close(order)
            os.close(alive)
            try:
                run_process(path, number, tell, orders, life)
            except BaseException:
                traceback.print_exc()
                os.kill(os.getppid(), signal.SIGTERM)
            os._exit(0)
        children.append(pid)
    os.close(tell)
    gather(done, count)
    print(f"registered {count} {time.monotonic() - begin:.3f}", flush=True)
    for line in sys.stdin:
        if line.strip() == "ready":
            os.write(order, b"." * count)
            gather(done, count)
            print("answered", flush=True)
        elif line.strip() == "kill":
            break
    for pid in children:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
