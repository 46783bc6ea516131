"""Peers that no library would give us: ZMTP by hand over plain TCP, and a ROUTER that plays a node."""

import socket
import struct

import zmq

from harness import eventually
from mesh_client import GOODBYE, HELLO, PING, PONG, REPLIES, REQUESTS, WELCOME, frame, pack, record, records

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01" + b"NULL".ljust(20, b"\0") + b"\0" * 32


def zmtp_frame(body, more=False):
    """One ZMTP 3 message frame."""
    if len(body) < 256:
        return bytes([1 if more else 0, len(body)]) + body
    return bytes([3 if more else 2]) + struct.pack(">Q", len(body)) + body


def zmtp_command(name, body=b""):
    content = bytes([len(name)]) + name + body
    return bytes([4, len(content)]) + content


def receive_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionResetError("closed in the handshake")
        data += more
    return data


def dial_zmtp(port, identity=b""):
    """A TCP connection to the ROUTER on `port` behind its ZMTP handshake, as a DEALER of this identity."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(GREETING)
    receive_exactly(connection, 64)
    properties = b"".join(bytes([len(k)]) + k + struct.pack(">I", len(v)) + v
                          for k, v in ((b"Socket-Type", b"DEALER"), (b"Identity", identity)))
    connection.sendall(zmtp_command(b"READY", properties))
    flags, size = receive_exactly(connection, 2)
    assert flags == 4, flags
    assert receive_exactly(connection, size).startswith(b"\x05READY")
    return connection


def reset(connection):
    """Ends a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class FakeNode:
    """A ROUTER that nodes dial as their peer `name`. It answers nothing by itself: the test says what it sends."""

    def __init__(self, port, name, timeout=10.0):
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 0
        eventually(lambda: self._bind(port), 5, f"port {port} is free again")
        self.name = name
        self.timeout = timeout

    def _bind(self, port):
        try:
            self.socket.bind(f"tcp://127.0.0.1:{port}")
            return True
        except zmq.ZMQError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def receive(self, timeout=None):
        """(dialler, kind, content) of the next frame other than PING, which gets its PONG."""
        while True:
            wait = self.timeout if timeout is None else timeout
            if not self.socket.poll(int(wait * 1000)):
                raise TimeoutError("the node sent nothing")
            dialler, data = self.socket.recv_multipart()
            if data[1] != PING:
                return dialler, data[1], data[2:]
            self.send(dialler, frame(PONG, data[2:]))

    def send(self, dialler, *parts):
        self.socket.send_multipart([dialler, *parts])

    def expect(self, kind, timeout=None):
        """The next frame, which must be of this kind; a new dialler's HELLO may come before others."""
        dialler, got, content = self.receive(timeout)
        assert got == kind, (got, content)
        return dialler, content

    def welcome(self, name=None, in_flight_max=1000, in_flight_bytes_max=1 << 24, software="fake 1"):
        """Waits for a dialler and greets it."""
        dialler, _ = self.expect(HELLO)
        self.send(dialler, frame(WELCOME, pack([1, name or self.name, software, 0, in_flight_max, in_flight_bytes_max])))
        return dialler

    def requests(self):
        """The dialler and the records of the next REQUESTS."""
        dialler, content = self.expect(REQUESTS)
        return dialler, records(content)

    def reply(self, dialler, request_id, code=0, text="", result=None, trace=()):
        self.send(dialler, frame(REPLIES, record(pack([request_id, list(trace), code, text, result]))))

    def goodbye(self, dialler):
        self.send(dialler, frame(GOODBYE))
