#!/usr/bin/python3
"""kvmesh backup and restore: each bucket as it was at one instant, under load too; into other tables, with revisions and times
to live; nothing half-written is taken for whole."""

import json
import os
import random
import signal
import subprocess
import threading

from harness import COMMAND_BIN, MeshTest, clean_environment, die_with_parent, eventually, main

INCOMPLETE, USAGE = 3, 2
PUT, DELETE, TOUCH = 0, 1, 3


def contents(client, buckets):
    """All that stands in these buckets: {bucket: {key: (rev, expires, value)}}, with `expires` true or false."""
    out = {}
    for bucket in buckets:
        after, more, entries = None, True, {}
        while more:
            more, _, items = client.ok(bucket, "kv.scan", b"", after, 1000, True)
            for key, rev, ttl, value in items:
                entries[key] = (rev, ttl is not None, value)
                after = key
        out[bucket] = entries
    return out


class Backup(MeshTest):
    def setUp(self):
        self.folder_number = 0

    def command(self, node, *arguments, status=0):
        printed = self.run_to_end([COMMAND_BIN, "--node", node.endpoint, *arguments], status)
        return printed

    def folder(self, mesh):
        self.folder_number += 1
        return os.path.join(mesh.directory, f"backup{self.folder_number}")

    def fill(self, client, buckets, keys):
        for bucket in buckets:
            client.ok(bucket, "kv.create")
            for begin in range(0, keys, 100):
                client.ok(bucket, "kv.apply", [], [[PUT, b"k%05d" % i, b"value %d" % i, None] for i in range(begin, begin + 100)])

    # --- what was, is again

    def test_into_other_tables_all_is_as_it_was(self):
        foo, bar = self.pair()
        buckets = [b"apple", b"zebra", b"empty", b"\x00 any \xff bytes\n"]
        with foo.client() as client:
            self.fill(client, [b"apple", b"zebra"], 2500)
            client.ok(b"empty", "kv.create", 60000, 4096)
            client.ok(buckets[3], "kv.create")
            client.ok(buckets[3], "kv.apply", [], [[PUT, b"", b"\x00\r\n", None], [PUT, b"long", b"v", 3600000], [PUT, b"brief", b"v", 1]])
            before = contents(client, buckets)
        folder = self.folder(foo.mesh)
        self.assertRegex(self.command(foo, "backup", folder), r"^backed up 5002 records of 4 buckets in .* s \(\d+/s\), 0 failed\n$")
        self.assertRegex(self.command(foo, "backup", folder, "--check"), r"^whole: 5,002 records in 4 buckets, [\d.]+ KiB, of 2\d\d\d-")
        with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        self.assertEqual(sorted(node["node"] for node in manifest["nodes"]), ["bar@localhost", "foo@localhost"])
        self.assertIn({"range": "a..m", "node": "foo@localhost"}, [entry for node in manifest["nodes"] for entry in node["routing_table"]])
        other = self.single()
        self.assertRegex(self.command(other, "restore", folder),
                         r"^restored 5002 records into 4 buckets in .* s \(\d+/s\), 0 failed, 0 kept, 0 expired\n$")
        with other.client() as client:
            self.assertEqual(contents(client, buckets), before)
            self.assertEqual(client.ok(b"empty", "kv.options"), [60000, 4096])
            self.assertEqual(client.ok(b"apple", "kv.options"), [None, None])
        self.assertFalse(os.path.exists(os.path.join(folder, "restore.json")))

    def test_of_a_node_or_of_a_range(self):
        foo, bar = self.pair()
        with foo.client() as client:
            for bucket in (b"apple", b"banana", b"zebra"):
                client.ok(bucket, "kv.create")
                client.ok(bucket, "kv.put", b"k", b"v")
        for option, expected in (("--of=bar@localhost", 1), ("--of=foo@localhost", 2), ("--range=b..z", 2)):
            folder = self.folder(foo.mesh)
            printed = json.loads(self.command(foo, "--json", "backup", folder, option))
            self.assertEqual((printed["buckets"], printed["records"], printed["failed"]), (expected, expected, 0), option)
        self.command(foo, "backup", self.folder(foo.mesh), "--of", "baz@localhost", status=12)
        self.assertIn('the mesh has no node "baz@localhost"; it has foo@localhost and bar@localhost', self.stderr)

    def test_what_becomes_of_keys_that_are_there(self):
        node = self.single()
        client = node.client()
        client.ok(b"b", "kv.create")
        client.ok(b"b", "kv.apply", [], [[PUT, b"same", b"1", None], [PUT, b"changed", b"1", None], [PUT, b"removed", b"1", None]])
        before = contents(client, [b"b"])[b"b"]
        folder = self.folder(node.mesh)
        self.command(node, "backup", folder)
        client.ok(b"b", "kv.apply", [], [[PUT, b"changed", b"2", None], [DELETE, b"removed"], [PUT, b"new", b"2", None]])
        after = contents(client, [b"b"])[b"b"]
        changed = {**after, b"removed": before[b"removed"]}
        printed = json.loads(self.command(node, "--json", "restore", folder, "--if-newer"))
        self.assertEqual((printed["records"], printed["kept"]), (1, 2))
        self.assertEqual(contents(client, [b"b"])[b"b"], changed, "what is newer stays")
        client.ok(b"b", "kv.apply", [], [[DELETE, b"changed"], [4, b"same", b"0", None, 5, 0]])
        old = {**after, b"removed": before[b"removed"], b"changed": before[b"changed"], b"same": (5, False, b"0")}
        self.command(node, "restore", folder)
        self.assertEqual(contents(client, [b"b"])[b"b"], old, "whatever is there stays")
        self.command(node, "restore", folder, "--if-newer")
        self.assertEqual(contents(client, [b"b"])[b"b"], {**old, b"same": before[b"same"]}, "what is older does not")
        self.command(node, "restore", folder, "--replace")
        self.assertEqual(contents(client, [b"b"])[b"b"], before)
        self.command(node, "restore", folder, "--replace", "--if-newer", status=USAGE)

    def test_what_has_expired_meanwhile_is_not_restored(self):
        node = self.single()
        client = node.client()
        client.ok(b"b", "kv.create")
        client.ok(b"b", "kv.apply", [], [[PUT, b"brief", b"v", 4000], [PUT, b"long", b"v", 3600000]])
        folder = self.folder(node.mesh)
        self.command(node, "backup", folder)
        eventually(lambda: client.ok(b"b", "kv.get", b"brief") is None, 15, "it expires")
        printed = json.loads(self.command(node, "--json", "restore", folder, "--replace"))
        self.assertEqual((printed["records"], printed["expired"]), (1, 1))
        ttl = client.ok(b"b", "kv.read", [b"long"])[1][0][2]
        self.assertTrue(3000000 < ttl <= 3600000, ttl)

    # --- one instant

    def test_under_load_each_bucket_is_as_it_was_at_one_instant(self):
        """Money goes from account to account, so the sum is always the same; the first key is always as the last."""
        node = self.single()
        accounts, money = 5000, 100
        names = [b"account %05d" % i for i in range(accounts)]
        client = node.client()
        client.ok(b"bank", "kv.create")
        for begin in range(0, accounts, 100):
            client.ok(b"bank", "kv.apply", [], [[PUT, name, b"%d" % money, None] for name in names[begin:begin + 100]])
        stop = threading.Event()
        moved = [0]

        def move():
            with node.client() as mover:
                while not stop.is_set():
                    ids = []
                    for _ in range(30):
                        one, other = random.sample(names, 2)
                        ids.append(mover.post(b"bank", "kv.apply", [], [
                            [2, one, -1, None], [2, other, 1, None], [2, b"a first", 1, None], [2, b"z last", 1, None],
                            random.choice([[DELETE, b"comes and goes"], [PUT, b"comes and goes", b"0", 1], [TOUCH, other + b"?", 5]])]))
                    mover.wait_all(ids, 30)
                    moved[0] += len(ids)

        mover = threading.Thread(target=move)
        mover.start()
        try:
            seen = set()
            for _ in range(5):
                before = moved[0]
                eventually(lambda: moved[0] > before, 20, "money is moved")
                folder = self.folder(node.mesh)
                self.command(node, "backup", folder)
                other = self.single()
                self.command(other, "restore", folder)
                with other.client() as reader:
                    bank = contents(reader, [b"bank"])[b"bank"]
                first, last = bank.pop(b"a first"), bank.pop(b"z last")
                self.assertEqual(first, last)
                bank.pop(b"comes and goes", None)
                self.assertEqual(set(bank), set(names))
                self.assertEqual(sum(int(value) for _, _, value in bank.values()), accounts * money)
                seen.add(first[2])
        finally:
            stop.set()
            mover.join()
        self.assertEqual(len(seen), 5, "it was changed all the time")

    # --- nothing half-written is taken for whole

    def test_a_backup_that_breaks_off_is_none(self):
        node = self.single()
        self.fill(node.client(), [b"b%d" % i for i in range(20)], 2000)
        folder = self.folder(node.mesh)
        backup = subprocess.Popen([COMMAND_BIN, "--node", node.endpoint, "backup", folder], env=clean_environment(),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        eventually(lambda: os.path.isdir(folder) or backup.poll() is not None, 20, "it begins")
        backup.kill()
        backup.wait()
        if os.path.exists(os.path.join(folder, "manifest.json")):
            self.skipTest("it was quicker than the kill")
        self.command(node, "backup", folder, "--check", status=INCOMPLETE)
        self.assertIn("has no manifest.json: it holds no backup, or one that was never finished", self.stderr)
        self.command(node, "restore", folder, status=INCOMPLETE)
        self.assertIn("has no manifest.json", self.stderr)

    def test_a_damaged_backup_restores_nothing(self):
        node = self.single()
        client = node.client()
        self.fill(client, [b"b"], 1500)
        folder = self.folder(node.mesh)
        self.command(node, "backup", folder)
        path = os.path.join(folder, "000001.buckets")
        with open(path, "r+b") as file:
            file.seek(40000)
            byte = file.read(1)
            file.seek(40000)
            file.write(bytes([byte[0] ^ 1]))
        client.ok(b"b", "kv.drop")
        self.command(node, "backup", folder, "--check", status=INCOMPLETE)
        self.assertIn("the backup is not whole: ", self.stderr)
        self.command(node, "restore", folder, "--replace", status=INCOMPLETE)
        self.assertIn("nothing was restored, as the backup is not whole: ", self.stderr)
        self.assertEqual(client.call(b"b", "kv.count").code, "not_found")

    def test_a_node_that_is_away_is_named_and_the_rest_is_there(self):
        foo, bar = self.pair()
        with foo.client() as client:
            for bucket in (b"apple", b"zebra"):
                client.ok(bucket, "kv.create")
                client.ok(bucket, "kv.put", b"k", b"v")
        bar.kill()
        eventually(lambda: not foo.reaches("bar"), 5, "foo misses bar")
        folder = self.folder(foo.mesh)
        self.command(foo, "backup", folder, status=INCOMPLETE)
        self.assertIn("not in the backup: the buckets of bar@localhost", self.stderr)
        self.command(foo, "backup", folder, "--check", status=INCOMPLETE)
        self.assertIn("not in the backup: the buckets of bar@localhost", self.stderr)
        bar.start()
        self.command(foo, "restore", folder, "--replace")
        with foo.client() as client:
            self.assertEqual(client.ok(b"apple", "kv.get", b"k"), b"v")

    # --- a restore that breaks off

    def restore_broken_off(self, node, folder, mode, end):
        """Begins a restore; when it has come some way, `end(process)` ends it. Its state is there then."""
        state = os.path.join(folder, "restore.json")
        restore = subprocess.Popen([COMMAND_BIN, "--node", node.endpoint, "--timeout", "2s", "restore", folder, mode], env=clean_environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        try:
            eventually(lambda: os.path.exists(state) or restore.poll() is not None, 30, "it has come some way")
            end(restore)
            printed, said = restore.communicate(timeout=60)
        finally:
            restore.kill()
        return restore.returncode, printed, said

    def durable_node_backed_up(self, buckets):
        """A durable node with so many buckets of 1500 keys: itself, their names, what stands in them, and the folder of its backup."""
        mesh = self.mesh()
        node = mesh.add("foo", settings={"": {"state_dir": "foo.state"}})
        mesh.start()
        names = [b"b%03d" % i for i in range(buckets)]
        with node.client() as client:
            self.fill(client, names, 1500)
            before = contents(client, names)
        folder = self.folder(mesh)
        self.command(node, "backup", folder)
        return node, names, before, folder

    def drop_all(self, node, buckets):
        with node.client() as client:
            for bucket in buckets:
                client.ok(bucket, "kv.drop")

    def test_killed_or_interrupted_it_goes_on(self):
        node, buckets, before, folder = self.durable_node_backed_up(40)
        self.command(node, "restore", folder, "--resume", status=USAGE)
        self.assertIn("no restore of this backup was broken off", self.stderr)
        for mode, number in (("--replace", signal.SIGKILL), ("--replace", signal.SIGINT), ("--if-newer", signal.SIGINT)):
            self.drop_all(node, buckets)
            status, printed, said = self.restore_broken_off(node, folder, mode, lambda process, number=number: process.send_signal(number))
            if status == 0:
                continue  # it was quicker
            if number == signal.SIGINT:
                self.assertEqual(status, 130, said)
                self.assertIn("interrupted: the backup is restored in part; kvmesh restore", said)
                self.assertIn(f"{mode} --resume goes on", said)
                self.assertIn("restored ", printed)
                other = "--if-absent"
                self.command(node, "restore", folder, other, "--resume", status=USAGE)
                self.assertIn(f"that restore was one with {mode}", self.stderr)
            # One that begins anew and ends at once leaves nothing of the one before to go on with.
            anew = subprocess.Popen([COMMAND_BIN, "--node", node.endpoint, "restore", folder, mode], env=clean_environment(),
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
            eventually(lambda: not os.path.exists(os.path.join(folder, "restore.json")) or anew.poll() is not None, 20, "it begins")
            anew.kill()
            anew.wait()
            if os.path.exists(os.path.join(folder, "restore.json")):
                self.command(node, "restore", folder, mode, "--resume")
            else:
                self.command(node, "restore", folder, mode, "--resume", status=USAGE)
                self.command(node, "restore", folder, mode)
            with node.client() as client:
                self.assertEqual(contents(client, buckets), before)

    def test_over_a_kill_of_the_node_it_goes_on_by_itself(self):
        node, buckets, before, folder = self.durable_node_backed_up(20)
        self.drop_all(node, buckets)

        def end(_):
            node.kill()
            node.start()

        status, _, said = self.restore_broken_off(node, folder, "--replace", end)
        self.assertEqual(status, 0, said)
        with node.client() as client:
            self.assertEqual(contents(client, buckets), before)

    def test_a_node_that_keeps_nothing_and_was_restarted_is_told(self):
        node = self.single()
        with node.client() as client:
            self.fill(client, [b"b%03d" % i for i in range(40)], 1500)
        folder = self.folder(node.mesh)
        self.command(node, "backup", folder)
        node.restart()

        def end(_):
            node.kill()
            node.start()

        status, _, said = self.restore_broken_off(node, folder, "--if-absent", end)
        if status == 0:
            return  # it was quicker
        self.assertEqual(status, INCOMPLETE, said)
        self.assertIn("foo@localhost was restarted, and keeps nothing over that", said)


if __name__ == "__main__":
    main()
