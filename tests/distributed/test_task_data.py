#!/usr/bin/python3
"""Tasks that use buckets with revisions, of other nodes too; with the module `ledger` of tests/distributed/modules."""

import os
import random

from harness import eventually, main
from task_client import FOO, MODULES, Follower, TaskTest, end_all, run, with_tasks

KEYS = [f"a{i}" for i in range(8)]


class Ledger(TaskTest):
    def setUp(self):
        """Tasks run on foo, and bar, which is durable, has the bucket `stock`."""
        mesh = self.mesh()
        settings = with_tasks([os.path.join(MODULES, "ledger.so")])
        self.foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")], settings=settings)
        self.bar = mesh.add("bar", apps=["kv"], settings={"": {"state_dir": "bar.state"}})
        mesh.start()
        self.client = self.foo.client()
        self.client.ok(b"stock", "kv.create")

    def task(self, function, *args):
        return Follower(self.client, FOO, function, *args)

    def result(self, function, *args):
        ended = self.task(function, *args).end()
        self.assertEqual(ended.code, "ok", ended.text)
        return ended.result

    def transfers(self, count):
        """Sends them all; their requests."""
        pairs = [random.sample(KEYS, 2) for _ in range(count)]
        return [run(self.client, FOO, "ledger.transfer", "stock", *pair, i + 1, timeout_ms=60_000)
                for i, pair in enumerate(pairs)]

    def test_what_tasks_move_at_once_is_neither_lost_nor_made(self):
        for key in KEYS:
            self.client.ok(b"stock", "kv.put", key.encode(), b"1000")
        ended = end_all(self.client, self.transfers(40))
        self.assertEqual({one.code for one in ended}, {"ok"}, ended)
        self.assertEqual(self.result("ledger.total", "stock", "a"), 1000 * len(KEYS))

    def test_nor_while_the_node_that_stores_it_is_killed(self):
        count, since = self.result("ledger.changes", "stock", 0)
        self.assertEqual(count, -1)  # a reset, where nobody has followed yet
        follower = self.task("ledger.follow", "stock").until_output()
        requests = self.transfers(30)
        eventually(lambda: self.client.ok(b"stock", "kv.count") > 0, what="the first transfer is made")
        self.bar.kill()
        self.bar.start()
        ended = end_all(self.client, requests)
        self.assertEqual({one.code for one in ended}, {"ok"}, ended)
        eventually(lambda: self.foo.reaches("bar"), what="foo reaches bar again")
        self.assertEqual(self.result("ledger.total", "stock", "a"), 0)
        self.client.ok(b"stock", "kv.put", b"end", b".")
        said = "".join(text for _, text in follower.end().output).splitlines()
        self.assertEqual(follower.ended.code, "ok", follower.ended.text)
        self.assertEqual(said[0], "begin")
        # A reset, unless it had been told all when the node was killed.
        last_word = max(at for at, line in enumerate(said) if line in ("begin", "reset"))
        told = dict(line.split()[1:] for line in said[last_word + 1:])
        _, _, items = self.client.ok(b"stock", "kv.scan", b"", None, 0, True)
        self.assertEqual(told, {key.decode(): value.decode() for key, _, _, value in items})
        count, now = self.result("ledger.changes", "stock", since)
        self.assertEqual(count, -1)  # of what was changed before it was killed nothing is told
        self.assertGreater(now, since)

    def test_what_fails_says_why(self):
        self.assertEqual(self.task("ledger.total", "nothing", "").end().code, "not_found")
        self.client.ok(b"stock", "kv.put", b"a0", b"x")
        ended = self.task("ledger.transfer", "stock", "a0", "a1", 1).end()
        self.assertEqual((ended.code, ended.text), ("task_failed", "stoll"))


if __name__ == "__main__":
    main()
