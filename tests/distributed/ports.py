"""Free ports for real processes, shared out among all that run on this machine at once."""

import atexit
import random
import socket

_reserved = {}  # port -> the socket that keeps other test runs from choosing it


@atexit.register
def _release_ports():
    for token in _reserved.values():
        token.close()


def free_port():
    """A port below the ephemeral range that nothing listens on, and that no other run of tests or benchmarks will choose."""
    for port in random.sample(range(20000, 32000), 2000):
        token = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        probe = socket.socket()
        try:
            token.bind(f"\0kvmesh-test-port-{port}")
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
        except OSError:
            token.close()
            continue
        finally:
            probe.close()
        _reserved[port] = token
        return port
    raise AssertionError("no free port between 20000 and 32000")
