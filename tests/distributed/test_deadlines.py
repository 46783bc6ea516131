"""What a deadline promises: nothing is executed after its time, wherever it waited; and what is over takes no memory."""

import selectors
import socket
import struct
import threading

from harness import SANITIZED, MeshTest, eventually, main
from mesh_client import HELLO, PING, PONG, REPLIES, WELCOME, MeshClient, frame, pack, request_record, unpack
from ports import free_port

MIB = 1024 * 1024
TIMED_REQUESTS, READ = 9, 10
SECOND = 1_000_000  # in microseconds, as stamps are
CLOCK = 1 << 40     # where the clock of this client begins


def timed(stamp, *calls, **options):
    run = b"".join(request_record(i, target, function, args, **options) for i, target, function, *args in calls)
    return frame(TIMED_REQUESTS, struct.pack(">Q", stamp % (1 << 64)) + run)


def dial(node, clock=0, tells_read=0):
    """A client that says what its clock shows, and whether it will tell what it has read."""
    client = MeshClient(node.endpoint, greet=False)
    node.clients.append(client)
    greet(client, clock, tells_read)
    return client


def greet(client, clock=0, tells_read=0):
    client.send(frame(HELLO, pack([1, 1, "", "test 1", 0, clock, tells_read])))
    welcome = unpack(client.frame_of(WELCOME)[1])
    assert welcome[6] & 1, "the node takes stamps and READ"


class Way:
    """Hands bytes on between one dialler at a time and a port, until hold() is called: then what the dialler sends stays
    here, and in the buffers before."""

    def __init__(self, to):
        self.port = free_port()
        self._to = to
        self._flows = threading.Event()
        self._flows.set()
        self._held = threading.Event()
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def hold(self):
        """Returns when nothing more passes."""
        self._held.clear()
        self._flows.clear()
        if not self._held.wait(30):
            raise AssertionError("nobody is connected")

    def release(self):
        self._flows.set()

    def close(self):
        self._ended.set()
        self._thread.join()
        self._listener.close()

    def _run(self):
        while not self._ended.is_set():
            self._listener.settimeout(0.05)
            try:
                dialler, _ = self._listener.accept()
            except OSError:
                continue
            with dialler:
                try:
                    with socket.create_connection(("127.0.0.1", self._to)) as node:
                        self._pump(dialler, node)
                except OSError:
                    pass  # the dialler comes again

    def _pump(self, dialler, node):
        with selectors.DefaultSelector() as selector:
            selector.register(node, selectors.EVENT_READ, dialler)
            watched = False
            while not self._ended.is_set():
                if self._flows.is_set() != watched:
                    watched = not watched
                    if watched:
                        selector.register(dialler, selectors.EVENT_READ, node)
                    else:
                        selector.unregister(dialler)
                        self._held.set()
                for key, _ in selector.select(0.01):
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)


class AgeOfFrames(MeshTest):
    def setUp(self):
        super().setUp()
        self.node = self.single()
        self.good = self.node.client()
        self.good.ok(b"b", "kv.create")

    def test_what_was_under_way_for_longer_than_its_time_is_not_executed(self):
        client = dial(self.node, CLOCK)
        client.send(timed(CLOCK, (1, b"b", "kv.put", b"young", b"x")))
        self.assertEqual(client.reply(1).code, "ok")
        client.send(timed(CLOCK - 60 * SECOND, (2, b"b", "kv.put", b"old", b"x")))
        self.assertEqual(client.reply(2).code, "deadline_exceeded")
        self.assertIsNone(self.good.ok(b"b", "kv.get", b"old"))
        client.send(timed(CLOCK - 60 * SECOND, (3, b"b", "kv.put", b"patient", b"x"), timeout_ms=600_000))
        self.assertEqual(client.reply(3).code, "ok")

    def test_a_clock_that_is_told_anew_is_believed(self):
        client = dial(self.node, CLOCK)
        late = CLOCK - 60 * SECOND
        client.send(timed(late, (1, b"b", "kv.get", b"k")))
        self.assertEqual(client.reply(1).code, "deadline_exceeded")
        greet(client, late)
        client.send(timed(late, (2, b"b", "kv.get", b"k")))
        self.assertEqual(client.reply(2).code, "ok")

    def test_a_ping_is_told_its_age(self):
        client = dial(self.node, CLOCK)
        stamp = struct.pack(">Q", CLOCK - 10 * SECOND)
        client.send(frame(PING, stamp + b"and more"))
        _, content = client.frame_of(PONG)
        self.assertEqual(content[:16], stamp + b"and more")
        self.assertGreater(struct.unpack(">Q", content[16:])[0], 9 * SECOND)
        client.send(frame(PING, b"short"))
        self.assertEqual(client.frame_of(PONG)[1], b"short")
        self.good.send(frame(PING, stamp))
        self.assertEqual(self.good.frame_of(PONG)[1], stamp, "one that told no clock gets its own bytes")

    def test_stamps_without_a_clock_are_refused(self):
        before = self.node.info(self.good)["counters"]["refused"].get("malformed", 0)
        self.good.send(timed(CLOCK, (1, b"b", "kv.put", b"k", b"x")))
        dial(self.node, CLOCK).send(frame(TIMED_REQUESTS, b"short"))
        eventually(lambda: self.node.info(self.good)["counters"]["refused"]["malformed"] == before + 2, 10, "both count")
        self.assertIsNone(self.good.ok(b"b", "kv.get", b"k"))


