#!/usr/bin/python3
"""Clients that send more than they may, or read nothing, cost a node no more memory than its bounds allow."""

import contextlib
import itertools
import select
import time

from harness import MeshTest, SANITIZED, eventually, main
from hostile_case import Hostile
from mesh_client import CODES, REPLIES, REQUESTS, frame, hello, record, records, request_record
from raw_peer import dial_zmtp, receive_exactly, reset, zmtp_frame

MIB = 1 << 20


def replies_of(connection):
    """The replies that come over a raw connection, one by one."""
    while True:
        flags = receive_exactly(connection, 1)[0]
        size = receive_exactly(connection, 8 if flags & 2 else 1)
        body = receive_exactly(connection, int.from_bytes(size, "big"))
        if body[1] == REPLIES:
            yield from records(body[2:])


class Flood(Hostile):
    def test_a_client_that_reads_no_replies(self):
        """16 MiB of unread replies, a window of requests behind them, and what libzmq and the kernel hold: no more."""
        self.good.ok(b"apples", "kv.put", b"big", b"v" * MIB)
        before = self.node.forget_peak_rss()
        connection = dial_zmtp(self.node.mesh_port)
        connection.sendall(zmtp_frame(hello()))
        connection.settimeout(10)
        get = zmtp_frame(frame(REQUESTS, request_record(1, b"apples", "kv.get", [b"big"], timeout_ms=60000)))
        put = zmtp_frame(frame(REQUESTS, request_record(2, b"apples", "kv.put", [b"behind", b"v" * MIB], timeout_ms=60000)))
        try:
            for _ in range(2000):
                connection.sendall(get)
            for _ in range(100):
                connection.sendall(put)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        for _ in range(100):
            self.assert_served()
        most = self.node.peak_rss_bytes() - before
        limit = (600 if SANITIZED else 200) * MIB  # a sanitizer's quarantine keeps what was freed
        self.assertLess(most, limit, "2 GiB of replies were asked for")
        eventually(lambda: self.count("flood") > 0, 5, "what is beyond the window is refused")
        self.assertIsNone(self.good.ok(b"apples", "kv.get", b"behind"), "what waits is not executed")
        reset(connection)

    def test_many_clients_that_read_no_replies(self):
        """256 MiB of unread replies of all together, in the socket's queues or before them, and one reply more each.
        Who reads is served, large replies included."""
        self.good.ok(b"apples", "kv.put", b"big", b"v" * MIB)
        get = request_record(1, b"apples", "kv.get", [b"big"], timeout_ms=60000)
        ask = zmtp_frame(hello()) + zmtp_frame(frame(REQUESTS, get * 10)) * 10
        before = self.node.forget_peak_rss()
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                stack.enter_context(dial_zmtp(self.node.mesh_port)).sendall(ask)
            for _ in range(100):
                self.assert_served()
            batch = self.good.post_batch([(b"apples", "kv.get", b"big")] * 30)
            self.assertEqual({len(reply.result) for reply in self.good.wait_all(batch)}, {MIB})
            limit = (1500 if SANITIZED else 450) * MIB
            self.assertLess(self.node.peak_rss_bytes() - before, limit, "6000 MiB of replies were asked for")

    def test_tiny_frames_that_wait(self):
        """Requests held for a client that does not read are executed, one frame after the other, once it reads."""
        self.good.ok(b"apples", "kv.put", b"big", b"v" * MIB)
        get = request_record(0, b"apples", "kv.get", [b"big"], timeout_ms=60000)
        count = 5000
        tiny = [request_record(i, b"apples", "node.ping", [i], timeout_ms=60000) for i in range(1, count + 1)]
        frames = [frame(REQUESTS, one) for one in tiny]
        frames[2000] += record(b"\xc0")  # the good one before it is executed, and so is the next frame
        frames[3000] = frame(REQUESTS, b"".join(tiny[3000:4000]))
        frames[3001:4000] = []
        before = self.count("malformed")
        with dial_zmtp(self.node.mesh_port) as connection:
            connection.settimeout(20)
            connection.sendall(b"".join(map(zmtp_frame, [hello(), *[frame(REQUESTS, get * 60)] * 3, *frames])))
            seen = []
            for one in replies_of(connection):
                if one[2] == 0:
                    seen.append(one[0])
                if seen and seen[-1] == count:
                    break
        self.assertEqual(seen, [0] * 180 + list(range(1, count + 1)))
        self.assertEqual(self.count("malformed") - before, 1)

    def test_requests_held_for_many_clients(self):
        """Clients that come one after the other, leave their replies unread and send more: what is held for them has
        one bound (384 MiB), beside that of their replies (256 MiB)."""
        self.good.ok(b"apples", "kv.put", b"big", b"v" * MIB)
        get = request_record(1, b"apples", "kv.get", [b"big"], timeout_ms=60000)
        put = request_record(2, b"apples", "kv.put", [b"behind", b"v" * MIB], timeout_ms=60000)
        asks = zmtp_frame(hello()) + zmtp_frame(frame(REQUESTS, get * 20)) * 5
        puts = zmtp_frame(frame(REQUESTS, put)) * 20
        before = self.node.forget_peak_rss()
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                connection = stack.enter_context(dial_zmtp(self.node.mesh_port))
                connection.settimeout(30)
                connection.sendall(asks)
                for _ in range(3):
                    connection.sendall(puts)
                    self.assert_served()
            self.assertLess(self.node.peak_rss_bytes() - before, (2000 if SANITIZED else 800) * MIB, "2400 MiB of requests came")
            self.assertGreater(self.count("flood"), 0)

    def test_more_requests_than_it_can_execute(self):
        """A gibibyte of small requests, far beyond every window: it costs the senders their connections, not the node
        its memory, and others are served."""
        before = self.node.forget_peak_rss()
        data = zmtp_frame(frame(REQUESTS, request_record(7, b"apples", "node.ping", []) * 200))
        data *= MIB // len(data)
        with contextlib.ExitStack() as stack:
            senders = [stack.enter_context(dial_zmtp(self.node.mesh_port)) for _ in range(4)]
            for sender in senders:
                sender.sendall(zmtp_frame(hello()))
                sender.setblocking(False)
            for _ in range(4):
                left = {sender: memoryview(data * 64) for sender in senders}
                while left:
                    readable, writable, _ = select.select(senders, list(left), [], 10)
                    self.assertTrue(readable or writable, "it reads what is sent")
                    for sender in {*readable, *writable}:
                        try:
                            if sender in readable:
                                sender.recv(MIB)
                            if sender in writable:
                                left[sender] = left[sender][sender.send(left[sender]):]
                        except ConnectionError:  # it was cut off
                            senders = [other for other in senders if other is not sender]
                            left.pop(sender, None)
                    left = {sender: rest for sender, rest in left.items() if rest}
                self.assert_served()
        self.assertLess(self.node.peak_rss_bytes() - before, (1200 if SANITIZED else 800) * MIB)
        self.assertGreater(self.count("flood"), 0)

    def test_requests_by_the_hundred_thousand(self):
        with self.node.client() as client:
            run = b"".join(request_record(i, None, "node.ping", [], timeout_ms=60000) for i in range(20000))
            for _ in range(20):
                client.send(frame(REQUESTS, run))
            began = time.monotonic()
            self.assert_served()
            self.within(5, began, "another client's request")


