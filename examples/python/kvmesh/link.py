"""One connection to one node: greeting, window, heartbeat, and its end (common/PROTOCOL.md, 1.3, 1.4, 1.13)."""

from __future__ import annotations

import math
import time
from collections import deque
from concurrent.futures import Future
from typing import Optional

import zmq
from zmq.utils.monitor import recv_monitor_message

from . import wire
from .endpoint import mechanism, why_unreachable
from .errors import KvmeshError, code_name
from .keys import ClientKey, fingerprint

# As those of the client in C++: a node is given up after a second of silence.
PING_AFTER = 0.25  # seconds without a word of the node while requests are under way
DEAD_AFTER = 0.75  # seconds without an answer to a PING
PAUSE_MAX = 0.25   # of a time in which this program stood still itself, what counts as silence
IDLE_PING = 10.0   # a node may forget us after 30 s of silence
GRACE = 0.1        # the mesh answers in time or says that it could not; wait that much longer for it to say so
_EVENTS_NOW, _READABLE = int(zmq.EVENTS), int(zmq.POLLIN)  # plain numbers: the enums of pyzmq are slow
_HANDSHAKE_FAILED = (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
                     | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
_EVENTS = zmq.EVENT_CONNECTED | zmq.EVENT_CONNECT_RETRIED | zmq.EVENT_DISCONNECTED | _HANDSHAKE_FAILED
_ONLY_ONE_HAS_A_KEY = 0x11000002  # ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH


class Request(Future):
    """One request: a Future whose result() is what the function gave, or raises KvmeshError. `trace` holds the hops of the
    reply when it was asked for. cancel() takes back one that was not sent yet. Thread-safe as every Future is; callbacks run
    on the client's own thread and must not block."""

    def __init__(self, tail: bytes, timeout: float, flags: int = 0):
        super().__init__()
        self.tail = tail
        self.flags = flags
        self.made = time.monotonic()
        self.deadline = self.made + timeout
        self.trace: list = []
        self.size = 0  # of the reply, in bytes
        self.frame = 0  # of the link that sent it: by its number

    def begin(self) -> bool:
        """Before it is sent or fails; False when it was cancelled. One that was sent in vain begins again."""
        return self.running() or self.set_running_or_notify_cancel()

    def fail(self, code: str, text: str) -> None:
        self.set_exception(KvmeshError(code, text))


class Ended(Exception):
    """The link is of no more use; the text says why."""


class Link:
    """Owned by one thread. Its socket is never used for a second connection, so that nothing which was queued for one life
    of a node is delivered to the next. Every method but close() may raise Ended."""

    def __init__(self, endpoint: str, now: float, key: Optional[ClientKey] = None, key_turn: int = 0):
        """`key_turn`: which of the node's keys is expected there, if it has several."""
        self.endpoint = endpoint
        self._key = key
        server_keys = key.server_keys(endpoint) if key is not None else ()
        self._server_key = server_keys[key_turn % len(server_keys)] if server_keys else b""
        self.has_other_key = False                   # what answered
        self.welcome: Optional[wire.Welcome] = None  # None: not greeted yet
        self.is_leaving = False                      # the node stops: it answers, and takes nothing more
        self.in_flight: dict[int, Request] = {}
        self.returned: list[Request] = []            # that certainly had no effect, in their order: to be sent again
        self._bytes = 0                              # of the bodies in flight
        self._last_id = 0
        self._frames = 0                             # sent
        self._hellos: deque[int] = deque()           # the numbers of those that have no WELCOME yet
        self._refused = 0                            # frames before the oldest of them, the last ones: see _greet_again()
        self._refused_since = now                    # when the first of these was refused
        self._last_ping = (0, 0)                     # its stamp, and its number
        self._opened = self._heard = self._said = self._pinged = self._checked = now
        self._unanswered: Optional[float] = None     # when the first PING since the last word was sent
        self._is_connected = False
        self.socket = zmq.Context.instance().socket(zmq.DEALER)  # without a routing id: a chosen one is refused
        self.socket.sndhwm = 0  # the window bounds it
        self.socket.linger = 0
        self.monitor = self.socket.get_monitor_socket(_EVENTS)
        self.monitor.linger = 0
        try:
            if key is not None:
                key.secure(self.socket, self._server_key)
            self.socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise Ended(f"{endpoint}: {error.strerror}") from None
        self._say_hello(now)

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close()
        self.socket.close(linger=0)

    # --- out

    def send(self, waiting: deque, now: float) -> None:
        """Sends as many of the waiting requests as the window takes."""
        records: list[bytes] = []
        requests: list[Request] = []
        size = 0
        while waiting and self._has_room(waiting[0]):
            request = waiting.popleft()
            if not request.begin():
                continue
            left_ms = math.ceil((request.deadline - now) * 1000)
            if left_ms <= 0:
                request.fail("deadline_exceeded", "its time was over before it could be sent; it was not executed")
                continue
            self._last_id += 1
            self.in_flight[self._last_id] = request
            self._bytes += len(request.tail)
            record = wire.request(self._last_id, left_ms, request.flags, request.tail)
            if records and size + len(record) > wire.FRAME_BYTES:
                self._send_records(records, requests, now)
                records, requests, size = [], [], 0
            records.append(record)
            requests.append(request)
            size += len(record)
        if records:
            self._send_records(records, requests, now)

    def _has_room(self, request: Request) -> bool:
        if self.welcome is None or self.is_leaving or self._refused:
            return False
        return not self.in_flight or (len(self.in_flight) < self.welcome.in_flight_max
                                      and self._bytes + len(request.tail) <= self.welcome.in_flight_bytes_max)

    def _send_records(self, records: list[bytes], requests: list[Request], now: float) -> None:
        if now - self._said > IDLE_PING:
            self._say_hello(now)  # should the node have forgotten us
        is_sent = self._send(wire.requests(records, self.welcome.is_timed), now)
        for request in requests:
            request.frame = self._frames
        if not is_sent:
            self._give_back_frame()
        if now - self._pinged > 1:
            self._ping(now)  # whose answer tells whether the clocks still go together

    def _ping(self, now: float) -> None:
        self._pinged = now
        if self._unanswered is None:
            self._unanswered = now
        stamp = wire.clock_us()
        self._send(wire.ping(stamp), now)
        self._last_ping = (stamp, self._frames)

    def _say_hello(self, now: float) -> None:
        self._send(wire.hello(), now)
        self._hellos.append(self._frames)

    def _send(self, frame: bytes, now: float) -> bool:
        """False when there is no connection any more, as after a refused handshake: what the monitor has to say ends the link."""
        self._said = now
        self._frames += 1
        try:
            self.socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _give_back_frame(self) -> None:
        """The requests of the last frame, which was not sent: the next link may send them."""
        for id_ in [id_ for id_, request in self.in_flight.items() if request.frame == self._frames]:
            request = self.in_flight.pop(id_)
            self._bytes -= len(request.tail)
            self.returned.append(request)

    # --- in

    @property
    def is_busy(self) -> bool:
        """Whether it is to be looked at often."""
        return self.welcome is None or self.is_leaving or bool(self.in_flight or self._hellos) or self._unanswered is not None

    def receive(self, now: float, ready: set) -> None:
        """Handles all that has come; `ready` has those of our sockets that can be read."""
        while self.monitor in ready and self.monitor.poll(0):
            message = recv_monitor_message(self.monitor)
            event = message["event"]
            if event == zmq.EVENT_CONNECTED:
                self._is_connected = True
            elif event == zmq.EVENT_CONNECT_RETRIED:
                raise Ended(f"{self.endpoint}: {why_unreachable(self.endpoint)}")
            elif event & _HANDSHAKE_FAILED:
                raise Ended(f"{self.endpoint}: {self._why_no_handshake(event, message['value'])}")
            else:
                self._drain(now)  # replies that came before the end
                raise Ended(f"{self.endpoint}: {self.why('the connection ended')}")
        if self.socket in ready:
            self._drain(now)

    def _drain(self, now: float) -> None:
        while self.socket.get(_EVENTS_NOW) & _READABLE:
            frame = self.socket.recv(zmq.NOBLOCK)
            self._heard, self._unanswered = now, None
            try:
                self._handle(*wire.read_frame(frame), now)
            except wire.Broken as fault:
                raise Ended(f"{self.endpoint} broke the protocol: it sent {fault}") from None

    def _handle(self, kind: int, content: memoryview, now: float) -> None:
        if kind == wire.REPLIES:
            for reply in wire.read_replies(content):
                self._end(reply)
        elif kind == wire.WELCOME:
            self.welcome = wire.read_welcome(content)
            self._greeted_again()
            if self.welcome.version != wire.VERSION:
                raise Ended(f"{self.endpoint} speaks version {self.welcome.version} of the protocol, this client {wire.VERSION}")
        elif kind == wire.PONG:
            stamp, age = wire.read_pong(content)
            self._answered_ping(stamp)
            if age > wire.clock_us() - stamp:  # older than it can be: one of the two clocks has jumped
                self._say_hello(now)
        elif kind == wire.REFUSED:
            code, text = wire.read_refused(content)
            if self.welcome is not None and text == wire.NO_HELLO:
                return self._greet_again(now)
            raise Ended(f"{self.endpoint} refused us: {code_name(code)}: {text}")
        elif kind == wire.GOODBYE:
            self.is_leaving = True

    def _greet_again(self, now: float) -> None:
        """The node has forgotten us, as after a pause of its own, and refused a frame. It answers in order and refuses all that
        comes before a HELLO, so the WELCOME shows which frames these were: the last ones before that HELLO."""
        if self._refused == 0:
            self._refused_since = now
        self._refused += 1
        if not self._hellos:
            self._say_hello(now)

    def _answered_ping(self, stamp: int) -> None:
        """A node that is busy passes over a HELLO of a client that it knows: what came before a PING that it has answered
        has no WELCOME to come."""
        answered, number = self._last_ping
        while stamp == answered and not self._refused and self._hellos and self._hellos[0] < number:
            self._hellos.popleft()

    def _greeted_again(self) -> None:
        hello = self._hellos.popleft() if self._hellos else 0
        first_refused = hello - self._refused
        if first_refused == hello:
            return
        self._refused = 0
        for id_, request in list(self.in_flight.items()):
            if request.frame > hello:
                continue
            del self.in_flight[id_]
            self._bytes -= len(request.tail)
            if request.frame >= first_refused:
                self.returned.append(request)
            else:
                request.fail("outcome_unknown", f"{self.endpoint} forgot this client, before a reply arrived; it may have been "
                                                "executed")

    def _end(self, reply: wire.Reply) -> None:
        request = self.in_flight.pop(reply.id, None)
        if request is None:
            return  # the answer to one that was given up
        self._bytes -= len(request.tail)
        request.trace, request.size = reply.trace, reply.size
        if reply.code == 0:
            request.set_result(reply.result)
        else:
            request.fail(code_name(reply.code), reply.text)

    # --- time

    def check(self, now: float, connect_timeout: float) -> None:
        """Called often; REQUIRES: receive() was called just before, so that what has come is no silence."""
        if self.welcome is None:
            if now - self._opened > connect_timeout:
                raise Ended(f"{self.endpoint}: {self.why('no answer')}")
            return
        for id_ in [id_ for id_, request in self.in_flight.items() if now > request.deadline + GRACE]:
            request = self.in_flight.pop(id_)
            self._bytes -= len(request.tail)
            request.fail("outcome_unknown", f"{self.endpoint} did not answer in time; it may have been executed")
        paused = now - self._checked - PAUSE_MAX
        if self._unanswered is not None and paused > 0:
            self._unanswered = min(now, self._unanswered + paused)  # the answer may be on its way
        if self._refused and paused > 0:
            self._refused_since = min(now, self._refused_since + paused)
        self._checked = now
        if self._unanswered is not None and now - self._unanswered > DEAD_AFTER:
            raise Ended(f"{self.endpoint}: it does not answer any more")
        if self._refused and now - self._refused_since > DEAD_AFTER:
            raise Ended(f"{self.endpoint}: it has forgotten this client, and does not greet it again")
        silent_since = max(self._heard, self._pinged)
        if now - silent_since > (PING_AFTER if self.in_flight else IDLE_PING):
            self._ping(now)

    def _why_no_handshake(self, event: int, value: int) -> str:
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return (f"the node there does not let the key {fingerprint(self._key.public)}... in; add it to the file of that node's "
                    "mesh.security and type kvmesh reload there, or use another key") if self._key else "the node refused us"
        is_told = event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _ONLY_ONE_HAS_A_KEY
        if is_told or mechanism(self.endpoint) == ("CURVE" if self._key is None else "NULL"):
            if self._key is None:
                return "the node there wants a key; use key=FILE or KVMESH_KEY"
            return ("the node there has no key, so it cannot prove who it is; give it one (mesh.key), or connect without yours "
                    "(key=\"none\")")
        if self._key is None:
            return "what answers there does not speak ZeroMQ"
        self.has_other_key = True
        return (f"what answers there does not have the key {fingerprint(self._server_key)}..., which your key file "
                "says is this node's (under [nodes]); correct the file, or find out who listens there")

    def why(self, what: str) -> str:
        """What may be the reason for it."""
        if self.welcome is not None:
            return what
        if not self._is_connected:
            return "no answer from the host; is the address right, and no firewall between?"
        return (f"{what} where a node would greet; does it hang, and is this the port of a node's mesh.listen? (that of the line "
                "protocol, kv_server.listen, is another)")
