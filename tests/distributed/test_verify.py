#!/usr/bin/python3
"""`kvmesh verify`: what it says of configurations and of running nodes, and how it ends."""

import json
import os
import re
import shutil
import unittest

from harness import COMMAND_BIN, ROOT, MeshTest, eventually, main
from keys import Key, SecuredMesh

SOUND, UNSOUND, USAGE, UNAVAILABLE = 0, 1, 2, 14
VERDICT = "sound: a request for any bucket that enters at any of 3 nodes ends where it is stored"


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Verify(MeshTest):
    def setUp(self):
        self.net = self.mesh()
        self.foo = self.net.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        self.bar = self.net.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")])
        self.gate = self.net.add("gate", apps=["kv_server"], table=[("a..m", "foo"), ("*", "bar")])
        self.write_configs()

    def write_configs(self):
        for node in self.net.nodes.values():
            node.write_config()

    def verify(self, *arguments, status=SOUND, environment=None):
        return self.run_to_end([COMMAND_BIN, "verify", *arguments], status, environment=environment)

    def verdict(self, *arguments, **options):
        return self.verify(*arguments, **options).splitlines()[-1]


class Configurations(Verify):
    def test_files_and_directories(self):
        files = [node.config_path for node in self.net.nodes.values()]
        for arguments in ([self.net.directory], files, [self.net.directory, files[0]]):
            self.assertEqual(self.verify(*arguments), "first byte           stored at      from         hops\n"
                             "0x00..0x60, n..0xff  bar@localhost  all 3 nodes  up to 1\n"
                             "a..m                 foo@localhost  all 3 nodes  up to 1\n\n" + VERDICT + "\n")

    def test_the_demo_is_sound(self):
        self.assertEqual(self.verdict(os.path.join(ROOT, "config/demo")), VERDICT)

    def test_faults_and_where_requests_enter(self):
        self.bar.table = [("*", "bar")]
        self.write_configs()
        printed = self.verify(self.net.directory, status=UNSOUND)
        self.assertIn("fault: split brain: a..m end at different nodes: bar@localhost (from 1 node) and foo@localhost "
                      "(from 2 nodes)\n", printed)
        self.assertTrue(printed.endswith("\nnot sound: 1 fault in a mesh of 3 nodes\n"), printed)
        self.assertIn("at any of 2 nodes", self.verdict(self.net.directory, "--from", "gate@localhost", "--from", "foo@localhost"))
        self.verify(self.net.directory, "--from", "old@localhost", status=USAGE)
        self.assertIn("old@localhost", self.stderr)

    def test_json(self):
        self.bar.table = [("n..z", "bar"), ("a..m", "foo")]
        self.write_configs()
        report = json.loads(self.verify(self.net.directory, "--json", status=UNSOUND))
        self.assertIs(report["sound"], False)
        self.assertEqual({(f["severity"], f["kind"], f["from"]) for f in report["findings"]}, {("fault", "hole", 3)})
        self.assertEqual(report["owners"][0], {"ranges": ["a..m"], "node": "foo@localhost", "from": 3, "hops_max": 1})

    def test_what_a_node_would_refuse(self):
        self.gate.apps = ["kv_sever"]
        self.write_configs()
        self.assertEqual(self.verify(self.net.directory, status=USAGE), "")
        self.assertIn(f"{self.gate.config_path}:2: apps", self.stderr)
        error = json.loads(self.verify(self.net.directory, "--json", status=USAGE))["error"]
        self.assertEqual(error["code"], "invalid_argument")

    def test_a_key_with_which_a_node_would_not_start(self):
        keys = SecuredMesh(self.net)
        self.write_configs()
        files = [node.config_path for node in self.net.nodes.values()]
        self.assertEqual(self.verdict(*files), VERDICT)
        other = Key()
        other.write(self.bar.settings["mesh"]["key"], "node", "bar@localhost")
        self.assertEqual(self.verify(*files, status=USAGE), "")
        self.assertIn(f"{self.bar.config_path}: mesh.security: {keys.path} does not hold this node with its key", self.stderr)
        self.assertNotIn(other.secret_text, self.stderr)
        keys.nodes["foo"][0].write(self.bar.settings["mesh"]["key"], "node", "foo@localhost")
        self.verify(*files, status=USAGE)
        self.assertIn("is that of the node foo@localhost, and this node is bar@localhost", self.stderr)
        keys.nodes["foo"][0].write(self.bar.settings["mesh"]["key"], "node", "bar@localhost")
        self.verify(*files, status=USAGE)
        self.assertIn("does not hold this node with its key", self.stderr)
        os.unlink(self.bar.settings["mesh"]["key"])  # it may be on another machine
        self.assertEqual(self.verdict(*files), VERDICT)
        keys.revoked = keys.nodes["bar"]
        keys.write()
        self.assertIn("fault: keys: foo@localhost has every key of bar@localhost revoked, so they do not connect\n",
                      self.verify(*files, status=UNSOUND))
        keys.write_node_key("bar")
        self.verify(*files, status=USAGE)
        self.assertIn(f"is revoked in {keys.path}", self.stderr)

    def test_usage(self):
        for arguments in ([], ["/nonexistent.toml"], [self.net.directory, "--live", self.foo.endpoint],
                          [self.net.directory, "--diff", "/nonexistent"], [self.net.directory, "--svg", "/nonexistent/mesh.svg"]):
            self.assertEqual(self.verify(*arguments, status=USAGE), "")
            self.assertTrue(self.stderr.startswith("kvmesh: "), arguments)

    def test_differences(self):
        old = os.path.join(self.net.directory, "old")
        os.mkdir(old)
        for node in self.net.nodes.values():
            shutil.copy(node.config_path, old)
        self.assertTrue(self.verify("--diff", old, self.net.directory).startswith("no bucket changes its owner\n"))
        self.net.add("baz", apps=["kv"], table=[("a..m", "foo"), ("*", "baz")])
        for node in (self.foo, self.bar, self.gate):
            node.table = [("a..m", "foo"), ("x..z", "baz"), ("*", "bar")]
        self.net.nodes["baz"].table = [("a..m", "foo"), ("x..z", "baz"), ("*", "bar")]
        self.write_configs()
        self.assertEqual(self.verify("--diff", old, self.net.directory).split("\n\n")[0],
                         "joins: baz@localhost\n"
                         "first byte  before         after\n"
                         "x..z        bar@localhost  baz@localhost\n"
                         "How many buckets that are, files do not say: --diff tcp://HOST:PORT asks the nodes that run.\n"
                         "Buckets do not move by themselves, and what is written between an export and its import would be lost. "
                         "For each range, in this order: BEFORE gives it away (kvmesh reload), which closes it; kvmesh export --on "
                         "BEFORE --range RANGE > FILE; kvmesh import --on AFTER FILE; AFTER takes it (kvmesh reload), which opens "
                         "it. config/README.md has it step by step: Give a range to another node.")
        told = json.loads(self.verify("--diff", old, self.net.directory, "--json"))
        self.assertEqual(told["changes"], [{"ranges": ["x..z"], "before": ["bar@localhost"], "after": ["baz@localhost"]}])
        self.assertIs(told["after"]["sound"], True)


