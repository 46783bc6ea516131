#!/usr/bin/python3
"""What libzmq 4.3.4 does under strain, and must not do to a node: an abort when a connection with a full queue ends,
lost replies, requests replayed into a peer's next life, a freeze through unread events."""

import socket
import struct
import time

from harness import TIME_FACTOR, MeshTest, eventually, main
from mesh_client import HELLO, PONG, REQUESTS, WELCOME, frame, hello, pack, request_record
from ports import free_port
from raw_peer import GREETING, FakeNode, dial_zmtp, receive_exactly, reset, zmtp_command, zmtp_frame

PING = zmtp_command(b"PING", struct.pack(">H", 0))
SLOW_PEER = {"mesh": {"peer_timeout_ms": 60000}}


class Abort(MeshTest):
    """A queue that is full (RCVHWM), a ZMTP PING, and the connection's end: libzmq's I/O thread asserts."""

    def attack(self, port, count, greeted):
        connection = dial_zmtp(port)
        if greeted:
            connection.sendall(zmtp_frame(hello()))
        connection.sendall(zmtp_frame(b"x") * count + PING + zmtp_frame(b"y"))
        reset(connection)

    def busy_frame(self):
        """A frame that takes the node many milliseconds."""
        count = 50000 // int(TIME_FACTOR)
        return frame(REQUESTS, b"".join(request_record(i, b"apples", "kv.count", []) for i in range(count)))

    def assert_serves(self, client, line):
        """The ids of busy frames are used again and again, so their replies, read so far or not, are put aside."""
        client.replies.clear()
        client.last_id = 100000
        self.assertEqual(client.ok(b"apples", "kv.count"), 0)
        client.replies.clear()
        self.assertEqual(line.ask("PING"), "PONG")

    def test_a_busy_node_survives(self):
        node = self.single()
        line, client = node.line(), node.client()
        self.assertEqual(line.ask("CREATE apples"), "OK")
        busy = self.busy_frame()
        for round_ in range(30):
            client.send(busy)
            for count in (1050, 5000):
                self.attack(node.mesh_port, count, greeted=round_ % 2 == 0)
            self.assert_serves(client, line)
        self.assertFalse(node.has_ended())

    def test_a_stopped_node_survives(self):
        node = self.single()
        line = node.line()
        for _ in range(10):
            connections = [dial_zmtp(node.mesh_port) for _ in range(5)]
            node.stop_running()
            for connection in connections:
                connection.sendall(zmtp_frame(b"x") * 1050 + PING + zmtp_frame(b"y"))
                reset(connection)
            node.resume()
            self.assertEqual(line.ask("PING"), "PONG")
        self.assertFalse(node.has_ended())

    def test_a_node_whose_peer_floods_it_survives(self):
        """The same at the other end of a link: the listener fills the dialler's queue and goes."""
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "evil")],
                       settings={"mesh": {"reconnect_min_ms": 10, "reconnect_max_ms": 10}})
        port = free_port()
        listener = socket.create_server(("127.0.0.1", port))
        mesh.addresses["evil"] = f"tcp://127.0.0.1:{port}"
        self.addCleanup(listener.close)
        foo.start()
        line, client = foo.line(), foo.client()
        self.assertEqual(line.ask("CREATE apples"), "OK")
        client.strict = False
        listener.settimeout(10)
        busy = self.busy_frame()
        for round_ in range(16):
            connection = self.take_link(listener)
            eventually(lambda: foo.peer("evil")["state"] == "up", 5, "the link is up")
            for _ in range(4):
                client.send(busy)
            client.receive()  # the first replies: now it is busy with the rest
            connection.sendall(zmtp_frame(frame(PONG)) * (1050, 1900)[round_ % 2] + PING + zmtp_frame(frame(PONG)))
            reset(connection)
            self.assert_serves(client, line)
        self.assertFalse(foo.has_ended())

    def take_link(self, listener):
        """The first of the waiting connections that the dialler has not given up."""
        while True:
            connection, _ = listener.accept()
            connection.settimeout(10)
            try:
                self.serve_handshake(connection)
                return connection
            except (ConnectionResetError, BrokenPipeError):
                connection.close()

    def serve_handshake(self, connection):
        connection.sendall(GREETING)
        receive_exactly(connection, 64)
        _, size = receive_exactly(connection, 2)
        receive_exactly(connection, size)
        properties = b"\x0bSocket-Type" + struct.pack(">I", 6) + b"ROUTER" + b"\x08Identity" + struct.pack(">I", 0)
        connection.sendall(zmtp_command(b"READY", properties))
        flags, size = receive_exactly(connection, 2)
        assert flags == 0 and receive_exactly(connection, size)[1] == HELLO
        connection.sendall(zmtp_frame(frame(WELCOME, pack([1, "evil@localhost", "x", 0, 100, 1 << 20]))))


