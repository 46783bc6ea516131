"""Starts real kvmesh-node processes for the tests of this folder, and stops them again, whatever happens.

A test describes its nodes, then starts them:

    mesh = self.mesh()                       # of MeshTest
    foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")])
    bar = mesh.add("bar", apps=["kv"])
    mesh.start()
    foo.line().ask("PING")

At its end every node that still runs gets SIGTERM and must exit 0 within two seconds, without a sanitizer's report.
"""

import ctypes
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from line_client import LineClient
from mesh_client import MeshClient
from ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NODE_BIN = os.environ.get("KVMESH_NODE_BIN", os.path.join(ROOT, "build/release/kvmesh-node"))
COMMAND_BIN = os.environ.get("KVMESH_BIN", os.path.join(ROOT, "build/release/kvmesh"))

# Sanitizers make everything slower; tests/distributed/CMakeLists.txt states how much later things may happen then.
TIME_FACTOR = float(os.environ.get("KVMESH_TEST_TIME_FACTOR", "1"))
SANITIZED = TIME_FACTOR > 1

REPORTS = re.compile(r"Sanitizer|runtime error:|Assertion failed|terminate called|\[critical\]")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))


def patience():
    """How many times as long things may take here and now: sanitizers, and other programs that want the processors."""
    with open("/proc/loadavg", encoding="ascii") as file:
        last_minute, _, _, now, _ = file.read().split()
    wanting = max(float(last_minute), float(now.split("/")[0]))
    return TIME_FACTOR * max(1.0, 2 * wanting / len(os.sched_getaffinity(0)))


def eventually(condition, timeout=5.0, what="the condition"):
    """The first true value of condition(), asked again and again. AssertionError when there is none in time."""
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        value = condition()
        if value:
            return value
        if waited > timeout * TIME_FACTOR and waited > timeout * patience():
            raise AssertionError(f"{what}: not within {waited:g} s; the last value was {value!r}")
        time.sleep(0.005)


def full_name(name):
    return name if "@" in name else name + "@localhost"


