"""Where a node listens: how an endpoint is written, and why nobody answers there."""

from __future__ import annotations

import os
import re
import socket
from typing import Iterable, Union

FORMS = "an endpoint is tcp://HOST:PORT or ipc://PATH, such as tcp://127.0.0.1:5550"
_TCP = re.compile(r"tcp://(\[[0-9A-Fa-f:.%\w]+\]|[^\[\]:/\s]+):(\d{1,5})")


def check_endpoint(endpoint: str) -> str:
    """The endpoint as it came; TypeError or ValueError when nobody can connect to it."""
    if not isinstance(endpoint, str):
        raise TypeError(f"an endpoint must be a str, not {type(endpoint).__name__}; {FORMS}")
    if endpoint.startswith("ipc://") and len(endpoint) > len("ipc://"):
        if len(os.fsencode(endpoint)) - len("ipc://") > 107:
            raise ValueError(f"{endpoint!r}: the path of a socket has 107 bytes at most")
        return endpoint
    match = _TCP.fullmatch(endpoint)
    if match is None:
        near = "tcp://" + endpoint
        hint = f"; did you mean {near!r}?" if "://" not in endpoint and _TCP.fullmatch(near) else ""
        parts = [part.strip() for part in endpoint.split(",")]
        if len(parts) > 1 and all(_TCP.fullmatch(part) or part.startswith("ipc://") for part in parts):
            hint = f"; several endpoints are a list: {parts!r}"
        raise ValueError(f"{endpoint!r} is no endpoint{hint or '; ' + FORMS}")
    if not 0 < int(match[2]) < 65536:
        raise ValueError(f"{endpoint!r}: a port is a number from 1 to 65535")
    if match[1] == "*":
        raise ValueError(f"{endpoint!r}: * is for nodes that listen; name the host to connect to")
    return endpoint


def check_endpoints(endpoints: Union[str, Iterable[str]]) -> list[str]:
    """One endpoint or several, each once."""
    if isinstance(endpoints, str):
        return [check_endpoint(endpoints)]
    if isinstance(endpoints, (bytes, dict)) or not hasattr(endpoints, "__iter__"):
        raise TypeError(f"endpoints must be a str or a list of str, not {type(endpoints).__name__}; {FORMS}")
    checked = list(dict.fromkeys(check_endpoint(endpoint) for endpoint in endpoints))
    if not checked:
        raise ValueError(f"no endpoint was given; {FORMS}")
    return checked


def why_unreachable(endpoint: str) -> str:
    """What the system says to a connection that was just refused; ZeroMQ itself keeps the reason for itself."""
    try:
        _connect(endpoint).close()
    except socket.gaierror as error:
        return f"the host is unknown ({error.strerror})"
    except ConnectionRefusedError:
        return "connection refused; is the node running, with this address as its mesh.listen?"
    except FileNotFoundError:
        return "there is no such socket; is the node running, with this address as its mesh.listen?"
    except TimeoutError:
        return "unreachable: no answer from the host"
    except OSError as error:
        return f"unreachable: {error.strerror or error}"
    return "the connection ended before the node greeted"


def mechanism(endpoint: str) -> str:
    """How whoever listens there wants to be spoken to: "NULL", "CURVE"; empty: it is not known. ZeroMQ may end a connection before
    its greeting, which would show it, is out."""
    try:
        with _connect(endpoint) as probe:
            probe.sendall(b"\xff\0\0\0\0\0\0\0\x01\x7f\x03")  # a signature and a version: then it tells its own
            greeting = b""
            while len(greeting) < 32:
                piece = probe.recv(32 - len(greeting))
                if not piece:
                    return ""
                greeting += piece
            return greeting[12:32].rstrip(b"\0").decode("ascii", "replace")
    except OSError:
        return ""


def _connect(endpoint: str) -> socket.socket:
    timeout = 0.25
    if endpoint.startswith("ipc://"):
        path = endpoint[len("ipc://"):]
        ours = socket.socket(socket.AF_UNIX)
        ours.settimeout(timeout)
        try:
            ours.connect("\0" + path[1:] if path.startswith("@") else path)
        except BaseException:
            ours.close()
            raise
        return ours
    host, port = _TCP.fullmatch(endpoint).groups()
    return socket.create_connection((host.strip("[]"), int(port)), timeout)
