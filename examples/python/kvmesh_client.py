#!/usr/bin/python3
"""A client of a kvmesh mesh, in one file, on pyzmq and msgpack (Debian: python3-zmq python3-msgpack).

It was written from common/PROTOCOL.md alone and is meant to be read beside it. As a program:

    python3 kvmesh_client.py tcp://127.0.0.1:5550 create shopping
    python3 kvmesh_client.py tcp://127.0.0.1:5550 put shopping milk 1
    python3 kvmesh_client.py tcp://127.0.0.1:5550 get shopping milk
"""

import struct
import sys
import time

import msgpack
import zmq

VERSION = 1
HELLO, WELCOME, REQUESTS, REPLIES, PING, PONG, REFUSED, GOODBYE = range(1, 9)
CODES = ("ok", "not_found", "invalid_argument", "no_route", "unavailable", "outcome_unknown", "deadline_exceeded",
         "route_loop", "too_many_hops", "too_large", "overloaded", "full", "undefined_function", "not_text",
         "protocol_error", "internal", "task_failed", "cancelled", "denied")
NODE_GRACE = 0.5  # the mesh answers in time, or says that it could not; wait this much longer for it to say so
SILENCE = 10      # after 30 seconds without a word from us, the node may have forgotten us


class KvmeshError(Exception):
    """A request that did not end well. `code` is one of CODES. Every code but outcome_unknown, internal, task_failed and
    cancelled says that the request was not executed, so that it may be sent again; after these it may have been."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Client:
    """One connection to one node, which passes on what belongs to others. Every call waits for its answer, for
    `timeout` seconds at most, and raises KvmeshError. Keys, values and names of buckets are bytes; str is encoded as
    UTF-8 on the way in. Not thread-safe: give each thread a Client of its own."""

    def __init__(self, endpoint, timeout=5.0):
        self.timeout = timeout
        self._endpoint = endpoint
        self._last_id = 0
        self._said = None  # when we last sent anything; None: not connected
        self._socket = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the connection; the next call would open another."""
        if self._socket is not None:
            self._socket.close(linger=0)  # so that nothing we sent is delivered to the node's next life
        self._socket = self._said = None

    # Buckets: whatever node they live on.
    def create(self, bucket): self.route(bucket, "kv.create")
    def drop(self, bucket): self.route(bucket, "kv.drop")
    def put(self, bucket, key, value): self.route(bucket, "kv.put", as_bytes(key), as_bytes(value))
    def delete(self, bucket, key): self.route(bucket, "kv.delete", as_bytes(key))
    def count(self, bucket): return self.route(bucket, "kv.count")

    def get(self, bucket, key):
        """The value, or None when the key is not there. A bucket that is not there is an error: not_found."""
        return self.route(bucket, "kv.get", as_bytes(key))

    def keys(self, bucket, page=1000):
        """Every key, in the order of their bytes, fetched page by page."""
        after, more = None, True
        while more:
            more, names = self.route(bucket, "kv.keys", after, page)
            yield from names
            after = names[-1] if names else None

    def route(self, bucket, function, *args):
        """Calls `function` on the node that `bucket` belongs to: route("hello", "node.name") names that node."""
        return self.call(as_bytes(bucket), function, *args)

    # Nodes: a name, or None for the one that we are connected to.
    def info(self, node=None): return self.call(node, "node.info")
    def ping(self, value=None, node=None): return self.call(node, "node.ping", value)

    def buckets(self, node=None, page=1000):
        """Every bucket that one node stores."""
        after, more = None, True
        while more:
            more, names = self.call(node, "kv.buckets", after, page)
            yield from names
            after = names[-1] if names else None

    def call_task(self, node, function, *args, output=None):
        """Runs a function of a module on a node, as a task, and waits for its result, however long that takes. What it
        prints goes to `output(stream, bytes)`, stream 1 for stdout and 2 for stderr; to our own ones when not given."""
        answer = self.call(node, "task.run", function, list(args), "call", 0, None)
        while True:
            where, id_, key, chunks, done, result = answer[:6]
            for stream, written in chunks:
                (output or print_output)(stream, written)
            if done:
                return result
            answer = self.call(where, "task.next", id_, key)

    def call(self, target, function, *args):
        """One request, one reply. `target` is None, the name of a node (str) or the name of a bucket (bytes)."""
        return self.trace(target, function, *args, flags=0)[0]

    def trace(self, target, function, *args, flags=1):
        """As call(), and with the way that the request took, a hop for each node: [node, entry, next, elapsed_us,
        executed_us, queue_us, link, ...]."""
        deadline = time.monotonic() + self.timeout + NODE_GRACE
        self._hello(deadline)
        self._last_id += 1
        record = msgpack.packb([self._last_id, int(self.timeout * 1000), flags, [], target, function, list(args)])
        self._send(REQUESTS, struct.pack(">I", len(record)) + record)
        while True:
            kind, content = self._receive(deadline)
            if kind == REFUSED:
                raise self._refused(content)
            for id_, trace, code, text, result in (records(content) if kind == REPLIES else ()):
                if id_ != self._last_id:
                    continue  # the answer to a request that we gave up
                if code == 0:
                    return result, trace
                raise KvmeshError(CODES[code] if code < len(CODES) else "internal", text)

    def _hello(self, deadline):
        """Opens the connection, or wakes one that was silent; a node that is not there any more is noticed here."""
        if self._said is not None and time.monotonic() - self._said < SILENCE:
            return
        if self._socket is None:
            self._socket = zmq.Context.instance().socket(zmq.DEALER)  # with no routing id: one of our own is refused
            self._socket.connect(self._endpoint)
        self._send(HELLO, msgpack.packb([VERSION, VERSION, "", "kvmesh-python 0.1", 0]))
        while True:
            try:
                kind, content = self._receive(deadline)
            except KvmeshError as error:  # nothing was asked for yet
                raise KvmeshError("unavailable", f"{self._endpoint} does not answer") from error
            if kind == WELCOME:
                return
            if kind == REFUSED:
                raise self._refused(content)

    def _send(self, kind, content=b""):
        self._said = time.monotonic()
        self._socket.send(bytes([VERSION, kind]) + content)

    def _receive(self, deadline):
        """The next frame's kind and content."""
        if self._socket.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            frame = self._socket.recv()
            return frame[1], frame[2:]
        self.close()
        raise KvmeshError("outcome_unknown", f"{self._endpoint} did not answer within {self.timeout} s")

    def _refused(self, content):
        self.close()
        code, text = msgpack.unpackb(content)[:2]
        return KvmeshError(CODES[code] if code < len(CODES) else "internal", text)


