#!/usr/bin/python3
"""What the Python client makes of arguments, endpoints and bytes, without any node."""

import struct
import unittest

import msgpack

from harness import main
from hostile_vectors import vectors
from python_package import Client, KvmeshError, Pid, kvmesh

from kvmesh import values, wire
from kvmesh.endpoint import check_endpoint, check_endpoints


class Arguments(unittest.TestCase):
    def setUp(self):
        self.mesh = Client("tcp://127.0.0.1:1", connect_timeout=0.01)  # nothing of this is ever sent
        self.addCleanup(self.mesh.close)

    def test_a_wrong_one_is_named_with_what_is_expected(self):
        mesh = self.mesh
        for text, function, *arguments in (
                ("value must be str or bytes, not int", mesh.put, "zoo", "k", 5),
                ("key must be str or bytes, not NoneType", mesh.get, "zoo", None),
                ("bucket must be str or bytes, not list", mesh.create, ["zoo"]),
                ("node must be a str such as \"foo@localhost\", or None", mesh.call, 7, "t.add"),
                ("function must be a str", mesh.call, None, 5),
                ("argument 2 of t.add must be None, bool, int, ", mesh.call, None, "t.add", 1, {2}),
                ("it is or holds a set", mesh.submit, None, "t.add", [[set()]]),
                ("argument 2 of t.add is or holds a dict with the key 1; keys must be str, not int", mesh.call, None, "t.add", 1,
                 {"a": [{1: 2}]}),
                ("with the key b'k'; keys must be str, not bytes", mesh.submit, None, "t.add", ({b"k": 2},)),
                ("argument 1 of counter.add is or holds a dict with", mesh.server("counter").call, "add", {None: 1}),
                ("argument 1 of send() is or holds a dict with", mesh.send, Pid("foo@h", 1), {1: 2}),
                ("argument 1 of counter.add", mesh.server("counter").call, "add", object()),
                ("argument 1 of send()", mesh.send, Pid("foo@h", 1), object()),
                ("a pid must be a Pid or a str, not int", mesh.send, 5, "x"),
                ("name must be a str such as \"counter\"", mesh.server, 5),
                ("page must be an int, not str", lambda: mesh.keys("zoo", page="2")),
                ("output must be a function", lambda: mesh.call(None, "t.add", output=1)),
                ("timeout must be a number of seconds, not str", lambda: mesh.call(None, "t.add", timeout="1"))):
            with self.assertRaises(TypeError) as raised:
                function(*arguments)
            self.assertIn(text, str(raised.exception))

    def test_a_wrong_value_is_named_too(self):
        mesh = self.mesh
        for text, function in (
                ("'foo' is no name of a node", lambda: mesh.call("foo", "t.add")),
                ("'f o@h' is no name of a node", lambda: mesh.info("f o@h")),
                ("'add' is no name of a function", lambda: mesh.call(None, "add")),
                ("'<foo/1>' is no pid; one looks like <foo@localhost/1a2b3c>", lambda: mesh.send("<foo/1>", 1)),
                ("key cannot be encoded as UTF-8", lambda: mesh.get("zoo", "\udcff")),
                ("argument 1 of t.echo is or holds a number that does not fit", lambda: mesh.call(None, "t.echo", [2**64])),
                ("argument 1 of t.echo is or holds a str that cannot", lambda: mesh.call(None, "t.echo", "\udcff")),
                ("argument 1 of t.echo is nested too deeply", lambda: mesh.call(None, "t.echo", nested(600))),
                ("timeout must be more than 0", lambda: mesh.call(None, "t.echo", timeout=0)),
                ("timeout must be more than 0", lambda: mesh.call(None, "t.echo", timeout=float("nan"))),
                ("page must be from 1 to 10000, not 10001", lambda: mesh.buckets(page=10001)),
                ("use call()", lambda: mesh.submit(None, "node.info"))):
            with self.assertRaises(ValueError) as raised:
                function()
            self.assertIn(text, str(raised.exception))

    def test_what_fits_no_request_is_too_large(self):
        with self.assertRaises(KvmeshError) as raised:
            self.mesh.put("zoo", "k", bytes(2 * 1024 * 1024))
        self.assertEqual(raised.exception.code, "too_large")

    def test_what_msgpack_has_is_sent_as_it_is(self):
        tail = values.pack_tail(b"b", "t.echo", (None, True, -2**63, 2**64 - 1, 2.5, "ä", b"\xff", (1, [2]), {"a": {"1": None}},
                                                 bytearray(b"x"), Pid("foo@h", 26)))
        target, function, args = msgpack.unpackb(b"\x93" + tail, strict_map_key=False)
        self.assertEqual((target, function), (b"b", "t.echo"))
        self.assertEqual(args, [None, True, -2**63, 2**64 - 1, 2.5, "ä", b"\xff", [1, [2]], {"a": {"1": None}}, b"x", "<foo@h/1a>"])


