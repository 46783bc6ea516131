"""Lines from the pipes of processes, with a limit on the time that each may take."""

import os
import select
import time

from harness import patience


def read_line(pipe, timeout=10.0):
    """The next line as text, without its end. AssertionError when it does not come in time, or the pipe ends before.

    Reads past the buffer of `pipe`, so nothing else may read from that before.
    """
    line = b""
    deadline = time.monotonic() + timeout * patience()
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            raise AssertionError(f"no line within {timeout * patience():g} s, but {line!r}")
        byte = os.read(pipe.fileno(), 1)
        if not byte:
            raise AssertionError(f"the pipe ended behind {line!r}")
        line += byte
    return line[:-1].decode()


def write_line(pipe, line):
    """Sends a line, past the buffer of `pipe`. It must fit into the pipe: nobody waits here."""
    os.write(pipe.fileno(), line.encode() + b"\n")
