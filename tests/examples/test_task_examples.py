#!/usr/bin/python3
"""The examples about tasks, each with nodes of its own: what they print is compared word for word.

By hand: KVMESH_TEST_BUILD=build/release tests/examples/test_task_examples.py, after a build.
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../distributed"))
import harness  # noqa: E402  beside the tests of real processes
from pipe_lines import read_line  # noqa: E402

BUILD = os.path.abspath(os.environ.get("KVMESH_TEST_BUILD", os.path.join(harness.ROOT, "build/release")))
TABLE = [("a..m", "foo"), ("*", "bar")]

HELLO = """\
call hello.world
hello world
hello.add 1 2 is 3
shopping belongs to bar@localhost
task_failed: there is no door sesame
invalid_argument: hello.add: argument 2 must be an int, got text "two"
hello.wrld: undefined_function
the process answers "pong"
"""
PING_PONG = """\
ping 1: "pong"
ping 2: "pong"
ping 3: "pong"
between two tasks: 1000 pongs
down: "normal"
"""
ASYNC_AWAIT = """\
squared 7
1
4
task_failed: only from 0 on, not -3
16
25
cancelled by us: cancelled
not done in time: deadline_exceeded
"""
COUNTER_SERVER = """\
add 1: 1
add 2: 3
after the reset: 0
add 5: 5
take 9: invalid_argument: there are only 5
take 2: 3
add -1: task_failed: cannot count down
after the restart: 0
add -1 again: task_failed: cannot count down
then it is given up: unavailable
"""
ORDERS = """\
2 milk, 1 bread, by courier: 1448 cents
invalid_argument: orders.bill: argument 1, key "shipping", must be post|courier, got text "pigeon"
"""
TEXT = """\
Every node has a table of its own. A node that is asked for a bucket looks up the first
byte of its name, and serves the request or passes it on. So a table is never right or
wrong by itself: what counts is where the tables lead to, all of them together. A node
may hand a part of its range on to another node, and nobody else needs to know. Many a
table is two lines long. One byte decides, one look at an array is all that it takes.
Xylophones, which begin with a letter that few names begin with, live where the last
line of the table says.
"""
WORD_COUNT = """\
piece 1 of 3 (Every): 41 different words, counted by bar@localhost
piece 2 of 3 (may): 44 different words, counted by foo@localhost
piece 3 of 3 (line): 5 different words, counted by foo@localhost
a 8
is 5
of 5
the 5
node 4
"""


class TaskExamples(harness.MeshTest):
    maxDiff = None

    def nodes(self, *command):
        """foo (a..m) and bar (all others), both the example."""
        mesh = self.mesh()
        for name in ("foo", "bar"):
            mesh.add(name, apps=["kv"], table=TABLE).command = [example(command[0]), *command[1:]]
        mesh.start()
        return mesh.nodes["foo"], mesh.nodes["bar"]

    def expect_python(self, printed, script, *arguments):
        path = os.path.join(harness.ROOT, "examples/python", script)
        self.assertEqual((self.run_to_end([sys.executable, "-B", path, *arguments]), self.stderr), (printed, ""))

    def expect(self, printed, program, *arguments):
        self.assertEqual((self.run_to_end([example(program), *arguments]), self.stderr), (printed, ""))

    def test_hello(self):
        """Through the other node: what a task prints appears at the caller, and on no node."""
        foo, bar = self.nodes("hello_node")
        self.expect(HELLO, "hello_call", bar.endpoint, foo.full_name)
        for node in (foo, bar):
            self.assertNotIn("hello world", node.log())

    def test_python(self):
        """The selftest of the Python client finds the module and calls it, on either side of the link."""
        for node in self.nodes("hello_node"):
            self.expect_python("selftest: all as common/PROTOCOL.md says\n", "selftest.py", node.endpoint)
        self.expect_python("hello world\nnil\n", "kvmesh", node.endpoint, "call", "foo@localhost", "hello.world")

    def test_ping_pong(self):
        foo, bar = self.nodes("ping_pong", "serve")
        self.expect(PING_PONG, "ping_pong", foo.endpoint, foo.full_name, bar.full_name)

    def test_async_await(self):
        foo, bar = self.nodes("async_await", "serve")
        self.expect(ASYNC_AWAIT, "async_await", bar.endpoint, foo.full_name)

    def test_counter_server(self):
        foo, bar = self.nodes("counter_server", "serve")
        self.expect(COUNTER_SERVER, "counter_server", bar.endpoint, foo.full_name)
        for end in ("restarted", "given up"):
            told = re.compile(rf"server counter <foo@localhost/\w+> ended \(failed: cannot count down\) and is {end}")
            harness.eventually(lambda told=told: told.search(foo.log()), 5, "it is logged")

    def test_orders(self):
        foo, bar = self.nodes("orders", "serve")
        self.expect(ORDERS, "orders", bar.endpoint, foo.full_name)

    def test_word_count(self):
        foo, _ = self.nodes("word_count", "serve")
        text = os.path.join(foo.mesh.directory, "text")
        with open(text, "w", encoding="ascii") as file:
            file.write(TEXT)
        self.expect(WORD_COUNT, "word_count", foo.endpoint, text)

    def test_node_events(self):
        """bar is away when it begins, and it ends when bar is back; a node that is away itself is a failure."""
        foo, bar = self.nodes("node_events", "serve")
        bar.kill()
        harness.eventually(lambda: foo.peer("bar")["state"] != "up", 5, "foo has noticed")
        waiting = subprocess.Popen([example("node_events"), foo.endpoint, bar.full_name], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=harness.clean_environment(), preexec_fn=harness.die_with_parent)
        self.addCleanup(waiting.communicate)
        self.addCleanup(waiting.kill)
        self.assertRegex(read_line(waiting.stdout), "^bar@localhost is down: .+")
        bar.start()
        rest, errors = waiting.communicate(timeout=20 * harness.TIME_FACTOR)
        self.assertEqual((rest, errors, waiting.returncode), (b"bar@localhost is up, says foo@localhost\n", b"", 0))
        foo.kill()
        self.assertEqual(self.run_to_end([example("node_events"), foo.endpoint, bar.full_name], status=1), "")
        self.assertTrue(self.stderr.startswith("unavailable: "), self.stderr)

    def test_wrong_use_is_told(self):
        for name in ("hello_node", "hello_call", "ping_pong", "async_await", "counter_server", "word_count", "node_events",
                     "orders"):
            self.run_to_end([example(name)], status=2)
            self.assertTrue(self.stderr.startswith("usage: "), self.stderr)


def example(name):
    return os.path.join(BUILD, "examples", name)


if __name__ == "__main__":
    harness.main()
