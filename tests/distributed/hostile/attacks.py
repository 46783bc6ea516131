"""What strangers can do to the two ports of a node, each as a function of one Attack.

An attack sets itself up, calls `on()`, and goes on until `over()`. It must not wait for the node: what the node does
not take is left, and connections that it ends are opened again where that is part of the attack."""

import errno
import os
import random
import select
import socket
import threading

from hostile_vectors import vectors
from line_client import LineClient
from mesh_client import (GOODBYE, PONG, REFUSED, REPLIES, REQUESTS, WELCOME, frame, hello, pack, record,
                         request_record)
from raw_peer import GREETING, dial_zmtp, reset, zmtp_frame

KIB, MIB = 1 << 10, 1 << 20
BIG_BUCKET, BIG_KEY, BIG_BYTES = "huge", "k", 100 * KIB  # there for those who do not read


class Attack:
    """The node that is attacked, how strongly (`size`, 1.0 is the full attack), and when it is over."""

    def __init__(self, node, function, size):
        self.node, self.size = node, size
        self.random = random.Random(1)
        self.connections = []
        self.sent = 0
        self.error = None
        self._on, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(function,), daemon=True)

    def __enter__(self):
        self._thread.start()
        if not self._on.wait(60) or self.error:
            raise AssertionError(f"the attack did not begin: {self.error}")
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the attack does not end"

    def _run(self, function):
        try:
            function(self)
        except Exception as error:  # shown by the one who started it
            self.error = error
        self._on.set()
        for connection in self.connections:
            connection.close()

    def on(self):
        self._on.set()

    def over(self, pause=0.0):
        """Whether to stop; waits for `pause` seconds first."""
        return self._over.wait(pause) if pause else self._over.is_set()

    def count(self, full):
        return max(1, int(full * self.size))

    # --- connections

    def line_socket(self, receive_buffer=None):
        return self._kept(LineClient("127.0.0.1", self.node.tcp_port, receive_buffer=receive_buffer).socket)

    def mesh_socket(self, greet=True):
        """Behind the ZMTP handshake and, with `greet`, behind HELLO."""
        connection = dial_zmtp(self.node.mesh_port)
        if greet:
            connection.sendall(zmtp_frame(hello()))
        return self._kept(connection)

    def silent_socket(self, port):
        return self._kept(socket.create_connection(("127.0.0.1", port), timeout=10))

    def _kept(self, connection):
        connection.setblocking(False)
        self.connections.append(connection)
        return connection

    def push(self, connection, data):
        """Sends what the other side takes now; -1 when it has ended the connection."""
        try:
            sent = connection.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.EBADF, errno.ENOTCONN):
                return -1
            raise
        self.sent += sent
        return sent

    def drain(self, connection):
        """Throws away what has come."""
        try:
            while connection.recv(1 << 16):
                pass
        except OSError:
            pass

    def flood(self, count, connect, data):
        """Keeps `count` connections full of `data(i)`, reads what comes, and opens those again that are ended. A piece
        of data is sent whole before the next is made."""
        senders = {connect(): b"" for _ in range(count)}
        self.on()
        turn = 0
        while not self.over():
            writable = select.select([], list(senders), [], 0.05)[1]
            for connection in writable:
                self.drain(connection)
                if not senders[connection]:
                    turn += 1
                    senders[connection] = data(turn)
                sent = self.push(connection, senders[connection])
                if sent < 0:
                    del senders[connection]
                    self.connections.remove(connection)
                    connection.close()
                    if not self.over(0.01):
                        senders[connect()] = b""
                else:
                    senders[connection] = senders[connection][sent:]

    def trickle(self, connections, data):
        """One byte of `data` a second on each connection."""
        self.on()
        at = 0
        while not self.over():
            for connection in connections:
                self.push(connection, data[at % len(data):][:1])
            at += 1
            self.over(1.0)


# --- connections that do nothing, or hardly anything

def half_open_lines(attack):
    for _ in range(attack.count(5000)):
        attack.silent_socket(attack.node.tcp_port)
    attack.on()
    attack.over(3600)


def half_open_mesh(attack):
    for i in range(attack.count(5000)):
        connection = attack.silent_socket(attack.node.mesh_port)
        if i % 2:
            connection.send(GREETING[:i % 64])
    attack.on()
    attack.over(3600)


def slow_lines(attack):
    connections = [attack.line_socket() for _ in range(attack.count(1000))]
    for connection in connections:
        attack.push(connection, b"PUT berries slow ")
    attack.trickle(connections, b"v")


