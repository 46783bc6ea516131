#!/usr/bin/python3
"""TCP connections of the line protocol: many, silent ones, greedy ones and broken ones, and what they cost."""

import select
import resource
import socket
import threading
import time

from harness import MeshTest, SANITIZED, eventually, main, patience

MIB = 1 << 20
# A client that does not read costs the node at most this: its unread replies (256 KiB and one value of 1 MiB), its
# input, and what the allocator keeps. Sanitizers keep freed memory for a while.
GREEDY_LIMIT = (512 if SANITIZED else 48) * MIB
# Of a peer's buckets up to 1024 requests are under way when reading pauses, and their replies must be kept:
# kTcpBufferedBytesMax bounds those of all connections together.
GREEDY_FORWARDED_LIMIT = (1024 if SANITIZED else 400) * MIB


def push(connection, data, seconds):
    """Sends as much of `data` as the other side takes within `seconds` of taking nothing; the number of bytes."""
    connection.setblocking(False)
    sent = 0
    while sent < len(data) and select.select([], [connection], [], seconds)[1]:
        sent += connection.send(data[sent:sent + MIB])
    connection.setblocking(True)
    return sent


class Greedy(MeshTest):
    """A client that pipelines GETs for hundreds of megabytes and reads none of it."""

    def check(self, node, bucket, value_bytes, limit):
        line = node.line()
        self.assertEqual(line.ask(f"CREATE {bucket}"), "OK")
        self.assertEqual(line.ask(f"PUT {bucket} k {'v' * value_bytes}"), "OK")
        self.assertEqual(line.ask("CREATE apples"), "OK")
        before = node.forget_peak_rss()
        greedy = node.line(receive_buffer=4096)
        count = 200 * MIB // value_bytes
        push(greedy.socket, f"GET {bucket} k\r\n".encode() * count, 1.0)
        for i in range(200):
            self.assertEqual(line.ask(f"PUT apples k {i}"), "OK", "others are served")
        eventually(lambda: not any(peer["in_flight"] for peer in node.info()["peers"]), 10, "what was forwarded is answered")
        most = node.peak_rss_bytes() - before
        self.assertLess(most, limit, f"{most / MIB:.0f} MiB for one client that does not read")
        return greedy, count

    def test_of_local_values(self):
        node = self.single()
        greedy, _ = self.check(node, "big", 100000, GREEDY_LIMIT)
        greedy.reset()

    def test_of_tiny_values(self):
        node = self.single()
        greedy, _ = self.check(node, "small", 100, GREEDY_LIMIT)
        greedy.reset()

    def test_of_forwarded_values(self):
        foo, _ = self.pair()
        greedy, _ = self.check(foo, "zebra", 1000000, GREEDY_FORWARDED_LIMIT)
        self.assertEqual(foo.line().ask("CREATE zoo"), "OK", "the link serves others, too")
        greedy.reset()

    def test_gets_everything_when_it_reads_after_all(self):
        node = self.single()
        line = node.line()
        self.assertEqual(line.ask("CREATE big"), "OK")
        self.assertEqual(line.ask(f"PUT big k {'v' * 100000}"), "OK")
        greedy = node.line(receive_buffer=4096)
        data = b"GET big k\r\n" * 300 + b"PING\r\n"
        self.assertEqual(push(greedy.socket, data, 1.0), len(data))
        for _ in range(300):
            self.assertEqual(greedy.lines(2), ["v" * 100000, "OK"])
        self.assertEqual(greedy.line(), "PONG")


