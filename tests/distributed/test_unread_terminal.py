#!/usr/bin/python3
"""`kvmesh call` on a terminal that nobody reads can be ended by Ctrl-C all the same."""

import fcntl
import os
import signal
import sys
import termios
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment, eventually, main
from task_client import FOO, with_tasks
from terminal import Terminal


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class UnreadTerminal(MeshTest):
    def test_interrupts_end_a_call_whose_output_is_not_read(self):
        node = self.mesh().add("foo", settings=with_tasks())
        node.start()
        command = [COMMAND_BIN, "--node", node.endpoint, "--timeout", "1h", "call", FOO, "t.flood", "1000000"]
        terminal = Terminal(self, COMMAND_BIN, command, clean_environment())
        terminal.wait_for("line 0")
        before = [0]

        def is_full():
            held = int.from_bytes(fcntl.ioctl(terminal.descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
            full = held == before[0] > 1000
            before[0] = held
            return full

        def has_ended():
            os.kill(terminal.pid, signal.SIGINT)
            return os.waitpid(terminal.pid, os.WNOHANG) != (0, 0)
        eventually(is_full, 20, "the terminal takes no more")
        eventually(has_ended, 20, "the call has ended")


if __name__ == "__main__":
    main()
