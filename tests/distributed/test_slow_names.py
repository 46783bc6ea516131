#!/usr/bin/python3
"""A name that nobody resolves costs the link that needs it, and nobody else anything."""

import os
import unittest

from harness import COMMAND_BIN, ROOT, SANITIZED, MeshTest, eventually, main

MODULES = os.environ.get("KVMESH_TEST_MODULES", os.path.join(ROOT, "build/release/tests/distributed/modules"))


@unittest.skipIf(SANITIZED, "a sanitizer wants to be the first library of its process")
class SlowNames(MeshTest):
    def setUp(self):
        self.net = self.mesh()
        self.until = os.path.join(self.net.directory, "names-answer")
        self.environment = {"LD_PRELOAD": os.path.join(MODULES, "slow_names.so"), "SLOW_NAMES_UNTIL": self.until}

    def let_names_be_resolved(self):
        with open(self.until, "wb"):
            pass

    def test_the_others_are_served_and_the_link_comes_up_when_it_is_resolved(self):
        foo = self.net.add("foo", table=[("a..m", "bar"), ("*", "far")])
        bar = self.net.add("bar", apps=["kv"])
        far = self.net.add("far", apps=["kv"])
        foo.addresses["far"] = f"tcp://far.slow:{far.mesh_port}"
        bar.start()
        far.start()
        foo.start(environment=self.environment)
        eventually(lambda: foo.reaches("bar"), 10, "the other peer is reached")
        line, client = foo.line(), foo.client()
        self.assertEqual(line.ask("CREATE apples"), "OK")
        self.assertEqual(client.call(b"shopping", "kv.create").code, "unavailable")
        eventually(lambda: "far.slow" in client.call(b"shopping", "kv.create").text, 10, "the reason is told")
        self.assertEqual(line.ask("PUT apples k v"), "OK")
        self.let_names_be_resolved()
        eventually(lambda: foo.reaches("far"), 10, "the name is resolved")
        self.assertEqual(line.ask("CREATE shopping"), "OK")

    def test_a_node_ends_while_a_name_is_looked_up(self):
        foo = self.net.add("foo", table=[("a..m", "foo"), ("*", "far")])
        foo.addresses["far"] = "tcp://far.slow:20000"
        foo.start(environment=self.environment)
        client = foo.client()
        eventually(lambda: "far.slow" in client.call(b"shopping", "kv.create").text, 10, "it is being looked up")
        foo.terminate()

    def test_a_client_ends_when_its_time_is_over(self):
        self.run_to_end([COMMAND_BIN, "--node", "tcp://far.slow:20000", "--timeout", "1s", "get", "shopping", "milk"],
                        status=14, environment=self.environment)
        self.assertIn("cannot reach tcp://far.slow:20000", self.stderr)


if __name__ == "__main__":
    main()
