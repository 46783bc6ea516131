"""A network namespace for each node, joined by a bridge, in which connections can be lost without anybody closing them.

Everything lives in namespaces (network and mounts) of this process: when it ends, nothing of it is left."""

import os
import shutil
import subprocess
import sys

_ENTERED = "KVMESH_CHAOS_INSIDE"
_COMMANDS = ("unshare", "ip", "nsenter", "mount")


def _run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")


def enter():
    """Starts this program again in namespaces of its own, and does not return. None when that was done; else the reason
    why it cannot be."""
    if os.environ.get(_ENTERED):
        return None
    missing = [command for command in _COMMANDS if shutil.which(command) is None]
    if missing:
        return f"network namespaces need the commands {', '.join(missing)} (packages util-linux, iproute2)"
    trial = ("ip link set lo up && mount -t tmpfs none /run && mkdir /run/netns && ip netns add trial"
             " && ip link add name try-mesh type bridge"
             " && ip link add name try-a type veth peer name try-b netns trial")
    done = subprocess.run(["unshare", "--net", "--mount", "sh", "-c", trial], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        return f"this machine does not let us make network namespaces: {done.stderr.strip().splitlines()[-1:]}"
    sys.stdout.flush()
    os.environ[_ENTERED] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, "-B", *sys.argv])


class Networks:
    """10.77.0.1 is this process, 10.77.0.2 and so on are the nodes. REQUIRES: enter() has been called."""

    own_host = "10.77.0.1"

    def __init__(self, names):
        self.hosts = {name: f"10.77.0.{i + 2}" for i, name in enumerate(names)}
        _run("ip", "link", "set", "lo", "up")
        _run("mount", "-t", "tmpfs", "none", "/run")
        os.mkdir("/run/netns")
        _run("ip", "link", "add", "name", "mesh", "type", "bridge")
        _run("ip", "address", "add", f"{self.own_host}/24", "dev", "mesh")
        _run("ip", "link", "set", "mesh", "up")
        for name, host in self.hosts.items():
            _run("ip", "netns", "add", name)
            _run("ip", "link", "add", "name", f"to-{name}", "type", "veth", "peer", "name", "mesh", "netns", name)
            _run("ip", "link", "set", f"to-{name}", "master", "mesh", "up")
            for words in (("address", "add", f"{host}/24", "dev", "mesh"), ("link", "set", "mesh", "up"),
                          ("link", "set", "lo", "up")):
                _run("ip", "-n", name, *words)

    def place(self, name):
        """Where the node of this name lives, for ChaosNode."""
        return {"host": self.hosts[name], "prefix": ["nsenter", f"--net=/run/netns/{name}"]}

    def isolate(self, name):
        """What this node sends and what is sent to it is dropped, without a word to anybody."""
        _run("ip", "link", "set", f"to-{name}", "down")

    def join(self, name):
        _run("ip", "link", "set", f"to-{name}", "up")

    def cut(self, a, b):
        """Drops what these two send each other."""
        for one, other in ((a, b), (b, a)):
            _run("ip", "-n", one, "route", "replace", "blackhole", f"{self.hosts[other]}/32")

    def mend(self, a, b):
        for one, other in ((a, b), (b, a)):
            _run("ip", "-n", one, "route", "del", "blackhole", f"{self.hosts[other]}/32")