class Unread(MeshTest):
    def test_replies_stop_when_the_dialler_does_not_say_that_it_reads(self):
        node = self.single()
        good = node.client()
        good.ok(b"b", "kv.create")
        good.ok(b"b", "kv.put", b"big", b"v" * MIB)
        before = node.info(good)["counters"]["executed"]
        client = dial(node, tells_read=1)
        ids = client.post_batch([(b"b", "kv.get", b"big")] * 60, timeout_ms=600_000)
        self.assertEqual(client.reply(ids[0]).code, "ok")
        executed = node.info(good)["counters"]["executed"] - before
        self.assertLess(executed, 40, "16 MiB, and a run of 16 requests")
        for done, i in enumerate(ids[1:]):
            self.assertEqual(client.reply(i).code, "ok")
            if done % 4 == 0:
                client.send(frame(READ, pack([4 * MIB])))


class SlowLink(MeshTest):
    """A gate whose link to the store stops taking what is sent."""

    def setUp(self):
        super().setUp()
        mesh = self.mesh()
        quiet = {"mesh": {"request_timeout_ms": 200, "peer_timeout_ms": 60_000}}
        self.gate = mesh.add("gate", table=[("*", "store")], settings=quiet)
        self.store = mesh.add("store", apps=["kv", "kv_server"], table=[("*", "store")], settings=quiet)
        self.way = Way(self.store.mesh_port)
        self.addCleanup(self.way.close)
        mesh.addresses["store"] = f"tcp://127.0.0.1:{self.way.port}"
        mesh.start(connected=False)
        eventually(lambda: self.gate.reaches("store"), 15, "the gate reaches the store")
        self.at_store = self.store.client()
        self.at_store.ok(b"b", "kv.create")

    def test_a_write_whose_time_is_over_does_not_undo_a_newer_one(self):
        gate = self.gate.client()
        gate.ok(b"b", "kv.put", b"account", b"first")
        self.way.hold()
        old = gate.call(b"b", "kv.put", b"account", b"old", timeout_ms=500)
        self.assertEqual(old.code, "outcome_unknown")
        self.at_store.ok(b"b", "kv.put", b"account", b"new")
        # What it takes for its time to be over at the store as well: the quickest frame took some time, too.
        slept = threading.Event()
        slept.wait(1.0)
        self.way.release()
        self.assertEqual(gate.ok(b"b", "kv.get", b"account", timeout_ms=60_000), b"new")

    def test_what_is_over_takes_no_memory_and_is_told_as_not_executed(self):
        client = self.gate.client()
        before = self.gate.forget_peak_rss()
        self.way.hold()
        value = b"v" * MIB
        codes = []
        for i in range(150):
            codes.append(client.call(b"b", "kv.put", b"k%d" % i, value, timeout_ms=10).code)
        self.assertLessEqual(set(codes), {"ok", "outcome_unknown", "deadline_exceeded", "overloaded"})
        self.assertIn("deadline_exceeded", codes[20:])
        limit = (600 if SANITIZED else 100) * MIB
        self.assertLess(self.gate.peak_rss_bytes() - before, limit, "150 MiB were sent, of which most was over")
        self.way.release()
        eventually(lambda: self.gate.reaches("store"), 30, "the link is good again")
        for i in (i for i, code in enumerate(codes) if code == "deadline_exceeded"):
            self.assertIsNone(self.at_store.ok(b"b", "kv.get", b"k%d" % i))


if __name__ == "__main__":
    main()
