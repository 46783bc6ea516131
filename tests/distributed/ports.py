"""Free ports for real processes, shared out among all that run on this machine at once."""

import atexit
import random
import socket

_reserved = {}  # port -> the socket that keeps other test runs from choosing it


@atexit.register
def _release_ports():
    for token in _reserved.values():
        token.close()


def _reserve(port):
    """Whether nothing listens on this port, and no other run of tests or benchmarks will choose it from now on."""
    token = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe = socket.socket()
    try:
        token.bind(f"\0kvmesh-test-port-{port}")
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    except OSError:
        token.close()
        return False
    finally:
        probe.close()
    _reserved[port] = token
    return True


def free_ports_in_a_row(count):
    """The first of `count` ports below the ephemeral range, one after the other. All are reserved for this process."""
    for first in random.sample(range(20000, 32001 - count), 2000):
        taken = []
        while len(taken) < count and _reserve(first + len(taken)):
            taken.append(first + len(taken))
        if len(taken) == count:
            return first
        for port in taken:
            _reserved.pop(port).close()
    raise AssertionError(f"no {count} free ports in a row between 20000 and 32000")


def free_port():
    """One such port."""
    return free_ports_in_a_row(1)
