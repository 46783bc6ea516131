#!/usr/bin/python3
"""Completion: what `kvmesh __complete` prints, and bash with client/completion/kvmesh.bash at a terminal."""

import os
import socket
import time
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment, eventually, main
from ports import free_port
from task_client import MODULES, T, with_tasks
from terminal import Terminal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "client/completion/kvmesh.bash")
TASKS = with_tasks([T, os.path.join(MODULES, "printer.so")], allow=["t.*"])


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Completion(MeshTest):
    def setUp(self):
        mesh = self.mesh()
        self.foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")], peers=["bar"], settings=TASKS)
        self.bar = mesh.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")], peers=["foo"], settings=TASKS)
        mesh.start()
        for bucket, *keys in (("apples", "red", "green"), ("two words", "it's", "$(touch gone)"), ("shopping",)):
            self.kvmesh("create", bucket)
            for key in keys:
                self.kvmesh("put", bucket, key, "v")

    def kvmesh(self, *arguments):
        return self.run_to_end([COMMAND_BIN, "--node", self.foo.endpoint, *arguments])


class Candidates(Completion):
    def complete(self, *words):
        first, *lines = self.run_to_end([COMMAND_BIN, "__complete", "--node", self.foo.endpoint, *words]).splitlines()
        self.assertEqual(first, "words")
        return lines

    def names(self, expected, *words):
        """Names come within 300 ms or not at all, so on a busy machine they are asked for again."""
        eventually(lambda: self.complete(*words) == expected, 10, f"{words} become {expected}")

    def test_names_of_the_mesh(self):
        self.names(["apples", "shopping", "two words"], "get", "")
        self.names(["apples", "shopping", "two words"], "drop", "a", "")
        self.names(["shopping"], "get", "s")
        self.names(["apples"], "get", "--on", "foo@localhost", "")
        self.names(["green", "red"], "get", "apples", "")
        self.names(["$(touch gone)", "it's"], "get", "two words", "")
        self.names(["bar@localhost", "foo@localhost"], "ping", "")
        self.names(["t.add"], "call", "bar@localhost", "t.ad")
        self.names(["t.add"], "call", "--bucket", "x", "t.ad")

    def test_pids_are_those_of_processes_that_run(self):
        pid = self.kvmesh("spawn", "--detach", "bar@localhost", "t.echo_messages").strip("<>\n")
        self.names([pid], "tasks", "bar@localhost", "--cancel", pid)
        self.names([pid], "tasks", "--cancel", pid)  # its node is in it
        self.names([f"<{pid}>"], "send", "<" + pid)
        self.kvmesh("tasks", "--cancel", pid)
        self.names([], "tasks", "bar@localhost", "--cancel", pid)

    def test_programs_of_their_own_say_what_they_take(self):
        self.assertEqual(self.complete("bench", "--pro"), ["--protocol"])
        self.assertEqual(self.complete("bench", "--protocol", ""), ["line", "native"])
        self.assertEqual(self.complete("sim", "--shape", ""), ["chain", "random", "tree"])
        self.assertEqual(self.complete("sim", "--faults=m"), ["--faults=many"])
        self.assertEqual(self.run_to_end([COMMAND_BIN, "__complete", "sim", "--scenario", ""]), "files\n\n")

    def test_buckets_do_not_wait_for_each_node_that_is_silent(self):
        with socket.socket() as silent:
            silent.bind(("0.0.0.0", free_port()))
            silent.listen(1000)
            mesh = self.mesh()
            names = [f"far{number}" for number in range(100)]
            near = mesh.add("near", peers=["next", *names], table=[("a..m", "near"), ("n..y", "next"), ("*", "far0")])
            mesh.add("next", apps=["kv"])
            for number, name in enumerate(names, 1):
                mesh.addresses[name] = f"tcp://127.0.1.{number}:{silent.getsockname()[1]}"
            mesh.start()
            near.client().ok(b"apples", "kv.create")
            near.client().ok(b"onions", "kv.create")
            began = time.monotonic()
            eventually(lambda: self.run_to_end([COMMAND_BIN, "__complete", "--node", near.endpoint, "keys", ""]) ==
                       "words\napples\nonions\n", 15, "both are found")
            self.within(15, began, "TAB")  # each of a hundred would take 300 ms

    def test_a_mesh_that_is_not_there_has_no_names(self):
        self.assertEqual(self.run_to_end([COMMAND_BIN, "__complete", "--node", "tcp://127.0.0.1:1", "get", ""]), "words\n")
        self.assertEqual(self.run_to_end([COMMAND_BIN, "__complete"]).splitlines()[0], "words")


