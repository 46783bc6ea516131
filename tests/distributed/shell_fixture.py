"""`kvmesh shell` of two nodes, foo and bar: scripts on a pipe, and a terminal."""

import os
import pty
import select
import signal
import time
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment, patience
from task_client import MODULES, T, with_tasks

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
        self.shown = ""
        self.open()

    def open(self):
        environment = clean_environment({"TERM": "xterm", "HOME": self.home, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"})
        environment.pop("XDG_STATE_HOME", None)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background
            os.execve(COMMAND_BIN, self.command_line(), environment)
        self.addCleanup(self.close, self.pid, self.terminal)
        while not self.wait_for("> ").endswith("foo@localhost"):  # the node has not told its name in time
            self.keys("\r")
            self.wait_for("\r\n")

    def close(self, pid, terminal):
        os.close(terminal)  # which ends whatever still runs
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def wait_for(self, text):
        """Reads until `text` was shown; what came before it."""
        deadline = time.monotonic() + 10 * patience()
        while text not in self.shown:
            left = deadline - time.monotonic()
            self.assertGreater(left, 0, f"{text!r} was not shown, but {self.shown!r}")
            if select.select([self.terminal], [], [], left)[0]:
                self.shown += os.read(self.terminal, 65536).decode()
        before, self.shown = self.shown.split(text, 1)
        return before

    def keys(self, text):
        os.write(self.terminal, text.encode())

    def complete(self, typed, rest):
        """Types at the prompt and presses TAB until the line goes on with `rest`: what is asked of the mesh for
        it may come too late on a busy machine."""
        for _ in range(20):
            self.keys("\x15" + typed)
            self.wait_for(typed[-3:])
            self.keys("\t")
            until = time.monotonic() + 1
            while rest not in self.shown and time.monotonic() < until:
                if select.select([self.terminal], [], [], 0.1)[0]:
                    self.shown += os.read(self.terminal, 65536).decode()
            if rest in self.shown:
                self.shown = self.shown.split(rest, 1)[1]
                return
        self.fail(f"{typed!r} does not go on with {rest!r}, but {self.shown!r}")

    def run_line(self, line):
        """What is shown between the line and the next prompt."""
        self.keys(line + "\r")
        self.wait_for("\r\n")
        return self.wait_for(PROMPT)

    def end(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
