#!/usr/bin/python3
"""Ranges by hash over real nodes: gate and foo and bar, of which a..c is foo's by first byte, and all else is divided by hashes."""

import json
import os

from harness import COMMAND_BIN, MeshTest, eventually, main

LOW, HIGH = "hash:0x00..0x7f", "hash:0x80..0xff"
TABLE = [("a..c", "foo"), (LOW, "foo"), (HIGH, "bar")]
COUNT = 200


class HashRanges(MeshTest):
    def setUp(self):
        self.nodes = self.mesh()
        self.gate = self.nodes.add("gate", apps=["kv_server"], table=TABLE)
        self.foo = self.nodes.add("foo", apps=["kv"], table=TABLE)
        self.bar = self.nodes.add("bar", apps=["kv"], table=TABLE)
        self.nodes.start()
        self.names = [f"name{i}" for i in range(COUNT)] + ["apples", "banana", "{tag}1", "{tag}2"]
        line = self.gate.line()
        eventually(lambda: all(line.ask(f"CREATE {name}") == "OK" for name in self.names), 10, "the links are up")
        for name in self.names:
            self.assertEqual(line.ask(f"PUT {name} key {name}"), "OK")

    def command(self, *arguments, status=0, given=""):
        return self.run_to_end([COMMAND_BIN, "--node", self.gate.endpoint, *arguments], status, given)

    def buckets(self, *arguments):
        return set(self.command("buckets", *arguments).split())

    def owner(self, name):
        """The owner's name, and the entry of the last hop."""
        told = json.loads(self.command("--json", "route", name))
        return told["owner"].split("@")[0], told["hops"][-1]["entry"]

    def test_each_bucket_is_where_its_hash_leads(self):
        # By the vectors of PROTOCOL.md; those with a tag go by that.
        self.assertEqual(self.owner("shopping"), ("foo", "hash:0x49 (0x00..0x7f)"))
        self.assertEqual(self.owner("foo@localhost"), ("foo", "hash:0x6e (0x00..0x7f)"))
        self.assertEqual(self.owner("open{tag"), ("bar", "hash:0xdf (0x80..0xff)"))
        self.assertEqual(self.owner("apples"), ("foo", "a..c"))
        self.assertEqual(self.owner("{tag}1"), self.owner("{tag}2"))
        low, high = self.buckets("--on", "foo@localhost"), self.buckets("--on", "bar@localhost")
        self.assertEqual(low | high, set(self.names))
        self.assertFalse(low & high)
        self.assertGreater(min(len(low), len(high)), COUNT // 4)
        self.assertEqual(self.buckets(), set(self.names))
        self.assertEqual(self.buckets("--range", HIGH) - {"apples", "banana"}, high)
        self.assertIn("sound", self.command("verify", "--live"))

    def test_copies_of_a_range_of_hashes(self):
        high = self.buckets("--on", "bar@localhost")
        records = self.command("export", "--range", HIGH).splitlines()
        exported = {record.split("\t")[0].replace("\\x7b", "{") for record in records}
        self.assertEqual(exported - {"apples", "banana"}, high)
        # Of what a node holds, a range of hashes is not about names of which the first byte decides.
        own = {record.split("\t")[0] for record in self.command("export", "--on", "foo@localhost", "--range", "hash:*").splitlines()}
        self.assertEqual({name.replace("\\x7b", "{") for name in own},
                         self.buckets("--on", "foo@localhost") - {"apples", "banana"})
        folder = os.path.join(self.nodes.directory, "copy")
        printed = json.loads(self.command("--json", "backup", folder, "--range", "hash:0x80..0xff"))
        self.assertEqual((printed["buckets"], printed["failed"]), (len(exported), 0))
        # All again, over the gate: each line goes where its bucket's hash leads.
        everything = self.command("export")
        for name in self.names:
            self.command("drop", name)
        self.command("import", "-", given=everything)
        self.assertEqual(self.buckets("--on", "bar@localhost"), high)
        self.assertEqual(sorted(self.command("export").splitlines()), sorted(everything.splitlines()))

    def test_what_a_table_gives_away(self):
        foo_before = self.buckets("--on", "foo@localhost")
        table = [("a..c", "foo"), ("hash:0x00..0x3f", "foo"), ("hash:*", "bar")]
        told = self.change_tables(table)
        self.assertIn("buckets that its table gives to others", told)
        moved = self.buckets("--on", "foo@localhost", "--range", "hash:0x40..0x7f") - {"apples", "banana"}
        strays = json.loads(self.command("--json", "info", "foo@localhost"))["store"]["strays"]
        self.assertEqual(strays, len(moved))
        self.assertGreater(strays, 0)
        report = self.command("verify", "--live")
        self.assertIn(f"foo@localhost holds {strays} buckets that its table gives to others", report)
        self.command("drop", "--on", "foo@localhost", "--range", "hash:0x00..0x7f", status=12)
        self.assertIn("the table of foo@localhost gives it the buckets of hash:0x00..0x3f", self.stderr)
        # Those that begin with a..c are not meant: of them the first byte decides.
        printed = self.command("drop", "--on", "foo@localhost", "--range", "hash:0x40..0x7f")
        self.assertEqual(printed, f"dropped {strays} buckets\n")
        self.assertEqual(self.buckets("--on", "foo@localhost"), foo_before - moved)
        self.assertIn("sound", self.command("verify", "--live"))

    def change_tables(self, table):
        """What foo says of it."""
        told = ""
        for node in (self.gate, self.foo, self.bar):
            node.table = table
            node.write_config()
            printed = self.command("reload", f"{node.name}@localhost")
            told = printed if node is self.foo else told
        return told


if __name__ == "__main__":
    main()
