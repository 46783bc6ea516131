#!/usr/bin/python3
"""The Python client's data model: revisions, expiry, several changes at once, changes that are followed over failures."""

import queue
import threading

from harness import MeshTest, main
from python_package import Client, KvmeshError, error_of, kvmesh
from kvmesh import Add, Applied, BucketOptions, Conflict, Delete, Entry, Event, Put, Restore, Touch


class DataTest(MeshTest):
    """gate knows only bar, which stores."""

    def setUp(self):
        nodes = self.mesh()
        self.gate = nodes.add("gate", apps=[], table=[("*", "bar")])
        self.bar = nodes.add("bar", apps=["kv"], table=[("*", "bar")])
        self.nodes = nodes.start()
        self.client = self.open(self.gate)
        self.client.create("shop")

    def open(self, node, **options):
        client = Client(node.endpoint, timeout=30, connect_timeout=30, **options)
        self.addCleanup(client.close)
        return client


class Values(DataTest):
    def test_a_bucket_has_options_and_keys_are_restored(self):
        self.client.create("brief", ttl=3600, history=4096)
        self.client.create("brief", ttl=1)
        self.assertEqual(self.client.options("brief"), BucketOptions(3600.0, 4096))
        self.client.put("brief", "k", "v")
        self.assertGreater(self.client.read("brief", "k").ttl, 3000)
        self.assertEqual(self.client.options("brief", ttl=0, history=0), BucketOptions())
        self.client.put("brief", "k", "v")
        self.assertIsNone(self.client.read("brief", "k").ttl)
        done = self.client.apply("brief", [Restore("k", "old", 7, keep="all"), Restore("then", "v", 7, ttl=3600)])
        self.assertEqual(done.results, [True, False])
        entry = self.client.read("brief", "then")
        self.assertEqual((entry.value, entry.rev), (b"v", 7))
        for wrong in (lambda: Restore("k", "v", 0), lambda: Restore("k", "v", 1, keep="some")):
            with self.assertRaises(ValueError):
                self.client.apply("brief", [wrong()])

    def test_compare_and_set(self):
        first = self.client.compare_and_set("shop", "milk", "1", 0)
        self.assertTrue(first)
        self.assertEqual(self.client.read("shop", "milk"), Entry(b"1", first.rev))
        self.assertEqual(self.client.compare_and_set("shop", "milk", "2", 0), Conflict(b"milk", first.rev))
        self.assertFalse(self.client.compare_and_set("shop", "eggs", "2", first.rev))
        self.assertEqual(self.client.compare_and_set("shop", "eggs", "2", 7), Conflict(b"eggs", 0))
        second = self.client.compare_and_set("shop", "milk", b"\x00\n", first.rev, ttl=3600)
        self.assertGreater(second.rev, first.rev)
        entry = self.client.read("shop", "milk")
        self.assertEqual((entry.value, entry.rev), (b"\x00\n", second.rev))
        self.assertTrue(0 < entry.ttl <= 3600, entry)
        self.assertIsNone(self.client.read("shop", "eggs"))
        self.assertEqual(error_of(self.client.read, "nothing", "milk").code, "not_found")

    def test_apply_is_all_or_nothing(self):
        done = self.client.apply("shop", [Put("a", "1"), Add("n", 5), Delete("x"), Touch("t", 5), Put("late", "1", ttl=600)])
        self.assertIsInstance(done, Applied)
        self.assertEqual(done.results, [False, 5, False, False, False])
        read = self.client.read_many("shop", ["a", "n", "x", "t"])
        self.assertEqual(read, {b"a": Entry(b"1", done.rev), b"n": Entry(b"5", done.rev), b"x": None, b"t": None})
        changes = [Put("a", "2"), Delete("n")]
        self.assertEqual(self.client.apply("shop", changes, checks={"a": done.rev, "x": 0, "n": 1}), Conflict(b"n", done.rev))
        self.assertEqual(self.client.get("shop", "a"), b"1")
        again = self.client.apply("shop", changes, checks={"a": done.rev, "x": 0})
        self.assertEqual(again.results, [True, True])
        self.assertIsNone(self.client.read("shop", "n"))
        self.assertEqual(self.client.apply("shop", [], checks={"a": again.rev}), Applied(again.rev, []))

    def test_add_and_touch(self):
        self.assertEqual(self.client.add("shop", "n"), 1)
        self.assertEqual(self.client.add("shop", "n", -5, ttl=3600), -4)
        self.assertTrue(self.client.touch("shop", "n"))
        self.assertIsNone(self.client.read("shop", "n").ttl)
        self.assertFalse(self.client.touch("shop", "none", 1))
        self.client.put("shop", "text", "x")
        self.assertEqual(error_of(self.client.add, "shop", "text").code, "invalid_argument")

    def test_once(self):
        identity = bytes(range(16))
        for _ in range(3):
            self.assertEqual(self.client.add("shop", "n", 2, once=identity), 2)
        self.assertEqual(self.client.add("shop", "n", 2, once=True), 4)
        self.assertEqual(self.client.add("shop", "n", 2, once=True), 6)

    def test_a_call_to_be_made_once_is_repeated_when_its_outcome_is_unknown(self):
        client = self.open(self.gate, retries=1000)
        self.assertEqual(client.add("shop", "n", 1, once=True, timeout=20), 1)
        sums, enough = queue.Queue(), threading.Event()

        def add():
            while not enough.is_set():
                try:
                    sums.put(client.add("shop", "n", 1, once=True, timeout=100))
                except KvmeshError as error:
                    sums.put(error)
        adder = threading.Thread(target=add)
        adder.start()
        try:
            wanted = iter(range(2, 1000000))
            for _ in range(5):
                for _ in range(50):
                    self.assertEqual(sums.get(timeout=60), next(wanted))
                self.gate.kill()  # while it adds
                self.gate.start()
        finally:
            enough.set()
            adder.join()
        while not sums.empty():
            self.assertEqual(sums.get(), next(wanted))

    def test_scan(self):
        stored = {b"%04d" % number: str(number).encode() for number in range(250)}
        self.client.put_many("shop", {**stored, "other": "x"})
        for page in (1, 100, 10000):
            self.assertEqual({key: entry.value for key, entry in self.client.scan("shop", "0", page=page)}, stored)
        found = list(self.client.scan("shop", after="0248", values=False))
        self.assertEqual([(key, entry.value) for key, entry in found], [(b"0249", None), (b"other", None)])
        self.assertEqual(found[0][1].rev, self.client.read("shop", "0249").rev)

    def test_wrong_arguments(self):
        for call in (lambda: self.client.apply("shop", ["put"]), lambda: self.client.apply("shop", [Add("n", "1")]),
                     lambda: self.client.compare_and_set("shop", "k", "v", "1"), lambda: self.client.touch("shop", "k", "1"),
                     lambda: self.client.compare_and_set("shop", "k", "v", None)):
            self.assertRaises(TypeError, call)
        for call in (lambda: self.client.add("shop", "n", once=b"short"), lambda: self.client.touch("shop", "k", 0),
                     lambda: self.client.add("shop", "n", 2**63), lambda: self.client.changes("shop", 0, wait=11),
                     lambda: self.client.compare_and_set("shop", "k", "v", -1), lambda: self.client.scan("shop", page=0)):
            self.assertRaises(ValueError, call)


