#!/usr/bin/python3
"""Does what "Three machines in ten commands" of config/SECURITY.md tells its reader, with a network namespace for each machine.

Exit status 77: this machine lets us make no namespaces. The environment: KVMESH_TEST_BUILD is the build to try."""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../distributed", "../distributed/chaos"):
    sys.path.insert(0, os.path.join(HERE, folder))
import namespaces  # noqa: E402
from harness import ROOT, clean_environment, die_with_parent, eventually  # noqa: E402

BUILD = os.path.abspath(os.environ.get("KVMESH_TEST_BUILD", os.path.join(ROOT, "build/release")))
MACHINES = ("foo", "bar", "baz")
TABLE = '{ range = "a..h", node = "foo@dc1" }, { range = "i..p", node = "bar@dc1" }, { range = "*", node = "baz@dc1" }'


def commands():
    """The block, one command a line."""
    with open(os.path.join(ROOT, "config/SECURITY.md"), encoding="utf-8") as file:
        section = file.read().split("## Three machines in ten commands", 1)[1]
    lines = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1].splitlines()
    assert len(lines) == 10, f"{len(lines)} commands"
    return lines


class Machines:
    def __init__(self, folder):
        self.folder = folder
        self.networks = namespaces.Networks(MACHINES)
        self.hosts = {f"10.0.0.{i + 1}": name for i, name in enumerate(MACHINES)}  # as the page calls them
        self.processes = []
        os.mkdir(os.path.join(folder, "admin"))
        for name in MACHINES:
            os.mkdir(os.path.join(folder, name))
            with open(os.path.join(folder, "admin", name + ".toml"), "w", encoding="ascii") as file:
                file.write(self.config(name))

    def here(self, text):
        for page, name in self.hosts.items():
            text = text.replace(page, self.networks.hosts[name])
        return text

    def config(self, name):
        host = self.networks.hosts[name]
        peers = "".join(f'"{peer}@dc1" = "tcp://{self.networks.hosts[peer]}:5550"\n' for peer in MACHINES if peer != name)
        return (f'name = "{name}@dc1"\napps = ["kv"]\n[mesh]\nlisten = "tcp://{host}:5550"\nkey = "{name}@dc1.key"\n'
                f'security = "security.toml"\n[mesh.peers]\n{peers}[kv]\nrouting_table = [{TABLE}]\n')

    def on_path(self):
        """A PATH with our programs, and an scp that copies to the folder of a machine."""
        tools = os.path.join(self.folder, "tools")
        os.mkdir(tools)
        cases = "".join(f'{host}:) cp -p "${{@:1:$#-1}}" {self.folder}/{name}/ ;;\n'
                        for host, name in ((self.networks.hosts[name], name) for name in MACHINES))
        with open(os.open(os.path.join(tools, "scp"), os.O_WRONLY | os.O_CREAT, 0o755), "w", encoding="ascii") as file:
            file.write(f'#!/bin/bash\ncase "${{@: -1}}" in\n{cases}*) exit 1 ;;\nesac\n')
        return f"{tools}:{BUILD}:{os.environ['PATH']}"

    def start(self, path):
        for name in MACHINES:
            command = [*self.networks.place(name)["prefix"], os.path.join(BUILD, "kvmesh-node"), "--config", name + ".toml"]
            log = open(os.path.join(self.folder, name, "log"), "wb")  # noqa: SIM115  of the process
            self.processes.append(subprocess.Popen(command, cwd=os.path.join(self.folder, name), stderr=log, stdout=log,
                                                   env=clean_environment({"PATH": path}), preexec_fn=die_with_parent))

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)


def shell(script, folder, path, status=0):
    done = subprocess.run(["bash", "-euc", script], cwd=folder, env=clean_environment({"PATH": path}), capture_output=True,
                          text=True, timeout=60, check=False)
    if done.returncode != status:
        raise AssertionError(f"{script}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def try_it(machines):
    path = machines.on_path()
    admin = os.path.join(machines.folder, "admin")
    lines = [machines.here(line) for line in commands()]
    shell("\n".join(lines), admin, path)
    keyed = lines[-1]
    machines.start(path)

    def up():
        done = subprocess.run(["bash", "-c", keyed + "\nkvmesh info --mesh"], cwd=admin, env=clean_environment({"PATH": path}),
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode == 0 and all(f"{name}@dc1" in done.stdout for name in MACHINES)
    eventually(up, 20, "all three nodes are up")
    for bucket in ("apples", "kiwis", "zebras"):
        shell(f"{keyed}\nkvmesh create {bucket}\nkvmesh put {bucket} k v\ntest $(kvmesh get {bucket} k) = v", admin, path)
    refused = shell(keyed + "\nunset KVMESH_KEY\nkvmesh get apples k", admin, path, status=14)
    assert "key" in refused, refused
    print(f"ten commands, three machines: a mesh with keys. Without one: {refused.strip()}")


def main():
    reason = namespaces.enter()
    if reason is not None:
        print(f"skipped: {reason}")
        return 77
    with tempfile.TemporaryDirectory(prefix="kvmesh-test-") as folder:
        machines = Machines(folder)
        try:
            try_it(machines)
        except AssertionError:
            for name in MACHINES:
                with open(os.path.join(folder, name, "log"), encoding="utf-8", errors="replace") as file:
                    print(f"--- {name}\n{file.read()}")
            raise
        finally:
            machines.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
