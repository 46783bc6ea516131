#!/usr/bin/python3
"""The Python client of examples/python/, which is written from common/PROTOCOL.md alone, against a live mesh."""

import contextlib
import io
import os
import subprocess
import sys
import unittest.mock

from harness import MeshTest, main
from python_package import EXAMPLE
from task_client import FOO, with_tasks

from kvmesh.command import main as main_of_command


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

    def command(self, *arguments, status=0):
        """What the command prints to stdout, run in this process; `self.stderr` has the rest."""
        out, err = (io.TextIOWrapper(io.BytesIO()) for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = main_of_command(list(arguments))
        printed, self.stderr = (self.text_of(stream) for stream in (out, err))
        self.assertEqual(ended, status, (arguments, printed, self.stderr))
        return printed

    @staticmethod
    def text_of(stream):
        stream.flush()
        return stream.buffer.getvalue().decode()

    def test_its_command_is_a_program(self):
        node = self.single()
        self.assertEqual(self.run_script("kvmesh", node.endpoint, "call", "-", "node.ping", "2"), "2\n")
        module = [sys.executable, "-B", "-m", "kvmesh", node.endpoint, "call", "-", "node.name"]
        self.assertEqual(self.run_to_end(module, environment={"PYTHONPATH": EXAMPLE}), f'"{FOO}"\n')
        self.run_script("kvmesh", node.endpoint, "count", "nothing", status=11)
        self.assertIn("kvmesh: not_found: ", self.stderr)

    def refused(self, *arguments):
        self.command(*arguments, status=2)
        return self.stderr

    def test_a_python_without_its_modules(self):
        """What hides them is the site's packages being left out (-S)."""
        told = subprocess.run([sys.executable, "-S", os.path.join(EXAMPLE, "kvmesh"), "get", "a", "b"], capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        self.assertRegex(told.stderr, r"^kvmesh: this Python .* has no module \w+, .*apt-get install python3-zmq python3-msgpack.*\n$")

    def test_its_command(self):
        node = self.single(settings=with_tasks())
        for arguments, wanted in ((("create", "shopping"), ""), (("put", "shopping", "milk", "1"), ""),
                                  (("get", "shopping", "milk"), "1\n"), (("keys", "shopping"), "milk\n"),
                                  (("count", "shopping"), "1\n"), (("buckets", "-"), "shopping\n"),
                                  (("route", "shopping"), FOO + "\n"), (("route", "shopping", "t.add", "1", "2"), "3\n"),
                                  (("call", "-", "t.both_streams"), "one\nthree\nnil\n"),
                                  (("server", FOO, "counter", "add", "4"), "4\n")):
            self.assertEqual(self.command(node.endpoint, *arguments), wanted, arguments)
        self.assertEqual(node.client().ok(b"shopping", "kv.get", b"milk"), b"1")
        self.assertIn("t.add(int, int)\n", self.command(node.endpoint, "modules", "-"))
        pid = self.command(node.endpoint, "spawn", FOO, "t.echo_messages").strip()
        self.assertEqual(self.command(node.endpoint, "send", pid, "end"), "")

    def test_its_command_takes_arguments_as_kvmesh_call_does(self):
        node = self.single(settings=with_tasks())
        for text, shown in (("2", "2"), ("text", '"text"'), ('"2"', '"2"'), ("nil", "nil"), ("null", "nil"), ("true", "true"),
                            ("[1, {\"a\": 2.5}]", '[1, {"a": 2.5}]'), ("NaN", '"NaN"'), ("{a", '"{a"'),
                            ('{"base64": "/wA="}', '{"base64": "/wA="}')):
            self.assertEqual(self.command(node.endpoint, "call", "-", "t.echo", text), shown + "\n", text)

    def test_its_command_says_what_is_wrong(self):
        node = self.single(settings=with_tasks())
        for arguments, status, told in ((("gett", "a"), 2, "did you mean get?"), (("get", "a"), 2, "get BUCKET KEY"),
                                        (("get", "a", "b", "c"), 2, "get BUCKET KEY"),
                                        (("call", "foo", "t.add"), 2, "'foo' is no name of a node"),
                                        (("get", "nothing", "milk"), 11, "not_found: "),
                                        (("call", FOO, "t.fail", "oh"), 26, "task_failed: oh")):
            self.assertEqual(self.command(node.endpoint, *arguments, status=status), "")
            self.assertIn(told, self.stderr)
            self.assertNotIn("Traceback", self.stderr)
        self.assertIn("a command is wanted", self.refused(node.endpoint))
        self.assertIn("--node wants an endpoint", self.refused("--node"))
        self.assertIn("usage: kvmesh [ENDPOINT] get BUCKET KEY", self.refused("get", "shopping"))
        self.command("--node", node.endpoint, "create", "shopping")
        self.command(f"--node={node.endpoint}", "put", "shopping", "bread", "2")
        for options in (("--timeout", "20s", "--node", node.endpoint), (node.endpoint, "--timeout=20000ms")):
            self.assertEqual(self.command(*options, "get", "shopping", "bread"), "2\n")
        self.assertIn("--timeout wants a duration such as 500ms or 5s, not '5'", self.refused("--timeout", "5", "get", "a", "b"))
        self.assertIn("there is no option --json; before the command stand", self.refused("--json", "get", "a", "b"))
        with unittest.mock.patch.dict(os.environ, {"KVMESH_NODE": node.endpoint}):
            self.assertEqual(self.command("get", "shopping", "bread"), "2\n")
        self.command(node.endpoint, "create", "shopping")
        self.command(node.endpoint, "get", "shopping", "milk", status=1)
        self.command("127.0.0.1:1", "count", "a", status=2)
        self.assertIn("did you mean 'tcp://127.0.0.1:1'?", self.stderr)
        node.kill()
        self.command(node.endpoint, "count", "shopping", status=14)
        self.assertIn(f"unavailable: {node.endpoint}: connection refused", self.stderr)


if __name__ == "__main__":
    main()