class Bash(Completion):
    def setUp(self):
        super().setUp()
        self.directory = os.path.join(self.foo.mesh.directory, "files")
        os.mkdir(self.directory)
        for name in ("records one.tsv", "records.jsonl"):
            with open(os.path.join(self.directory, name), "w", encoding="utf-8"):
                pass
        environment = clean_environment({"TERM": "dumb", "LC_ALL": "C.UTF-8", "PS1": "> ", "KVMESH_NODE": self.foo.endpoint,
                                         "PATH": os.path.dirname(COMMAND_BIN) + ":" + os.environ["PATH"]})
        environment.pop("HISTFILE", None)
        self.terminal = Terminal(self, "/bin/bash", ["bash", "--norc", "--noprofile", "-i"], environment, self.directory)
        self.terminal.wait_for("> ")
        for line in ("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; unset HISTFILE; stty columns 400",
                     "show() { printf '{'; printf '{'; printf '|%s' \"$@\"; printf '}'; printf '}'; }",
                     f"source '{SCRIPT}'"):
            self.terminal.keys(line + "\r")
            self.terminal.wait_for("\n> ")

    def typed(self, begun):
        """The words of the line that TAB makes of `begun`, as bash takes them apart."""
        self.terminal.keys(begun + "\t")
        self.terminal.keys("\x01show \x05\r")
        self.terminal.wait_for("{{")
        return self.terminal.wait_for("}}").split("|")[1:]

    def becomes(self, begun, *words):
        """Names come within 300 ms or not at all, so on a busy machine they are asked for again."""
        typed = []
        eventually(lambda: typed.append(self.typed(begun)) or typed[-1] == ["kvmesh", *words], 20,
                   f"{begun!r} becomes {words}, not {typed}")

    def test_commands_options_and_choices(self):
        self.becomes("kvmesh ver", "ver")  # verify or version
        self.becomes("kvmesh veri", "verify")
        self.becomes("kvmesh get --ra", "get", "--raw")
        self.becomes("kvmesh import --format=ts", "import", "--format=tsv")
        self.becomes("kvmesh sim --faults ma", "sim", "--faults", "many")

    def test_names_are_quoted_and_never_expanded(self):
        self.becomes("kvmesh get two", "get", "two words")
        self.becomes("kvmesh get 'two", "get", "two words")
        self.becomes('kvmesh get "two', "get", "two words")
        self.becomes("kvmesh get two\\ w", "get", "two words")
        self.becomes("kvmesh get two\\ words i", "get", "two words", "it's")
        self.becomes("kvmesh get 'two words' \\$", "get", "two words", "$(touch gone)")
        self.becomes("kvmesh get 'two words' \"\\$", "get", "two words", "$(touch gone)")
        self.becomes("kvmesh get \"two words\" '$(", "get", "two words", "$(touch gone)")
        self.becomes("kvmesh get '$(touch gone)' ", "get", "$(touch gone)")
        self.assertEqual(sorted(os.listdir(self.directory)), ["records one.tsv", "records.jsonl"])

    def test_words_that_readline_parts(self):
        self.becomes("kvmesh ping foo@lo", "ping", "foo@localhost")
        self.becomes("kvmesh ping b", "ping", "bar@localhost")
        self.becomes("kvmesh get --on=f", "get", "--on=foo@localhost")

    def test_an_assignment_before_the_command(self):
        eventually(lambda: self.typed("A=b kvmesh call bar@localhost t.ad") ==
                   ["A=b", "kvmesh", "call", "bar@localhost", "t.add"], 20, "t.add is found")

    def test_files(self):
        self.becomes("kvmesh import records.j", "import", "records.jsonl")
        self.becomes("kvmesh import records\\ ", "import", "records one.tsv")
        self.becomes("kvmesh put b k --file=records.j", "put", "b", "k", "--file=records.jsonl")
        self.becomes("kvmesh sim --scenario records.j", "sim", "--scenario", "records.jsonl")


if __name__ == "__main__":
    main()