class Pictures(Verify):
    def test_dot(self):
        printed = self.verify(self.net.directory, "--dot")
        self.assertRegex(printed, r'(?m)^  "gate@localhost" -> "foo@localhost" \[label="a..m"\]$')
        self.bar.table = [("*", "foo")]
        self.write_configs()
        self.assertRegex(self.verify(self.net.directory, "--dot", status=UNSOUND),
                         r'(?m)^  "\w+@localhost" -> "\w+@localhost" \[label=".*", color="#c0392b", fontcolor="#c0392b"\]$')
        self.assertIn("not sound", self.stderr)

    @unittest.skipUnless(shutil.which("dot"), "graphviz is not installed")
    def test_svg(self):
        path = os.path.join(self.net.directory, "mesh.svg")
        self.assertEqual(self.verdict(self.net.directory, "--svg", path), VERDICT)
        with open(path, encoding="utf-8") as file:
            picture = file.read()
        self.assertIn("gate@localhost", picture)
        self.assertTrue(picture.rstrip().endswith("</svg>"))
        self.assertEqual(self.verify(self.net.directory, "--svg", "-"), picture)

    def test_svg_without_graphviz(self):
        self.assertEqual(self.verify(self.net.directory, "--svg", "-", status=USAGE, environment={"PATH": self.net.directory}), "")
        self.assertIn("install graphviz", self.stderr)


