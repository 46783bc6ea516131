#!/usr/bin/python3
"""What the command does for all nodes of a mesh, those that the connected one does not know included."""

import json
import os
import re
import subprocess
import unittest

from harness import COMMAND_BIN, MeshTest, die_with_parent, eventually, main

USAGE, INCOMPLETE, NOT_FOUND, INVALID_ARGUMENT, NO_ROUTE, UNDEFINED_FUNCTION = 2, 3, 11, 12, 13, 22
DATA = "apple\tk\tv\nhazel\tk\t\\xff\\t\nhazel\tl\t\nolive\t\nzoo\tk\tv\n"


class FourNodes(MeshTest):
    """na - nb - nc - nd: each delegates what it does not store to the next; na knows nc by a via, and nd not at all."""

    def setUp(self):
        self.net = self.mesh()
        self.na = self.net.add("na", apps=["kv"], table=[("a..f", "na"), ("*", "nb")], vias={"nc": "nb"})
        self.nb = self.net.add("nb", apps=["kv"], table=[("g..m", "nb"), ("*", "nc")])
        self.nc = self.net.add("nc", apps=["kv"], table=[("n..s", "nc"), ("*", "nd")])
        self.nd = self.net.add("nd", apps=["kv"])
        self.net.start()

    def kvmesh(self, *arguments, status=0, given=""):
        return self.run_to_end([COMMAND_BIN, "--node", self.na.endpoint, "--timeout", "20s", *arguments], status, given=given)


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class WholeMesh(FourNodes):
    def test_export_has_what_all_nodes_store(self):
        self.kvmesh("import", given=DATA)
        for form in ("tsv", "jsonl"):
            printed = self.kvmesh("export", "--format", form)
            self.assertIn("exported 5 records from 4 buckets", self.stderr)
            self.assertIn("0 failed", self.stderr)
            for bucket in ("apple", "hazel", "olive", "zoo"):
                self.kvmesh("drop", bucket)
            self.assertEqual(self.kvmesh("export"), "")
            self.kvmesh("import", "--format", form, given=printed)
            self.assertEqual(sorted(self.kvmesh("export").splitlines()), sorted(DATA.splitlines()))

    def test_export_says_which_node_is_missing(self):
        self.kvmesh("import", given=DATA)
        self.nd.kill()
        eventually(lambda: self.nc.peer("nd")["state"] != "up", 2, "nc has lost nd")
        printed = self.kvmesh("export", status=INCOMPLETE)
        self.assertEqual(sorted(printed.splitlines()), sorted(DATA.splitlines())[:-1])
        self.assertIn('cannot read node "nd@localhost", which may store buckets: unavailable', self.stderr)
        self.assertIn("exported 4 records from 3 buckets", self.stderr)
        self.assertIn("1 failed", self.stderr)

    def test_a_node_that_dies_under_an_export_is_waited_for_once(self):
        self.kvmesh("import", given="apple\tk\tv\n" + "".join(f"z{n:03}\tk\t{'v' * 1000}\n" for n in range(600)))
        export = subprocess.Popen([COMMAND_BIN, "--node", self.na.endpoint, "export"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, bufsize=0, preexec_fn=die_with_parent)
        first = export.stdout.read(1)  # the pipe holds less than half of it, so that the export waits
        self.nd.kill()
        printed, told = export.communicate(timeout=60)
        told = told.decode()
        self.assertEqual(export.returncode, INCOMPLETE, told)
        got = (first + printed).splitlines()
        self.assertEqual(got[0], b"apple\tk\tv")
        lines = told.splitlines()
        single = [line for line in lines if re.match('kvmesh: cannot read .* bucket "z', line)]
        self.assertTrue(1 <= len(single) <= 20, told)
        untold = re.search(r"cannot read (?:(\d+) more buckets?)?(?: and )?(?:(\d+) more keys?)? of nd@localhost, which was not asked "
                           "again: unavailable: ", told)
        self.assertTrue(untold, told)
        lost = len(single) + sum(int(number or 0) for number in untold.groups())
        self.assertGreaterEqual(lost, 300)
        self.assertEqual(len(got) + lost, 601)
        self.assertIn(f"{lost} failed", lines[-1])
        self.assertEqual(len(lines), len(single) + 2, told)

    def test_buckets_of_all_nodes_are_one_list(self):
        names = sorted(f"{letter}{number:03}" for letter in "afgmnsz" for number in range(30))
        self.kvmesh("create", *reversed(names))
        self.assertEqual(self.kvmesh("buckets").split(), names)
        self.assertEqual(json.loads(self.kvmesh("buckets", "--json")), names)
        self.assertEqual(self.kvmesh("buckets", "--after", names[40], "--limit", "65").split(), names[41:106])
        self.assertEqual(self.kvmesh("buckets", "--prefix", "s01").split(), [n for n in names if n.startswith("s01")])
        self.assertEqual(self.kvmesh("buckets", "--range", "f..m", "--after", "f017").split(),
                         [n for n in names if "f017" < n < "n"])
        self.assertEqual(self.kvmesh("buckets", "--on", "nc@localhost").split(), [n for n in names if n[0] in "ns"])
        self.assertEqual(self.kvmesh("buckets", "nc@localhost", "--prefix", "n", "--limit", "2").split(), ["n000", "n001"])
        self.kvmesh("buckets", "nc@localhost", "--on", "nb@localhost", status=USAGE)
        self.kvmesh("buckets", "--prefix", "n", "--range", "n", status=USAGE)
        self.kvmesh("buckets", "--range", "z..n", status=USAGE)
        self.assertIn("n..z", self.stderr)
        self.nd.kill()
        eventually(lambda: self.nc.peer("nd")["state"] != "up", 2, "nc has lost nd")
        self.assertEqual(self.kvmesh("buckets", status=INCOMPLETE).split(), [n for n in names if n[0] != "z"])
        self.assertRegex(self.stderr, "kvmesh: the buckets of nd@localhost, if it stores any, are missing: unavailable: ")

    def test_several_buckets_are_dropped(self):
        self.kvmesh("create", "apple", "zoo")
        self.kvmesh("drop", "zebra", "apple", "yak", "zoo", status=NOT_FOUND)
        self.assertEqual(self.stderr, 'kvmesh: not_found: bucket "zebra": there is no bucket "zebra"\n'
                                      'kvmesh: not_found: bucket "yak": there is no bucket "yak"\n')
        self.assertEqual(self.kvmesh("buckets"), "")

    def test_buckets_that_fail_alike_are_told_together(self):
        self.kvmesh("drop", "ba", "bb", "bc", "--on", "nobody@localhost", status=NO_ROUTE)
        self.assertRegex(self.stderr, r'^kvmesh: no_route: buckets "ba", "bb", "bc": [^\n]*\n$')

    def test_what_is_in_use_is_no_stray(self):
        self.kvmesh("create", "ape", "zoo")
        self.kvmesh("drop", "--on", "nb@localhost", "--range", "a..z", status=INVALID_ARGUMENT)
        self.assertIn("the table of nb@localhost gives it the buckets of g..m, which are in use", self.stderr)
        self.assertEqual(self.kvmesh("drop", "--on", "nb@localhost", "--range", "n..z"), "dropped 0 buckets\n")
        for arguments in (["--range", "a"], [], ["ape", "--on", "na@localhost", "--range", "a"]):
            self.kvmesh("drop", *arguments, status=USAGE)
        self.assertEqual(self.kvmesh("buckets"), "ape\nzoo\n")

    def test_what_no_request_finds_is_counted(self):
        self.kvmesh("import", "--on", "nb@localhost", given="yak\tk\tv\nzoo\tk\told\n")
        self.kvmesh("import", given="zoo\tk\tnew\n")
        self.assertEqual(self.nb.info()["store"]["strays"], 2)
        self.assertIn("strays      2 buckets that its table gives to others", self.kvmesh("info", "nb@localhost"))
        self.assertRegex(self.kvmesh("info", "--mesh"), r"(?m)^nb@localhost .* 2$")
        self.assertEqual(self.kvmesh("buckets"), "zoo\n")
        self.assertIn("nb@localhost also holds 2 buckets that its table gives to others; kvmesh buckets --on nb@localhost lists",
                      self.stderr)
        self.assertEqual(self.kvmesh("export", "--on", "nb@localhost", "--range", "z"), "zoo\tk\told\n")
        self.assertEqual(self.kvmesh("export", status=INCOMPLETE), "zoo\tk\tnew\n")
        self.assertEqual(self.kvmesh("drop", "--on", "nb@localhost", "--range", "y..z"), "dropped 2 buckets\n")
        self.assertEqual(self.kvmesh("export"), "zoo\tk\tnew\n")

    def test_info_finds_all_nodes(self):
        def told(*arguments, status=0):
            nodes = json.loads(self.kvmesh("info", *arguments, "--mesh", "--json", status=status))
            return [(n["node"].split("@")[0], n["state"], n["info"] and n["info"]["name"].split("@")[0]) for n in nodes]

        self.assertEqual(told(), [("na", "connected", "na"), ("nb", "up", "nb"), ("nc", "via nb@localhost", "nc"),
                                  ("nd", "known to nc@localhost", "nd")])
        self.assertEqual(told("nc@localhost"),
                         [("nc", "connected", "nc"), ("nd", "up", "nd"), ("na", "found", "na"),
                          ("nb", "known to na@localhost", "nb")])
        self.nd.kill()
        eventually(lambda: self.nc.peer("nd")["state"] != "up", 2, "nc has lost nd")
        self.assertEqual(told(status=INCOMPLETE)[-1], ("nd", "silent", None))
        self.assertRegex(self.kvmesh("info", "--mesh", status=INCOMPLETE), r"(?m)^nd@localhost +silent \(unavailable\)")
        self.assertRegex(self.stderr, r"^kvmesh: nd@localhost did not answer: unavailable: .*\n$")


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class NodesWithoutStorage(MeshTest):
    def test_they_say_whom_to_ask(self):
        net = self.mesh()
        gate = net.add("gate", apps=["kv_server"], table=[("a..m", "foo"), ("*", "bar")])
        net.add("foo", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")])
        net.add("bar", apps=["kv"])
        net.start()
        kvmesh = [COMMAND_BIN, "--node", gate.endpoint, "--timeout", "20s"]
        self.run_to_end([*kvmesh, "create", "ape", "zoo"])
        self.assertEqual(self.run_to_end([*kvmesh, "buckets"]), "ape\nzoo\n")
        self.run_to_end([*kvmesh, "buckets", "gate@localhost"], UNDEFINED_FUNCTION)
        self.assertEqual(self.stderr, "kvmesh: undefined_function: gate@localhost stores no buckets; ask foo@localhost or "
                                      "bar@localhost\n")


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class ManyNodes(MeshTest):
    """A gate knows a hub only, which knows twelve nodes that store a letter each: each of them is asked over a connection of
    its own."""

    LETTERS = "abcdefghijkl"
    DESCRIPTORS = 112  # a client takes ten and wants twenty: enough for half a dozen of them, and not for twelve

    def setUp(self):
        mesh = self.mesh()
        table = [(letter, f"n{letter}") for letter in self.LETTERS]
        self.gate = mesh.add("gate", apps=[], table=[("*", "hub")], peers=["hub"])
        mesh.add("hub", apps=[], table=table, peers=[node for _, node in table])
        for letter, node in table:
            mesh.add(node, apps=["kv"], table=[(letter, node)], peers=[])
        mesh.start()

    def test_their_buckets_are_one_list_over_a_few_connections(self):
        command = ["/bin/sh", "-c", f'ulimit -n {self.DESCRIPTORS}; exec "$@"', "sh", COMMAND_BIN, "--node", self.gate.endpoint,
                   "--timeout", "20s"]
        names = [f"{letter}{number}" for letter in self.LETTERS for number in range(5)]
        self.run_to_end([*command, "create", *names])
        self.assertEqual(self.run_to_end([*command, "buckets"]).split(), names)
        # Pages that are smaller than what a node has: it is asked again after its connection made room for others.
        self.assertEqual(self.run_to_end([*command, "buckets", "--limit", "3"]).split(), names[:3])
        self.assertEqual(self.run_to_end([*command, "buckets", "--after", "b1", "--limit", "4"]).split(), names[7:11])
        printed = self.run_to_end([*command, "export"])
        self.assertEqual(printed.split(), names)


if __name__ == "__main__":
    main()
