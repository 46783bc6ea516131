#!/usr/bin/python3
"""Where a node listens: Unix sockets that are in use, forsaken or no sockets, and names instead of numbers."""

import os
import socket
import subprocess

from harness import NODE_BIN, MeshTest, clean_environment, main
from mesh_client import MeshClient


class Listening(MeshTest):
    def setUp(self):
        self.net = self.mesh()

    def node(self, name, listen):
        node = self.net.add(name)
        node.settings["mesh"] = {"listen": listen}
        return node

    def refusal_of(self, node):
        node.write_config()
        done = subprocess.run([NODE_BIN, "--config", node.config_path], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 2, done)
        return done.stderr


class UnixSockets(Listening):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.net.directory, "x.sock")
        self.endpoint = "ipc://" + self.path

    def name_there(self):
        with MeshClient(self.endpoint) as client:
            return client.ok(None, "node.name")

    def is_socket(self):
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self.path)
            return True
        except OSError:
            return False

    def test_a_running_node_keeps_its_socket(self):
        foo = self.node("foo", self.endpoint)
        foo.start()
        self.assertEqual(self.name_there(), "foo@localhost")
        second = self.node("bar", self.endpoint)
        self.assertRegex(self.refusal_of(second), "mesh.listen.*x.sock.*Address already in use")
        self.assertEqual(self.name_there(), "foo@localhost")
        foo.terminate()
        self.assertFalse(os.path.lexists(self.path))
        second.start()
        self.assertEqual(self.name_there(), "bar@localhost")

    def test_a_socket_without_a_listener_is_replaced(self):
        foo = self.node("foo", self.endpoint)
        foo.start()
        foo.kill()
        self.assertTrue(os.path.lexists(self.path))
        foo.start()
        self.assertEqual(self.name_there(), "foo@localhost")

    def test_what_is_no_socket_is_left_alone(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("precious")
        self.assertIn("no socket", self.refusal_of(self.node("foo", self.endpoint)))
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "precious")

    def test_the_end_of_a_node_removes_only_its_own(self):
        foo = self.node("foo", self.endpoint)
        foo.start()
        os.remove(self.path)
        with socket.socket(socket.AF_UNIX) as others:
            others.bind(self.path)
            others.listen()
            foo.terminate()
            self.assertTrue(self.is_socket())


class Names(Listening):
    def test_of_hosts_and_interfaces_serve_both_ports(self):
        for name in ("localhost", "lo"):
            with self.subTest(name):
                node = self.net.add(name)
                node.settings = {"mesh": {"listen": f"tcp://{name}:{node.mesh_port}", "insecure": True},
                                 "kv_server": {"listen": f"{name}:{node.tcp_port}"}}
                node.start()
                self.assertEqual(node.line().ask("PING"), "PONG")
                self.assertEqual(node.client().ok(None, "node.name"), node.full_name)
                self.assertIn(f"ready: mesh at tcp://127.0.0.1:{node.mesh_port}, line protocol at 127.0.0.1:{node.tcp_port}",
                              node.log())

    def test_that_nobody_knows_are_refused_with_their_setting(self):
        node = self.net.add("foo")
        node.settings["mesh"] = {"listen": f"tcp://a..b:{node.mesh_port}", "insecure": True}
        self.assertRegex(self.refusal_of(node), "mesh.listen.*a..b.*change mesh.listen")
        node.settings = {"mesh": {"insecure": True}, "kv_server": {"listen": f"a..b:{node.tcp_port}"}}
        self.assertRegex(self.refusal_of(node), "kv_server.listen.*a..b.*change kv_server.listen")


if __name__ == "__main__":
    main()
