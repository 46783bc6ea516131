#!/usr/bin/python3
"""Peers are added, moved and removed while a node runs and is asked: by `kvmesh reload` and by SIGHUP."""

import json
import os
import signal
import threading
import unittest

from harness import COMMAND_BIN, MeshTest, eventually, main
from load import Load, lost

INVALID_ARGUMENT, NO_ROUTE = 12, 13


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class ReloadTest(MeshTest):
    """a, which every test reloads, its peer b, and d, which runs and is no peer yet."""

    threads = 1

    def setUp(self):
        self.nodes = self.mesh()
        patient = {"mesh": {"peer_timeout_ms": 20000}}  # no link is to end because the machine is busy
        self.a = self.nodes.add("a", table=[("g..m", "b"), ("*", "a")], settings={"": {"threads": self.threads}, **patient})
        self.b = self.nodes.add("b", apps=["kv"], settings=dict(patient))
        self.d = self.nodes.add("d", apps=["kv"], settings=dict(patient))
        self.nodes.start()

    def kvmesh(self, *arguments, status=0):
        return self.run_to_end([COMMAND_BIN, "--node", self.a.endpoint, *arguments], status)

    def reload(self, table, peers, status=0):
        """Writes a's file anew and has it read; what the command prints."""
        self.a.table, self.a.peers = table, peers
        self.a.write_config()
        return self.kvmesh("reload", "a@localhost", status=status)

    def peers(self):
        return {peer["name"] for peer in self.a.info()["peers"]}

    def add_d(self):
        with_d = [("s", "d"), ("g..m", "b"), ("*", "a")]
        printed = self.reload(self.a.table, ["b", "d"])
        self.assertIn(f"peer d@localhost added, {self.d.endpoint}\n", printed)
        self.assertIn("no entry of kv.routing_table names this peer", printed)
        eventually(lambda: self.a.reaches("d"), 5, "a reaches d")
        self.assertEqual(self.reload(with_d, ["b", "d"]),
                         "the routing table is now [s -> d@localhost, g..m -> b@localhost, * -> a@localhost]\n")