class Count(MeshTest):
    def test_one_more_than_the_limit_is_told_and_closed(self):
        node = self.single(settings={"kv_server": {"connections_max": 5}})
        lines = [node.line() for _ in range(5)]
        for line in lines:
            self.assertEqual(line.ask("PING"), "PONG")
        for _ in range(3):
            extra = node.line()
            reply = extra.line()
            self.assertTrue(reply.startswith("ERROR overloaded "), reply)
            self.assertIn("5", reply)
            self.assertTrue(extra.has_closed())
        for line in lines:
            self.assertEqual(line.ask("PING"), "PONG", "those within the limit go on")
        lines.pop().close()

        def is_served():
            with node.line() as line:
                return line.ask("PING") == "PONG"
        eventually(is_served, 5, "the place of one that left is free again")

    def test_2000_at_once(self):
        """Or as many as the limits of this machine leave to the test and to the node."""
        foo, _ = self.pair()
        count = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 300)
        lines = [foo.line(timeout=60) for _ in range(count)]
        self.assertEqual(lines[0].ask("CREATE apples"), "OK")
        self.assertEqual(lines[0].ask("CREATE shopping"), "OK")
        for i, line in enumerate(lines):
            line.send(f"PUT apples k{i} {i}\r\nPUT shopping k{i} {i}\r\nGET shopping k{i}\r\nGET apples k{i}\r\n")
        for i, line in enumerate(lines):
            self.assertEqual(line.lines(6), ["OK", "OK", str(i), "OK", str(i), "OK"])
        self.assertEqual(foo.info()["counters"]["tcp_connections"], count)
        for line in lines:
            line.close()
        eventually(lambda: foo.info()["counters"]["tcp_connections"] == 0, 5, "closed connections are counted off")

    def test_connections_that_come_and_go_leave_nothing_behind(self):
        node = self.single()
        for i in range(500):
            with node.line() as line:
                line.send("PING\r\nCREATE a")
                if i % 3 == 0:
                    self.assertEqual(line.line(), "PONG")
                if i % 3 == 1:
                    line.reset()
        node.clients.clear()
        eventually(lambda: node.info()["counters"]["tcp_connections"] == 0, 5, "all are gone")
        self.assertEqual(node.line().ask("PING"), "PONG")

    def test_clients_that_leave_with_requests_under_way(self):
        foo, bar = self.pair()
        self.assertEqual(foo.line().ask("CREATE shopping"), "OK")
        for i in range(50):
            line = foo.line()
            line.send("PUT shopping k v\r\n" * 200)
            line.reset() if i % 2 else line.close()
        self.assertEqual(foo.line().ask("GET shopping nothing", 2), ["", "OK"])
        eventually(lambda: foo.peer("bar")["in_flight"] == 0, 5, "nothing is in flight")


class Idle(MeshTest):
    def test_silent_connections_are_closed_and_others_are_not(self):
        node = self.single(settings={"kv_server": {"idle_timeout_ms": 3000}})
        began = time.monotonic()
        busy, silent, half = node.line(), node.line(), node.line()
        half.send("PUT never sent to the")
        closed = set()
        while time.monotonic() - began < 4.5 or len(closed) < 2:
            self.assertEqual(busy.ask("PING"), "PONG")
            ready = select.select([c.socket for c in (silent, half) if c not in closed], [], [], 0.05)[0]
            for client in (silent, half):
                if client.socket in ready:
                    self.assertGreater(time.monotonic() - began, 2.9, "not before the time")
                    self.assertTrue(client.has_closed())
                    closed.add(client)
            self.within(7, began, "closing the silent ones")

    def test_zero_means_never(self):
        node = self.single()
        silent = node.line()
        self.assertEqual(select.select([silent.socket], [], [], 1.0)[0], [])
        self.assertEqual(silent.ask("PING"), "PONG")


class BuffersGivenBack(MeshTest):
    """Memory that long lines took is given back, and what is read meanwhile does not go with it."""

    def test_after_a_silent_second(self):
        node = self.single()
        lines = [node.line() for _ in range(8)]
        self.assertEqual(lines[0].ask("CREATE apples"), "OK")
        for round_ in range(2):
            for i, line in enumerate(lines):
                self.assertEqual(line.ask(f"PUT apples k{i} {'v' * (3000 << i)}"), "OK")
            self.assertEqual(select.select([line.socket for line in lines], [], [], 1.5)[0], [], "nobody asked")
            for i, line in enumerate(lines):
                self.assertEqual(line.ask("PING"), "PONG", f"round {round_}, after a line of {3000 << i} bytes")
                self.assertEqual(line.get("apples", f"k{i}"), "v" * (3000 << i))

    def test_with_replies_unread(self):
        """It is silent, its replies wait for room in the socket, and it may still read all of them."""
        node = self.single()
        line = node.line(receive_buffer=4096)
        self.assertEqual(line.ask("CREATE apples"), "OK")
        self.assertEqual(line.ask(f"PUT apples k {'v' * 1000000}"), "OK")
        gets = 8
        line.send("GET apples k\r\n" * gets)
        self.assertEqual(select.select([line.socket], [], [], 5 * patience())[0], [line.socket])
        with node.line() as other:
            self.assertEqual(select.select([other.socket], [], [], 1.5)[0], [], "nobody asked")
        for _ in range(gets):
            self.assertEqual(line.lines(2), ["v" * 1000000, "OK"])
        self.assertEqual(line.ask("PING"), "PONG")

    def test_while_large_replies_of_a_peer_come_in(self):
        foo, _ = self.pair()
        line = foo.line()
        self.assertEqual(line.ask("CREATE zebra"), "OK")
        for round_ in range(20):
            size = (100, 100000, 700000)[round_ % 3]
            self.assertEqual(line.ask(f"PUT zebra k {'v' * size}"), "OK", f"round {round_}")
            line.send("GET zebra k\r\n" * 10)
            for _ in range(10):
                self.assertEqual(line.lines(2), ["v" * size, "OK"], f"round {round_}")
            for _ in range(20):
                self.assertEqual(line.get("zebra", "nothing"), "", f"round {round_}")


