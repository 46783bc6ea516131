#!/usr/bin/python3
"""Nodes with keys: who is let in and who is not, what others can read or change of it, and what a reload ends."""

import contextlib
import os
import re
import signal
import socket
import unittest

import zmq

from harness import NODE_BIN, ROOT, SANITIZED, MeshTest, eventually, main
from keys import Key, SecuredMesh
from load import Load, lost
from mesh_client import PING, REFUSED, WELCOME, MeshClient, frame, hello, unpack
from relay import Relay

MODULES = os.environ.get("KVMESH_TEST_MODULES", os.path.join(ROOT, "build/release/tests/distributed/modules"))

# Beside others a node's own connection comes and goes now and then, and what this waits for does not come.
alone = unittest.skipUnless(os.environ.get("KVMESH_TEST_ALONE"), "for a machine that does nothing else: KVMESH_TEST_ALONE=1")


class CurveTest(MeshTest):
    """foo (a..m and the TCP server) and bar (the rest), both with keys, and a user "ops" who may do everything."""

    def secured_pair(self, **options):
        self.nodes = self.mesh()
        self.foo = self.nodes.add("foo", table=[("a..m", "foo"), ("*", "bar")], **options)
        self.bar = self.nodes.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")], **options)
        self.keys = SecuredMesh(self.nodes, ("ops", "app"), '{ on = "*", rights = "rw" }')
        return self.nodes

    def relay(self, node):
        relay = Relay(node.mesh_port)
        self.addCleanup(relay.close)
        return relay

    def start_over_a_relay(self):
        """Foo's link to bar goes over it. Asked with one connection: many at once would take the relay's processor time."""
        relay = self.relay(self.bar)
        self.foo.addresses["bar"] = relay.endpoint
        self.nodes.start(connected=False)
        client = self.foo.client()
        eventually(lambda: self.foo.peer("bar", client)["state"] == "up", 10, "the link is up")
        return relay

    def refused(self, node):
        """How many connections and names this node has refused."""
        return node.info()["counters"]["refused"]["key"]

    def is_let_in(self, endpoint, keys, name="", wait=30):
        """What a HELLO is answered with: True for WELCOME, the text of REFUSED, None for nothing in that time."""
        with MeshClient(endpoint, greet=False, keys=keys) as client:
            try:
                client.send(hello(name, high=2), flags=zmq.NOBLOCK)
                kind, content = client.frame_of(WELCOME, REFUSED, timeout=wait)
            except (TimeoutError, zmq.Again):  # a socket whose handshake was refused takes nothing any more
                return None
            return True if kind == WELCOME else unpack(content)[1]


