#!/usr/bin/python3
"""The Python client of examples/python/, which is written from common/PROTOCOL.md alone, against a live mesh."""

import os
import subprocess
import sys

from harness import ROOT, TIME_FACTOR, MeshTest, clean_environment, main

EXAMPLE = os.path.join(ROOT, "examples/python")


class PythonExample(MeshTest):
    def run_script(self, script, *arguments):
        return subprocess.run([sys.executable, "-B", os.path.join(EXAMPLE, script), *arguments], capture_output=True, text=True,
                              timeout=60 * TIME_FACTOR, env=clean_environment(), check=False)

    def test_selftest_through_each_node(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("a..m", "foo"), ("*", "bar")])
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        bar = mesh.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")])
        mesh.start()
        for node in (foo, bar, gate):
            result = self.run_script("selftest.py", node.endpoint)
            self.assertEqual(result.returncode, 0, (node.name, result.stdout, result.stderr))

    def test_selftest_against_nobody_fails(self):
        node = self.single()
        node.kill()
        self.assertNotEqual(self.run_script("selftest.py", node.endpoint).returncode, 0)

    def test_its_command_line(self):
        node = self.single()
        for arguments, wanted in ((("create", "shopping"), ""), (("put", "shopping", "milk", "1"), ""),
                                  (("keys", "shopping"), "milk")):
            result = self.run_script("kvmesh_client.py", node.endpoint, *arguments)
            self.assertEqual(result.returncode, 0, result)
            self.assertIn(wanted, result.stdout)
        self.assertEqual(node.client().ok(b"shopping", "kv.get", b"milk"), b"1")


if __name__ == "__main__":
    main()