class Following(DataTest):
    def follow(self, **options):
        """A watch, and a queue of its events; a thread takes them."""
        watch, events = self.open(self.gate).watch("shop", **options), queue.Queue()

        def take():
            try:
                for event in watch:
                    events.put(event)
            except (KvmeshError, RuntimeError) as error:
                events.put(error)
        threading.Thread(target=take, daemon=True).start()
        return watch, lambda: events.get(timeout=60)

    def test_changes(self):
        begin = self.client.changes("shop", 0)
        self.assertEqual((begin.reset, begin.events), (True, []))
        done = self.client.apply("shop", [Put("a", "1"), Put("b", "2", ttl=3600)])
        found = self.client.changes("shop", begin.next, wait=10)
        self.assertEqual((found.reset, found.next), (False, done.rev))
        self.assertEqual([(event.kind, event.rev, event.key, event.value) for event in found.events],
                         [("put", done.rev, b"a", b"1"), ("put", done.rev, b"b", b"2")])
        self.assertIsNone(found.events[0].ttl)
        self.assertTrue(0 < found.events[1].ttl <= 3600)
        self.assertEqual(self.client.changes("shop", begin.next, "b").events[0].key, b"b")
        self.assertEqual(self.client.changes("shop", done.rev).events, [])

    def test_a_watch_tells_all_that_happens(self):
        watch, take = self.follow()
        self.assertEqual(take().kind, "reset")
        put = self.client.compare_and_set("shop", "milk", "1", 0)
        self.assertEqual(take(), Event("put", put.rev, b"milk", b"1"))
        self.client.touch("shop", "milk", 0.05)
        touched = take()
        self.assertEqual((touched.kind, touched.key), ("touch", b"milk"))
        expired = take()
        self.assertEqual((expired.kind, expired.key, expired.value), ("expire", b"milk", None))
        self.client.put("shop", "eggs", "6")
        self.client.delete("shop", "eggs")
        self.assertEqual([take().kind for _ in range(2)], ["put", "delete"])
        self.client.drop("shop")
        end = take()
        if isinstance(end, Event):  # told to the one that asks just now; to others there is no such bucket
            self.assertEqual(end.kind, "drop")
            end = take()
        self.assertEqual(end.code, "not_found")

    def test_a_watch_goes_on_over_the_death_of_the_node_that_it_asks(self):
        _, take = self.follow()
        self.assertEqual(take().kind, "reset")
        direct = self.open(self.bar)
        for number in range(5):
            self.gate.kill()
            for part in "ab":
                direct.put("shop", f"{number}{part}", "x")
            self.gate.start()
            self.assertEqual([take().key for _ in "ab"], [b"%da" % number, b"%db" % number])

    def test_a_watch_goes_on_where_another_one_ended(self):
        watch, take = self.follow()
        self.assertEqual(take().kind, "reset")
        self.client.apply("shop", [Put(f"{number}", "x") for number in range(3)])
        self.client.put("shop", "last", "x")
        self.assertEqual([take().key for _ in range(4)], [b"0", b"1", b"2", b"last"])
        since = self.client.read("shop", "0").rev
        self.assertEqual(next(self.client.watch("shop", since=since)).key, b"last")
        other = self.client.watch("shop", since=since - 1)
        self.assertEqual([next(other).key for _ in range(2)], [b"0", b"1"])
        self.assertEqual(other.since, since - 1, "the rest of that revision is still to come")
        self.assertEqual([next(other).key, other.since], [b"2", since])

    def test_what_is_lost_is_told(self):
        watch, take = self.follow()
        first = take()
        self.client.put("shop", "milk", "1")
        self.assertEqual(take().key, b"milk")
        self.bar.kill()
        self.bar.start()
        direct = self.open(self.bar)
        direct.create("shop")
        direct.put("shop", "milk", "2")
        again = take()
        if isinstance(again, KvmeshError):  # it asked between the start and the create
            self.assertEqual(again.code, "not_found")
            again = next(self.open(self.bar).watch("shop", since=watch.since))
        self.assertEqual((again.kind, again.rev > first.rev), ("reset", True))
        self.assertEqual({key: entry.value for key, entry in direct.scan("shop")}, {b"milk": b"2"})


class Command(DataTest):
    def test_commands(self):
        def run(*arguments, status=0):
            return self.run_to_end(["/usr/bin/python3", "-B", kvmesh.__path__[0], self.gate.endpoint, *arguments], status)
        self.assertEqual(run("add", "shop", "n", "5"), "5\n")
        self.assertEqual(run("add", "shop", "n", "-7"), "-2\n")
        rev = self.client.read("shop", "n").rev
        self.assertEqual(run("read", "shop", "n"), f'{{"rev": {rev}, "value": "-2", "ttl": null}}\n')
        self.assertEqual(run("scan", "shop"), f'["n", {rev}, "-2"]\n')
        run("read", "shop", "none", status=1)
        run("add", "shop", "n", "x", status=2)
        self.assertIn("DELTA must be a whole number, not 'x'", self.stderr)


if __name__ == "__main__":
    main()