class Strangers(CurveTest):
    def setUp(self):
        self.secured_pair()
        self.server = self.keys.nodes["foo"][0]

    def test_nodes_and_users_with_keys_work_as_without(self):
        self.nodes.start()
        client = self.foo.client()
        for bucket in (b"apples", b"zebras"):
            client.ok(bucket, "kv.create")
            client.ok(bucket, "kv.put", b"key", b"value")
            self.assertEqual(client.ok(bucket, "kv.get", b"key"), b"value")

    def test_many_small_frames_are_no_hoard(self):
        """What CURVE adds to each of them is not taken for something that libzmq keeps."""
        self.nodes.start()
        client = self.foo.client()
        ping = frame(PING, b"p")
        for _ in range(20):
            for _ in range(10000):
                client.send(ping)
            client.ok(None, "node.ping")
        self.assertEqual(self.foo.info(client)["counters"]["mesh_ended"], 0)

    def test_nobody_reads_what_passes(self):
        """S1: neither values nor names are on the wire."""
        planted = [b"planted-bucket", b"planted-key", b"planted-value"]
        relay = self.start_over_a_relay()
        with MeshClient(relay.endpoint, keys=(self.keys.users["ops"][0], self.keys.nodes["bar"][0])) as client:
            client.ok(planted[0], "kv.create")
            client.ok(planted[0], "kv.put", planted[1], planted[2] * 1000)
            client.ok(planted[0], "kv.get", planted[1])
        self.assertEqual(self.foo.line().ask(f"GET {planted[0].decode()} {planted[1].decode()}"), planted[2].decode() * 1000)
        self.assertGreater(len(relay.seen), 3000 * len(planted[2]))
        # Not "ops": three bytes may be there by chance.
        for text in [*planted, b"kv.create", b"bar@localhost", self.keys.users["ops"][0].secret_text.encode()]:
            self.assertNotIn(text, bytes(relay.seen))

    def test_who_has_no_good_key_never_reaches_the_node(self):
        """S2: without a key, with that of nobody, a revoked one, for another server, and PLAIN."""
        revoked = self.keys.users["app"][0]
        self.keys.revoked = [revoked]
        self.keys.write()
        self.nodes.start()
        endpoint, ops = self.foo.endpoint, self.keys.users["ops"][0]
        before = self.refused(self.foo)
        for keys in (None, (Key(), self.server), (revoked, self.server), (ops, Key())):
            self.assertIsNone(self.is_let_in(endpoint, keys, wait=0.5))
        plain = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(plain.close, 0)
        plain.plain_username, plain.plain_password = b"ops", b"ops"
        plain.connect(endpoint)
        with contextlib.suppress(zmq.Again):  # the node was quicker
            plain.send(hello(), zmq.NOBLOCK)
        eventually(lambda: self.refused(self.foo) >= before + 5, 5, "all are counted")
        self.assertEqual(self.foo.info()["counters"]["refused"]["no_hello"], 0, "nothing of it came in")
        for why in ("it has no key|it ended before it proved a key", "is nobody's", "is revoked",
                    "it expects another key of this node"):
            eventually(lambda w=why: re.search(w, self.foo.log()), 5, "the log says why")
        self.assertIn("refused a connection to the mesh port from 127.0.0.1", self.foo.log())
        self.assertTrue(self.is_let_in(endpoint, (ops, self.server)), "the others are served")

    def test_an_old_zmtp_is_not_let_in(self):
        """S2: ZMTP 2.0 and 1.0, which know no keys."""
        self.nodes.start()
        for greeting in (b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0", b"\x01\0"):
            with socket.create_connection(("127.0.0.1", self.foo.mesh_port), 30) as old:
                old.sendall(greeting)
                data = b""
                try:
                    old.sendall(bytes([len(hello()) + 1, 0]) + hello())
                    while piece := old.recv(4096):
                        data += piece
                except ConnectionError:
                    pass  # it is ended, which is right
                self.assertNotIn(b"foo@localhost", data)
        self.assertEqual(self.foo.info()["counters"]["refused"]["no_hello"], 0, "nothing of it came in")

    def test_a_byte_that_is_changed_on_its_way_changes_nothing_that_is_stored(self):
        """S9: the connection ends, and the next one works."""
        relay = self.start_over_a_relay()
        line = self.foo.line()
        self.assertEqual(line.ask("CREATE zebras"), "OK")
        self.assertEqual(line.ask("PUT zebras key " + "a" * 1000), "OK")
        spoiled = []

        def flip(data, at):
            if spoiled or len(data) < 1000:
                return data
            spoiled.append(at)
            return data[:500] + bytes([data[500] ^ 1]) + data[501:]

        relay.spoil = flip
        self.assertRegex(line.ask("PUT zebras key " + "b" * 1000), "^ERROR (unavailable|outcome_unknown)")
        self.assertTrue(spoiled)
        eventually(lambda: line.ask("GET zebras key") == "a" * 1000 and line.line() == "OK", 10, "the next connection works")


class Names(CurveTest):
    def setUp(self):
        self.secured_pair()
        self.nodes.start()
        self.server = self.keys.nodes["foo"][0]

    def refuses(self, key, name, text):
        before = self.refused(self.foo)
        answer = self.is_let_in(self.foo.endpoint, (key, self.server), name)
        self.assertIn(text, str(answer))
        eventually(lambda: self.refused(self.foo) > before, 5, "it is counted")
        eventually(lambda: text in self.foo.log(), 5, "the log says why")

    def test_a_user_cannot_be_a_node(self):
        """C1."""
        self.refuses(self.keys.users["ops"][0], "bar@localhost",
                     'the key is that of the user ops, who cannot connect as the node "bar@localhost"')

    def test_a_node_can_be_no_other_and_no_client(self):
        """R1."""
        bar = self.keys.nodes["bar"][0]
        self.refuses(bar, "baz@localhost", 'the key is that of the node bar@localhost, which cannot connect as "baz@localhost"')
        self.refuses(bar, "", "the key is that of the node bar@localhost, which cannot connect as a client")
        self.assertTrue(self.foo.reaches("bar"))

    def test_a_name_that_is_refused_ends_the_connection(self):
        with MeshClient(self.foo.endpoint, greet=False, keys=(self.keys.users["ops"][0], self.server)) as client:
            client.socket.setsockopt(zmq.RECONNECT_IVL, -1)
            monitor = client.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            client.send(hello("bar@localhost"))
            self.assertTrue(monitor.poll(30000), "the node ends it")
            client.socket.disable_monitor()
            monitor.close()

    @alone
    def test_a_key_that_somebody_else_uses_too_is_told_in_the_log(self):
        bar = self.keys.nodes["bar"][0]
        thief = MeshClient(self.foo.endpoint, greet=False, keys=(bar, self.keys.nodes["foo"][0]))
        self.addCleanup(thief.close)
        thief.send(hello("bar@localhost", high=2))
        thief.frame_of(WELCOME, timeout=30)
        told = (f"if one of them is not yours, somebody has its key, {bar.public_text[:16]}...: add it to revoked in the file of "
                "mesh.security, and reload")

        def is_told():
            thief.send(frame(PING, b""))  # should bar connect anew meanwhile, it is the older one that must be heard of
            return told in self.foo.log()

        eventually(is_told, 30, "it is told")
        self.assertEqual(self.foo.log().count("two nodes run as bar@localhost"), 1)

    def test_a_second_node_of_one_name_by_another_key_is_refused(self):
        self.keys.nodes["bar"].append(Key())
        self.keys.write()
        self.foo.send_signal(signal.SIGHUP)
        eventually(lambda: "node bar@localhost has other keys" in self.foo.log(), 5, "the new key is known")
        keys = (self.keys.nodes["bar"][1], self.server)
        # It may be let in while bar has not had the processor for a second.
        eventually(lambda: "the node bar@localhost is connected already, with another key" in
                   str(self.is_let_in(self.foo.endpoint, keys, "bar@localhost")), 10, "the second one is refused")


class Reloads(CurveTest):
    def setUp(self):
        self.secured_pair(settings={"mesh": {"peer_timeout_ms": 20000}})
        self.nodes.start()

    def reload(self, node, change):
        """SIGHUP, and waits until the log tells of the change."""
        node.send_signal(signal.SIGHUP)
        eventually(lambda: change in node.log(), 5, f"{node.name}: {change}")

    def buckets(self):
        client = self.foo.client()
        for bucket in (b"apples", b"zebras"):
            client.ok(bucket, "kv.create")
        return client

    def under_load(self, act):
        """Requests over the line protocol and the link between the nodes meanwhile, of which none may fail."""
        loads = [Load(self.foo, "zebras"), Load(self.foo, "apples", "a")]
        eventually(lambda: all(len(load.acknowledged) > 50 for load in loads), 10, "the load runs")
        act()
        marks = [len(load.acknowledged) for load in loads]
        eventually(lambda: all(len(load.acknowledged) > mark + 50 for load, mark in zip(loads, marks)), 10, "it goes on")
        for load in loads:
            load.stop()
            self.assertEqual((load.answers, load.broken), ({}, None))
            self.assertEqual(lost(self.foo, load), [])

    def test_whoever_is_revoked_is_ended_and_nobody_else_notices(self):
        other = self.buckets()
        app = self.keys.users["app"][0]
        victim = MeshClient(self.foo.endpoint, keys=(app, self.keys.nodes["foo"][0]))
        self.addCleanup(victim.close)
        victim.ok(b"apples", "kv.put", b"mine", b"1")
        self.assertEqual(self.foo.info()["counters"]["mesh_ended"], 0)

        def revoke():
            self.keys.revoked = [app]
            self.keys.write()
            self.reload(self.foo, "user app has other keys")
            eventually(lambda: self.foo.info()["counters"]["mesh_ended"] >= 1, 5, "its connection is ended")

        self.under_load(revoke)
        eventually(lambda: "the connection of app from 127.0.0.1 is ended" in self.foo.log(), 5, "the log says so")
        # Once it was told that it is not let in again its socket takes nothing any more.
        victim.socket.sndtimeo = 0
        with contextlib.suppress(zmq.Again):
            victim.post(b"apples", "kv.put", b"mine", b"2")
        self.assertEqual(other.ok(b"apples", "kv.get", b"mine"), b"1")
        self.assertIsNone(self.is_let_in(self.foo.endpoint, (app, self.keys.nodes["foo"][0]), wait=0.5))

    def test_a_node_that_is_removed_loses_its_links(self):
        """R5: bar may not connect to foo any more, nor foo to bar."""
        self.buckets()
        self.foo.table, self.foo.peers = [("*", "foo")], []
        self.foo.write_config()
        del self.keys.nodes["bar"]
        self.keys.write()
        self.reload(self.foo, "node bar@localhost removed")
        eventually(lambda: "peer bar@localhost removed" in self.foo.log(), 5, "the log goes on")
        eventually(lambda: "the connection of bar@localhost from 127.0.0.1 is ended" in self.foo.log(), 5, "it is ended")
        eventually(lambda: "does not let the key" in self.bar.log(), 10, "bar is told why")
        self.assertNotIn("bar@localhost", [peer["name"] for peer in self.foo.info()["peers"]])

    @staticmethod
    def times_told(node):
        """How often the log has said that bar has other keys; the audit log, which stands in it, aside."""
        return sum("node bar@localhost has other keys" in line and " audit {" not in line for line in node.log().splitlines())

    def test_the_key_of_a_node_is_changed_under_load(self):
        """As the manual says it: the new key beside the old one everywhere, then the node's own file, then the old one goes."""
        self.buckets()

        def change():
            self.keys.nodes["bar"].append(Key())
            self.keys.write()
            for node in (self.foo, self.bar):
                self.reload(node, "node bar@localhost has other keys")
            self.keys.write_node_key("bar", 1)
            self.reload(self.bar, "the key of this node is now")

        self.under_load(change)
        old, new = self.keys.nodes["bar"]
        ops = self.keys.users["ops"][0]
        self.assertTrue(self.is_let_in(self.bar.endpoint, (ops, new)))
        self.assertIsNone(self.is_let_in(self.bar.endpoint, (ops, old), wait=0.5), "newcomers must know the new key")
        self.bar.client_keys = (ops, new)
        # From here on links are made anew, by the new key.
        self.keys.nodes["bar"] = [new]
        self.keys.write()
        for node in (self.foo, self.bar):
            eventually(lambda n=node: self.times_told(n) == 1, 5, "known")
            node.send_signal(signal.SIGHUP)
            eventually(lambda n=node: self.times_told(n) == 2, 5, "the old one is gone")
        for node, peer in ((self.foo, "bar"), (self.bar, "foo")):
            eventually(lambda n=node, p=peer: n.reaches(p), 5, f"{node.name} reaches {peer}")
        self.assertEqual(self.foo.line().ask("GET zebras k0"), "k0")

    def test_the_same_over_ipc(self):
        local = self.nodes.add("local", apps=["kv"])
        endpoint = "ipc://" + os.path.join(self.nodes.directory, "local.sock")
        local.settings = {"mesh": {"listen": endpoint}}
        self.keys = SecuredMesh(self.nodes, ("ops", "app"), '{ on = "*", rights = "rw" }')
        local.start()
        ops, app = self.keys.users["ops"][0], self.keys.users["app"][0]
        old, new = self.keys.nodes["local"][0], Key()
        with MeshClient(endpoint, keys=(ops, old)) as client, MeshClient(endpoint, keys=(app, old)):
            client.ok(b"apples", "kv.create")
            self.keys.revoked = [app]
            self.keys.nodes["local"].append(new)
            self.keys.write()
            self.keys.write_node_key("local", 1)
            self.reload(local, "the key of this node is now")
            eventually(lambda: client.ok(None, "node.info")["counters"]["mesh_ended"] == 1, 5, "app is ended")
            self.assertIsNone(self.is_let_in(endpoint, (ops, old), wait=0.5))
            self.assertTrue(self.is_let_in(endpoint, (ops, new)))
            client.ok(b"apples", "kv.put", b"key", b"value")

    def test_a_broken_file_changes_nothing(self):
        self.buckets()
        with open(self.keys.path, "w", encoding="ascii") as file:
            file.write("[user.ops]\nkeys = 7\n")
        self.reload(self.foo, "the configuration is not taken over, and nothing has changed")
        eventually(lambda: "mesh.security: " + self.keys.path in self.foo.log(), 5, "the log goes on")
        self.assertTrue(self.foo.reaches("bar"))
        self.keys.write()
        self.reload(self.foo, "the configuration is read again")


class Settings(CurveTest):
    def check(self, text):
        """What --check-config says, and a start too."""
        self.foo.write_config()
        for arguments in (["--check-config"], []):
            self.run_to_end([NODE_BIN, self.foo.config_path, *arguments], 2)
            self.assertIn(text, self.stderr)

    def test_what_does_not_go_together_is_refused_at_the_start(self):
        self.secured_pair()
        self.foo.write_config()
        self.assertIn("is valid", self.run_to_end([NODE_BIN, self.foo.config_path, "--check-config"]))
        path = self.foo.settings["mesh"]["key"]
        os.chmod(path, 0o644)
        self.check(f'mesh.key: the key file "{path}" can be read or written by others; type chmod 600')
        self.keys.nodes["foo"][0].write(path, "node", "bar@localhost")
        self.check("is that of the node bar@localhost, and this node is foo@localhost")
        Key().write(path, "node", "foo@localhost")
        self.check(f'mesh.security: {self.keys.path} does not hold this node with its key; add "pub_')
        self.keys.write_node_key("foo")
        del self.keys.nodes["bar"]
        self.keys.write()
        self.check("has no key of bar@localhost, which is a peer of this node (mesh.peers)")
        os.unlink(self.keys.path)
        self.check(f"mesh.security: {self.keys.path}: ")

    @unittest.skipIf(SANITIZED, "a sanitizer wants to be the first library of its process")
    def test_a_port_that_cannot_be_guarded_is_not_opened(self):
        """S3: with a libzmq that would let strangers in the node does not start."""
        self.secured_pair()
        self.foo.write_config()
        self.run_to_end([NODE_BIN, self.foo.config_path], 2,
                        environment={"LD_PRELOAD": os.path.join(MODULES, "no_enforcement.so")})
        self.assertIn("the mesh port cannot be guarded: it lets strangers in when nobody answers for it", self.stderr)

    def test_a_node_with_a_key_may_listen_anywhere(self):
        self.secured_pair()
        self.foo.host = "0.0.0.0"
        self.foo.settings["kv_server"] = {"listen": f"127.0.0.1:{self.foo.tcp_port}"}
        self.foo.write_config()
        self.run_to_end([NODE_BIN, self.foo.config_path, "--check-config"])


if __name__ == "__main__":
    main()
