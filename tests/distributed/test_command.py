#!/usr/bin/python3
"""The command `kvmesh` against a live mesh: what it prints, how it ends, and that import and export lose nothing."""

import base64
import json
import os
import random
import subprocess
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment, die_with_parent, eventually, main, patience

NOT_FOUND, INVALID_ARGUMENT, NO_ROUTE, UNAVAILABLE, TOO_LARGE = 11, 12, 13, 14, 19
MISSING_KEY, USAGE, INCOMPLETE = 1, 2, 3


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Command(MeshTest):
    def setUp(self):
        self.foo, self.bar = self.pair()

    def command_line(self, *arguments, node=None):
        return [COMMAND_BIN, "--node", (node or self.foo).endpoint, *arguments]

    def kvmesh(self, *arguments, status=0, stdin=b"", node=None):
        printed = self.run_to_end(self.command_line(*arguments, node=node), status, given=stdin)
        if status != 0:
            self.assertTrue(self.stderr, "a failure says why")
        return printed

    def path(self, name):
        return os.path.join(self.foo.mesh.directory, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)


class OneRequest(Command):
    def test_each_of_them(self):
        for bucket in ("apples", "shopping"):
            self.kvmesh("create", bucket)
            self.kvmesh("create", bucket)
            self.kvmesh("put", bucket, "milk", "1")
            self.assertEqual(self.kvmesh("get", bucket, "milk"), b"1\n")
            self.kvmesh("put", bucket, "empty", "")
            self.assertEqual(self.kvmesh("get", bucket, "empty"), b"\n")
            self.assertEqual(self.kvmesh("keys", bucket), b"empty\nmilk\n")
            self.assertEqual(self.kvmesh("count", bucket), b"2\n")
            self.assertIn((b"foo" if bucket == "apples" else b"bar") + b"@localhost", self.kvmesh("route", bucket))
            self.assertIn(b"foo@localhost", self.kvmesh("trace", bucket))
            self.kvmesh("delete", bucket, "milk")
            self.kvmesh("get", bucket, "milk", status=MISSING_KEY)
            self.kvmesh("drop", bucket)
            self.kvmesh("drop", bucket, status=NOT_FOUND)

    def test_values_of_any_bytes(self):
        value = bytes(range(256)) * 1000
        self.kvmesh("create", "shopping")
        self.kvmesh("put", "shopping", "k", "--stdin", stdin=value)
        self.assertEqual(self.kvmesh("get", "shopping", "k", "--raw"), value)
        self.kvmesh("put", "shopping", "f", "--file", self.write("value", value[::-1]))
        self.assertEqual(self.kvmesh("get", "shopping", "f", "--raw"), value[::-1])
        self.kvmesh("put", "shopping", "max", "--stdin", stdin=b"v" * 1048576)
        self.assertEqual(self.kvmesh("get", "shopping", "max", "--raw"), b"v" * 1048576)
        self.kvmesh("put", "shopping", "more", "--stdin", stdin=b"v" * 1048577, status=TOO_LARGE)
        self.assertEqual(json.loads(self.kvmesh("get", "shopping", "f", "--json"))["value"],
                         {"base64": base64.b64encode(value[::-1]).decode()})

    def test_what_tells_of_nodes(self):
        self.kvmesh("create", "shopping")
        self.kvmesh("ping")
        self.kvmesh("ping", "bar@localhost")
        info = json.loads(self.kvmesh("info", "--json"))
        self.assertEqual((info["name"], info["pid"]), ("foo@localhost", self.foo.process.pid))
        self.assertIn(b"bar@localhost", self.kvmesh("info"))
        self.assertEqual(self.kvmesh("buckets", "bar@localhost"), b"shopping\n")
        self.assertEqual(self.kvmesh("buckets", "foo@localhost"), b"")
        self.assertEqual(self.kvmesh("buckets"), b"shopping\n")
        trace = self.kvmesh("trace", "shopping").decode()
        self.assertLess(trace.index("foo@localhost"), trace.index("bar@localhost"))
        self.kvmesh("ping", "nobody@localhost", status=NO_ROUTE)

    def test_the_nodes_that_a_node_knows(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=[], table=[], peers=["foo"], vias={"bar": "foo"})
        mesh.add("foo", apps=[], table=[], peers=["bar"])
        bar = mesh.add("bar", apps=[], table=[])
        mesh.start()
        known = json.loads(self.kvmesh("nodes", "--json", node=gate))
        self.assertEqual([(n["node"], n.get("via"), n["state"]) for n in known],
                         [("foo@localhost", None, "up"), ("bar@localhost", "foo@localhost", "up")])
        known = json.loads(self.kvmesh("nodes", "foo@localhost", "--json", node=gate))
        self.assertEqual(known, [{"node": "bar@localhost", "address": bar.endpoint, "state": "up", "in_flight": 0, "why": ""}])
        self.assertEqual(json.loads(self.kvmesh("nodes", "bar@localhost", "--json", node=gate)), [])
        self.assertRegex(self.kvmesh("nodes", node=gate).decode(), r"(?m)^bar@localhost +via foo@localhost +up")
        told = json.loads(self.kvmesh("info", "--mesh", "--json", node=gate))
        self.assertEqual([(n["node"], n["state"]) for n in told],
                         [("gate@localhost", "connected"), ("foo@localhost", "up"), ("bar@localhost", "via foo@localhost")])
        self.assertEqual(told[2]["info"]["name"], "bar@localhost")
        bar.kill()
        eventually(lambda: json.loads(self.kvmesh("nodes", "foo@localhost", "--json", node=gate))[0]["state"] != "up", 2,
                   "foo has lost bar")
        self.kvmesh("nodes", "bar@localhost", node=gate, status=UNAVAILABLE)
        self.kvmesh("nodes", "nobody@localhost", node=gate, status=NO_ROUTE)

    def test_wrong_lines_are_told_what_is_right(self):
        for arguments, told in (
                (("gett", "x"), 'no command "gett"; did you mean get?'),
                (("help", "gett"), 'no command "gett"; did you mean get?'),
                (("count", "a", "b", "c"), 'count does not expect "b" "c"; write kvmesh count BUCKET'),
                (("put", "a"), "put needs KEY; write kvmesh put BUCKET KEY [VALUE]"),
                (("put", "a", "k", "-x"), 'put has no option "-x"; write -- before the arguments if it is one: '
                                          "kvmesh put BUCKET KEY [VALUE]"),
                (("dump",), 'no command "dump"; did you mean export?'),
                (("bench", "--value-byte", "5"), 'bench has no option "--value-byte"; did you mean --value-bytes?')):
            self.kvmesh(*arguments, status=USAGE)
            self.assertEqual(self.stderr, f"kvmesh: {told}\n")
        self.kvmesh("create", "shopping")
        self.kvmesh("put", "shopping", "neg", "-5")
        self.kvmesh("put", "shopping", "dash", "--", "-x")
        self.assertEqual(self.kvmesh("get", "shopping", "neg"), b"-5\n")
        self.assertEqual(self.kvmesh("get", "shopping", "dash", "--timeout", "5"), b"-x\n")

    def test_help_and_version_are_commands_too(self):
        self.assertEqual(self.kvmesh("help"), self.kvmesh("--help"))
        self.assertEqual(self.kvmesh("help", "get"), self.kvmesh("get", "--help"))
        self.assertEqual(self.kvmesh("help", "bench"), self.kvmesh("bench", "--help"))
        self.assertEqual(self.kvmesh("version"), self.kvmesh("--version"))
        self.assertEqual(self.kvmesh("-v"), self.kvmesh("--version"))

    def test_bench_counts_what_fails_and_drops_what_it_made(self):
        bench = ("bench", "--count", "500", "--buckets", "4", "--keys", "5", "--depth", "8")
        for protocol in (("--protocol", "native"), ("--protocol", "line", "--tcp", f"127.0.0.1:{self.foo.tcp_port}")):
            printed = json.loads(self.kvmesh(*bench, *protocol, "--json", "--drop"))
            self.assertEqual((printed["requests"], printed["failed"]), (500, {}))
            self.assertEqual(printed["load_failed"], {})
            self.assertEqual(self.kvmesh("buckets"), b"")
        self.bar.kill()
        eventually(lambda: self.foo.peer("bar")["state"] != "up", 2, "bar is gone")
        for protocol in (("--protocol", "native"), ("--protocol", "line", "--tcp", f"127.0.0.1:{self.foo.tcp_port}")):
            printed = json.loads(self.kvmesh(*bench, *protocol, "--prefix", "s", "--keep-going", "--json", status=INCOMPLETE))
            self.assertEqual((printed["requests"], printed["failed"]), (0, {"unavailable": 500}))
            self.assertEqual(printed["load_failed"], {"unavailable": 4 + 4 * 5})
            self.assertIn(b"\nfailed: unavailable 500\nfailed before, while buckets and keys were made: unavailable 24\n",
                          self.kvmesh(*bench, *protocol, "--prefix", "s", "--keep-going", status=INCOMPLETE))
            self.assertIn("524 requests failed", self.stderr)
            self.assertEqual(self.kvmesh(*bench, *protocol, "--prefix", "s", status=UNAVAILABLE), b"")
        self.kvmesh(*bench, "--prefix", "s", status=UNAVAILABLE)
        self.assertEqual(self.stderr.count("unavailable"), 1, self.stderr)

    def test_exit_statuses(self):
        self.kvmesh("get", "nowhere", "k", status=NOT_FOUND)
        self.kvmesh("put", "nowhere", "k", "v", status=NOT_FOUND)
        self.assertIn('there is no bucket "nowhere"; kvmesh create nowhere makes it\n', self.stderr)
        self.kvmesh("get", "", "k", status=INVALID_ARGUMENT)
        self.kvmesh("create", "b" * 1025, status=TOO_LARGE)
        self.assertIn("1025", self.stderr)
        for arguments in ((), ("frob",), ("get",), ("get", "a"), ("put", "a", "b"), ("--frob",), ("get", "a", "b", "c")):
            self.kvmesh(*arguments, status=USAGE)
            self.assertRegex(self.stderr, r"\Akvmesh: .+\n\Z", arguments)
        self.bar.kill()
        eventually(lambda: self.foo.peer("bar")["state"] != "up", 2, "bar is gone")
        self.kvmesh("create", "shopping", status=UNAVAILABLE)
        self.assertIn("bar@localhost", self.stderr)
        self.foo.kill()
        self.kvmesh("create", "apples", status=UNAVAILABLE)
        self.kvmesh("--help")

    def test_the_node_of_the_environment(self):
        info = self.run_to_end([COMMAND_BIN, "info", "--json"], environment={"KVMESH_NODE": self.foo.endpoint})
        self.assertEqual(json.loads(info)["name"], "foo@localhost")

    def test_many_keys_come_page_by_page(self):
        client = self.foo.client()
        client.ok(b"shopping", "kv.create")
        names = sorted(b"key%d" % i for i in range(2500))
        client.wait_all(client.post_batch([(b"shopping", "kv.put", n, b"") for n in names]))
        self.assertEqual(self.kvmesh("keys", "shopping").split(b"\n"), names + [b""])