def clean_environment(extra=None):
    """The environment without our own variables, which nodes would read as settings."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("KVMESH_")}
    env.update(extra or {})
    return env


def die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Node:
    """One node: its settings, and the process while it runs. `name` is short ("foo"), full_name is "foo@localhost"."""

    host = "127.0.0.1"

    def __init__(self, mesh, name, apps=("kv", "kv_server"), table=None, peers=None, settings=None, vias=None):
        self.mesh = mesh
        self.name = name
        self.full_name = full_name(name)
        self.apps = list(apps)
        self.table = table if table is not None else [("*", name)]
        self.peers = peers  # None: all that the table names
        self.vias = vias or {}  # by name of a node, the peer that leads to it
        self.addresses = {}  # by name of a peer, where this node finds it, when it is not where the others do
        self.prefix = []     # words before the command, such as those that enter a network namespace
        self.settings = {section: dict(keys) for section, keys in (settings or {}).items()}
        self.command = None  # None: kvmesh-node; else another program that takes the settings' path last
        self.process = None
        self.incarnation = 0
        self.clients = []
        self.client_keys = None  # of nodes with keys: the client's, and this node's (keys.py)
        self.choose_ports()

    def choose_ports(self):
        self.mesh_port = free_port()
        self.tcp_port = free_port()

    @property
    def endpoint(self):
        return f"tcp://{self.host}:{self.mesh_port}"

    @property
    def config_path(self):
        return os.path.join(self.mesh.directory, self.name + ".toml")

    @property
    def log_path(self):
        return os.path.join(self.mesh.directory, f"{self.name}.{self.incarnation}.log")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    # --- configuration

    def config(self):
        def value(v):
            if isinstance(v, list):
                return "[" + ", ".join(map(value, v)) + "]"
            return ("true" if v else "false") if isinstance(v, bool) else str(v) if isinstance(v, int) else f'"{v}"'

        sections = {"mesh": {"listen": self.endpoint}, "kv_server": {"listen": f"{self.host}:{self.tcp_port}"},
                    "kv": {}}
        top = [f'name = "{self.full_name}"', "apps = [" + ", ".join(f'"{app}"' for app in self.apps) + "]"]
        for section, keys in self.settings.items():
            if section == "":
                top += [f"{key} = {value(v)}" for key, v in keys.items()]
            else:
                sections.setdefault(section, {}).update(keys)
        text = top
        for section, keys in sections.items():
            text.append(f"[{section}]")
            text += [f"{key} = {value(v)}" for key, v in keys.items()]
            if section == "kv":
                text.append("routing_table = [")
                text += [f'  {{ range = "{r}", node = "{full_name(n)}" }},' for r, n in self.table]
                text.append("]")
        text.append("[mesh.peers]")
        names = self.peers if self.peers is not None else [n for _, n in self.table]
        for peer in dict.fromkeys(n for n in names if n != self.name):
            text.append(f'"{full_name(peer)}" = "{self.addresses.get(peer) or self.mesh.address_of(peer)}"')
        text += [f'"{full_name(node)}" = {{ via = "{full_name(peer)}" }}' for node, peer in self.vias.items()]
        return "\n".join(text) + "\n"

    def write_config(self):
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(self.config())

    # --- the process

    def launch(self, arguments=(), environment=None):
        """Starts the process and does not wait. Its log, of this incarnation only, is in log_path."""
        self.write_config()
        self.incarnation += 1
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *(self.command or [NODE_BIN, "--config"]), self.config_path, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean_environment(environment), preexec_fn=die_with_parent, start_new_session=True)

    def is_ready(self):
        return re.search(r"\bready\b", self.log()) is not None

    def has_ended(self):
        return self.process.poll() is not None

    def wait_ready(self):
        eventually(lambda: self.is_ready() or self.has_ended(), 10, f"{self.name} is ready")
        if self.has_ended():
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")

    def start(self, arguments=(), environment=None):
        """REQUIRES: not running. Also how a node that was killed comes back: on the same ports."""
        self.launch(arguments, environment)
        self.wait_ready()
        return self

    def send_signal(self, number):
        self.process.send_signal(number)

    def stop_running(self):
        """SIGSTOP; returns when every thread stands still."""
        self.send_signal(signal.SIGSTOP)
        eventually(lambda: self.state() == "T", 2, f"{self.name} is stopped")

    def resume(self):
        self.send_signal(signal.SIGCONT)

    def kill(self):
        self.send_signal(signal.SIGKILL)
        self.process.wait()  # blocks: a wait with a time-out would poll
        self.forget_clients()

    def terminate(self, number=signal.SIGTERM):
        """Asks the node to end; asserts that it does, with status 0, within 2 s. Returns the seconds it took."""
        began = time.monotonic()
        self.send_signal(number)
        try:
            status = self.process.wait(2.0 * patience())
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"{self.name} still runs 2 s after signal {number}:\n{self.log()[-3000:]}") from None
        took = time.monotonic() - began
        if status != 0:
            raise AssertionError(f"{self.name} ended with {status} after signal {number}:\n{self.log()[-3000:]}")
        self.forget_clients()
        return took

    def restart(self):
        self.terminate()
        return self.start()

    def _proc(self, name):
        with open(f"/proc/{self.process.pid}/{name}", encoding="utf-8") as file:
            return file.read()

    def state(self):
        return re.search(r"^State:\s+(\S)", self._proc("status"), re.M).group(1)

    def _status_bytes(self, key):
        return int(re.search(rf"^{key}:\s+(\d+) kB", self._proc("status"), re.M).group(1)) * 1024

    def rss_bytes(self):
        return self._status_bytes("VmRSS")

    def peak_rss_bytes(self):
        """The most that rss_bytes() was since the process began, or since forget_peak_rss()."""
        return self._status_bytes("VmHWM")

    def forget_peak_rss(self):
        """The peak counts anew from here; returns rss_bytes()."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="utf-8") as file:
            file.write("5")
        return self.rss_bytes()

    def cpu_seconds(self):
        fields = self._proc("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # --- talking to it

    def line(self, **options):
        client = LineClient(self.host, self.tcp_port, **options)
        self.clients.append(client)
        return client

    def client(self, **options):
        """A connected mesh client that has said HELLO."""
        client = MeshClient(self.endpoint, **{"keys": self.client_keys, **options})
        self.clients.append(client)
        return client

    def info(self, client=None):
        if client is not None:
            return client.ok(None, "node.info")
        with MeshClient(self.endpoint, keys=self.client_keys) as own:
            return own.ok(None, "node.info")

    def peer(self, name, client=None):
        """What node.info says of the link to `name`."""
        return next(p for p in self.info(client)["peers"] if p["name"] == full_name(name))

    def reaches(self, name):
        """Whether a request gets through to the peer `name` now."""
        with MeshClient(self.endpoint, keys=self.client_keys) as own:
            return own.call(full_name(name), "node.ping", timeout_ms=1000).code == "ok"

    def forget_clients(self):
        for client in self.clients:
            client.close()
        self.clients = []


class Mesh:
    """A set of nodes in one temporary directory."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="kvmesh-test-")
        self.nodes = {}
        self.addresses = {}  # of peers that are no nodes of ours, set by tests

    def add(self, name, **options):
        self.nodes[name] = Node(self, name, **options)
        return self.nodes[name]

    def address_of(self, name):
        return self.addresses[name] if name in self.addresses else self.nodes[name].endpoint

    def start(self, connected=True):
        """Starts every node, again on other ports when one was taken; waits until each reaches its peers."""
        for _ in range(5):
            for node in self.nodes.values():
                node.launch()
            for node in self.nodes.values():
                eventually(lambda n=node: n.is_ready() or n.has_ended(), 15, f"{node.name} is ready")
            failed = [n for n in self.nodes.values() if n.has_ended()]
            if not failed:
                break
            if not all("taken" in n.log() or "in use" in n.log() for n in failed):
                raise AssertionError("".join(f"{n.name} ended with {n.process.returncode}:\n{n.log()}" for n in failed))
            for node in self.nodes.values():
                if not node.has_ended():
                    node.kill()
                node.choose_ports()
        if connected:
            self.wait_connected()
        return self

    def wait_connected(self):
        for node in self.nodes.values():
            names = node.peers if node.peers is not None else [n for _, n in node.table]
            for peer in dict.fromkeys(names):
                if peer != node.name and peer not in self.addresses:
                    eventually(lambda n=node, p=peer: n.reaches(p), 5, f"{node.name} reaches {peer}")

    def close(self):
        """Ends all that still runs; returns what was wrong with how it ended."""
        faults = []
        running = [n for n in self.nodes.values() if n.process is not None and not n.has_ended()]
        for node in running:
            node.forget_clients()
            node.send_signal(signal.SIGCONT)
            try:
                node.terminate()
            except AssertionError as fault:
                faults.append(str(fault))
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log"):
                with open(os.path.join(self.directory, name), encoding="utf-8", errors="replace") as file:
                    text = file.read()
                found = REPORTS.search(text)
                if found:
                    faults.append(f"{name}:\n{text[max(0, found.start() - 200):][:6000]}")
        for node in self.nodes.values():
            node.forget_clients()
            if node.process is not None and node.has_ended() and node.process.returncode in (-6, -11, -7, -8, -4):
                faults.append(f"{node.name} died of signal {-node.process.returncode}:\n{node.log()[-3000:]}")
        shutil.rmtree(self.directory, ignore_errors=True)
        return faults


class MeshTest(unittest.TestCase):
    """A test case whose meshes end with it."""

    def mesh(self):
        mesh = Mesh()
        self.addCleanup(self._close, mesh)
        return mesh

    def _close(self, mesh):
        faults = mesh.close()
        if faults:
            self.fail("\n".join(faults))

    def single(self, **options):
        """One started node that stores everything and serves both protocols."""
        mesh = self.mesh()
        node = mesh.add("foo", **options)
        mesh.start()
        return node

    def pair(self, settings=None):
        """foo (a..m and the TCP server) and bar (the rest, storage only)."""
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")], settings=settings)
        bar = mesh.add("bar", apps=["kv"], settings=settings)
        mesh.start()
        return foo, bar

    def run_to_end(self, command, status=0, given="", environment=None):
        """What a program writes to stdout; `self.stderr` has the rest, as text. Asserts how it ends.

        `given` is its stdin. It is text or bytes, and so is what comes back."""
        done = subprocess.run(command, input=given, text=isinstance(given, str), capture_output=True, check=False,
                              timeout=60 * patience(), env=clean_environment(environment), preexec_fn=die_with_parent)
        self.stderr = done.stderr if isinstance(given, str) else done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, status, (command, done.stdout[-2000:], self.stderr[-2000:]))
        return done.stdout

    def within(self, seconds, began, what):
        """Asserts that no more than `seconds`, times the sanitizers' factor, have passed since `began`."""
        took = time.monotonic() - began
        self.assertLess(took, seconds * patience(), f"{what} took {took:.3f} s")


def main():
    unittest.main(verbosity=2)
