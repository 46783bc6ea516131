"""A client of the mesh protocol (common/PROTOCOL.md), written for the tests: it can also send what it must not."""

import collections
import struct
import time

import msgpack
import zmq

VERSION = 1
HELLO, WELCOME, REQUESTS, REPLIES, PING, PONG, REFUSED, GOODBYE = range(1, 9)
CODES = ["ok", "not_found", "invalid_argument", "no_route", "unavailable", "outcome_unknown", "deadline_exceeded",
         "route_loop", "too_many_hops", "too_large", "overloaded", "full", "undefined_function", "not_text",
         "protocol_error", "internal", "task_failed", "cancelled", "denied"]
TRACE = 1

Reply = collections.namedtuple("Reply", "id code text result trace arrived")


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def frame(kind, content=b"", version=VERSION):
    return bytes([version, kind]) + content


def record(content):
    return struct.pack(">I", len(content)) + content


def hello(name="", low=VERSION, high=VERSION, version=VERSION):
    return frame(HELLO, pack([low, high, name, "test 1", 0]), version)


def request_record(request_id, target, function, args, timeout_ms=5000, flags=0, path=()):
    """`target`: None is the node itself, bytes a bucket, str a node."""
    return record(pack([request_id, timeout_ms, flags, list(path), target, function, list(args)]))


def records(run):
    """The records of a run, as decoded msgpack."""
    found, at = [], 0
    while at < len(run):
        (size,) = struct.unpack_from(">I", run, at)
        found.append(unpack(run[at + 4:at + 4 + size]))
        at += 4 + size
    return found


class MeshClient:
    """One DEALER connection. Not thread-safe. Frames that nobody asked for are kept in `frames`."""

    def __init__(self, endpoint, greet=True, name="", identity=None, timeout=30.0, rcvhwm=0,
                 keys=None):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndtimeo = int(timeout * 1000)  # a node that refuses the key leaves nobody to send to
        self.socket.sndhwm = 0
        self.socket.rcvhwm = rcvhwm  # 0: reads all, whether anybody asks or not
        if identity is not None:
            self.socket.routing_id = identity
        if keys is not None:
            own, server = keys
            own.secure(self.socket, server)
        self.socket.connect(endpoint)
        self.timeout = timeout
        self.last_id = 0
        self.replies = {}    # by id, of those that nobody waited for yet
        self.frames = []     # (kind, content) other than replies
        self.strict = True   # a second reply to one request is a fault; tests that use ids twice turn this off
        self.welcome = None
        if greet:
            try:
                self.greet(name)
            except Exception:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def greet(self, name=""):
        self.send(hello(name))
        kind, content = self.frame_of(WELCOME, REFUSED)
        if kind != WELCOME:
            raise AssertionError(f"HELLO was refused: {unpack(content)}")
        self.welcome = unpack(content)

    # --- frames

    def send(self, *parts, flags=0):
        self.socket.send_multipart(parts, flags)

    def receive(self, timeout=None):
        """Handles the next frame; False when none comes in time."""
        wait = self.timeout if timeout is None else timeout
        if not self.socket.poll(max(0, int(wait * 1000))):
            return False
        parts = self.socket.recv_multipart()
        if len(parts) != 1 or len(parts[0]) < 2:
            raise AssertionError(f"the node broke the protocol: {parts!r}")
        version, kind, content = parts[0][0], parts[0][1], parts[0][2:]
        if kind == PING:
            self.send(frame(PONG, content))
        elif kind == REPLIES:
            if version != VERSION:
                raise AssertionError(f"version {version} in REPLIES")
            for request_id, trace, code, text, result in records(content):
                if request_id in self.replies and self.strict:
                    raise AssertionError(f"two replies to the request {request_id}")
                self.replies[request_id] = Reply(request_id, CODES[code], text, result, trace, time.monotonic())
        else:
            self.frames.append((kind, content))
        return True

    def frame_of(self, *kinds, timeout=None):
        """The next frame of one of these kinds."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            for at, (kind, content) in enumerate(self.frames):
                if kind in kinds:
                    del self.frames[at]
                    return kind, content
            if not self.receive(deadline - time.monotonic()) and time.monotonic() > deadline:
                raise TimeoutError(f"no frame of the kinds {kinds} came")

    # --- requests

    def post(self, target, function, *args, **options):
        """Sends one request and returns its id."""
        return self.post_batch([(target, function, *args)], **options)[0]

    def post_batch(self, calls, **options):
        """Sends many requests, (target, function, args...), in one frame; their ids."""
        ids, run = [], []
        for target, function, *args in calls:
            self.last_id += 1
            ids.append(self.last_id)
            run.append(request_record(self.last_id, target, function, args, **options))
        self.send(frame(REQUESTS, b"".join(run)))
        return ids

    def reply(self, request_id, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while request_id not in self.replies:
            if not self.receive(deadline - time.monotonic()) and time.monotonic() > deadline:
                refused = [unpack(content) for kind, content in self.frames if kind == REFUSED]
                raise TimeoutError(f"no reply to the request {request_id}{f'; refused: {refused}' if refused else ''}")
        return self.replies.pop(request_id)

    def wait_all(self, ids, timeout=None):
        """The replies to all these requests, in their order."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        return [self.reply(i, max(0.0, deadline - time.monotonic())) for i in ids]

    def call(self, target, function, *args, **options):
        return self.reply(self.post(target, function, *args, **options))

    def ok(self, target, function, *args, **options):
        """The result of a call that must succeed."""
        reply = self.call(target, function, *args, **options)
        if reply.code != "ok":
            raise AssertionError(f"{function} of {target!r}: {reply.code}: {reply.text}")
        return reply.result