class RunningNodes(Verify):
    def test_any_node_leads_to_all(self):
        self.gate.vias = {"baz": "bar"}
        self.bar.peers = ["foo", "baz"]
        self.bar.table = [("a..m", "foo"), ("x..z", "baz"), ("*", "bar")]
        self.net.add("baz", apps=["kv"], table=[("a..m", "foo"), ("x..z", "baz"), ("*", "bar")])
        self.net.start()
        # None names gate, so it is only found from gate itself.
        self.assertIn("at any of 3 nodes", self.verdict("--live", self.bar.endpoint, "--timeout", "20s"))
        report = json.loads(self.verify("--live", self.gate.endpoint, "--json", "--timeout", "20s"))
        self.assertEqual([n.split("@")[0] for n in report["nodes"]], ["bar", "baz", "foo", "gate"])
        self.assertEqual([f for f in report["findings"] if f["severity"] == "fault"], [])
        both = self.verify("--live", self.bar.endpoint, "--live", self.gate.endpoint, "--timeout", "20s")
        self.assertIn("at any of 4 nodes", both)

    def test_a_node_that_does_not_answer(self):
        self.net.start()
        self.bar.kill()
        printed = self.verify("--live", self.gate.endpoint, status=UNSOUND)
        self.assertRegex(printed, r"(?m)^fault: dead end: 0x00..0x60, n..0xff lead to bar@localhost, which does not answer: unavailable")
        self.verify("--live", self.bar.endpoint, "--timeout", "100ms", status=UNAVAILABLE)
        self.assertIn(self.bar.endpoint, self.stderr)

    def test_an_address_that_is_another_nodes(self):
        self.net.add("odd", apps=[], table=[("*", "foo"), ("a", "old")])
        self.net.addresses["old"] = self.bar.endpoint
        self.net.start()
        report = json.loads(self.verify("--live", self.net.nodes["odd"].endpoint, "--json", "--timeout", "20s"))
        self.assertEqual(report["nodes"], ["bar@localhost", "foo@localhost", "odd@localhost"])
        self.net.nodes["odd"].terminate()
        self.net.nodes["odd"].table = [("a", "old"), ("*", "foo")]
        self.net.nodes["odd"].start()
        printed = self.verify("--live", self.net.nodes["odd"].endpoint, "--timeout", "20s", status=UNSOUND)
        self.assertRegex(printed, r"a leads to old@localhost, which does not answer: tcp://\S+ is the address of bar@localhost\n")

    def test_two_nodes_of_one_name(self):
        """A configuration that was copied, with other ports: gate asks the copy, bar the first."""
        copy = self.net.add("copy", table=[("a..m", "foo"), ("*", "bar")], peers=["bar"])
        copy.full_name = "foo@localhost"
        self.gate.addresses["foo"] = copy.endpoint
        self.net.start()
        # What began while verify looks around may be the first, started again.
        for node in (self.foo, copy):
            eventually(lambda node=node: node.info()["uptime_ms"] > 1000, 10, "it runs for a second")
        at_first = f"{self.foo.endpoint}, where bar@localhost looks for it"
        for entry in (self.gate, copy):
            self.assertIn(f"fault: same name: two nodes run as foo@localhost: one at {copy.endpoint}, another at {at_first}\n",
                          self.verify("--live", entry.endpoint, "--timeout", "20s", status=UNSOUND))
        both = self.verify("--live", self.foo.endpoint, "--live", copy.endpoint, "--timeout", "20s", status=UNSOUND)
        self.assertIn(f"one at {self.foo.endpoint}, another at {copy.endpoint}\n", both)
        self.assertNotIn("same name", self.verify("--live", self.foo.endpoint, "--timeout", "20s"))

    def test_one_node_at_two_addresses(self):
        self.gate.addresses["foo"] = f"tcp://localhost:{self.foo.mesh_port}"
        self.net.start()
        self.assertNotIn("same name", self.verify("--live", self.gate.endpoint, "--timeout", "20s"))

    def test_what_a_new_configuration_changes_of_what_runs(self):
        self.net.start()
        for node in self.net.nodes.values():
            node.table = [("a..z", "foo"), ("*", "bar")]
        self.write_configs()
        printed = self.verify("--diff", self.gate.endpoint, self.net.directory)
        self.assertTrue(re.search(r"(?m)^n\.\.z +bar@localhost +foo@localhost +0 +0\nto move: 0 buckets with 0 keys$", printed), printed)
        self.verify("--diff", "tcp://127.0.0.1:1", self.net.directory, "--timeout", "100ms", status=UNAVAILABLE)


