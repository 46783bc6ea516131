"""`kvmesh shell` of two nodes, foo and bar: scripts on a pipe, and a terminal."""

import os
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment
from task_client import MODULES, T, with_tasks
from terminal import Terminal

TASKS = with_tasks([T, os.path.join(MODULES, "printer.so")], allow=["t.*", "printer.*"])
PROMPT = "foo@localhost> "


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Shell(MeshTest):
    def setUp(self):
        mesh = self.mesh()
        self.foo = mesh.add("foo", table=[("*", "foo")], peers=["bar"], settings=TASKS)
        self.bar = mesh.add("bar", apps=["kv"], table=[("*", "bar")], peers=["foo"], settings=TASKS)
        mesh.start()

    options = ()  # of each shell

    def command_line(self, *options):
        return [COMMAND_BIN, "--node", self.foo.endpoint, *self.options, *options, "shell"]

    def script(self, text, *options, status=0):
        return self.run_to_end(self.command_line(*options), status, given=text).splitlines()


class ShellTerminal(Shell):
    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.foo.mesh.directory, "home")
        self.open()

    def open(self):
        environment = clean_environment({"TERM": "xterm", "HOME": self.home, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"})
        environment.pop("XDG_STATE_HOME", None)
        self.terminal = Terminal(self, COMMAND_BIN, self.command_line(), environment)
        while not self.wait_for("> ").endswith("foo@localhost"):  # the node has not told its name in time
            self.keys("\r")
            self.wait_for("\r\n")

    def wait_for(self, text):
        return self.terminal.wait_for(text, 10)

    def keys(self, text):
        self.terminal.keys(text)

    def complete(self, typed, rest):
        """Types at the prompt and presses TAB until the line goes on with `rest`: what is asked of the mesh for
        it may come too late on a busy machine."""
        for _ in range(20):
            self.keys("\x15" + typed)
            self.wait_for(typed[-3:])
            self.keys("\t")
            if self.terminal.shows(rest, 1) is not None:
                return
        self.fail(f"{typed!r} does not go on with {rest!r}, but {self.terminal.shown!r}")

    def run_line(self, line):
        """What is shown between the line and the next prompt."""
        self.keys(line + "\r")
        self.wait_for("\r\n")
        return self.wait_for(PROMPT)

    def end(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.terminal.pid, 0)[1])
