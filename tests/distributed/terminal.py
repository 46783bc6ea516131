"""A program on a terminal of its own: keys go in, and what is shown is waited for."""

import os
import pty
import select
import signal
import time

from harness import patience


class Terminal:
    def __init__(self, test, program, arguments, environment, directory=None):
        self.test, self.shown = test, ""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background
            if directory:
                os.chdir(directory)
            os.execve(program, arguments, environment)
        test.addCleanup(self.close)

    def close(self):
        os.close(self.descriptor)  # which ends whatever still runs
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def keys(self, text):
        os.write(self.descriptor, text.encode())

    def shows(self, text, seconds):
        """Reads until `text` was shown, for at most that long: what came before it, or None."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if select.select([self.descriptor], [], [], left)[0]:
                self.shown += os.read(self.descriptor, 65536).decode()
        before, self.shown = self.shown.split(text, 1)
        return before

    def wait_for(self, text, seconds=20):
        before = self.shows(text, seconds * patience())
        self.test.assertIsNotNone(before, f"{text!r} was not shown, but {self.shown!r}")
        return before