class Reload(ReloadTest):
    def test_a_node_comes_and_goes_under_load(self):
        client = self.a.client()
        for bucket in (b"apples", b"grapes"):
            client.ok(bucket, "kv.create")
        eventually(lambda: "link to b@localhost is up" in self.a.log(), 5, "the log says that b is there")
        links = self.a.log().count("link to b@localhost")
        loads = [Load(self.a, bucket) for bucket in ("apples", "grapes") for _ in range(2)]
        _, seen, _ = client.ok(None, "node.watch", 0)
        self.add_d()
        client.ok(b"shopping", "kv.create")
        client.ok(b"shopping", "kv.put", b"milk", b"1")
        self.assertEqual(client.ok(b"shopping", "kv.get", b"milk"), b"1")
        self.assertEqual(client.ok(b"shopping", "node.name"), "d@localhost")
        self.assertEqual(self.kvmesh("buckets", "d@localhost"), "shopping\n")
        _, seen, changes = client.ok(None, "node.watch", seen)
        self.assertEqual(changes, [["d@localhost", True, ""]])

        printed = self.reload([("g..m", "b"), ("*", "a")], ["b"])
        self.assertEqual(printed, "peer d@localhost removed\nthe routing table is now [g..m -> b@localhost, * -> a@localhost]\n")
        self.assertEqual(self.peers(), {"b@localhost"})
        self.assertEqual(client.call("d@localhost", "node.ping").code, "no_route")
        _, seen, changes = client.ok(None, "node.watch", seen)
        self.assertEqual(changes, [["d@localhost", False, "it is no longer a peer of a@localhost"]])
        for load in loads:
            load.stop()
            self.assertEqual((load.answers, load.broken), ({}, None))
            self.assertEqual(lost(self.a, load), [])
        self.assertEqual(self.a.log().count("link to b@localhost"), links, "the link to b is not touched")
        self.assertEqual(self.reload(self.a.table, ["b"]), "nothing has changed\n")

    def test_faults_are_told_to_the_caller_and_change_nothing(self):
        before = self.a.info()
        self.a.table, self.a.peers = [("g..m", "b"), ("s", "d"), ("z..a", "a")], ["b"]
        self.a.write_config()
        with open(self.a.config_path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.kvmesh("reload", "a@localhost", status=INVALID_ARGUMENT)
        path = self.a.config_path
        self.assertIn(f'{path}:{1 + next(i for i, line in enumerate(lines) if "z..a" in line)}: kv.routing_table[2].range: ',
                      self.stderr)
        self.a.table = [("g..m", "b"), ("s", "d")]
        self.a.write_config()
        printed = json.loads(self.kvmesh("reload", "a@localhost", "--json", status=INVALID_ARGUMENT))
        self.assertEqual(printed["error"]["code"], "invalid_argument")
        self.assertTrue(self.stderr.startswith(f"kvmesh: invalid_argument: {path}:"), "one fault is one line: " + self.stderr)
        self.assertIn("d@localhost is neither this node (a@localhost) nor a peer; add mesh.peers.", self.stderr)
        self.assertIn(printed["error"]["text"], self.stderr)
        eventually(lambda: printed["error"]["text"] in self.a.log(), 5, "the log says the same")
        after = self.a.info()
        self.assertEqual((after["table"], [p["name"] for p in after["peers"]]),
                         (before["table"], [p["name"] for p in before["peers"]]))

    def test_of_many_faults_as_many_are_told_as_fit(self):
        self.a.table = [(f"{i}..", "a") for i in range(1000)]
        self.a.write_config()
        self.kvmesh("reload", "a@localhost", status=INVALID_ARGUMENT)
        told = self.stderr.splitlines()
        self.assertGreater(len(told), 10)
        self.assertRegex(told[-1], r"^\.\.\. and \d+ more; kvmesh-node --check-config prints all$")

    def test_json_and_another_node(self):
        self.assertEqual(self.kvmesh("reload", "nobody@localhost", status=NO_ROUTE), "")
        self.b.settings["log"] = {"level": "debug"}
        self.b.write_config()
        printed = json.loads(self.kvmesh("reload", "b@localhost", "--json"))
        self.assertEqual(printed["changes"], [])
        self.assertEqual(printed["needs_restart"],
                         ['log.level: "info" stays until a restart; the configuration says "debug"'])
        self.assertEqual(printed["warnings"], [])

    def test_a_signal_does_the_same(self):
        self.a.peers = ["b", "d"]
        self.a.write_config()
        self.a.send_signal(signal.SIGHUP)
        eventually(lambda: self.a.reaches("d"), 5, "a reaches d")
        eventually(lambda: f"info peer d@localhost added, {self.d.endpoint}\n" in self.a.log(), 5, "the log says it")

    def test_a_peer_that_has_moved(self):
        self.add_d()
        client = self.a.client()
        client.ok(b"shopping", "kv.create")
        self.d.stop_running()
        waiting = client.post(b"shopping", "kv.put", b"milk", b"1", timeout_ms=60000)
        elsewhere = self.nodes.add("elsewhere", apps=["kv"])
        elsewhere.full_name, elsewhere.table, elsewhere.peers = "d@localhost", [("*", "d")], []
        elsewhere.start()
        self.a.addresses["d"] = elsewhere.endpoint
        self.assertEqual(self.reload(self.a.table, ["b", "d"]),
                         f"peer d@localhost changed, {self.d.endpoint} is now {elsewhere.endpoint}\n")
        reply = client.reply(waiting)
        self.assertIn(reply.code, ("outcome_unknown", "unavailable"), "it ends with the link, long before its time")
        eventually(lambda: client.call(b"shopping", "kv.create").code == "ok", 5, "the other d answers")
        self.assertEqual(elsewhere.client().ok(None, "kv.buckets", None, 10)[1], [b"shopping"])
        self.d.resume()

    def test_nodes_behind_a_peer(self):
        self.b.peers = ["b", "d"]
        self.b.write_config()
        self.kvmesh("reload", "b@localhost")
        eventually(lambda: self.b.reaches("d"), 5, "b reaches d")
        self.a.vias = {"d": "b"}
        self.assertIn("peer d@localhost added, via b@localhost\n", self.reload(self.a.table, ["b"]))
        eventually(lambda: self.a.reaches("d"), 5, "a reaches d over b")
        self.a.vias = {}
        self.assertIn(f"peer d@localhost changed, via b@localhost is now {self.d.endpoint}\n",
                      self.reload(self.a.table, ["b", "d"]))
        eventually(lambda: self.a.reaches("d"), 5, "a reaches d itself")

    def test_many_ask_at_once(self):
        self.a.peers = ["b", "d"]
        self.a.write_config()
        with self.a.client() as client:
            ids = client.post_batch([("a@localhost", "node.reload")] * 200, timeout_ms=60000)
            replies = client.wait_all(ids, 60)
        self.assertEqual({reply.code for reply in replies}, {"ok"})
        eventually(lambda: "peer d@localhost added" in self.a.log(), 5, "the log says it")
        self.assertEqual(self.a.log().count("peer d@localhost added"), 1)
        self.assertEqual(self.peers(), {"b@localhost", "d@localhost"})

    def test_peers_come_and_go_again_and_again(self):
        """Also of nodes that are not there, while requests go to them."""
        client = self.a.client()
        client.ok(b"grapes", "kv.create")
        load = Load(self.a, "grapes")
        stop = threading.Event()
        codes = set()

        def ask():
            with self.a.client() as own:
                while not stop.is_set():
                    codes.update(r.code for r in own.wait_all(own.post_batch([("d@localhost", "node.ping")] * 50)))

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for i in range(20):
                self.a.addresses["x"] = f"tcp://127.0.0.1:{1 + i}"
                self.reload(self.a.table, (["d", "b"], ["b"], ["x", "b", "d"], ["b", "x"])[i % 4])
        finally:
            stop.set()
            asking.join()
        load.stop()
        self.assertEqual((load.answers, load.broken), ({}, None))
        self.assertLessEqual(codes, {"ok", "no_route", "unavailable", "outcome_unknown"})
        self.assertEqual(self.peers(), {"b@localhost", "x@localhost"})


class ReloadThreads(ReloadTest):
    threads = 3

    def test_every_thread_has_it(self):
        # Connections go to the threads in turn, and each thread has a link of its own.
        lines = [self.a.line() for _ in range(self.threads)]
        for line in lines:
            eventually(lambda own=line: own.ask("CREATE grapes") == "OK", 5, "b is reached")
        loads = [Load(self.a, "grapes", f"{i}-") for i in range(self.threads)]
        self.add_d()
        for line in lines:
            eventually(lambda own=line: own.ask("CREATE shopping") == "OK", 5, "d is reached")
        self.assertEqual(self.kvmesh("buckets", "d@localhost"), "shopping\n")
        self.reload([("g..m", "b"), ("*", "a")], ["b"])
        for line in lines:
            self.assertEqual(line.ask("GET shopping milk"), "NOT FOUND", "a itself is asked again")
        for load in loads:
            load.stop()
            self.assertEqual((load.answers, load.broken, lost(self.a, load)), ({}, None, []))


if __name__ == "__main__":
    main()
