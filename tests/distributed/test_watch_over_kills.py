#!/usr/bin/python3
"""`kvmesh watch` of a durable bucket tells each change that was acknowledged exactly once and in order, or a reset, while
the node that stores it and the one that it asks are killed under load."""

import os
import random
import threading
import unittest

from harness import COMMAND_BIN, MeshTest, eventually, main
from line_client import LineClient
from watch_command import Watch

ROUNDS = 6


class Writer:
    """A thread that sets one key after the other through a node that may die; `acknowledged` has their revisions."""

    def __init__(self, node):
        self.address = (node.host, node.tcp_port)
        self.acknowledged = {}  # by revision, keys
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        number = 0
        while not self.stopping.is_set():
            try:
                with LineClient(*self.address) as line:
                    while not self.stopping.is_set():
                        number += 1
                        answer = line.ask(f"SET shopping k{number} v")
                        if answer is None:
                            break
                        if answer.startswith("OK "):
                            self.acknowledged[int(answer.split()[1])] = f"k{number}"
            except OSError:
                self.stopping.wait(0.01)

    def stop(self):
        self.stopping.set()
        self.thread.join()


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class OverKills(MeshTest):
    def test_each_change_is_told_once_and_in_order_or_a_reset(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("*", "bar")])
        store = mesh.add("bar", apps=["kv"], settings={"": {"state_dir": "bar.state"}})
        mesh.start()
        gate.client().ok(b"shopping", "kv.create")
        watch = Watch(self, gate, "shopping")
        lines = [watch.next("begin")]
        writer = Writer(gate)
        self.addCleanup(writer.stop)
        lines.append(watch.next("put"))
        victims = [store, gate] + random.choices([store, gate], k=ROUNDS - 2)
        for victim in victims:
            enough = len(writer.acknowledged) + random.randrange(1, 60)
            eventually(lambda enough=enough: len(writer.acknowledged) >= enough, 20, "changes are acknowledged")
            victim.kill()
            victim.start()
        eventually(lambda: gate.reaches("bar"), 20, "gate reaches bar")
        writer.stop()
        while lines[-1]["rev"] < max(writer.acknowledged):
            lines.append(watch.next_line())
        self.check(lines, writer.acknowledged, victims.count(store))

    def check(self, lines, acknowledged, kills):
        self.assertLessEqual({line["kind"] for line in lines}, {"begin", "reset", "put"})
        self.assertLessEqual(sum(line["kind"] == "reset" for line in lines), kills)
        revisions = [line["rev"] for line in lines]
        self.assertEqual(revisions, sorted(revisions))
        told = {line["rev"]: line["key"] for line in lines if line["kind"] == "put"}
        self.assertEqual(len(told), sum(line["kind"] == "put" for line in lines), "none is told twice")
        jumps = [(before["rev"], line["rev"]) for before, line in zip(lines, lines[1:]) if line["kind"] == "reset"]
        missing = {rev: key for rev, key in acknowledged.items()
                   if rev > lines[0]["rev"] and told.get(rev) != key and not any(a < rev <= b for a, b in jumps)}
        self.assertEqual(missing, {})


if __name__ == "__main__":
    main()
