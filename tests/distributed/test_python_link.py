#!/usr/bin/python3
"""One connection of the Python client of examples/python/, to a node that the test plays, with the time as an input."""

from collections import deque

from harness import MeshTest, eventually, main
from mesh_client import HELLO, PING, PONG, REFUSED, REQUESTS, WELCOME, frame, pack
from ports import free_port
from python_package import kvmesh
from raw_peer import FakeNode

WELCOME_FRAME = frame(WELCOME, pack([1, "foo@localhost", "fake 1", 0, 1000, 1 << 24]))
Ended, Link, Request = kvmesh.link.Ended, kvmesh.link.Link, kvmesh.link.Request


class LinkTest(MeshTest):
    def setUp(self):
        self.node = FakeNode(free_port(), "foo@localhost", timeout=60)
        self.addCleanup(self.node.close)
        self.link = Link(self.node.socket.last_endpoint.decode(), 0.0)
        self.addCleanup(self.link.close)
        self.dialler = self.node.welcome()
        self.receive_until(lambda: self.link.welcome)

    def receive_until(self, condition):
        eventually(lambda: (self.link.receive(0.0, {self.link.socket, self.link.monitor}), condition())[1], 10, "it has come")


class Silence(LinkTest):
    """When a link is given up, with the time as an input."""

    def setUp(self):
        super().setUp()
        self.link.in_flight[1] = Request(b"", 1000)

    def check_until(self, first, last):
        """Looks ten times a second."""
        for tenth in range(round(first * 10), round(last * 10) + 1):
            self.link.check(tenth / 10, 1.0)

    def test_a_ping_that_is_not_answered(self):
        self.check_until(0, 1)  # the PING leaves after a quarter of a second
        with self.assertRaisesRegex(Ended, "it does not answer any more"):
            self.check_until(1.1, 1.2)

    def test_a_ping_that_is_answered(self):
        self.check_until(0, 0.8)
        self.receive_until(self.was_answered)
        self.check_until(0.9, 1.5)

    def was_answered(self):
        try:
            self.node.receive(0.01)  # it answers PINGs by itself, and gets nothing else
        except TimeoutError:
            pass
        return self.link._unanswered is None

    def test_a_client_that_stood_still_itself(self):
        self.check_until(0, 0.5)
        self.check_until(50, 50.2)
        self.assertRaises(Ended, self.check_until, 50.3, 51)

    def test_no_greeting(self):
        self.link.welcome = None
        self.link.check(1.0, 1.0)
        with self.assertRaisesRegex(Ended, "no answer where a node would greet"):
            self.link.check(1.1, 1.0)


class Gone(LinkTest):
    """A socket that takes nothing any more, before its monitor has told why, as after a handshake that was refused."""

    def test_what_it_does_not_take_is_given_back(self):
        self.link.socket.disconnect(self.link.endpoint)
        requests = [Request(b"a", 1000), Request(b"b", 1000)]
        self.link.send(deque(requests), 20.0)  # so late that a HELLO goes before them, and a PING behind them
        self.assertEqual(self.link.returned, requests)
        self.assertFalse(self.link.in_flight)


class Forgotten(LinkTest):
    """A node that has forgotten this client refuses all until it says HELLO: what becomes of the requests."""

    def send(self, tail):
        request = Request(tail, 1000)
        self.link.send(deque([request]), 0.1)
        return request

    def take(self, kind):
        """The next frame, of any kind: this node answers no PING."""
        self.assertTrue(self.node.socket.poll(60_000))
        self.assertEqual(self.node.socket.recv_multipart()[1][1], kind)

    def refuse(self, count):
        for _ in range(count):
            self.node.send(self.dialler, frame(REFUSED, pack([14, "say HELLO first"])))
        self.receive_until(lambda: self.link._refused == count)

    def greet(self):
        self.node.welcome()
        self.receive_until(lambda: not self.link._hellos)

    def test_what_was_refused_is_given_back(self):
        requests = [self.send(b"one"), self.send(b"two")]
        self.refuse(2)
        waiting = deque([Request(b"three", 1000)])
        self.link.send(waiting, 0.2)
        self.assertEqual(len(waiting), 1, "it would be executed before those that it follows")
        for kind in (REQUESTS, REQUESTS, HELLO):
            self.take(kind)
        self.assertFalse(self.node.socket.poll(0))
        self.node.send(self.dialler, WELCOME_FRAME)
        self.receive_until(lambda: not self.link._hellos)
        self.assertEqual(self.link.returned, requests)
        self.assertEqual((self.link.in_flight, self.link._bytes), ({}, 0))
        waiting.extendleft(reversed(self.link.returned))
        self.link.send(waiting, 0.3)
        self.assertEqual([request.tail for request in self.link.in_flight.values()], [b"one", b"two", b"three"])

    def test_what_came_before_is_lost(self):
        lost, refused = self.send(b"one"), self.send(b"two")
        self.link._ping(0.1)
        self.refuse(2)  # the second, and the PING
        for kind in (REQUESTS, REQUESTS, PING):
            self.take(kind)
        self.greet()
        self.assertEqual(lost.exception(0).code, "outcome_unknown")
        self.assertEqual(self.link.returned, [refused])
        self.assertFalse(refused.done())

    def test_what_followed_the_hello_stays(self):
        self.link._ping(0.1)
        self.link._say_hello(0.1)
        request = self.send(b"one")
        self.refuse(1)
        self.take(PING)
        self.greet()
        self.assertEqual((self.link.returned, list(self.link.in_flight.values())), ([], [request]))

    def test_a_hello_that_a_busy_node_passes_over_is_waited_for_no_more(self):
        self.link._say_hello(0.1)
        self.link._ping(0.1)
        self.take(HELLO)
        self.assertTrue(self.node.socket.poll(60_000))
        ping = self.node.socket.recv_multipart()[1]
        self.node.send(self.dialler, frame(PONG, ping[2:]))
        self.receive_until(lambda: not self.link._hellos)
        self.refuse(1)  # now it has forgotten us
        self.take(HELLO)

    def test_one_that_does_not_greet_again_is_given_up(self):
        self.send(b"one")
        self.refuse(1)
        self.link.check(0.5, 1.0)
        with self.assertRaisesRegex(Ended, "has forgotten this client"):
            for tenth in range(6, 12):
                self.link._unanswered = None  # it refuses PINGs, which is a word too
                self.link.check(tenth / 10, 1.0)


if __name__ == "__main__":
    main()