def as_bytes(text):
    return text.encode() if isinstance(text, str) else text


def print_output(stream, written):
    out = sys.stderr if stream == 2 else sys.stdout
    out.flush()
    out.buffer.write(written)
    out.buffer.flush()


def records(content):
    """The records of a REPLIES frame: each is its length, 4 bytes big-endian, and so many bytes of msgpack."""
    while content:
        (size,) = struct.unpack_from(">I", content)
        yield msgpack.unpackb(content[4:4 + size], strict_map_key=False)
        content = content[4 + size:]


def main(arguments):
    commands = ("create", "drop", "put", "get", "delete", "count", "keys", "buckets", "route", "info", "ping", "call_task")
    if len(arguments) < 2 or arguments[1] not in commands:
        sys.exit(f"usage: kvmesh_client.py ENDPOINT {'|'.join(commands)} [ARGUMENT...]")
    endpoint, command, *rest = arguments
    with Client(endpoint) as client:
        try:
            result = getattr(client, command)(*rest)
            for line in result if command in ("keys", "buckets") else [] if result is None else [result]:
                print(line.decode(errors="backslashreplace") if isinstance(line, bytes) else line)
        except KvmeshError as error:
            sys.exit(f"kvmesh_client: {error}")
        except TypeError as error:  # a wrong number of arguments
            sys.exit(f"kvmesh_client: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