class Moves(Verify):
    """What has to move from the nodes that run, when the tables become those of self.net.directory."""

    def fill(self, bucket, keys):
        line = self.gate.line()
        self.assertEqual(line.ask(f"CREATE {bucket}"), "OK")
        for i in range(keys):
            self.assertEqual(line.ask(f"PUT {bucket} key{i} value"), "OK")

    def write_table(self, *table):
        """Configurations by which all nodes have this table, for nodes that run with another."""
        for node in self.net.nodes.values():
            node.table, node.peers, node.vias = list(table), None, {}
        self.write_configs()

    def compare(self, *arguments):
        return self.verify("--diff", self.gate.endpoint, self.net.directory, "--timeout", "20s", *arguments)

    def moves(self):
        return [change["moves"] for change in json.loads(self.compare("--json"))["changes"]]

    def test_buckets_and_keys_of_a_running_mesh(self):
        self.net.start()
        for bucket, keys in (("apple", 5), ("c", 2), ("n", 1), ("x", 3), ("yes", 4), ("z", 0), ("zz", 1), ("{", 7)):
            self.fill(bucket, keys)
        self.net.add("baz", apps=["kv"])
        self.write_table(("c", "baz"), ("a..m", "foo"), ("x..z", "baz"), ("*", "bar"))
        printed = self.compare().split("\n\n")[0].splitlines()
        self.assertEqual(printed[:5], ["joins: baz@localhost",
                                       "first byte  before         after          buckets  keys",
                                       "c           foo@localhost  baz@localhost        1     2",
                                       "x..z        bar@localhost  baz@localhost        4     8",
                                       "to move: 5 buckets with 10 keys"])
        self.assertRegex(printed[5], r"^bar@localhost holds 6 buckets with 16 keys in all, [0-9.]+ \S+$")
        self.assertRegex(printed[6], r"^foo@localhost holds 2 buckets with 7 keys in all, [0-9.]+ \S+$")
        self.assertRegex(printed[7], "^Buckets do not move by themselves")

        told = json.loads(self.compare("--json"))
        self.assertEqual([change["moves"] for change in told["changes"]],
                         [[{"from": "foo@localhost", "buckets": 1, "keys": 2, "complete": True}],
                          [{"from": "bar@localhost", "buckets": 4, "keys": 8, "complete": True}]])
        self.assertEqual([(h["node"], h["buckets"], h["keys"]) for h in told["holdings"]],
                         [("bar@localhost", 6, 16), ("foo@localhost", 2, 7)])
        self.assertEqual(told["silent"], {})

    def test_more_buckets_than_a_page_holds(self):
        self.net.start()
        client = self.bar.client()
        for reply in client.wait_all([client.post(b"x%d" % i, "kv.create") for i in range(10050)]):
            self.assertEqual(reply.code, "ok")
        self.write_table(("a..m", "foo"), ("x", "foo"), ("*", "bar"))
        self.assertIn("\nto move: 10,050 buckets with 0 keys\n", self.compare())

    def test_a_node_that_does_not_answer(self):
        self.net.start()
        self.fill("x", 3)
        self.fill("c", 2)
        self.net.add("baz", apps=["kv"])
        self.write_table(("*", "baz"))
        self.bar.kill()
        printed = self.compare()
        self.assertIn("was not sound", self.stderr)
        self.assertRegex(printed, r"(?m)^a\.\.m +foo@localhost +baz@localhost +1 +2$")
        self.assertRegex(printed, r"(?m)^not counted: what bar@localhost stores, which does not answer: unavailable: .+$")
        self.assertEqual(list(json.loads(self.compare("--json"))["silent"]), ["bar@localhost"])

    def test_a_node_whose_address_nobody_tells(self):
        """gate knows baz only behind bar, so it is asked over gate."""
        self.gate.vias = self.foo.vias = {"baz": "bar"}
        self.gate.peers, self.foo.peers = ["foo", "bar"], ["bar"]
        self.net.add("baz", apps=["kv"])
        for node in self.net.nodes.values():
            node.table = [("a..m", "foo"), ("x..z", "baz"), ("*", "bar")]
        self.net.start()
        self.fill("x", 3)
        self.write_table(("a..m", "foo"), ("*", "bar"))
        self.assertEqual(self.moves(), [[{"from": "baz@localhost", "buckets": 1, "keys": 3, "complete": True}]])


if __name__ == "__main__":
    main()
