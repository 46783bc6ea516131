#!/usr/bin/python3
"""The Python client of examples/python/, which is written from common/PROTOCOL.md alone, against a live mesh."""

import os
import sys

from harness import ROOT, MeshTest, main

EXAMPLE = os.path.join(ROOT, "examples/python")


class PythonExample(MeshTest):
    def run_script(self, script, *arguments, status=0):
        return self.run_to_end([sys.executable, "-B", os.path.join(EXAMPLE, script), *arguments], status)

    def test_selftest_through_each_node(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("a..m", "foo"), ("*", "bar")])
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        bar = mesh.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")])
        mesh.start()
        for node in (foo, bar, gate):
            self.run_script("selftest.py", node.endpoint)

    def test_selftest_against_nobody_fails(self):
        node = self.single()
        node.kill()
        self.run_script("selftest.py", node.endpoint, status=1)

    def test_its_command_line(self):
        node = self.single()
        for arguments, wanted in ((("create", "shopping"), ""), (("put", "shopping", "milk", "1"), ""),
                                  (("keys", "shopping"), "milk")):
            self.assertIn(wanted, self.run_script("kvmesh_client.py", node.endpoint, *arguments))
        self.assertEqual(node.client().ok(b"shopping", "kv.get", b"milk"), b"1")


if __name__ == "__main__":
    main()