class Forwarded(MeshTest):
    def test_too_many_replies_for_requests_under_way(self):
        """What was passed on before anybody left replies unread is answered, be it with the word that its reply found
        no room."""
        foo, _bar = self.pair()
        good = foo.client()
        good.ok(b"zoo", "kv.create")
        good.ok(b"zoo", "kv.put", b"big", b"v" * MIB)
        before = foo.forget_peak_rss()
        ids = list(range(1, 41))
        gets = b"".join(request_record(i, b"zoo", "kv.get", [b"big"], timeout_ms=60000) for i in ids)
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(dial_zmtp(foo.mesh_port)) for _ in range(24)]
            for connection in connections:
                connection.settimeout(60)
                connection.sendall(zmtp_frame(hello()) + zmtp_frame(frame(REQUESTS, gets)))
            eventually(lambda: foo.info(good)["counters"]["dropped_replies"] > 0, 30, "the bound is reached")
            codes = []
            for connection in connections:
                replies = list(itertools.islice(replies_of(connection), len(ids)))
                self.assertEqual(sorted(one[0] for one in replies), ids, "each is answered once")
                codes += [one[2] for one in replies]
        self.assertEqual({CODES[code] for code in codes}, {"ok", "outcome_unknown"})
        limit = (1500 if SANITIZED else 600) * MIB
        self.assertLess(foo.peak_rss_bytes() - before, limit, "960 MiB of replies were asked for")
        self.assertEqual(len(good.ok(b"zoo", "kv.get", b"big")), MIB)


if __name__ == "__main__":
    main()
