"""Key files, as `kvmesh keygen` writes them: who this client is, and which key the node at an endpoint must have."""

from __future__ import annotations

import base64
import os
import stat
import tomllib
from typing import Any, Mapping, Optional

import zmq

KEY_BYTES = 32


def _key(prefix: str, text: Any) -> bytes:
    """The bytes of "pub_..." or "sec_..."; ValueError, which never holds the text."""
    if not isinstance(text, str) or not text.startswith(prefix):
        raise ValueError(f"is no key: keys begin with {prefix}")
    try:
        out = base64.b64decode(text.removeprefix(prefix) + "=", b"-_", validate=True)
    except ValueError:
        out = b""
    if len(out) != KEY_BYTES:
        raise ValueError("is no key: keys have 43 letters, digits, - and _ behind their prefix")
    return out


def fingerprint(key: bytes) -> str:
    """The beginning of a public key, as logs show it."""
    return "pub_" + base64.urlsafe_b64encode(key).decode()[:12]


class ClientKey:
    """A user's key and the public keys of nodes. Immutable."""

    def __init__(self, path: str):
        """Reads a key file. ValueError, with what to do, when it cannot be used or is a node's."""
        self.path = path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise self._fault(f"cannot be read: {error.strerror}") from None
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if about.st_uid not in (0, os.geteuid()):
                raise self._fault(f"belongs to somebody else; type chown {os.geteuid()} {path}")
            if not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077:
                raise self._fault(f"can be read or written by others, or is no file; type chmod 600 {path}")
            content = file.read()
        try:
            table = tomllib.loads(content.decode("utf-8"))
        except ValueError:
            raise self._fault("is not what kvmesh keygen writes: it is no TOML") from None
        if "node" in table:
            raise self._fault("is that of a node, as which a client cannot connect; make one for a user: kvmesh keygen --user NAME")
        self.public = self._read(table, "public", "pub_")
        self.secret = self._read(table, "secret", "sec_")
        nodes = table.get("nodes", {})
        self.nodes = {endpoint: self._read_list(nodes, endpoint) for endpoint in nodes}

    def server_keys(self, endpoint: str) -> tuple[bytes, ...]:
        """The public keys of which the node at `endpoint` must have one; ValueError when the file does not say."""
        known = self.nodes.get(endpoint)
        if known is None and len(set(self.nodes.values())) == 1:
            known = next(iter(self.nodes.values()))
        if known is None:
            raise self._fault(f"does not say which key the node at {endpoint} has, so anybody could pass for it; add this line "
                              f'under [nodes], with the public key of that node: "{endpoint}" = "pub_..."')
        return known

    def secure(self, socket: zmq.Socket, server_key: bytes) -> None:
        """Before the socket connects to a node that must have this key."""
        socket.setsockopt(zmq.CURVE_SERVERKEY, server_key)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret)

    def _read(self, table: Mapping[str, Any], name: str, prefix: str) -> bytes:
        try:
            return _key(prefix, table.get(name))
        except ValueError as fault:
            raise self._fault(f"holds {name} = ..., and what stands there {fault}") from None

    def _read_list(self, table: Mapping[str, Any], name: str) -> tuple[bytes, ...]:
        """One public key or a list of them."""
        listed = table[name] if isinstance(table[name], list) else [table[name]]
        if not listed:
            raise self._fault(f"holds {name} = ..., and what stands there is an empty list")
        return tuple(self._read({name: one}, name, "pub_") for one in listed)

    def _fault(self, text: str) -> ValueError:
        return ValueError(f"the key file {self.path!r} {text}")


def client_key(path: Optional[str]) -> Optional[ClientKey]:
    """None: that of KVMESH_KEY, if that is set; "none": no key."""
    chosen = path if path is not None else os.environ.get("KVMESH_KEY", "")
    return None if chosen in ("", "none") else ClientKey(chosen)
