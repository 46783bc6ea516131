#!/usr/bin/python3
"""The steps of config/README.md, "Give a range to another node", as they stand there, while clients write."""

import os
import re
import subprocess
import threading
import unittest

from harness import COMMAND_BIN, ROOT, MeshTest, clean_environment, die_with_parent, eventually, main, patience

REFUSED = ("ERROR route_loop ", "ERROR no_route ")
# Also certainly not executed: a busy machine may take a link for dead.
PUT_OFF = ("ERROR unavailable ", "ERROR overloaded ", "ERROR deadline_exceeded ")
WAYS_IN = ("foo", "bar", "gate")


def steps():
    with open(os.path.join(ROOT, "config/README.md"), encoding="utf-8") as file:
        block = re.search(r"test_give_a_range\.py runs them -->\n```console\n(.*?)```", file.read(), re.S).group(1)
    return re.findall(r"(?m)^\$ (.+)$", block)


class Writer(threading.Thread):
    """Puts, deletes and creates in buckets of its own, one request after the other, and knows what was acknowledged."""

    def __init__(self, node, number):
        super().__init__(daemon=True)
        self.client = node.line()
        self.bucket = f"{'tuvwxyz'[number % 7]}-bucket-{number}"
        self.kept = {}      # by bucket, what its keys must have; None: deleted
        self.attempts = 0
        self.refused = 0
        self.fault = None
        self.stops = False

    def ask(self, request):
        """Whether it was acknowledged. One that says that it was not executed has changed nothing."""
        reply = self.client.ask(request)
        self.attempts += 1
        if reply == "OK":
            return True
        if not reply.startswith(REFUSED + PUT_OFF):
            raise AssertionError(f"{request}: {reply}")
        self.refused += reply.startswith(REFUSED)
        return False

    def run(self):
        try:
            turn = 0
            while not self.stops:
                bucket = f"{self.bucket}-{turn // 100}"  # a new one now and then
                key = f"k{turn % 10}"
                if bucket not in self.kept:
                    if self.ask(f"CREATE {bucket}"):
                        self.kept[bucket] = {}
                elif turn % 13 == 0:
                    if self.ask(f"DELETE {bucket} {key}"):
                        self.kept[bucket][key] = None
                elif self.ask(f"PUT {bucket} {key} {turn}"):
                    self.kept[bucket][key] = str(turn)
                turn += 1
        except (AssertionError, OSError, ValueError) as fault:
            self.fault = fault


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class GiveARange(MeshTest):
    def begin(self, old, new, names=WAYS_IN):
        """Starts these of the three nodes, and writes what all are to be at the end."""
        self.net = self.mesh()
        for name in WAYS_IN:
            apps = ["kv_server"] if name == "gate" else ["kv", "kv_server"]
            self.net.add(name, apps=apps, table=old, peers=[n for n in WAYS_IN[:2] if n != name and n in names])
        later = {name: self.net.nodes.pop(name) for name in WAYS_IN if name not in names}
        self.net.start()
        self.net.nodes.update(later)
        os.mkdir(os.path.join(self.net.directory, "new"))
        for node in self.net.nodes.values():
            node.table, node.peers = new, [n for n in WAYS_IN[:2] if n != node.name]
            with open(os.path.join(self.net.directory, "new", f"{node.name}.toml"), "w", encoding="utf-8") as file:
                file.write(node.config())
        self.foo, self.bar, self.gate = (self.net.nodes[name] for name in WAYS_IN)
        programs = os.path.join(self.net.directory, "bin")
        os.mkdir(programs)
        os.symlink(COMMAND_BIN, os.path.join(programs, "kvmesh"))
        self.environment = clean_environment({
            "KVMESH_NODE": self.foo.endpoint, "GATE": self.gate.endpoint, "PATH": f"{programs}:{os.environ['PATH']}"})

    def step(self, command):
        done = subprocess.run(["bash", "-ec", "set -o pipefail; " + command], cwd=self.net.directory, env=self.environment,
                              capture_output=True, text=True, check=False, timeout=60 * patience(), preexec_fn=die_with_parent)
        self.assertEqual(done.returncode, 0, (command, done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout

    def test_no_acknowledged_write_is_lost(self):
        self.begin([("a..m", "foo"), ("t..z", "foo"), ("*", "bar")], [("a..m", "foo"), ("*", "bar")])
        self.give(WAYS_IN, lambda: None)

    def test_to_a_node_that_is_added(self):
        """bar is added by the steps of "Changes without a restart", and then gets t..z: foo has all of it before."""
        self.begin([("*", "foo")], [("t..z", "bar"), ("*", "foo")], ["foo", "gate"])

        def add_bar():
            self.bar.table = [("*", "foo")]
            self.bar.start()
            self.foo.table = [("*", "foo")]
            self.foo.write_config()
            self.assertIn(f"peer bar@localhost added, {self.bar.endpoint}", self.step("kvmesh reload foo@localhost"))
            eventually(lambda: self.step("kvmesh nodes foo@localhost | grep '^bar@localhost .* up' || true"), 10, "bar is up")

        self.give(["foo", "gate"], add_bar)

    def give(self, ways_in, prepare):
        stays = self.foo.line()
        for request in ("CREATE apple", "PUT apple k v"):
            self.assertEqual(stays.ask(request), "OK")
        writers = [Writer(self.net.nodes[ways_in[i % len(ways_in)]], i) for i in range(9)]
        for writer in writers:
            writer.start()

        def all_write(more):
            goals = [writer.attempts + more for writer in writers]
            eventually(lambda: all(w.fault or w.attempts >= goal for w, goal in zip(writers, goals)), 20, "writers go on")

        prepare()
        printed = {}
        for command in steps():
            all_write(120)
            printed[command.split(" --")[0]] = self.step(command)
        all_write(120)
        for writer in writers:
            writer.stops = True
        for writer in writers:
            writer.join(30 * patience())
        self.assertEqual([w.fault for w in writers], [None] * len(writers))
        self.assertTrue(all(w.refused > 0 for w in writers), "the range was closed for each of them")
        held = self.bar.client()
        for writer in writers:
            self.assertGreater(len(writer.kept), 1)
            for bucket, keys in writer.kept.items():
                for key, value in keys.items():
                    found = held.ok("bar@localhost", "kv.here", bucket.encode(), "kv.get", [key.encode()])
                    self.assertEqual(found, value and value.encode(), (bucket, key))
        self.assertNotIn("joins:", printed["kvmesh verify new"], "all nodes are seen")
        self.assertIn("foo@localhost holds ", printed["kvmesh verify"], "the copy was not dropped yet")
        self.assertIn("any of 3 nodes", printed["kvmesh verify"])
        self.assertRegex(printed["kvmesh drop"], r"^dropped \d+ buckets\n$")
        self.assertRegex(self.foo.log(), r"warning this node holds \d+ buckets that its table gives to others")
        self.assertEqual(self.foo.info()["store"]["strays"], 0)
        self.assertEqual(self.foo.info()["store"]["buckets"], 1)
        self.assertEqual(stays.ask("GET apple k"), "v")


if __name__ == "__main__":
    main()