def slow_mesh(attack):
    connections = [attack.mesh_socket() for _ in range(attack.count(500))]
    for connection in connections:
        attack.push(connection, b"\2" + (4 * MIB).to_bytes(8, "big"))  # a frame of 4 MiB follows, it says
    attack.trickle(connections, b"v")


def come_and_go(attack):
    """New connections without end, on both ports, that end with RST at once."""
    attack.on()
    while not attack.over():
        for port, first in ((attack.node.tcp_port, b"PUT berries x"), (attack.node.mesh_port, GREETING)):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connection.send(first)
            reset(connection)
            attack.sent += len(first)
        attack.over(0.001)


# --- clients that ask and do not read

def unread_lines(attack):
    ask = f"GET {BIG_BUCKET} {BIG_KEY}\r\n".encode() * 1000
    connections = [attack.line_socket(receive_buffer=4096) for _ in range(attack.count(50))]
    attack.on()
    while not attack.over(0.02):
        for connection in connections:
            attack.push(connection, ask)


def unread_mesh(attack):
    get = request_record(1, BIG_BUCKET.encode(), "kv.get", [BIG_KEY.encode()], timeout_ms=60000)
    ask = zmtp_frame(frame(REQUESTS, get * 100))
    connections = {attack.mesh_socket(): b"" for _ in range(attack.count(50))}
    attack.on()
    while not attack.over(0.02):
        for connection, rest in list(connections.items()):
            rest = rest or ask
            sent = attack.push(connection, rest)
            if sent < 0:
                del connections[connection]
            else:
                connections[connection] = rest[sent:]


# --- nonsense

def garbage_lines(attack):
    attack.flood(attack.count(8), attack.line_socket, lambda _: attack.random.randbytes(64 * KIB))


def long_lines(attack):
    """Lines that do not end."""
    attack.flood(attack.count(50), attack.line_socket, lambda _: b"x" * 256 * KIB)


def garbage_mesh(attack):
    """Before the handshake."""
    attack.flood(attack.count(8), lambda: attack.silent_socket(attack.node.mesh_port),
                 lambda _: attack.random.randbytes(16 * KIB))


def garbage_frames(attack):
    """Random frames, and every vector of hostile.txt, behind the handshake."""
    bad = [v["hex"] for v in vectors("hostile.txt") if len(v["hex"]) < MIB]

    def data(turn):
        if turn % 2:
            return b"".join(zmtp_frame(one) for one in bad)
        return b"".join(zmtp_frame(attack.random.randbytes(attack.random.randrange(300))) for _ in range(100))
    attack.flood(attack.count(8), attack.mesh_socket, data)


def huge_lengths(attack):
    """Messages, records and arrays that announce up to 2^63 bytes or elements."""
    contents = [b"\x97\xdd\xff\xff\xff\xff", b"\x97\x01\x01\x00\x90\xc6\xff\xff\xff\xff",
                b"\x97\x01\x01\x00\x90\xc0\xdb\xff\xff\xff\xff", b"\x97\x01\x01\x00\x90\xc0\xa1x\xdf\xff\xff\xff\xff"]
    data = b"".join(zmtp_frame(frame(REQUESTS, record(c) * 50)) for c in contents)
    data += b"".join(zmtp_frame(frame(REQUESTS, n.to_bytes(4, "big") + b"x" * 100)) for n in (1 << 31, (1 << 32) - 1))
    for size in (1 << 32, 1 << 62, (1 << 63) - 1):
        attack.push(attack.mesh_socket(), b"\2" + size.to_bytes(8, "big") + b"x" * 1000)
    attack.flood(attack.count(8), attack.mesh_socket, lambda _: data)


def multipart(attack):
    """Messages of 1000 parts, which are whole."""
    put = frame(REQUESTS, request_record(1, b"berries", "kv.put", [b"multi", b"1"]))
    data = zmtp_frame(put, more=True) * 999 + zmtp_frame(put)
    attack.flood(attack.count(8), attack.mesh_socket, lambda _: data)


