#!/usr/bin/python3
"""All of Debian's packages as buckets over eight nodes, by first byte and by hash, and a ninth that joins. By hand:

    KVMESH_NODE_BIN=build/release/kvmesh-node KVMESH_BIN=build/release/kvmesh tests/distributed/plan_packages.py [FILE]

FILE has the names, one a line; without it `apt-cache pkgnames` tells them. By first byte means ranges of neighbouring bytes that are
as even as such ranges can be; by hash, what `kvmesh plan` proposes for nodes that hold these buckets."""

import json
import subprocess
import sys
from collections import Counter

from harness import COMMAND_BIN, MeshTest, clean_environment, main

NAMES = sys.argv.pop() if len(sys.argv) > 1 else None


def even_ranges(counts, nodes):
    """The owner of each byte, where the fullest of so many ranges of neighbours holds as little as can be."""
    def divide(most):
        owners, held, owner = {}, 0, 0
        for byte in sorted(counts):
            if held and held + counts[byte] > most:
                owner, held = owner + 1, 0
            held += counts[byte]
            owners[byte] = owner
        return owners if owner < nodes else None
    low, high = max(counts.values()), sum(counts.values())
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if divide(middle) else (middle + 1, high)
    return divide(low)


class Packages(MeshTest):
    def setUp(self):
        if NAMES:
            with open(NAMES, encoding="utf-8") as file:
                self.names = file.read().split()
        else:
            self.names = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=True).stdout.split()
        self.nodes = [f"n{i}" for i in range(1, 10)]
        net = self.mesh()
        self.first, *_ = [net.add(node, apps=["kv"], table=[("*", "n1")], peers=[one for one in self.nodes if one != node])
                          for node in self.nodes]
        self.mesh_nodes = net
        net.start()

    def command(self, *arguments, given=""):
        return subprocess.run([COMMAND_BIN, "--node", self.first.endpoint, *arguments], input=given, capture_output=True, text=True,
                              check=True, env=clean_environment()).stdout

    def plan(self, count):
        return json.loads(self.command("--json", "plan", "--nodes", ",".join(f"{node}@localhost" for node in self.nodes[:count])))

    def test_packages(self):
        total = len(self.names)
        counts = Counter(name.encode()[0] for name in self.names)
        before, after = even_ranges(counts, 8), even_ranges(counts, 9)
        fullest = Counter()
        for byte, count in counts.items():
            fullest[before[byte]] += count
        moved = sum(count for byte, count in counts.items() if before[byte] != after[byte])
        print(f"{total:,} names")
        print(f"by first byte: the fullest of 8 holds {max(fullest.values()) * 8 / total:.2f} times the mean; "
              f"a ninth moves {100 * moved / total:.0f} %")
        self.command("import", given="".join(f"{name}\tversion\t1\n" for name in self.names))
        eight = self.plan(8)
        held = [node["after"]["buckets"] for node in eight["nodes"] if node["weight"]]
        # The tables of eight, and what there is where they lead: the ninth takes from these.
        for node in self.mesh_nodes.nodes.values():
            node.table = [(entry["range"], entry["node"].split("@")[0]) for entry in eight["tables"][f"{node.name}@localhost"]]
            node.write_config()
            self.command("reload", f"{node.name}@localhost")
        self.command("import", given="".join(f"{name}\tversion\t1\n" for name in self.names))
        nine = self.plan(9)
        then = [node["after"]["buckets"] for node in nine["nodes"] if node["weight"]]
        print(f"by hash: the fullest of 8 holds {max(held) * 8 / total:.2f} times the mean; a ninth moves "
              f"{nine['hashes_moved']} of 256 hashes, {100 * nine['moved']['buckets'] / total:.1f} % of the names, "
              f"and then the fullest holds {max(then) * 9 / total:.2f}")


if __name__ == "__main__":
    main()