class ImportExport(Command):
    def records(self, count, seed=1):
        random_ = random.Random(seed)
        buckets = [b"apples", b"shopping", b"\x00\xff", b"tab\there", b"line\nbreak", b"\\back", "\u00fcber".encode()]
        found = {}
        for i in range(count):
            key = random_.choice((b"k%d" % i, random_.randbytes(8), b""))
            found[random_.choice(buckets), key] = random_.randbytes(random_.choice((0, 1, 10, 1000)))
        return found

    def stored(self, buckets, node=None):
        client = (node or self.foo).client()
        found = {}
        for bucket in buckets:
            after, more = None, True
            while more:
                more, keys = client.ok(bucket, "kv.keys", after, 0)
                after = keys[-1] if keys else None
                replies = client.wait_all(client.post_batch([(bucket, "kv.get", key) for key in keys]))
                found.update({(bucket, key): r.result for key, r in zip(keys, replies)})
        return found

    def put_directly(self, records):
        client = self.foo.client()
        for bucket in {b for b, _ in records}:
            client.ok(bucket, "kv.create")
        replies = client.wait_all(client.post_batch([(b, "kv.put", k, v) for (b, k), v in records.items()]))
        self.assertEqual({r.code for r in replies}, {"ok"})

    def test_a_round_trip_of_any_bytes(self):
        records = self.records(1000)
        buckets = {b for b, _ in records}
        self.put_directly(records)
        for form in ("tsv", "jsonl"):
            data = self.kvmesh("export", "--format", form)
            self.assertEqual(len(data.splitlines()), data.count(b"\n"))
            for bucket in buckets:
                self.foo.client().ok(bucket, "kv.drop")
            self.kvmesh("import", self.write("data." + form, data))
            self.assertEqual(self.stored(buckets), records)
            for bucket in buckets:
                self.foo.client().ok(bucket, "kv.drop")
            self.kvmesh("import", "-", "--format", form, stdin=data)
            self.assertEqual(self.stored(buckets), records)
            self.assertEqual(sorted(self.kvmesh("export", "--format", form).splitlines()), sorted(data.splitlines()))

    def test_a_round_trip_of_what_looks_like_something_else(self):
        """All three fields, both formats, through a pipe, whatever comes first."""
        seed = random.randrange(1 << 32)
        random_ = random.Random(seed)
        pieces = [b" ", b"\t", b"{", b"[", b"\xef\xbb\xbf", b"\0", b"\n", b"\r", b"\\", b'"', b"a", b"\xff", b"\xc2\x9b", "\u202e".encode()]
        for round_ in range(12):
            records = {}
            for _ in range(5):
                bucket, key, value = (b"".join(random_.choices(pieces, k=random_.randrange(5))) for _ in range(3))
                records[bucket or b" ", key] = value
            buckets = {b for b, _ in records}
            self.put_directly(records)
            for form in ("tsv", "jsonl"):
                data = self.kvmesh("export", "--format", form)
                for bucket in buckets:
                    self.foo.client().ok(bucket, "kv.drop")
                self.kvmesh("import", stdin=data)
                self.assertEqual(self.stored(buckets), records, f"seed {seed}, round {round_}, {form}")
            for bucket in buckets:
                self.foo.client().ok(bucket, "kv.drop")

    def test_what_is_refused_as_a_whole(self):
        record = b'{"bucket": "zoo", "key": "a", "value": "1"}'
        for given in (b"[\n" + record + b",\n" + record + b"\n]\n", b"[" + record + b"]", b'{\n  "bucket": "zoo"\n}\n'):
            self.kvmesh("import", self.write("data.json", given), status=USAGE)
            self.assertIn("one object a line", self.stderr)
            self.kvmesh("import", stdin=given, status=USAGE)
        self.kvmesh("import", stdin=b"{zoo\ta\t1\n", status=USAGE)
        self.assertIn("--format", self.stderr)
        self.kvmesh("count", "zoo", status=NOT_FOUND)
        self.kvmesh("import", "--format", "tsv", stdin=b"{zoo\ta\t1\n")
        self.assertEqual(self.kvmesh("get", "{zoo", "a"), b"1\n")

    def test_a_byte_order_mark_is_passed_over_at_the_beginning_alone(self):
        mark, line = b"\xef\xbb\xbf", b'{"bucket": "zoo", "key": "a", "value": "1"}\n'
        self.kvmesh("import", stdin=mark + line)
        self.kvmesh("import", self.write("data.jsonl", mark + line))
        self.kvmesh("import", stdin=mark + b"apples\ta\t1\n")
        self.assertEqual(self.kvmesh("buckets"), b"apples\nzoo\n")
        self.kvmesh("import", stdin=line + mark + line, status=INCOMPLETE)
        self.assertIn("line 2: invalid_argument: column 1: a byte order mark", self.stderr)

    def test_a_node_that_begins_anew_is_noticed(self):
        process = self.start_kvmesh_on(self.foo, "import", "--json")
        process.stdin.write(b"".join(b"shopping\tk%d\t1\n" % i for i in range(500)))
        process.stdin.write(b"".join(b"tools\tk%d\t1\n" % i for i in range(10)))  # of which no more comes
        process.stdin.flush()
        eventually(lambda: self.bar.info()["store"]["keys"] == 510, 30, "the first half is stored")
        before = self.bar.info()["incarnation"]
        self.bar.kill()
        self.bar.start()
        self.assertNotEqual(self.bar.info()["incarnation"], before)
        process.stdin.write(b"".join(b"shopping\tk%d\t1\n" % i for i in range(500, 1000)))
        stdout, stderr = process.communicate(timeout=60 * patience())
        self.assertEqual(process.returncode, INCOMPLETE, stderr)
        self.assertIn(b"bar@localhost was restarted while this ran", stderr)
        self.assertIn(b"510 records were stored and are lost: their buckets were gone later; import again", stderr)
        told = json.loads(stdout)
        self.assertEqual((told["restarted"], told["lost"], told["records"], told["buckets"], told["failed"]),
                         (["bar@localhost"], 510, 500, 1, 0))
        self.assertEqual(self.kvmesh("count", "shopping"), b"500\n", "all that came after the restart")
        self.kvmesh("import", stdin=b"shopping\tk\t1\n")

    def test_a_bucket_that_is_dropped_meanwhile(self):
        process = self.start_kvmesh_on(self.foo, "import")
        for value in (b"1", b"2"):
            process.stdin.write(b"".join(b"shopping\tk%d\t%s\n" % (i, value) for i in range(10)))
            process.stdin.flush()
            if value == b"1":
                eventually(lambda: self.bar.info()["store"]["keys"] == 10, 30, "the first half is stored")
                self.kvmesh("drop", "shopping")
        stdout, stderr = process.communicate(timeout=60 * patience())
        self.assertEqual(process.returncode, INCOMPLETE, stderr)
        self.assertRegex(stdout, rb"^imported 10 records into 1 bucket in .*, 0 failed, 10 lost\n$")
        self.assertEqual(self.kvmesh("count", "shopping"), b"10\n")

    def test_empty_buckets_survive_a_round_trip(self):
        self.foo.client().ok(b"shopping", "kv.create")
        data = self.kvmesh("export")
        self.foo.client().ok(b"shopping", "kv.drop")
        self.kvmesh("import", stdin=data)
        self.assertEqual(self.foo.client().ok(b"shopping", "kv.count"), 0)

    def test_malformed_lines_are_named_and_the_rest_is_stored(self):
        lines = [f"apples\tk{i}\t{i}" for i in range(1, 101)]
        for number, bad in ((3, "no tabs at all"), (50, "apples\tkey\tbad \\q escape"), (77, "\tkey\tno bucket"),
                            (90, "apples\tkey\tone\ttoo many")):
            lines[number - 1] = bad
        self.kvmesh("import", stdin="\n".join(lines).encode() + b"\n", status=INCOMPLETE)
        for number in (3, 50, 77, 90):
            self.assertRegex(self.stderr, rf"\b{number}\b")
        self.assertEqual(self.foo.client().ok(b"apples", "kv.count"), 96)
        jsonl = ['{"bucket": "zoo", "key": "a", "value": "1"}', '{"bucket": "zoo", "key": "b"', "[]",
                 '{"bucket": "zoo", "key": 5, "value": "1"}', '{"bucket": "zoo", "key": "c", "value": "3"}']
        self.kvmesh("import", "--format", "jsonl", stdin="\n".join(jsonl).encode(), status=INCOMPLETE)
        for number in (2, 3, 4):
            self.assertRegex(self.stderr, rf"\b{number}\b")
        self.assertEqual(self.foo.client().ok(b"zoo", "kv.count"), 2, "the last line needs no end")

    def test_lines_that_the_mesh_refuses_are_named(self):
        lines = ["apples\ta\t1", "apples\t" + "k" * 1025 + "\t1", "b" * 1025 + "\tk\t1", "apples\tb\t" + "v" * 1048577, "apples\tc\t1"]
        self.kvmesh("import", stdin="\n".join(lines).encode(), status=INCOMPLETE)
        for number in (2, 3, 4):
            self.assertRegex(self.stderr, rf"\b{number}\b")
        self.assertEqual(self.kvmesh("keys", "apples"), b"a\nc\n")

    def test_a_file_that_is_not_there(self):
        self.kvmesh("import", "/nonexistent/file", status=USAGE)

    def test_a_node_that_is_not_there(self):
        self.bar.kill()
        self.foo.kill()
        result = subprocess.run(self.command_line("import", "--retry-for", "0"), input=b"apples\ta\t1\n", capture_output=True,
                                timeout=60, env=clean_environment(), check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertTrue(result.stderr)

    def test_the_last_of_two_lines_for_one_key_wins(self):
        lines = [f"{bucket}\tkey\t{i}" for i in range(5000) for bucket in ("apples", "shopping")]
        self.kvmesh("import", stdin="\n".join(lines).encode())
        for bucket in ("apples", "shopping"):
            self.assertEqual(self.kvmesh("get", bucket, "key"), b"4999\n")

    def test_no_create(self):
        self.kvmesh("import", "--no-create", stdin=b"apples\ta\t1\n", status=INCOMPLETE)
        self.assertRegex(self.stderr, r"\b1\b")
        self.kvmesh("create", "apples")
        self.kvmesh("import", "--no-create", stdin=b"apples\ta\t1\n")

    def test_a_restart_of_the_gate_in_the_middle_loses_nothing(self):
        """The store stays; the node that the import talks to goes and comes back."""
        mesh = self.mesh()
        gate = mesh.add("gate", apps=[], table=[("*", "end")])
        end = mesh.add("end", apps=["kv"])
        mesh.start()
        self.interrupted(gate, end, gate)

    def test_a_restart_of_a_node_on_the_way_loses_nothing(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=[], table=[("*", "mid")])
        mid = mesh.add("mid", apps=[], table=[("*", "end")])
        end = mesh.add("end", apps=["kv"])
        mesh.start()
        self.interrupted(gate, end, mid)

    def interrupted(self, gate, end, victim):
        count = 3000
        process = self.start_kvmesh_on(gate, "import")
        first = b"".join(b"bucket%d\tk%d\t%d\n" % (i % 7, i, i) for i in range(count))
        process.stdin.write(first)
        process.stdin.flush()
        eventually(lambda: end.info()["store"]["keys"] > 0, 10, "the import has begun")
        victim.kill()
        process.stdin.write(b"".join(b"bucket%d\tk%d\t%d\n" % (i % 7, i, i) for i in range(count, 2 * count)))
        process.stdin.flush()
        victim.start()
        process.stdin.write(b"".join(b"bucket%d\tk%d\t%d\n" % (i % 7, i, i) for i in range(2 * count, 3 * count)))
        _, stderr = process.communicate(timeout=60 * patience())
        found = self.stored([b"bucket%d" % i for i in range(7)], end)
        missing = [i for i in range(3 * count) if found.get((b"bucket%d" % (i % 7), b"k%d" % i)) != b"%d" % i]
        named = {int(word.rstrip(b":")) - 1 for line in stderr.splitlines() for word in line.split() if word.rstrip(b":").isdigit()}
        self.assertEqual([i for i in missing if i not in named], [], stderr[-2000:])
        self.assertEqual(process.returncode == 0, not missing, (process.returncode, len(missing), stderr[-2000:]))
        self.assertEqual(process.returncode, 0, stderr[-2000:])

    def start_kvmesh_on(self, node, *arguments):
        return subprocess.Popen(self.command_line(*arguments, node=node), env=clean_environment(), preexec_fn=die_with_parent,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


if __name__ == "__main__":
    main()