def endless_multipart(attack):
    """Messages that never end: libzmq keeps their parts (node/mesh/README.md, "The doorkeeper"). 64 MiB are sent."""
    part = zmtp_frame(b"m" * 64 * KIB, more=True)
    connections = [attack.mesh_socket() for _ in range(8)]
    left = {connection: part * (attack.count(64 * MIB) // len(part) // len(connections)) for connection in connections}
    while left and not attack.over():
        for connection in select.select([], list(left), [], 0.1)[1]:
            sent = attack.push(connection, left[connection][:MIB])
            left[connection] = left[connection][max(0, sent):]
            if sent < 0 or not left[connection]:
                del left[connection]
    attack.on()
    attack.over(3600)


# --- lies

def forged_replies(attack):
    """Replies to everybody's requests, sent to the port that takes requests, with ids of each likely form."""
    ids = [attack.random.choice((i, i << 32, (i << 32) | 1, attack.random.randrange(1 << 64))) for i in range(2000)]
    data = zmtp_frame(frame(REPLIES, b"".join(record(pack([i, [], 0, "", b"forged"])) for i in ids)))
    others = b"".join(zmtp_frame(frame(kind, pack([1, "bar@localhost", "x", 0, 1, 1])))
                      for kind in (WELCOME, REFUSED, GOODBYE, PONG))
    attack.flood(attack.count(8), attack.mesh_socket, lambda turn: data if turn % 10 else others)


def other_names(attack):
    """HELLO with the name of the node itself, of its peer, and of nobody; each with requests behind it."""
    names = ["foo@localhost", "bar@localhost", "nobody@localhost", "a\nb@localhost", "x" * 300 + "@h", ""]
    request = zmtp_frame(frame(REQUESTS, request_record(1, b"berries", "node.ping", [])))

    def data(turn):
        return zmtp_frame(hello(names[turn % len(names)])) + request * 20
    attack.flood(attack.count(8), lambda: attack.mesh_socket(greet=False), data)


def other_ids(attack):
    """ZMTP connections that choose the routing id of others, dialled again and again."""
    attack.on()
    turn = 0
    while not attack.over(0.002):
        turn += 1
        identity = (b"foo@localhost", b"same", b"\0" + os.urandom(4), b"\0\0\0\0\1", b"i" * 200)[turn % 5]
        try:
            connection = dial_zmtp(attack.node.mesh_port, identity)
        except OSError:
            continue  # refused in the handshake: a good answer
        connection.setblocking(False)
        attack.push(connection, zmtp_frame(hello("bar@localhost")))
        attack.connections.append(connection)
        if len(attack.connections) > attack.count(200):
            attack.connections.pop(0).close()


def same_ids(attack):
    """One id for every request, and requests with a path that holds others' names."""
    record_ = request_record(7, b"berries", "node.ping", []) * 50
    record_ += request_record(7, b"berries", "node.ping", [], path=["bar@localhost", "*", "baz@localhost", "*"]) * 50
    attack.flood(attack.count(4), attack.mesh_socket, lambda _: zmtp_frame(frame(REQUESTS, record_)))


# (port, what was tried, function, how much memory it may take in MiB). What sends faster than the node reads takes what
# the inbox holds (node/mesh/inbox_backlog.cpp) and what libzmq has before that; for tiny frames that grows with time.
ATTACKS = [
    ("line", "5000 connections that say nothing", half_open_lines, 64),
    ("mesh", "5000 connections, silent or ended within the greeting", half_open_mesh, 256),
    ("line", "1000 clients that write one byte a second", slow_lines, 64),
    ("mesh", "500 clients that announce 4 MiB and write one byte a second", slow_mesh, 64),
    ("both", "connections that come and end with RST, 1000 a second", come_and_go, 64),
    ("line", "50 clients that ask for 100 KiB values without end and never read", unread_lines, 400),
    ("mesh", "50 clients that ask for 100 KiB values without end and never read", unread_mesh, 450),
    ("line", "random bytes, 8 connections at full speed", garbage_lines, 64),
    ("line", "lines that never end, 50 connections at full speed", long_lines, 200),
    ("mesh", "random bytes instead of a handshake, 8 connections", garbage_mesh, 64),
    ("mesh", "random frames and every hostile vector, 8 connections at full speed", garbage_frames, 512),
    ("mesh", "announced lengths up to 2^63, 8 connections at full speed", huge_lengths, 1024),
    ("mesh", "messages of 1000 parts, 8 connections at full speed", multipart, 512),
    ("mesh", "messages that never end, 64 MiB of parts", endless_multipart, 160),
    ("mesh", "forged replies, WELCOME, REFUSED and GOODBYE, 8 connections at full speed", forged_replies, 512),
    ("mesh", "HELLO with the names of the node, its peer and nobody, in tiny frames", other_names, 1536),
    ("mesh", "ZMTP routing ids of others, 500 connections a second", other_ids, 64),
    ("mesh", "one id for all requests, forged paths, 4 connections at full speed", same_ids, 768),
]
