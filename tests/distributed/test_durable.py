#!/usr/bin/python3
"""A node with a state_dir: what was acknowledged is there after it was killed, stopped or started elsewhere, and a folder
that is not its own is left alone."""

import os
import random
import resource
import shutil
import subprocess

from harness import COMMAND_BIN, NODE_BIN, MeshTest, clean_environment, eventually, main
from load import Load, lost

ROUNDS = 6


class Durable(MeshTest):
    def durable_node(self, name="foo", durability="always", **options):
        """A started node that keeps its buckets in a folder beside its configuration; the path is relative to that."""
        mesh = self.mesh()
        settings = {"": {"state_dir": name + ".state"}, "kv": {"durability": durability}}
        node = mesh.add(name, settings=settings, **options)
        mesh.start()
        return node

    def refused(self, node, *arguments):
        """What a node says that does not start with the settings of `node`; its exit status is 2."""
        node.write_config()
        done = subprocess.run([NODE_BIN, "--config", node.config_path, *arguments], capture_output=True, text=True,
                              timeout=60, env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def state_dir(self, node):
        return os.path.join(node.mesh.directory, node.name + ".state")

    # --- nothing acknowledged is lost

    def killed_under_load(self, durability):
        node = self.durable_node(durability=durability)
        with node.client() as client:
            client.ok(b"shopping", "kv.create")
        loads = []
        for round_ in range(ROUNDS):
            running = [Load(node, "shopping", f"r{round_}w{i}-") for i in range(4)]
            enough = random.randrange(1, 60)
            eventually(lambda: sum(len(load.acknowledged) for load in running) >= enough, 20, "some puts are acknowledged")
            node.kill()
            loads += [load.stop() for load in running]
            node.start()
            for load in loads:
                self.assertEqual(lost(node, load), [], f"round {round_}")

    def test_killed_at_any_moment_it_has_all_that_was_acknowledged(self):
        self.killed_under_load("always")

    def test_so_it_has_when_the_disk_follows_each_second(self):
        self.killed_under_load("everysec")

    def test_over_a_gate_a_killed_owner_loses_nothing_and_the_gate_does_not_mind(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("*", "foo")])
        foo = mesh.add("foo", apps=["kv"], settings={"": {"state_dir": "foo.state"}})
        mesh.start()
        with gate.client() as client:
            client.ok(b"shopping", "kv.create")
        load = Load(gate, "shopping")
        for _ in range(3):
            before = len(load.acknowledged)
            eventually(lambda: len(load.acknowledged) > before, 20, "puts are acknowledged")
            foo.kill()
            foo.start()
        last = len(load.acknowledged)
        eventually(lambda: len(load.acknowledged) > last, 20, "puts are acknowledged again")
        load.stop()
        self.assertIsNone(load.broken)
        self.assertEqual(lost(gate, load), [])

    def test_changes_that_were_made_together_are_there_together(self):
        node = self.durable_node()
        with node.client() as client:
            client.ok(b"b", "kv.create")
            for round_ in range(3):
                ids = [client.post(b"b", "kv.apply", [], [[2, b"left", 1, None], [2, b"right", 1, None],
                                                         [0, b"n%d" % i, b"%d" % round_, None]]) for i in range(50)]
                client.wait_all(ids[:random.randrange(1, 50)], 30)
                node.kill()
                node.start()
                client = node.client()
                left, right = (client.ok(b"b", "kv.get", key) for key in (b"left", b"right"))
                self.assertEqual(left, right)

    def test_stopped_and_started_it_goes_on_where_it_was(self):
        node = self.durable_node()
        client = node.client()
        client.ok(b"b", "kv.create")
        client.ok(b"gone", "kv.create")
        client.ok(b"b", "kv.put", b"k", b"v")
        client.ok(b"b", "kv.apply", [], [[0, b"short", b"v", 1], [0, b"long", b"v", 3600000]])
        client.ok(b"gone", "kv.drop")
        rev = client.ok(b"b", "kv.read", [b"k"])[0]
        node.restart()
        client = node.client()
        now, entries = client.ok(b"b", "kv.read", [b"k", b"short", b"long"])
        self.assertGreaterEqual(now, rev)
        self.assertEqual(entries[0][1], b"v")
        self.assertIsNone(entries[1])
        self.assertLessEqual(entries[2][2], 3600000)
        self.assertEqual(client.call(b"gone", "kv.count").code, "not_found")
        self.assertGreater(client.ok(b"b", "kv.apply", [], [[1, b"k"]])[1], now)
        self.assertRegex(node.log(), r"foo\.state has 1 bucket with 3 keys|foo\.state has 1 bucket with 2 keys")

    def test_a_call_is_made_once_over_a_kill(self):
        node = self.durable_node()
        client = node.client()
        client.ok(b"b", "kv.create")
        add = ([], [[2, b"n", 1, None]], bytes(range(16)))
        first = client.ok(b"b", "kv.apply", *add)
        node.kill()
        node.start()
        self.assertEqual(node.client().ok(b"b", "kv.apply", *add), first)

    def test_without_a_folder_or_with_none_nothing_is_kept(self):
        node = self.durable_node(durability="none")
        node.client().ok(b"b", "kv.create")
        self.assertEqual(node.info()["store"]["engine"], "memory")
        node.restart()
        self.assertEqual(node.client().call(b"b", "kv.count").code, "not_found")
        self.assertFalse(os.path.exists(self.state_dir(node)))

    def test_when_the_disk_takes_no_more_it_says_so_and_goes_on_reading(self):
        node = self.durable_node()
        client = node.client()
        client.ok(b"b", "kv.create")
        client.ok(b"b", "kv.put", b"first", b"v")
        self.run_to_end([COMMAND_BIN, "--node", node.endpoint, "info"])
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # of each of its files
        written, refused = [], None
        for number in range(20):
            key = b"k%d" % number
            reply = client.call(b"b", "kv.put", key, bytes(200000))
            if reply.code != "ok":
                refused = reply.code
                break
            written.append(key)
        self.assertEqual(refused, "outcome_unknown", "it was on its way to the disk")
        self.assertEqual(client.call(b"b", "kv.put", b"later", b"v").code, "unavailable")
        self.assertEqual(client.ok(b"b", "kv.get", b"first"), b"v")
        self.assertNotEqual(node.info()["store"]["journal"]["failure"], "")
        for options in ((), ("--mesh",), ("--json",)):
            self.run_to_end([COMMAND_BIN, "--node", node.endpoint, "info", *options], status=3)
            self.assertRegex(self.stderr, "foo@localhost stores nothing any more, as its journal has failed: .*; mend the disk and restart the node")
        self.assertRegex(node.log(), "the journal failed|journal has failed")
        node.kill()
        node.start()
        client = node.client()
        for key in (b"first", *written):
            self.assertIsNotNone(client.ok(b"b", "kv.get", key), key)

    def test_what_it_says_of_itself(self):
        node = self.durable_node()
        client = node.client()
        client.ok(b"b", "kv.create")
        for i in range(20):
            client.ok(b"b", "kv.put", b"%d" % i, b"v")
        store = node.info(client)["store"]
        self.assertEqual(store["engine"], "durable")
        journal = store["journal"]
        self.assertEqual(journal["durability"], "always")
        self.assertEqual(journal["failure"], "")
        self.assertEqual(journal["state_dir"], self.state_dir(node))
        self.assertGreaterEqual(journal["groups"], 21)
        self.assertGreater(journal["longest_sync_us"], 0)

    # --- folders that are not its own

    def test_a_folder_that_cannot_be_used_is_refused_and_left_as_it_is(self):
        node = self.durable_node()
        node.client().ok(b"b", "kv.create")
        folder = self.state_dir(node)
        self.assertIn(f"is in use by process {node.process.pid}; stop that node first", self.refused(node))
        node.terminate()
        other = node.mesh.add("bar", settings={"": {"state_dir": "foo.state"}})
        said = self.refused(other)
        self.assertIn('is of the node "foo@localhost", and this node is "bar@localhost"', said)
        self.assertIn("kv.memory_max", self.refused_with_little_memory(node))
        strange = os.path.join(node.mesh.directory, "strange")
        os.mkdir(strange)
        with open(os.path.join(strange, "letter.txt"), "w", encoding="utf-8") as file:
            file.write("hello")
        self.assertIn("strange", self.refused(node, "--set", f"state_dir={strange}"))
        self.assertEqual(os.listdir(strange), ["letter.txt"])
        self.assertIn("no/such", self.refused(node, "--set", "state_dir=/no/such/folder"))
        node.start()
        node.client().ok(b"b", "kv.count")
        node.terminate()
        shutil.rmtree(folder)

    def refused_with_little_memory(self, node):
        node.start()
        with node.client() as client:
            for i in range(40):
                client.ok(b"b", "kv.put", b"%d" % i, bytes(1000))
        node.terminate()
        return self.refused(node, "--set", "kv.memory_max=8KiB")

    def test_what_needs_a_folder_says_so(self):
        mesh = self.mesh()
        node = mesh.add("foo", settings={"kv": {"durability": "everysec"}})
        self.assertRegex(self.refused(node), r"kv\.durability: needs a state_dir.*add state_dir")
        node = mesh.add("bar", settings={"": {"state_dir": "s"}, "kv": {"durability": "sometimes"}})
        self.assertIn('"sometimes" is none of them; write always, everysec or none', self.refused(node))
        self.assertFalse(os.path.exists(os.path.join(mesh.directory, "s")))


if __name__ == "__main__":
    main()
