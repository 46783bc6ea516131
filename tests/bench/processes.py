"""Starts what a benchmark needs, on free loopback ports, and stops all of it whatever happens.

Without persistence, but for the servers whose name says `durable`: their folders are on a disk, see disk.py.
"""

import ctypes
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from disk import state_parent

# Behind ours, for both folders have a load.py.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../distributed"))
from ports import free_port  # noqa: E402  so that tests beside us choose others

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 20


class Failed(Exception):
    """A benchmark cannot go on; the text says why."""


def eventually(condition, what, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def ask_line(port, line, want):
    """Whether a TCP server answers `line` with something that begins with `want`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(line)
            return connection.recv(256).startswith(want)
    except OSError:
        return False


def ask_tls(port, line, want):
    """The same of one with TLS, whoever it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (socket.create_connection(("127.0.0.1", port), timeout=1) as plain,
              context.wrap_socket(plain) as connection):
            connection.sendall(line)
            return connection.recv(256).startswith(want)
    except OSError:  # ssl.SSLError is one
        return False


class Process:
    """One child. It dies with us, and its output goes to a file that is shown when it ends too early."""

    def __init__(self, directory, name, command):
        self.name, self.command = name, command
        self.log_path = os.path.join(directory, f"{name}.{random.getrandbits(32):x}.log")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KVMESH_")}
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                          cwd=directory, preexec_fn=self._die_with_parent)

    @staticmethod
    def _die_with_parent():
        os.setpgid(0, 0)  # so that Ctrl-C reaches only us, and we stop it in order
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def check_alive(self):
        if self.child.poll() is not None:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                raise Failed(f"{self.name} ended with {self.child.returncode}:\n{log.read()[-2000:]}")

    def cpu_seconds(self):
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_bytes(self):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii", errors="replace") as file:
            line = next(line for line in file if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def stop(self):
        self.child.kill()
        self.child.wait()

    def end(self, seconds):
        """As an operator ends it."""
        self.child.terminate()
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{self.name} did not end within {seconds} s") from error
        if self.child.returncode != 0:
            raise Failed(f"{self.name} ended with {self.child.returncode} when it was asked to end")


class Server:
    """Something to put a load on: a protocol, an endpoint and the processes behind it."""

    def __init__(self, protocol, endpoint, processes, port=None, options=None, folder=None):
        self.protocol = protocol
        self.folder = folder  # on the disk; removed when it stops
        self.options = options or {}  # of the load generator, beside the case's own
        self.endpoint = endpoint
        self.processes = processes
        self.port = port
        self.loaded = set()  # the key sets that it holds

    def cpu_seconds(self):
        return sum(process.cpu_seconds() for process in self.processes)

    def check_alive(self):
        for process in self.processes:
            process.check_alive()

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Arena:
    """All servers of a run, by name, started when first asked for."""

    def __init__(self, binaries, disk=None):
        """`disk`: where durable servers keep their folders; none: disk.state_parent() chooses."""
        self.binaries = binaries
        self.directory = tempfile.mkdtemp(prefix="kvmesh-bench-")
        self._disk, self._state = disk, None
        self.servers = {}
        self._starting = []

    def close(self):
        for server in self.servers.values():
            server.stop()
        for process in self._starting:
            process.stop()
        for directory in (self.directory, self._state):
            if directory:
                shutil.rmtree(directory, ignore_errors=True)

    def state_folder(self):
        """A new folder on the disk."""
        if self._state is None:
            self._state = tempfile.mkdtemp(prefix="kvmesh-bench-", dir=self._disk or state_parent())
        return tempfile.mkdtemp(dir=self._state)

    def keep_only(self, names):
        """Stops what the next case does not need, so that it takes no processor time."""
        for name in [n for n in self.servers if n not in names]:
            self.servers.pop(name).stop()

    def get(self, name):
        if name not in self.servers:
            make = getattr(self, "_make_" + name.split(":")[0].replace("-", "_"))
            self.servers[name] = make(*name.split(":")[1:])
            self._starting = []
        self.servers[name].check_alive()
        return self.servers[name]

    def fresh(self, name):
        if name in self.servers:
            self.servers.pop(name).stop()
        return self.get(name)

    def _start(self, name, command):
        process = Process(self.directory, name, command)
        self._starting.append(process)
        return process

    def start_again(self, server, seconds):
        """Starts the one process of a server anew, which has ended, and returns how long it took until it served."""
        ended, = server.processes
        began = time.monotonic()
        process = Process(self.directory, ended.name, ended.command)
        server.processes = [process]
        eventually(lambda: process.check_alive() or ask_line(server.port, b"PING\r\n", b"PONG"), "the node serves", seconds)
        return time.monotonic() - began

    def _wait(self, condition, what):
        def asked():
            for process in self._starting:
                process.check_alive()
            return condition()

        eventually(asked, what)

    # --- kvmesh

    def _node(self, name, table, peers=(), apps=("kv", "kv_server"), extra="", tasks=False, mesh=None, state=(),
              security=None, certificate=None):
        """Starts one node; `table` is [(range, node)], `peers` {name: endpoint}; `tasks`: it has the module bench;
        `mesh`: its endpoint; `state`: (folder, durability); `security`: a secure_servers.Keys; `certificate`: its path without
        .crt, whose port then speaks TLS. Returns (process, mesh, tcp port)."""
        mesh, tcp = mesh or f"tcp://127.0.0.1:{free_port()}", free_port()
        lines = [f'name = "{name}@localhost"', "apps = [" + ", ".join(f'"{a}"' for a in apps) + "]"]
        lines += [line for line in extra.split(";") if line.startswith("threads")]
        lines += [f'state_dir = "{state[0]}"'] if state else []
        lines += ["[log]", 'level = "error"', "[mesh]", f'listen = "{mesh}"']
        lines += [f'key = "{security.key_file(name)}"', f'security = "{security.path}"'] if security else []
        lines += ["[mesh.peers]"]
        lines += [f'"{peer}@localhost" = "{endpoint}"' for peer, endpoint in dict(peers).items()]
        lines += ["[kv_server]", f'listen = "127.0.0.1:{tcp}"', "connections_max = 15000"]
        if certificate:
            lines += [f'tls = {{ certificate = "{certificate}.crt", key = "{certificate}.key" }}']
        if tasks:
            lines += ["[tasks]", "queue_max = 200000", "processes_max = 200000", "time_limit_ms = 3600000"]
        lines += ["[kv]", 'memory_max = "8GiB"']
        lines += [f'durability = "{state[1]}"'] if state else []
        lines += ["routing_table = ["]
        lines += [f'  {{ range = "{r}", node = "{n}@localhost" }},' for r, n in table] + ["]"]
        path = os.path.join(self.directory, f"{name}-{tcp}.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        program = [self.binaries["kvmesh-bench"], "node"] if tasks else [self.binaries["kvmesh-node"], "--config"]
        return self._start(name, [*program, path]), mesh, tcp

    def _ready(self, tcp, ask=ask_line):
        self._wait(lambda: ask(tcp, b"CREATE bench\r\n", b"OK"), "the nodes are connected")

    def _make_local(self, extra="", entries="1", _label=""):
        table = [("*", "store")] if entries == "1" else [(f"0x{b:02x}", "store") for b in range(int(entries))]
        process, mesh, tcp = self._node("store", table, extra=extra)
        self._ready(tcp)
        server = Server("line", f"127.0.0.1:{tcp}", [process], tcp)
        server.mesh = mesh
        return server

    def _make_durable(self, durability, _label=""):
        folder = self.state_folder()
        process, mesh, tcp = self._node("store", [("*", "store")], state=(folder, durability))
        self._ready(tcp)
        server = Server("line", f"127.0.0.1:{tcp}", [process], tcp, folder=folder)
        server.mesh = mesh
        return server

    def _make_durable_hop(self, durability):
        """A TCP-only node before a durable one."""
        folder = self.state_folder()
        store, after, _ = self._node("store", [("*", "store")], apps=["kv"], state=(folder, durability))
        gate, _, tcp = self._node("gate", [("*", "store")], {"store": after}, ["kv_server"])
        self._ready(tcp)
        return Server("line", f"127.0.0.1:{tcp}", [gate, store], tcp, folder=folder)

    def _make_native(self):
        server = self._make_local()
        server.protocol, server.endpoint = "native", server.mesh
        return server

    def _make_hops(self, count, secure=None):
        """A TCP-only node, nodes that only pass on, and a store: `count` links between them. `secure` makes the Keys of
        nodes with these names; none: they have none."""
        names = ["gate"] + [f"way{i}" for i in range(1, int(count))] + ["store"]
        security = secure(names) if secure else None
        processes, after = [], None
        for i in reversed(range(len(names))):
            name = names[i]
            apps = {"gate": ["kv_server"], "store": ["kv"]}.get(name, [])
            target = names[min(i + 1, len(names) - 1)]
            peers = {target: after} if after else {}
            process, after, tcp = self._node(name, [("*", target)], peers, apps, security=security)
            processes.insert(0, process)
        self._ready(tcp)
        return Server("line", f"127.0.0.1:{tcp}", processes, tcp)

    def _make_tasks(self):
        """One node with the module bench."""
        process, mesh, tcp = self._node("far", [("*", "far")], tasks=True)
        self._ready(tcp)
        return Server("task", mesh, [process], tcp)

    def _make_task_hop(self, label=""):
        """The same behind another node, which calls go through; `label` both: that one has the module too, and is a peer."""
        both = label == "both"
        mesh = f"tcp://127.0.0.1:{free_port()}"
        far, after, _ = self._node("far", [("*", "far")], {"near": mesh} if both else {}, ["kv"], tasks=True)
        near, _, tcp = self._node("near", [("*", "far")], {"far": after}, ["kv_server"], tasks=both, mesh=mesh)
        self._ready(tcp)
        server = Server("task", mesh, [near, far], tcp, {"at": "far@localhost"})
        server.far = after
        return server

    # --- what it is compared with

    def _redis(self, folder=None, fsync=None, tls=()):
        """With a folder it appends to a file there, which it never rewrites: that would cost it time meanwhile. `tls`:
        the options of its port, when that is one with TLS."""
        port = free_port()
        listens = ["--port", "0", "--tls-port", str(port), *tls] if tls else ["--port", str(port)]
        kept = ["--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0"] if folder else []
        process = self._start("redis", ["redis-server", *listens, "--bind", "127.0.0.1", "--save", "",
                                        "--appendonly", "yes" if folder else "no", "--loglevel", "warning",
                                        "--maxclients", "15000", "--dir", folder or self.directory, *kept])
        ask = ask_tls if tls else ask_line
        self._wait(lambda: ask(port, b"PING\r\n", b"+PONG"), "redis-server answers")
        return process, port

    def _make_redis(self):
        process, port = self._redis()
        return Server("redis", f"127.0.0.1:{port}", [process], port)

    def _make_redis_durable(self, fsync):
        folder = self.state_folder()
        process, port = self._redis(folder, fsync)
        return Server("redis", f"127.0.0.1:{port}", [process], port, folder=folder)

    def _make_twemproxy(self):
        redis, redis_port = self._redis()
        proxy, port = self._twemproxy(redis_port)
        return Server("redis", f"127.0.0.1:{port}", [proxy, redis], port)

    def _twemproxy(self, redis_port):
        port, stats = free_port(), free_port()
        path = os.path.join(self.directory, f"twemproxy-{port}.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"pool:\n  listen: 127.0.0.1:{port}\n  redis: true\n  hash: fnv1a_64\n  distribution: ketama\n"
                       f"  backlog: 1024\n  timeout: 5000\n  auto_eject_hosts: false\n  servers:\n"
                       f"   - 127.0.0.1:{redis_port}:1\n")
        proxy = self._start("nutcracker", ["nutcracker", "-c", path, "-a", "127.0.0.1", "-s", str(stats), "-v", "1"])
        self._wait(lambda: ask_line(port, b"*2\r\n$3\r\nGET\r\n$1\r\nx\r\n", b"$-1"), "twemproxy answers")
        return proxy, port

    def _make_memcached(self):
        port = free_port()
        command = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1", "-m", "4096", "-c", "15000"]
        process = self._start("memcached", command + (["-u", "nobody"] if os.geteuid() == 0 else []))
        self._wait(lambda: ask_line(port, b"version\r\n", b"VERSION"), "memcached answers")
        return Server("memcached", f"127.0.0.1:{port}", [process], port)

    def _make_nats(self):
        """Two servers with a route between them; whoever answers is at the second one."""
        near, far, near_route, far_route = (free_port() for _ in range(4))
        common = ["nats-server", "-a", "127.0.0.1", "--cluster_name", "bench"]
        first = self._start("nats-near", common + ["-p", str(near), "--cluster", f"nats://127.0.0.1:{near_route}"])
        second = self._start("nats-far", common + ["-p", str(far), "--cluster", f"nats://127.0.0.1:{far_route}",
                                                   "--routes", f"nats://127.0.0.1:{near_route}"])
        self._wait(lambda: ask_line(near, b"", b"INFO") and ask_line(far, b"", b"INFO"), "nats-server answers")
        responder = self._start("nats-responder", [self.binaries["kvmesh-bench"], "nats-responder", f"127.0.0.1:{far}"])
        self._wait(lambda: self._nats_answers(near), "NATS answers through the route")
        return Server("nats", f"127.0.0.1:{near}", [first, second, responder], near)

    def _make_nats_alone(self):
        """One server, and whoever answers."""
        port = free_port()
        server = self._start("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(port)])
        self._wait(lambda: ask_line(port, b"", b"INFO"), "nats-server answers")
        responder = self._start("nats-responder", [self.binaries["kvmesh-bench"], "nats-responder", f"127.0.0.1:{port}"])
        self._wait(lambda: self._nats_answers(port), "NATS answers")
        return Server("nats", f"127.0.0.1:{port}", [server, responder], port)

    @staticmethod
    def _nats_answers(port):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.3) as connection:
                connection.sendall(b'CONNECT {"verbose":false}\r\nSUB probe 1\r\nPUB kv probe 5\r\nG a b\r\n')
                seen = b""
                while b"MSG probe" not in seen:
                    piece = connection.recv(4096)
                    if not piece:
                        return False
                    seen += piece
                return True
        except OSError:
            return False

    def _make_null(self):
        port = free_port()
        process = self._start("null", [self.binaries["kvmesh-bench"], "null-server", f"127.0.0.1:{port}"])
        self._wait(lambda: ask_line(port, b"x\r\n", b"OK"), "the null server answers")
        return Server("null", f"127.0.0.1:{port}", [process], port)

    def _make_echo(self):
        port = free_port()
        process = self._start("echo", [self.binaries["kvmesh-bench"], "echo-server", f"tcp://127.0.0.1:{port}"])
        self._wait(lambda: ask_line(port, b"", b"\xff"), "the echo server answers")
        return Server("echo", f"tcp://127.0.0.1:{port}", [process], port)
