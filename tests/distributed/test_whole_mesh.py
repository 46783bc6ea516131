#!/usr/bin/python3
"""What the command does for all nodes of a mesh, those that the connected one does not know included."""

import json
import os
import unittest

from harness import COMMAND_BIN, MeshTest, eventually, main

INCOMPLETE, UNAVAILABLE = 3, 14
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

    def test_info_finds_all_nodes(self):
        def told(*arguments):
            nodes = json.loads(self.kvmesh("info", *arguments, "--mesh", "--json"))
            return [(n["node"].split("@")[0], n["state"], n["info"] and n["info"]["name"].split("@")[0]) for n in nodes]

        self.assertEqual(told(), [("na", "connected", "na"), ("nb", "up", "nb"), ("nc", "via nb@localhost", "nc"),
                                  ("nd", "known to nc@localhost", "nd")])
        self.assertEqual(told("nc@localhost"),
                         [("nc", "connected", "nc"), ("nd", "up", "nd"), ("na", "found", "na"),
                          ("nb", "known to na@localhost", "nb")])
        self.nd.kill()
        eventually(lambda: self.nc.peer("nd")["state"] != "up", 2, "nc has lost nd")
        self.assertEqual(told()[-1], ("nd", "silent", None))
        self.assertRegex(self.kvmesh("info", "--mesh"), r"(?m)^nd@localhost +silent \(unavailable\)")


if __name__ == "__main__":
    main()