class Turns(MeshTest):
    """Clients that ask for much, and one that asks for little: it is answered between the pieces of their work. Judged
    by what the others got meanwhile, not by the time."""

    def test_lines_that_never_end_get_a_small_share(self):
        node = self.single()
        line = node.line()
        floods = [node.line() for _ in range(30)]
        for flood in floods:
            flood.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
            flood.socket.setblocking(False)
        piece = b"x" * (256 << 10)

        def push_all():
            taken = 0
            for flood in floods:
                try:
                    taken += flood.socket.send(piece)
                except BlockingIOError:
                    pass
            return taken
        # Until each is in the middle of a line that is too long.
        told = set()

        def are_told():
            push_all()
            told.update(select.select([flood.socket for flood in floods], [], [], 0)[0])
            return len(told) == len(floods)
        eventually(are_told, 20, "each long line is told")
        asked, taken = 400, 0
        for _ in range(asked):
            taken += push_all()
            self.assertEqual(line.ask("PING"), "PONG")
        self.assertGreater(taken, 0, "they are read, too")
        self.assertLess(taken, asked * MIB, f"{taken / MIB:.0f} MiB of nothing while {asked} requests were answered")
        floods[0].socket.setblocking(True)
        floods[0].send("x\r\nPING\r\n")
        self.assertTrue(floods[0].line().startswith("ERROR too_large "))
        self.assertEqual(floods[0].line(), "PONG", "such a line may end")

    def test_a_request_is_answered_between_those_of_a_costly_pipeline(self):
        node = self.single(settings={"mesh": {"request_timeout_ms": 60000}})  # pages wait for each other
        greedy, line = node.line(), node.line()
        self.assertEqual(line.ask("CREATE apples"), "OK")
        keys = 20000
        line.send("".join(f"PUT apples {i} v\r\n" for i in range(keys)))
        self.assertEqual(set(line.lines(keys)), {"OK"})
        pages = 1000
        pusher = threading.Thread(target=greedy.send, args=("KEYS apples 9\r\n" * pages,))
        pusher.start()
        self.addCleanup(pusher.join)
        # How many of the pages came between a request and its answer, each time.
        between, came = [], 0
        while came < pages:
            before = came
            line.send("PING\r\n")
            answered = False
            while not answered and came < pages:
                ready = select.select([line.socket, greedy.socket], [], [])[0]
                if greedy.socket in ready:
                    greedy.unread += greedy.socket.recv(1 << 20)
                    came += greedy.unread.count(b"\r\nOK")
                    del greedy.unread[:max(0, len(greedy.unread) - 3)]
                answered = line.socket in ready
            if answered:
                self.assertEqual(line.line(), "PONG")
                between.append(came - before)
        self.assertGreater(len(between), 10)
        # A tenth: whenever this client itself is held up, more come.
        self.assertLess(sorted(between)[len(between) // 10], 8, "pages between a request and its answer")


class Garbage(MeshTest):
    def test_nobody_else_notices(self):
        node = self.single()
        line = node.line()
        self.assertEqual(line.ask("CREATE apples"), "OK")
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00" * 100, bytes(range(256)) * 100,
                     b"\0" * 100000, b"\r" * 100000, b"\n" * 1000, b" " * 2000000):
            with socket.create_connection(("127.0.0.1", node.tcp_port), timeout=10) as other:
                push(other, data, 1.0)
            self.assertEqual(line.ask("PUT apples a b"), "OK")


if __name__ == "__main__":
    main()