class Endpoints(unittest.TestCase):
    def test_right_ones(self):
        for endpoint in ("tcp://127.0.0.1:5550", "tcp://localhost:1", "tcp://[::1]:65535", "ipc:///tmp/x", "ipc://@x"):
            self.assertEqual(check_endpoint(endpoint), endpoint)
        self.assertEqual(check_endpoints(("tcp://a:1", "tcp://b:1", "tcp://a:1")), ["tcp://a:1", "tcp://b:1"])

    def test_wrong_ones_say_what_is_expected(self):
        for endpoint, text in (("127.0.0.1:5550", "did you mean 'tcp://127.0.0.1:5550'?"), ("localhost", "tcp://HOST:PORT"),
                               ("", "tcp://HOST:PORT"), ("tcp://x", "tcp://HOST:PORT"), ("tcp://x:0", "from 1 to 65535"),
                               ("tcp://x:65536", "from 1 to 65535"), ("tcp://*:5550", "name the host"),
                               ("tcp://::1:5550", "tcp://HOST:PORT"), ("udp://x:1", "tcp://HOST:PORT"),
                               ("ipc://", "ipc://PATH"), ("ipc://" + "x" * 108, "107 bytes"), ("tcp://x:1\n", "tcp://HOST:PORT"),
                               ("tcp://x:1, tcp://y:2", "several endpoints are a list: ['tcp://x:1', 'tcp://y:2']")):
            with self.assertRaises(ValueError) as raised:
                Client(endpoint)
            self.assertIn(text, str(raised.exception))
        for endpoints in (None, 5550, b"tcp://x:1", {}, [5]):
            self.assertRaises(TypeError, Client, endpoints)
        self.assertRaises(ValueError, Client, [])


class Bytes(unittest.TestCase):
    """Against the vectors of the protocol."""

    def test_requests(self):
        vector = next(v for v in vectors("requests.txt") if v["name"] == "kv_put")
        tail = values.pack_tail(b"shopping", "kv.put", (b"milk", b"1"))
        self.assertEqual(wire.requests([wire.request(3, 5000, 0, tail)], False), vector["hex"])
        timed = wire.requests([wire.request(3, 5000, 0, tail)], True)
        self.assertEqual((timed[:2], timed[10:]), (b"\x01\x09", vector["hex"][2:]))

    def test_every_reply_is_read(self):
        read = 0
        for vector in vectors("replies.txt") + vectors("tasks.txt"):
            kind, content = wire.read_frame(vector["hex"])
            if kind == wire.REPLIES:
                read += len(list(wire.read_replies(content)))
        self.assertGreater(read, 40)

    def test_welcome(self):
        found = {v["name"]: v["hex"] for v in vectors("frames.txt")}
        self.assertEqual(wire.read_welcome(wire.read_frame(found["welcome"])[1]),
                         (1, "gate@localhost", 65536, 33554432, False))
        self.assertTrue(wire.read_welcome(wire.read_frame(found["welcome_timed"])[1]).is_timed)

    def test_what_is_broken_is_refused(self):
        record = msgpack.packb([1, [], 0, "", None])
        whole = struct.pack(">I", len(record)) + record
        for content in (b"\0\0\0", b"\0\0\0\1", whole[:-1], whole + b"x", struct.pack(">I", 1) + b"\xc1",
                        struct.pack(">I", 1) + b"\x90", struct.pack(">I", 1) + b"\xc0"):
            with self.assertRaises(wire.Broken):
                list(wire.read_replies(memoryview(content)))

    def test_whatever_comes_is_read_or_refused(self):
        """Every byte of every vector, changed: nothing but Broken may come out."""
        readers = {wire.WELCOME: wire.read_welcome, wire.REFUSED: wire.read_refused, wire.PONG: wire.read_pong,
                   wire.REPLIES: lambda content: list(wire.read_replies(content))}
        refused = 0
        for vector in (*vectors("replies.txt"), *vectors("tasks.txt"), *vectors("frames.txt")):
            for place in range(min(len(vector["hex"]), 200)):
                for byte in (0x00, 0x7f, 0xc1, 0xdd, 0xff, vector["hex"][place] ^ 1):
                    changed = vector["hex"][:place] + bytes((byte,)) + vector["hex"][place + 1:]
                    kind, content = wire.read_frame(changed)
                    try:
                        readers.get(kind, len)(content)
                    except wire.Broken:
                        refused += 1
        self.assertGreater(refused, 1000)

    def test_a_map_whose_keys_no_dict_takes_comes_as_pairs(self):
        self.assertEqual(values.unpack(msgpack.packb({(1,): 2})), [([1], 2)])
        self.assertEqual(values.unpack(b"\xa1\xff"), "\udcff")

    def test_pids(self):
        self.assertEqual(Pid.parse(str(Pid("foo@h", 0xabc))), Pid("foo@h", 0xabc))
        for text in ("", "foo@h/1", "<foo@h/>", "<foo@h/G>", "<h/1>", "<foo@h/11111111111111111>", None):
            self.assertRaises(ValueError, Pid.parse, text)

    def test_codes(self):
        self.assertEqual([kvmesh.errors.code_name(n) for n in (0, 18, 19, -1, None)],
                         ["ok", "denied", "internal", "internal", "internal"])


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


if __name__ == "__main__":
    main()
