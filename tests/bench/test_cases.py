#!/usr/bin/python3
"""The cases about durable nodes and the data model give kvmesh's figures, and none when an answer was wrong or missing.
Needs no peer from Debian.

    test_cases.py KVMESH_BENCH KVMESH_NODE
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest

import disk
from durable_cases import durable_cases
from load import Plan
from model_cases import model_cases
from processes import Arena, Failed

BENCH, NODE = (os.path.abspath(path) for path in sys.argv[1:3])
SHORT = Plan(1, 0.1, True)
CASES = {case.name: case for case in durable_cases() + model_cases()}


def probe(*words):
    return subprocess.run([BENCH, *words], capture_output=True, text=True, timeout=60, check=False)


class LyingFollower:
    """A node of the line protocol with one bucket, which tells one watcher's change as `tell(rev, value)` says."""

    def __init__(self, tell):
        self.tell, self.changed, self.change = tell, threading.Condition(), None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:  # until the probe has ended
            for line in lines:
                connection.sendall(self.answer(line.split()))

    def answer(self, words):
        if words[0] == b"CREATE":
            return b"OK\r\n"
        with self.changed:
            if words[0] == b"SET":
                self.change = (11, words[3].decode())
                self.changed.notify_all()
                return b"OK 11\r\n"
            if words[2] == b"0":
                return b"RESET 10\r\n"
            self.changed.wait_for(lambda: self.change and self.change[0] > int(words[2]), timeout=20)
            return self.tell(*self.change).encode() if self.change else b""

    def close(self):
        self.listener.close()


class Cases(unittest.TestCase):
    def setUp(self):
        self.arena = Arena({"kvmesh-bench": BENCH, "kvmesh-node": NODE})
        self.addCleanup(self.arena.close)

    def ours(self, name):
        figure = CASES[name].ours(self.arena, SHORT)
        self.assertGreater(figure.value, 0)
        return figure.raw

    def test_durable_puts(self):
        for name in ("always-16", "everysec-16", "durable-hop"):
            raw = self.ours(name)
            self.assertGreater(raw["disk_syncs_per_second"], 0)
            self.assertEqual(raw["writes"], 1.0)

    def test_reads_beside_writes(self):
        self.assertEqual(self.ours("durable-reads")["missing_keys"], 0)

    def test_starts_find_all_keys(self):
        for name in ("start-killed", "start-ended"):
            CASES[name].keys = lambda plan: {"buckets": 10, "keys": 1000}
            self.assertEqual(self.ours(name)["keys"], 10000)
            self.assertGreater(CASES[name].theirs(self.arena, SHORT).value, 0)

    def test_a_start_that_lost_keys_gives_no_figure(self):
        case = CASES["start-killed"]
        case.keys = lambda plan: {"buckets": 10, "keys": 100}
        again = self.arena.start_again

        def without_them(server, seconds):
            shutil.rmtree(server.folder)
            return again(server, seconds)

        self.arena.start_again = without_them
        with self.assertRaisesRegex(Failed, "0 keys came back of 1000"):
            case.ours(self.arena, SHORT)

    def test_nothing_is_left(self):
        folder = self.arena.get("durable:always").folder
        self.assertIn("db", os.listdir(folder))
        self.arena.close()
        self.assertFalse(os.path.exists(os.path.dirname(folder)))

    def test_folders_are_not_in_memory(self):
        self.assertNotIn(disk.file_system(disk.state_parent()), disk.IN_MEMORY)
        with self.assertRaisesRegex(ValueError, "/nowhere: there is no such folder"):
            disk.state_parent("/nowhere")
        if disk.file_system("/dev/shm") in disk.IN_MEMORY:
            with self.assertRaisesRegex(ValueError, "/dev/shm is in memory"):
                disk.state_parent("/dev/shm")

    def test_applies(self):
        for name in ("apply-16", "apply-16-alone"):
            self.assertEqual(self.ours(name)["failed"], {})

    def test_what_was_applied_is_there(self):
        server = self.arena.get("native")
        load = ("load", "--json", "--endpoint", server.endpoint, "--keys", "40", "-n", "3000")
        for more in (("--apply", "16"), ("--apply", "40", "--writes", "100"), ("--no-load", "--writes", "0")):
            done = probe(*load, *more)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["missing_keys"], 0)
        for more, why in ((("--apply", "41"), "more keys than a bucket"),
                          (("--apply", "2", "--protocol", "line"), "only the protocol native")):
            done = probe(*load, *more)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(why, done.stderr)

    def test_scans(self):
        for name in ("scan-values", "scan-whole"):
            raw = self.ours(name)
            self.assertGreaterEqual(raw["pages"], 100)
        CASES["scan"].theirs(self.arena, SHORT)
        server = self.arena.get("local")
        for call in ("keys", "scan", "scan-values"):
            done = probe("pages", "--endpoint", server.mesh, "--bucket", "page0000000", "--keys", "999", "--call", call)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("it told 1000 keys", done.stderr)

    def test_watchers(self):
        raw = self.ours("watchers")
        self.assertEqual((raw["watchers"], raw["told"]), (1000, 1000 * raw["changes"]))

    def test_watchers_that_are_told_something_else_give_no_figure(self):
        told = {
            "": lambda rev, value: f"1\r\n{rev} PUT watched {value}\r\nOK {rev}\r\n",
            "PUT watched other": lambda rev, value: f"1\r\n{rev} PUT watched other\r\nOK {rev}\r\n",
            "another revision": lambda rev, value: f"1\r\n12 PUT watched {value}\r\nOK 12\r\n",
            "RESET 11": lambda rev, value: f"RESET {rev}\r\n",
            "DELETE": lambda rev, value: f"1\r\n{rev} DELETE watched\r\nOK {rev}\r\n",
        }
        for why, tell in told.items():
            node = LyingFollower(tell)
            self.addCleanup(node.close)
            done = probe("watchers", "--endpoint", node.endpoint, "--bucket", "w", "--watchers", "3", "--duration", "20ms",
                         "--changes", "50")
            self.assertEqual(done.returncode, 1 if why else 0, (why, done))
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    os.environ.pop("KVMESH_NODE", None)
    unittest.main(argv=sys.argv[:1], verbosity=2)
