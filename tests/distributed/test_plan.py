#!/usr/bin/python3
"""`kvmesh plan` over real nodes, with the steps that it prints: from first bytes to hashes, a node that joins, one that leaves."""

import json
import os
import tomllib

from harness import COMMAND_BIN, MeshTest, eventually, main

NODES = ("n1", "n2", "n3", "n4")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
COUNT = 600


def full(*names):
    return ",".join(f"{name}@localhost" for name in names)


class Plan(MeshTest):
    def setUp(self):
        self.mesh_nodes = self.mesh()
        table = [("a..d", "n1"), ("e..z", "n2"), ("*", "n3")]
        self.gate = self.mesh_nodes.add("gate", apps=["kv_server"], table=table, peers=list(NODES))
        self.stores = [self.mesh_nodes.add(name, apps=["kv"], table=table, peers=[one for one in (*NODES, "gate") if one != name])
                       for name in NODES]
        self.mesh_nodes.start()
        line = self.gate.line()
        self.names = [f"{LETTERS[i * i % 26]}{i}" for i in range(COUNT)]
        eventually(lambda: all(line.ask(f"CREATE {name}") == "OK" for name in self.names), 10, "the links are up")
        for name in self.names:
            self.assertEqual(line.ask(f"PUT {name} key {name}"), "OK")

    def command(self, *arguments, status=0):
        return self.run_to_end([COMMAND_BIN, "--node", self.gate.endpoint, *arguments], status)

    def plan(self, *arguments, status=0):
        return json.loads(self.command("--json", "plan", *arguments, status=status))

    def counts(self, planned, when):
        return {node["node"].split("@")[0]: node[f"hashes_{when}"] for node in planned["nodes"]}

    def take_tables(self, folder, nodes=None):
        for node in nodes or (self.gate, *self.stores):
            with open(os.path.join(folder, f"{node.name}@localhost.toml"), "rb") as file:
                entries = tomllib.load(file)["kv"]["routing_table"]
            node.table = [(entry["range"], entry["node"].split("@")[0]) for entry in entries]
            node.write_config()
            self.command("reload", f"{node.name}@localhost")

    def carry_over(self, planned, folder):
        """All at once, as nobody writes."""
        copy = folder + ".copy"
        self.command("backup", copy)
        self.take_tables(folder)
        self.command("restore", copy)
        for move in planned["moves"]:
            self.command("drop", "--on", move["from"], "--range", move["range"])
        self.check_places(planned)

    def carry_in_turn(self, planned, folder):
        """While others write: what moves is closed from the reload of those who give it to that of who takes it."""
        givers = [node for node in self.stores if any(move["from"] == f"{node.name}@localhost" for move in planned["moves"])]
        held = set(self.command("buckets", "--range", planned["moves"][0]["range"]).split())
        line = self.gate.line()
        self.assertEqual(line.ask(f"PUT {min(held)} key before"), "OK")
        self.take_tables(folder, givers)
        self.assertIn("ERROR route_loop", line.ask(f"PUT {min(held)} key lost"))
        for number, move in enumerate(planned["moves"]):
            copy = f"{folder}.{number}"
            with open(copy, "w", encoding="ascii") as file:
                file.write(self.command("export", "--on", move["from"], "--range", move["range"]))
            self.command("import", "--on", move["to"], copy)
        self.take_tables(folder, [node for node in (self.gate, *self.stores) if node not in givers])
        self.assertEqual((line.ask(f"GET {min(held)} key"), line.line()), ("before", "OK"))
        for move in planned["moves"]:
            self.command("drop", "--on", move["from"], "--range", move["range"])
        self.check_places(planned)

    def check_places(self, planned):
        self.assertEqual(set(self.command("buckets").split()), set(self.names))
        for node in planned["nodes"]:
            held = self.command("buckets", "--on", node["node"]).split()
            self.assertEqual(len(held), node["after"]["buckets"], "exactly what the plan said")
        self.assertIn("sound", self.command("verify", "--live"))

    def test_from_bytes_to_hashes_and_a_node_joins_and_leaves(self):
        folder = os.path.join(self.mesh_nodes.directory, "tables")
        planned = self.plan("--nodes", full("n1", "n2", "n3"), "--write", folder)
        self.assertTrue(planned["replaces_bytes"] and planned["sound"])
        self.assertEqual(sorted(self.counts(planned, "after").values()), [85, 85, 86])
        self.carry_over(planned, folder)
        again = self.plan("--nodes", full("n3", "n1", "n2"))
        self.assertEqual((again["hashes_moved"], again["moves"]), (0, []), "what is planned needs no plan")

        folder += "4"
        joined = self.plan("--nodes", full(*NODES), "--write", folder)
        self.assertEqual(joined["hashes_moved"], 64, "the least: a quarter")
        self.assertEqual({move["to"] for move in joined["moves"]}, {"n4@localhost"})
        self.assertEqual(joined, self.plan("--live", self.gate.endpoint), "all that store, if none are named")
        self.carry_in_turn(joined, folder)

        left = self.plan("--remove", "n4@localhost")
        self.assertEqual(left["hashes_moved"], 64)
        self.assertEqual(sorted(count for node, count in self.counts(left, "after").items() if node != "n4"), [85, 85, 86])

    def test_weights_and_loads(self):
        weighed = self.plan("--nodes", "n1@localhost=2,n2@localhost,n3@localhost")
        self.assertEqual(self.counts(weighed, "after"), {"n1": 128, "n2": 64, "n3": 64})
        even = self.plan("--nodes", full("n1", "n2", "n3"), "--by", "buckets", "--tolerance", "1%")
        buckets = [node["after"]["buckets"] for node in even["nodes"] if node["weight"] > 0]
        self.assertLessEqual(max(buckets) * 3, 1.01 * COUNT)
        self.assertEqual(even["moved"]["keys"], even["moved"]["buckets"])

    def test_what_is_refused(self):
        for arguments, text in (
                (("--nodes", "n9@localhost"), 'the mesh has no node "n9@localhost"; start it first'),
                (("--nodes", "gate@localhost"), 'gate@localhost stores nothing; add "kv" to its apps'),
                (("--nodes", "n1@localhost,n1@localhost"), 'names "n1@localhost" twice'),
                (("--nodes", "n1@localhost=0"), "write NODE=WEIGHT"),
                (("--remove", "n9@localhost"), 'names "n9@localhost", which is none of the nodes that store'),
                (("--remove", full("n1"), "--remove", full("n2"), "--remove", full("n3"), "--remove", full("n4")), "no node is left"),
                (("--tolerance", "5"), "write for example 5%"), (("--by", "colour"), "colour")):
            self.run_and_refuse(arguments, text)
        folder = os.path.join(self.mesh_nodes.directory, "t")
        self.command("plan", "--write", folder)
        self.run_and_refuse(("--write", folder), "File exists")
        self.stores[3].kill()
        eventually(lambda: "n4@localhost does not answer" in self.run_and_fail(("--nodes", full("n1"))), 20, "it is missed")

    def run_and_refuse(self, arguments, text):
        self.assertIn(text, self.run_and_fail(arguments))

    def run_and_fail(self, arguments):
        with self.assertRaises(AssertionError):
            self.command("plan", *arguments)
        return self.stderr


if __name__ == "__main__":
    main()
