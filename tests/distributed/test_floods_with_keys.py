#!/usr/bin/python3
"""Strangers at the mesh port of nodes with keys: many that stop in the handshake, large commands before it, a port that was taken."""

import contextlib
import os
import resource
import socket
import stat
import struct
import threading
import unittest

import zmq

from harness import SANITIZED, MeshTest, eventually, main
from keys import Key, SecuredMesh
from mesh_client import REFUSED, WELCOME, MeshClient, hello, unpack
from raw_peer import receive_exactly, reset

MIB = 1 << 20
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)
HALF_OPEN = 400
BAD_HELLOS = 150  # of each of two threads
LARGE_COMMANDS = 30
OF_ONE_USER = 2500
FILES_MAX = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
COMMAND_BYTES = 4 * MIB
# An instrumented node keeps what was freed.
FACTOR = 4 if SANITIZED else 1


def greet(port):
    """A connection behind the greetings: what follows is the handshake of CURVE."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(GREETING)
    receive_exactly(connection, 64)
    return connection


def is_cut_off(connection):
    """Reads until the node ends it."""
    with contextlib.suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


def setUpModule():
    """Before the first socket: libzmq allows 1023 of them, and the system often as many files."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    zmq.Context.instance().set(zmq.MAX_SOCKETS, 2 * OF_ONE_USER)


class FloodsWithKeys(MeshTest):
    """foo (a..m and the TCP server) and bar (the rest), both with keys."""

    def setUp(self):
        self.nodes = self.mesh()
        table = [("a..m", "foo"), ("*", "bar")]
        self.foo = self.nodes.add("foo", table=table)
        self.bar = self.nodes.add("bar", apps=["kv"], table=table)
        self.keys = SecuredMesh(self.nodes, ("ops", "app"), '{ on = "*", rights = "rw" }')

    def start(self):
        self.nodes.start()
        self.line = self.foo.line()
        eventually(lambda: self.line.ask("CREATE zebras") == "OK", 10, "the link is up")
        self.assertEqual(self.line.ask("PUT zebras key value"), "OK")

    def assert_served(self):
        """Over the link between the two."""
        self.assertEqual((self.line.ask("GET zebras key"), self.line.line()), ("value", "OK"))

    def test_many_that_stop_in_the_handshake(self):
        """S4: those who say nothing after the greeting, and who say HELLO with a box that nobody can open."""
        self.start()
        before = [node.forget_peak_rss() for node in (self.foo, self.bar)]
        told = len(self.foo.log())
        faults = []

        def say_bad_hellos():
            hello = b"\x05HELLO\x01\x00" + bytes(72) + os.urandom(32 + 8 + 80)
            try:
                for _ in range(BAD_HELLOS):
                    with greet(self.bar.mesh_port) as connection, contextlib.suppress(ConnectionError):
                        connection.sendall(bytes([4, len(hello)]) + hello)
                        is_cut_off(connection)
            except OSError as fault:
                faults.append(fault)

        threads = [threading.Thread(target=say_bad_hellos) for _ in range(2)]
        with contextlib.ExitStack() as stack:
            for thread in threads:
                thread.start()
            for _ in range(HALF_OPEN):
                stack.enter_context(greet(self.bar.mesh_port))
                self.assert_served()
            for thread in threads:
                thread.join()
            self.assertEqual(faults, [])
            self.assert_served()
        for node, rss in zip((self.foo, self.bar), before):
            self.assertLess(node.peak_rss_bytes() - rss, FACTOR * 32 * MIB)
        self.assertNotIn("is down", self.foo.log()[told:], "the link did not notice")

    def test_large_commands_before_the_handshake(self):
        """S5: a command of 4 MiB in the place of HELLO."""
        self.start()
        before = self.bar.forget_peak_rss()
        for _ in range(LARGE_COMMANDS):
            with greet(self.bar.mesh_port) as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"\x06" + struct.pack(">Q", COMMAND_BYTES) + b"\x05HELLO")
                    connection.sendall(bytes(COMMAND_BYTES))
                self.assertTrue(is_cut_off(connection))
            self.assert_served()
        self.assertLess(self.bar.peak_rss_bytes() - before, FACTOR * 64 * MIB)

    @unittest.skipIf(FILES_MAX < 4 * OF_ONE_USER, "a process may not open 10000 files here (ulimit -Hn)")
    @unittest.skipIf(SANITIZED, "2500 connections take an instrumented node too long")
    def test_more_connections_than_one_user_may_have(self):
        """C7: they say nothing after HELLO. Other users come in, and so does this one when some have left."""
        self.start()
        told = len(self.foo.log())
        endpoint, server = self.bar.endpoint, self.keys.nodes["bar"][0]

        def connect(user):
            return MeshClient(endpoint, greet=False, keys=(self.keys.users[user][0], server))

        with contextlib.ExitStack() as stack:
            clients = []
            while len(clients) < OF_ONE_USER:
                group = [stack.enter_context(connect("app")) for _ in range(50)]
                for client in group:
                    client.send(hello(high=2))
                for client in group:
                    client.frame_of(WELCOME)
                clients += group
                self.assert_served()
            refused = stack.enter_context(connect("app"))
            refused.send(hello(high=2))
            _, content = refused.frame_of(REFUSED)
            self.assertIn(f"app has {OF_ONE_USER} connections already, as many as one user may", unpack(content)[1])
            other = stack.enter_context(connect("ops"))
            other.send(hello(high=2))
            other.frame_of(WELCOME)
            for client in clients[:50]:
                client.close()
            eventually(self.comes_in(connect), 30, "there is room again")
            self.assert_served()
        self.assertNotIn("is down", self.foo.log()[told:], "the link did not notice")

    @staticmethod
    def comes_in(connect):
        def tried():
            with connect("app") as client:
                client.send(hello(high=2))
                return client.frame_of(WELCOME, REFUSED)[0] == WELCOME
        return tried

    def test_a_port_that_somebody_else_has_taken(self):
        """L3: he has a key, but not bar's; so he gets nothing to read, and foo says why."""
        impostor = Key()
        impostor.write(os.path.join(self.nodes.directory, "bar.key"), "node", "bar@localhost")
        self.bar.settings["mesh"]["security"] = os.path.join(self.nodes.directory, "impostor.toml")
        true_keys, self.keys.nodes["bar"] = self.keys.nodes["bar"], [impostor]
        self.keys.write(self.bar.settings["mesh"]["security"])
        self.keys.nodes["bar"] = true_keys
        self.bar.start()
        self.foo.start()
        line = self.foo.line()
        eventually(lambda: "does not have the key" in line.ask("CREATE zebras"), 20, "foo says why")
        self.assertIn("ERROR unavailable", line.ask("CREATE zebras"))
        eventually(lambda: true_keys[0].public_text[:16] in self.foo.log(), 5, "the log says whose it is not")

    def test_a_local_socket_is_its_owners(self):
        """L3: nobody else may connect to it."""
        path = os.path.join(self.nodes.directory, "local.sock")
        self.foo.settings["mesh"]["listen"] = "ipc://" + path
        self.foo.start()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)


if __name__ == "__main__":
    main()