class LostReplies(MeshTest):
    def test_replies_that_came_before_a_peer_died_are_read(self):
        foo, bar = self.pair(SLOW_PEER)
        client = foo.client()
        client.ok(b"shopping", "kv.create")
        with bar.client() as direct:
            bar.stop_running()
            ids = client.post_batch([(b"shopping", "kv.put", b"%d" % i, b"1") for i in range(900)])
            eventually(lambda: foo.peer("bar")["in_flight"] == 900, 2, "900 requests are in flight")
            foo.stop_running()
            bar.resume()
            eventually(lambda: self.executed(900, direct, foo), 5, "bar executed them")
            for _ in range(20):
                direct.ok(None, "node.name")  # by now its replies have left
            bar.kill()
        foo.resume()
        replies = client.wait_all(ids)
        self.assertEqual({code: sum(r.code == code for r in replies) for code in {r.code for r in replies}}, {"ok": 900})


    def executed(self, count, direct, passing_on):
        """What is in flight may still lie in the stopped node, unsent: the kernel takes no more for a peer that does not
        read. It has a turn then."""
        if direct.ok(b"shopping", "kv.count") == count:
            return True
        passing_on.resume()
        passing_on.peer("bar")
        passing_on.stop_running()
        return False


class Replay(MeshTest):
    def test_no_request_reaches_the_next_life_of_its_peer(self):
        """A peer that takes a while to die: requests that it did not read must not be there for its successor."""
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "evil")], settings={"mesh": {"peer_timeout_ms": 60000}})
        port = free_port()
        mesh.addresses["evil"] = f"tcp://127.0.0.1:{port}"
        foo.start()
        client = foo.client()
        with FakeNode(port, "evil@localhost") as fake:
            fake.welcome()
            eventually(lambda: foo.peer("evil")["state"] == "up", 5, "the link is up")
            ids = client.post_batch([(b"shopping", "kv.put", b"%d" % i, b"stale") for i in range(500)])
            dialler, first = fake.requests()
            self.assertEqual(first[0][5:], ["kv.put", [b"0", b"stale"]])
            eventually(lambda: foo.peer("evil")["in_flight"] == 500, 5, "all have been passed on, and not only what fake has read")
        began = time.monotonic()
        self.assertEqual({r.code for r in client.wait_all(ids)}, {"outcome_unknown"})
        self.within(4, began, "noticing the end")
        with FakeNode(port, "evil@localhost") as fake:
            again = fake.welcome()
            eventually(lambda: foo.peer("evil")["state"] == "up", 5, "the link is up again")
            fresh = client.post(b"shopping", "kv.put", b"fresh", b"1")
            dialler, found = fake.requests()
            self.assertEqual(dialler, again)
            self.assertEqual([r[6] for r in found], [[b"fresh", b"1"]], "only what was asked for since")
            fake.reply(dialler, found[0][0])
            self.assertEqual(client.reply(fresh).code, "ok")


class Freeze(MeshTest):
    def test_600_raw_connections_do_not_stop_service(self):
        foo, _ = self.pair()
        line, client = foo.line(), foo.client()
        self.assertEqual(line.ask("CREATE shopping"), "OK")
        raw = []
        for i in range(600):
            raw.append(socket.create_connection(("127.0.0.1", foo.mesh_port), timeout=10))
            if i % 20 == 0:
                began = time.monotonic()
                self.assertEqual(line.ask("PUT shopping a b"), "OK")
                self.assertEqual(client.ok(b"shopping", "kv.get", b"a"), b"b")
                self.within(4, began, "a request among raw connections")
        for half in (b"", b"\xff", b"GET / HTTP/1.1\r\n\r\n", b"\xff" + bytes(8) + b"\x7f\x03", bytes(64), b"\xff" * 5000):
            for connection in raw[:100]:
                try:
                    connection.sendall(half)
                except OSError:
                    pass
                connection.close()
            del raw[:100]
            self.assertEqual(line.ask("PUT shopping a c"), "OK")
        with foo.client() as late:
            self.assertEqual(late.ok(b"shopping", "kv.get", b"a"), b"c", "new clients are taken, too")

    def test_connections_in_the_midst_of_their_handshake(self):
        node = self.single()
        line = node.line()
        open_ = []
        for i in range(200):
            connection = dial_zmtp(node.mesh_port)
            if i % 2:
                connection.sendall(b"\x02" + struct.pack(">Q", 100000) + b"half a frame")
            open_.append(connection)
        self.assertEqual(line.ask("PING"), "PONG")
        self.assertEqual(node.client().ok(None, "node.name"), "foo@localhost")
        for connection in open_:
            reset(connection)
        self.assertEqual(line.ask("PING"), "PONG")


if __name__ == "__main__":
    main()
