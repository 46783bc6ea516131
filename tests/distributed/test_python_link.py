#!/usr/bin/python3
"""One connection of the Python client of examples/python/, to a node that the test plays, with the time as an input."""

from harness import MeshTest, eventually, main
from ports import free_port
from python_package import kvmesh
from raw_peer import FakeNode

Ended, Link, Request = kvmesh.link.Ended, kvmesh.link.Link, kvmesh.link.Request


class Silence(MeshTest):
    """When a link is given up, with the time as an input."""

    def setUp(self):
        self.node = FakeNode(free_port(), "foo@localhost", timeout=60)
        self.addCleanup(self.node.close)
        self.link = Link(self.node.socket.last_endpoint.decode(), 0.0)
        self.addCleanup(self.link.close)
        self.dialler = self.node.welcome()
        self.receive_until(lambda: self.link.welcome)
        self.link.in_flight[1] = Request(b"", 1000)

    def receive_until(self, condition):
        eventually(lambda: (self.link.receive(0.0, {self.link.socket, self.link.monitor}), condition())[1], 10, "it has come")

    def check_until(self, first, last):
        """Looks ten times a second."""
        for tenth in range(round(first * 10), round(last * 10) + 1):
            self.link.check(tenth / 10, 1.0)

    def test_a_ping_that_is_not_answered(self):
        self.check_until(0, 4)  # the PING leaves after 1 s
        with self.assertRaisesRegex(Ended, "it does not answer any more"):
            self.check_until(4.1, 5)

    def test_a_ping_that_is_answered(self):
        self.check_until(0, 1.2)
        self.receive_until(self.was_answered)
        self.check_until(1.3, 2)

    def was_answered(self):
        try:
            self.node.receive(0.01)  # it answers PINGs by itself, and gets nothing else
        except TimeoutError:
            pass
        return self.link._unanswered is None

    def test_a_client_that_stood_still_itself(self):
        self.check_until(0, 2)
        self.check_until(50, 53)
        self.assertRaises(Ended, self.check_until, 53.1, 54)

    def test_no_greeting(self):
        self.link.welcome = None
        self.link.check(1.0, 1.0)
        with self.assertRaisesRegex(Ended, "no answer where a node would greet"):
            self.link.check(1.1, 1.0)


if __name__ == "__main__":
    main()
