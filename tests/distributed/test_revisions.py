#!/usr/bin/python3
"""Revisions as users of the command meet them: compare and set, keys that expire, calls executed once, and changes that are
watched while nodes die and come back."""

import json
import os
import subprocess
import threading
import unittest
import uuid

from harness import COMMAND_BIN, MeshTest, clean_environment, die_with_parent, eventually, main, patience
from watch_command import Watch

MISSING_KEY, USAGE, CONFLICT, NOT_FOUND, INVALID, UNKNOWN = 1, 2, 4, 11, 12, 15


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Revisions(MeshTest):
    def setUp(self):
        self.gate, self.store = self.pair()  # foo passes "shopping" on to bar
        self.kvmesh("create", "shopping")

    def command_line(self, *arguments, node=None):
        return [COMMAND_BIN, "--node", (node or self.gate).endpoint, *arguments]

    def kvmesh(self, *arguments, status=0, node=None):
        return self.run_to_end(self.command_line(*arguments, node=node), status)

    def read(self, key):
        return json.loads(self.kvmesh("read", "shopping", key, "--json"))


class ChecksAndTimes(Revisions):
    def test_a_change_is_made_when_its_check_holds(self):
        first = int(self.kvmesh("put", "shopping", "milk", "1", "--if-absent"))
        self.kvmesh("put", "shopping", "milk", "2", "--if-absent", status=CONFLICT)
        self.assertIn(f"is there already, with revision {first}", self.stderr)
        second = int(self.kvmesh("put", "shopping", "milk", "2", "--if-rev", str(first)))
        self.assertGreater(second, first)
        told = json.loads(self.kvmesh("delete", "shopping", "milk", "--if-rev", str(first), "--json", status=CONFLICT))
        self.assertEqual(told, {"conflict": {"key": "milk", "rev": second}})
        self.assertEqual(self.kvmesh("read", "shopping", "milk"), f"milk\t{second}\t-\t2\n")
        self.kvmesh("delete", "shopping", "milk", "--if-rev", str(second))
        self.kvmesh("read", "shopping", "milk", status=MISSING_KEY)
        self.kvmesh("put", "shopping", "milk", "3", "--if-rev", str(second), status=CONFLICT)
        self.assertIn("is not there", self.stderr)

    def test_processes_that_compare_and_set_lose_no_count(self):
        self.kvmesh("put", "shopping", "count", "0")
        faults = []

        def count_up(node, times):
            try:
                while times > 0:
                    line = self.command_line("read", "shopping", "count", "--json", node=node)
                    now = json.loads(subprocess.run(line, capture_output=True, check=True, env=clean_environment(),
                                                    timeout=60 * patience()).stdout)
                    line = self.command_line("put", "shopping", "count", str(int(now["value"]) + 1), "--if-rev",
                                             str(now["rev"]), node=node)
                    done = subprocess.run(line, capture_output=True, check=False, env=clean_environment(), timeout=60 * patience())
                    if done.returncode not in (0, CONFLICT):
                        raise AssertionError(done)
                    times -= done.returncode == 0
            except Exception as fault:  # pylint: disable=broad-exception-caught
                faults.append(fault)

        racers = [threading.Thread(target=count_up, args=(node, 10)) for node in (self.gate, self.gate, self.store, self.store)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        self.assertEqual(faults, [])
        self.assertEqual(self.kvmesh("get", "shopping", "count"), "40\n")

    def test_numbers_are_added_to(self):
        self.assertEqual(self.kvmesh("add", "shopping", "n", "5"), "5\n")
        self.assertEqual(self.kvmesh("add", "shopping", "n", "-7"), "-2\n")
        self.kvmesh("add", "shopping", "n", "x", status=USAGE)
        self.kvmesh("put", "shopping", "word", "bread")
        self.kvmesh("add", "shopping", "word", "1", status=INVALID)

    def test_a_key_ends_with_its_time(self):
        watch = Watch(self, self.gate, "shopping")
        watch.next("begin")
        self.kvmesh("put", "shopping", "milk", "1", "--ttl", "300ms")
        self.kvmesh("put", "shopping", "bread", "1", "--ttl", "1d")
        left = self.read("bread")["ttl_ms"]
        self.assertTrue(0 < left <= 86_400_000, left)
        self.assertEqual(watch.next("put")["key"], "milk")
        rest = sorted((watch.next_line() for _ in range(2)), key=lambda line: line["kind"])
        self.assertEqual([(line["kind"], line["key"]) for line in rest], [("expire", "milk"), ("put", "bread")])
        self.kvmesh("read", "shopping", "milk", status=MISSING_KEY)
        self.kvmesh("touch", "shopping", "bread", "--forever")
        self.assertIsNone(self.read("bread")["ttl_ms"])
        self.assertIsNone(watch.next("touch")["ttl_ms"])
        self.kvmesh("touch", "shopping", "milk", "--ttl", "1s", status=MISSING_KEY)

    def test_a_bucket_may_say_how_long_its_keys_live(self):
        node = self.single()
        run = lambda *arguments, status=0: self.run_to_end([COMMAND_BIN, "--node", node.endpoint, *arguments], status)
        run("create", "brief", "--ttl", "1h", "--history", "1MiB")
        self.assertEqual(run("options", "brief"), "ttl      1 h 00 min\nhistory  1.0 MiB\n")
        self.assertEqual(json.loads(run("--json", "options", "brief", "--no-history")), {"ttl_ms": 3600000, "history_bytes": None})
        run("put", "brief", "k", "v")
        self.assertRegex(json.loads(run("--json", "read", "brief", "k"))["ttl_ms"].__repr__(), r"^3[56]\d{5}$")
        self.assertEqual(run("options", "brief", "--no-ttl"), "ttl      none\nhistory  while somebody follows\n")
        run("options", "no such", status=NOT_FOUND)
        self.assertIn("kvmesh create", self.stderr)
        for wrong in (["--ttl", "0"], ["--history", "65MiB"], ["--history", "much"], ["--ttl", "1h", "--no-ttl"]):
            run("options", "brief", *wrong, status=USAGE)

    def test_an_import_keeps_the_time_at_which_a_key_expires(self):
        self.kvmesh("put", "shopping", "bread", "1")
        self.kvmesh("put", "shopping", "milk", "2", "--ttl", "1d")
        printed = self.kvmesh("export", "shopping", "--format", "jsonl")
        records = {record["key"]: record for record in map(json.loads, printed.splitlines())}
        self.assertEqual(set(records["bread"]), {"bucket", "key", "value"})
        records["milk"]["bucket"] = records["bread"]["bucket"] = "stock"
        records["gone"] = {**records["milk"], "key": "gone", "expires_ms": 1}
        lines = "".join(json.dumps(record) + "\n" for record in records.values())
        self.kvmesh("create", "stock")
        self.kvmesh("put", "stock", "gone", "earlier")
        self.run_to_end(self.command_line("import", "--format", "jsonl"), given=lines)
        rest = json.loads(self.kvmesh("read", "stock", "milk", "--json"))["ttl_ms"]
        self.assertTrue(0 < rest < self.read("milk")["ttl_ms"] + 1000, rest)
        self.assertIsNone(json.loads(self.kvmesh("read", "stock", "bread", "--json"))["ttl_ms"])
        eventually(lambda: self.kvmesh("scan", "stock", "--keys") == "bread\nmilk\n", what="the key has expired")

    def test_a_scan_prints_each_key_of_a_prefix_in_order(self):
        for key in ("b", "a2", "a1", "c"):
            self.kvmesh("put", "shopping", key, key.upper())
        self.assertEqual(self.kvmesh("scan", "shopping", "--keys"), "a1\na2\nb\nc\n")
        self.assertEqual(self.kvmesh("scan", "shopping", "--keys", "--after", "a1", "--limit", "2"), "a2\nb\n")
        lines = [line.split("\t") for line in self.kvmesh("scan", "shopping", "--prefix", "a", "--values").splitlines()]
        self.assertEqual([(key, ttl, value) for key, _, ttl, value in lines], [("a1", "-", "A1"), ("a2", "-", "A2")])
        self.assertEqual(int(lines[0][1]), self.read("a1")["rev"])

    def test_a_call_of_unknown_outcome_is_repeated_and_counts_once(self):
        once = ["--once", str(uuid.uuid4())]
        self.assertEqual(self.kvmesh("add", "shopping", "n", "1"), "1\n")
        self.store.stop_running()
        self.kvmesh("add", "shopping", "n", "1", *once, "--timeout", "500ms", status=UNKNOWN)
        self.assertIn("safe to repeat", self.stderr)
        self.store.resume()
        eventually(self.answers, what="the store answers again")
        self.assertEqual(self.kvmesh("add", "shopping", "n", "1", *once), "2\n")
        self.assertEqual(self.kvmesh("add", "shopping", "n", "1", *once), "2\n")
        self.assertEqual(self.kvmesh("get", "shopping", "n"), "2\n")

    def answers(self):
        line = self.command_line("count", "shopping")
        return subprocess.run(line, capture_output=True, check=False, env=clean_environment(),
                              timeout=60 * patience()).returncode == 0


class Watching(Revisions):
    def test_no_change_is_missed_or_told_twice_while_the_gate_dies(self):
        watch = Watch(self, self.gate, "shopping")
        watch.next("begin")
        self.kvmesh("put", "shopping", "before", "1")
        self.assertEqual(watch.next("put")["key"], "before")
        self.gate.kill()
        for key in ("while", "it", "is", "away"):
            self.kvmesh("put", "shopping", key, "1", node=self.store)
        watch.until_note("asking again")
        self.gate.start()
        for key in ("while", "it", "is", "away"):
            self.assertEqual(watch.next("put")["key"], key)
        watch.until_note("no change was missed")
        self.kvmesh("put", "shopping", "after", "1", node=self.store)
        last = watch.next("put")
        self.assertEqual(last["key"], "after")
        later = Watch(self, self.gate, "shopping", "--since", str(last["rev"]))
        later.next("begin")
        self.kvmesh("delete", "shopping", "after", node=self.store)
        self.assertEqual(later.next("delete"), watch.next("delete"))

    def test_a_store_that_forgot_is_a_reset_that_is_told(self):
        self.kvmesh("put", "shopping", "old", "1")
        watch = Watch(self, self.gate, "shopping", "--scan")
        watch.next("begin")
        self.assertEqual(watch.next("item")["key"], "old")
        watch.next("scanned")
        self.store.kill()
        self.store.start()
        watch.until_note("waiting until it is there again")
        self.kvmesh("create", "shopping", node=self.store)
        self.kvmesh("put", "shopping", "new", "1", node=self.store)
        watch.until_note("may be missing")
        watch.next("reset")
        told = watch.next_line()  # by the scan, or as a change where that was earlier
        self.assertIn(told["kind"], ("item", "scanned"))
        if told["kind"] == "scanned":
            told = watch.next("put")
        else:
            watch.next("scanned")
        self.assertEqual(told["key"], "new")
        self.kvmesh("drop", "shopping", node=self.store)
        watch.next("drop")

    def test_the_shell_prints_changes_between_its_commands(self):
        shell = subprocess.Popen(self.command_line("shell"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=clean_environment(), preexec_fn=die_with_parent)
        self.addCleanup(shell.communicate)
        self.addCleanup(shell.kill)

        def type_line(text):
            shell.stdin.write(text.encode() + b"\n")
            shell.stdin.flush()

        type_line("watch --bucket shopping --prefix m")
        self.assertIn(b"following bucket", shell.stderr.readline())
        self.kvmesh("put", "shopping", "bread", "1")
        self.kvmesh("put", "shopping", "milk", "1", node=self.store)
        line = shell.stdout.readline().decode().rstrip("\n").split("\t")
        self.assertEqual((line[0], line[2:]), ("shopping", ["put", "milk", "-", "1"]))
        type_line("unwatch --bucket shopping")
        type_line("unwatch --bucket shopping")  # the first is done when the second is answered
        self.assertIn(b"is not watched", shell.stderr.readline())
        self.kvmesh("put", "shopping", "mustard", "1")
        type_line("count shopping")
        self.assertEqual(shell.stdout.readline(), b"3\n")
        type_line("quit")
        self.assertEqual(shell.wait(60 * patience()), NOT_FOUND)  # of the last line that failed

    def test_a_bucket_that_is_not_there_is_an_error_at_once(self):
        self.kvmesh("watch", "nothing", status=NOT_FOUND)
        self.assertIn("kvmesh create nothing", self.stderr)


if __name__ == "__main__":
    main()
