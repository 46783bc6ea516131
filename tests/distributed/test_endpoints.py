#!/usr/bin/python3
"""The command with several endpoints: two gates lead to one store, and die, hang or stop while they are used."""

import json
import os
import re
import subprocess
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment, die_with_parent, eventually, main, patience
from pipe_lines import read_line, write_line

COUNT = 100000  # requests of a bench: more than it makes before a gate is ended
USAGE, INCOMPLETE, UNAVAILABLE = 2, 3, 14


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Endpoints(MeshTest):
    def setUp(self):
        mesh = self.mesh()
        self.one, self.two = (mesh.add(name, apps=[], table=[("*", "store")], peers=["store"]) for name in ("one", "two"))
        self.store = mesh.add("store", table=[("*", "store")], peers=[])
        mesh.start()
        self.both = f"{self.one.endpoint},{self.two.endpoint}"

    def kvmesh(self, *arguments, status=0, node=None):
        return self.run_to_end([COMMAND_BIN, "--node", node or self.both, *arguments], status)

    def start(self, *arguments, node=None):
        process = subprocess.Popen([COMMAND_BIN, "--node", node or self.both, *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment({"NO_COLOR": "1"}),
                                   preexec_fn=die_with_parent)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()

    def connected(self):
        return json.loads(self.kvmesh("info", "--json"))["name"]

    def test_the_first_that_answers_is_used(self):
        self.assertEqual(self.connected(), self.one.full_name)
        self.kvmesh("create", "zoo")
        self.kvmesh("put", "zoo", "k", "v")
        self.one.kill()
        self.assertEqual(self.connected(), self.two.full_name)
        self.assertEqual(self.kvmesh("get", "zoo", "k"), "v\n")
        self.assertEqual(self.kvmesh("export"), "zoo\tk\tv\n")
        self.assertEqual(self.kvmesh("buckets"), "zoo\n")
        self.assertIn("\nsound: ", self.kvmesh("verify", "--live", self.both))
        self.assertIn(self.two.endpoint, self.kvmesh("ping"))
        self.two.kill()
        self.kvmesh("get", "zoo", "k", status=UNAVAILABLE)
        self.assertRegex(self.stderr, rf"\Akvmesh: unavailable: none of 2 endpoints can be used: {self.one.endpoint}: [^;]+; "
                                      rf"{self.two.endpoint}: [^;]+; the request was not sent\n\Z")

    def test_no_command_waits_for_a_dead_node_longer_than_a_connection_takes(self):
        self.one.kill()
        for command in ("ping", "trace zoo", "export", "import -", "buckets", f"verify --live {self.one.endpoint}"):
            with self.subTest(command=command):
                # run_to_end() does not wait for ten minutes.
                self.kvmesh("--timeout", "10m", *command.split(), node=self.one.endpoint, status=UNAVAILABLE)
                self.assertIn(f"cannot reach {self.one.endpoint}: connection refused", self.stderr)

    def test_a_refused_port_is_told_at_once(self):
        self.one.kill()
        for endpoint in (self.one.endpoint, self.one.endpoint.replace("127.0.0.1", "localhost")):
            self.kvmesh("--timeout", "10m", "get", "zoo", "k", node=endpoint, status=UNAVAILABLE)
            self.assertEqual(self.stderr, f"kvmesh: unavailable: cannot reach {endpoint}: connection refused; the request was not sent\n")

    def test_the_environment_has_several_too(self):
        self.one.kill()
        printed = self.run_to_end([COMMAND_BIN, "info", "--json"], environment={"KVMESH_NODE": self.both})
        self.assertEqual(json.loads(printed)["name"], self.two.full_name)

    def test_a_live_verify_asks_the_usual_node(self):
        printed = self.run_to_end([COMMAND_BIN, "--timeout", "20s", "verify", "--live"], environment={"KVMESH_NODE": self.both})
        self.assertIn("\nsound: ", printed)
        both = self.kvmesh("verify", "--live", "--live", self.one.endpoint, "--timeout", "20s", node=self.two.endpoint)
        self.assertIn("any of 3 nodes", both)

    def test_help_says_where_endpoints_and_names_stand(self):
        self.assertRegex(self.kvmesh("bench", "--help"), r"(?s)Options of all commands:\n.*--node .*--timeout .*--json ")
        self.assertIn("kvmesh call [OPTIONS] NODE FUNCTION [ARGS...]", self.kvmesh("call", "--help"))
        self.kvmesh("call", "one@localhost", status=USAGE)
        self.assertEqual(self.stderr, "kvmesh: call needs FUNCTION; write kvmesh call NODE FUNCTION [ARGS ...]\n")
        self.kvmesh("create", "zoo")
        self.assertEqual(self.kvmesh("call", "--bucket", "zoo", "node.name"), '"store@localhost"\n')

    def test_an_endpoint_in_the_place_of_a_name_is_told(self):
        for words in (("info", "{}"), ("ping", "{}"), ("nodes", "{}"), ("reload", "{}"), ("tasks", "{}"), ("modules", "{}"),
                      ("call", "{}", "node.name"), ("spawn", "{}", "a.b"), ("server", "{}", "a", "b"), ("send", "{}", "a", "1"),
                      ("buckets", "{}"), ("export", "--on", "{}"), ("import", "--on", "{}"), ("get", "a", "b", "--on", "{}"),
                      ("verify", "--live", self.one.endpoint, "--from", "{}")):
            for given in (self.one.endpoint, self.one.endpoint.removeprefix("tcp://")):
                self.kvmesh(*(word.format(given) for word in words), status=USAGE)
                self.assertRegex(self.stderr, rf'^kvmesh: [^ ]+: "{given}" is an endpoint, and .*; for an endpoint write --node '
                                              rf"{self.one.endpoint}\n$")
        lines = [f"{line} {self.one.endpoint} a" for line in ("call", "spawn", "async")]
        lines += [f"{line} {self.one.endpoint}" for line in ("node", "watch", "info")]
        self.run_to_end([COMMAND_BIN, "--node", self.both, "shell"], USAGE, given="\n".join(lines))
        self.assertEqual(self.stderr.count(f"; kvmesh --node {self.one.endpoint} shell begins a shell there\n"), len(lines))

    def test_bad_endpoints_are_wrong_usage(self):
        for endpoint, told in (("nonsense", "nonsense"), ("tcp://127.0.0.1:1 tcp://127.0.0.1:2", "between several stands a comma")):
            self.run_to_end([COMMAND_BIN, "--node", endpoint, "ping"], 2)
            self.assertIn(told, self.stderr)
            self.run_to_end([COMMAND_BIN, "get", "b", "k"], 2, environment={"KVMESH_NODE": endpoint})
            self.assertIn(told, self.stderr)
        self.run_to_end([COMMAND_BIN, "version"], environment={"KVMESH_NODE": "nonsense"})

    def test_a_port_of_the_line_protocol_is_told_and_passed_over(self):
        line_port = f"tcp://127.0.0.1:{self.store.tcp_port}"
        self.kvmesh("ping", node=line_port, status=UNAVAILABLE)
        self.assertIn(f"cannot reach {line_port}: it accepts connections but does not answer: ", self.stderr)
        self.assertIn("kv_server.listen", self.stderr)
        self.assertIn(self.two.endpoint, self.kvmesh("ping", node=f"{line_port},{self.two.endpoint}"))

    def test_a_shell_goes_on_with_the_next_and_sends_nothing_twice(self):
        receiver = self.start("shell", node=self.store.endpoint)
        write_line(receiver.stdin, "self")
        pid = read_line(receiver.stdout)
        came = []

        def has_come(what):
            write_line(receiver.stdin, "flush")
            write_line(receiver.stdin, "node")
            while (line := read_line(receiver.stdout)) != self.store.full_name:
                came.append(int(re.fullmatch(r"message from <.*>: (\d+)", line)[1]))
            return what in came

        sender = self.start("shell")
        for number in range(500):
            write_line(sender.stdin, f"send {pid} {number}")
        eventually(lambda: has_come(0), 20 * patience(), "the first has come")
        self.one.kill()
        last = 500

        def send_another():
            nonlocal last
            last += 1
            write_line(sender.stdin, f"send {pid} {last}")
            return has_come(last)

        eventually(send_another, 60 * patience(), "one that was sent after the end of the first gate has come")
        self.assertEqual(came, sorted(set(came)), "each once, in its order")

    def test_a_gate_that_hangs_is_left(self):
        self.kvmesh("create", "zoo")
        shell = self.start("shell")
        write_line(shell.stdin, "get zoo k")
        write_line(shell.stdin, "count zoo")
        self.assertEqual(read_line(shell.stdout), "0")
        self.one.stop_running()
        # What is sent before the silence is noticed has no known outcome; what is read then comes over the other gate.
        for line in ("put zoo k 1", "put zoo k 2", "get zoo k"):
            write_line(shell.stdin, line)
        self.assertEqual(read_line(shell.stdout, 30), "2")
        self.one.resume()

    def start_bench(self, connections, *limits):
        """One that keeps going, and is under way over both gates."""
        bench = self.start("bench", "--keep-going", "--connections", connections, "--depth", "4", "--buckets", "2",
                           "--keys", "20", *limits, "--json")
        for gate in (self.one, self.two):
            eventually(lambda gate=gate: gate.info()["counters"]["requests"] > 1000, 60, "it is under way, over both gates")
        return bench

    def figures_of(self, bench):
        printed, complaints = bench.communicate(timeout=100 * patience())
        return json.loads(printed), complaints

    def test_a_bench_that_keeps_going_survives_a_gate(self):
        bench = self.start_bench("4", "--count", str(COUNT))
        self.one.kill()
        figures, complaints = self.figures_of(bench)
        self.assertEqual(figures["requests"] + sum(figures["failed"].values()), COUNT)
        self.assertEqual(set(figures["failed"]) - {"outcome_unknown", "unavailable"}, set(), figures)
        self.assertLessEqual(figures["failed"].get("outcome_unknown", 0), 4 * 4, "those that were under way")
        self.assertGreater(figures["requests"], 10000, figures)
        self.assertEqual(bench.returncode, INCOMPLETE if figures["failed"] else 0, complaints)

    def test_a_bench_that_keeps_going_leaves_a_silent_gate(self):
        bench = self.start_bench("2", "--count", str(COUNT))
        self.one.stop_running()
        figures, complaints = self.figures_of(bench)
        self.assertEqual(figures["requests"] + sum(figures["failed"].values()), COUNT)
        self.assertEqual(figures["missing"], 0, "the silent connection ended before the patience did")
        self.assertEqual(bench.returncode, INCOMPLETE if figures["failed"] else 0, complaints)

    def test_a_bench_that_keeps_going_counts_the_replies_that_are_missing(self):
        bench = self.start_bench("2", "--duration", "1h", "--patience", "200ms")
        self.store.stop_running()
        self.one.stop_running()
        self.two.stop_running()
        figures, complaints = self.figures_of(bench)
        self.assertGreater(figures["requests"], 0)
        self.assertGreater(figures["missing"], 0)
        self.assertGreaterEqual(figures["failed"]["outcome_unknown"], figures["missing"])
        self.assertLess(figures["seconds"], 3600)
        self.assertEqual(bench.returncode, INCOMPLETE, complaints)

    def test_a_watch_goes_on_at_the_next(self):
        watch = self.start("nodes", "--watch")
        self.assertRegex(read_line(watch.stdout), rf"  {self.store.full_name}  is up$")
        self.one.stop_running()
        self.assertRegex(read_line(watch.stdout), rf"  {self.one.full_name}  went down: unavailable: the request was sent to "
                                                  rf"{self.one.full_name}, and the connection ended \(it was silent for 1000 ms\)")
        self.assertRegex(read_line(watch.stdout), rf"  {self.two.full_name}  is up$")
        self.assertRegex(read_line(watch.stdout), rf"  {self.store.full_name}  is up$")
        self.store.kill()
        self.assertRegex(read_line(watch.stdout), rf"  {self.store.full_name}  went down: .+")

    def test_a_mailbox_ends_with_its_node(self):
        shell = self.start("shell")
        write_line(shell.stdin, "self")
        self.assertRegex(read_line(shell.stdout), rf"^<{self.one.full_name}/")
        self.one.kill()
        write_line(shell.stdin, "receive 20")
        self.assertRegex(read_line(shell.stderr, 30), rf"the mailbox <{self.one.full_name}/.*> is lost")
        write_line(shell.stdin, "self")
        self.assertRegex(read_line(shell.stdout), rf"^<{self.two.full_name}/")


if __name__ == "__main__":
    main()
