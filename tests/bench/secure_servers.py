"""Servers with keys, rights or TLS; see processes.py."""

import os
import shutil
import subprocess

from processes import Arena, Server, ask_line, ask_tls
from certificates import Certificates  # of the folder that processes.py has made known
from ports import free_port


class Keys:
    """Keys of nodes, made by kvmesh keygen, and a security.toml that lets everybody read and write `prefixes`. With the
    `address` of the one node also a key of a user, who may do the same."""

    def __init__(self, command, directory, label, names, prefixes, address=None):
        self.command = command
        self.directory = os.path.join(directory, "keys-" + label)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.mkdir(self.directory)
        self.path = os.path.join(self.directory, "security.toml")
        may = "may = [" + ", ".join(f'{{ on = "{prefix}", rights = "rw" }}' for prefix in prefixes) + "]\n"
        where = ["--address", address] if address else []
        nodes = [self._make(f"{name}@localhost", "--file", self.key_file(name), *where) for name in names]
        self._write("".join(nodes) + "[anonymous]\n" + may)
        if address:
            user = self._make("--user", "app", "--file", self.key_file("app"), "--security", self.path)
            self._write("".join(nodes) + user + may + "[anonymous]\n" + may)

    def _make(self, *words):
        return subprocess.run([self.command, "keygen", *words], check=True, capture_output=True, text=True).stdout

    def _write(self, text):
        with open(self.path, "w", encoding="ascii") as file:
            file.write(text)

    def key_file(self, name):
        return os.path.join(self.directory, name + ".key")


class SecureArena(Arena):
    """An Arena with these, too."""

    def _keys(self, *arguments, **more):
        return Keys(self.binaries["kvmesh"], self.directory, *arguments, **more)

    def certificates(self):
        return Certificates(self.directory)

    def certificate(self):
        """The path, without .crt or .key, of one that all servers of a run have."""
        made = self.certificates()
        if not os.path.exists(made.path("server.crt")):
            made.make("server", "localhost", "IP:127.0.0.1")
        return made.path("server")

    def _make_secure_local(self):
        """Clients are anonymous, and what they may, by the prefix of the buckets, is the last of 16 entries."""
        others = [f"team{i}:" for i in range(15)]
        security = self._keys("local", ["store"], [*others, "b"])
        process, _, tcp = self._node("store", [("*", "store")], security=security)
        self._ready(tcp)
        return Server("line", f"127.0.0.1:{tcp}", [process], tcp)

    def _make_secure_native(self):
        """Clients of the mesh protocol have the key of a user."""
        mesh = f"tcp://127.0.0.1:{free_port()}"
        security = self._keys("native", ["store"], ["*"], address=mesh)
        process, _, tcp = self._node("store", [("*", "store")], security=security, mesh=mesh)
        self._ready(tcp)
        server = Server("native", mesh, [process], tcp, {"key": security.key_file("app")})
        server.mesh = mesh
        return server

    def _make_secure_hops(self, count):
        return self._make_hops(count, lambda names: self._keys("hops", names, ["*"]))

    def _make_tls_local(self):
        process, _, tcp = self._node("store", [("*", "store")], certificate=self.certificate())
        self._ready(tcp, ask_tls)
        return Server("line", f"127.0.0.1:{tcp}", [process], tcp, {"tls": True})

    # --- what it is compared with

    def _redis_with_tls(self):
        path = self.certificate()
        return self._redis(tls=["--tls-cert-file", path + ".crt", "--tls-key-file", path + ".key", "--tls-ca-cert-file",
                                path + ".crt", "--tls-auth-clients", "no"])

    def _make_redis_tls(self):
        process, port = self._redis_with_tls()
        return Server("redis", f"127.0.0.1:{port}", [process], port, {"tls": True})

    def _make_twemproxy_tls(self):
        """Clients speak without TLS to twemproxy, that to stunnel, and stunnel with TLS to Redis."""
        redis, redis_port = self._redis_with_tls()
        port = free_port()
        path = os.path.join(self.directory, f"stunnel-{port}.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"foreground = yes\npid =\nsyslog = no\ndebug = 3\n[redis]\nclient = yes\n"
                       f"accept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{redis_port}\n")
        tunnel = self._start("stunnel", ["stunnel4", path])
        self._wait(lambda: ask_line(port, b"PING\r\n", b"+PONG"), "stunnel answers")
        proxy, port = self._twemproxy(port)
        return Server("redis", f"127.0.0.1:{port}", [proxy, tunnel, redis], port)
