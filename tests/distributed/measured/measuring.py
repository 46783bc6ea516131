"""What the measurements of this folder share."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import LineClient, Mesh  # pylint: disable=unused-import


def processor_seconds(pid):
    """User and system time of all threads of a process, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)  # its CLOCK_PROCESS_CPUTIME_ID, see clock_getcpuclockid(3)


def one_node(settings):
    """A started node that stores everything, and its mesh, which is to be closed."""
    mesh = Mesh()
    node = mesh.add("foo", settings=settings)
    mesh.start()
    return mesh, node


def machine():
    with open("/proc/loadavg", encoding="ascii") as file:
        return f"{len(os.sched_getaffinity(0))} cores, load average {file.read().split()[0]}"
