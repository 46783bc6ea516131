#!/usr/bin/python3
"""Nodes that come and go, as others are told of it: over raw requests, in a task, in the shell and by the command."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment, die_with_parent, eventually, main, patience
from pipe_lines import read_line, write_line
from task_client import BAR, FOO, QUX, Follower, with_tasks

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  "
TASKS = {**with_tasks(allow=["t.*"]), "mesh": {"ping_interval_ms": 100, "peer_timeout_ms": 5000}}


class Watcher:
    """Asks one node for changes, over and over, as a client does."""

    def __init__(self, client, target=None):
        self.client = client
        self.target = target
        self.seen = 0
        self.states = {}

    def ask(self):
        """The changes of one answer."""
        self.node, self.seen, changes = self.client.ok(self.target, "node.watch", self.seen)
        for name, up, _ in changes:
            self.states[name] = up
        return changes

    def next(self):
        """The next changes, however many slices that takes."""
        deadline = time.monotonic() + 10 * patience()
        while True:
            changes = self.ask()
            if changes:
                return changes
            assert time.monotonic() < deadline, "no change was told"

    def until(self, states):
        while self.states != states:
            self.next()
        return self


class Events(MeshTest):
    def chain(self):
        """foo knows bar and qux; bar knows qux."""
        mesh = self.mesh()
        foo = mesh.add("foo", peers=["bar", "qux"], settings=TASKS)
        bar = mesh.add("bar", apps=["kv"], peers=["qux"], settings=TASKS)
        qux = mesh.add("qux", apps=["kv"], peers=[], settings=TASKS)
        mesh.start()
        return foo, bar, qux

    def test_kill_and_restart(self):
        foo, _, qux = self.chain()
        watcher = Watcher(foo.client()).until({BAR: True, QUX: True})
        self.assertEqual(watcher.node, FOO)
        qux.kill()
        (name, up, why), = watcher.next()
        self.assertEqual((name, up), (QUX, False))
        self.assertTrue(why)
        qux.start()
        self.assertEqual(watcher.next(), [[QUX, True, ""]])

    def test_a_restart_that_nobody_watched_is_told(self):
        """What came between two questions: the end and the return."""
        foo, _, qux = self.chain()
        client = foo.client()
        watcher = Watcher(client).until({BAR: True, QUX: True})
        for _ in range(2):
            qux.kill()
            eventually(lambda: foo.peer("qux", client)["state"] != "up", 5, "foo has noticed")
            qux.start()
            eventually(lambda: foo.peer("qux", client)["state"] == "up", 5, "qux is back")
        down, up = watcher.ask()
        self.assertEqual((down[:2], up), ([QUX, False], [QUX, True, ""]))

    def test_a_node_that_stops_says_so(self):
        foo, _, qux = self.chain()
        watcher = Watcher(foo.client()).until({BAR: True, QUX: True})
        told = Watcher(qux.client())
        self.assertEqual(told.ask(), [])
        waiting = told.client.post(None, "node.watch", told.seen)
        qux.send_signal(signal.SIGTERM)
        self.assertEqual(told.client.reply(waiting).code, "unavailable")
        self.assertEqual(watcher.next(), [[QUX, False, "it is stopping"]])
        qux.process.wait()

    def test_a_node_that_stands_still_is_down(self):
        foo, bar, _ = self.chain()
        watcher = Watcher(foo.client()).until({BAR: True, QUX: True})
        bar.stop_running()
        (name, up, why), = watcher.next()
        self.assertEqual((name, up), (BAR, False), why)
        bar.resume()
        watcher.until({BAR: True, QUX: True})

    def test_the_peers_of_another_node(self):
        foo, _, qux = self.chain()
        watcher = Watcher(foo.client(), BAR).until({QUX: True})
        self.assertEqual(watcher.node, BAR)
        qux.kill()
        self.assertEqual(watcher.next()[0][:2], [QUX, False])

    def test_the_end_of_the_watched_node_ends_the_poll(self):
        foo, bar, _ = self.chain()
        watcher = Watcher(foo.client(), BAR).until({QUX: True})
        waiting = watcher.client.post(BAR, "node.watch", watcher.seen)
        bar.kill()
        self.assertIn(watcher.client.reply(waiting).code, ("outcome_unknown", "unavailable"))
        bar.start()
        seen = watcher.seen
        eventually(lambda: foo.reaches("bar"), 5, "bar is back")
        watcher.states = {}
        watcher.until({QUX: True})  # with the number of its earlier life
        self.assertNotEqual(watcher.seen, seen)

    def test_wrong_arguments(self):
        foo, _, _ = self.chain()
        client = foo.client()
        for args in ([], ["x"], [-1], [1, 2]):
            self.assertEqual(client.call(None, "node.watch", *args).code, "invalid_argument", args)

    def test_in_a_task(self):
        foo, bar, qux = self.chain()
        client = foo.client()
        for node, target in (("", None), (BAR, None), ("", BAR)):
            seen_by = BAR if BAR in (node, target) else FOO
            task = Follower(client, target, "t.watch", node, QUX, mode="nolink").until_output()
            printed = lambda t=task: b"".join(data for _, data in t.output).decode()  # noqa: E731
            while f"{QUX} up, says {seen_by}\n" not in printed():
                task.step()
            qux.kill()
            while f"{QUX} down, says {seen_by}\n" not in printed():
                task.step()
            qux.start()
            self.assertEqual(task.end().result, f"{QUX} up, says {seen_by}")
            eventually(lambda: foo.reaches("qux"), 5, "foo reaches qux")
            eventually(lambda: bar.reaches("qux"), 5, "bar reaches qux")

    def test_a_task_whose_watched_node_dies(self):
        foo, bar, _ = self.chain()
        task = Follower(foo.client(), None, "t.watch", BAR, BAR, mode="async").until_output()
        bar.kill()
        self.assertEqual(task.end().result, f"{BAR} down, says nobody")


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Command(MeshTest):
    def setUp(self):
        mesh = self.mesh()
        self.foo = mesh.add("foo", peers=["bar"], settings=TASKS)
        self.bar = mesh.add("bar", apps=["kv"], peers=[], settings=TASKS)
        mesh.start()

    def run_command(self, *arguments, **options):
        process = subprocess.Popen([COMMAND_BIN, "--node", self.foo.endpoint, *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=clean_environment({"NO_COLOR": "1"}),
                                   preexec_fn=die_with_parent, **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.communicate()

    def test_nodes_watch(self):
        process = self.run_command("nodes", "--watch")
        self.assertRegex(read_line(process.stdout), rf"^{STAMP}{BAR}  is up$")
        self.bar.kill()
        self.assertRegex(read_line(process.stdout), rf"^{STAMP}{BAR}  went down: .+$")
        self.bar.start()
        self.assertRegex(read_line(process.stdout), rf"^{STAMP}{BAR}  came up$")
        self.foo.kill()
        self.assertRegex(read_line(process.stdout), rf"^{STAMP}{FOO}  went down: unavailable: cannot reach {self.foo.endpoint}: .+$")
        self.foo.start()
        self.assertRegex(read_line(process.stdout), rf"^{STAMP}{FOO}  came up$")
        while not re.search(rf"{BAR}  (is|came) up$", read_line(process.stdout)):
            pass
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10 * patience()), -signal.SIGINT)

    def test_nodes_watch_as_json(self):
        process = self.run_command("--json", "nodes", FOO, "--watch")
        first = json.loads(read_line(process.stdout))
        self.assertRegex(first.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(first, {"node": BAR, "state": "up", "change": False, "why": "", "seen_by": FOO})
        self.bar.kill()
        second = json.loads(read_line(process.stdout))
        self.assertEqual((second["node"], second["state"]), (BAR, "down"))
        self.assertTrue(second["why"])

    def test_nodes_watch_of_a_node_that_nobody_knows(self):
        process = self.run_command("nodes", "nobody@localhost", "--watch")
        self.assertEqual(process.wait(20 * patience()), 13)
        self.assertIn(b"no_route", process.stderr.read())

    def test_the_shell(self):
        process = self.run_command("shell", stdin=subprocess.PIPE)

        def say(line):
            write_line(process.stdin, line)

        say("watch")
        self.assertRegex(read_line(process.stdout), rf"^{STAMP}{BAR}  is up  \(seen by {FOO}\)$")
        self.bar.kill()
        self.assertRegex(read_line(process.stdout), rf"^{STAMP}{BAR}  went down: .+  \(seen by {FOO}\)$")
        say("unwatch")
        say("call node.name")
        self.assertEqual(read_line(process.stdout), f'"{FOO}"')
        self.bar.start()
        eventually(lambda: self.foo.reaches("bar"), 5, "foo reaches bar")
        say("flush")  # it is not in the mailbox either
        say("call node.name")
        self.assertEqual(read_line(process.stdout), f'"{FOO}"', "and nothing of the node that is back")

    def test_the_shell_watches_several_nodes(self):
        process = self.run_command("--json", "shell", stdin=subprocess.PIPE)

        def told():
            return json.loads(read_line(process.stdout))

        write_line(process.stdin, f"watch\nwatch {BAR}\ncall node.name")  # bar has no peers
        self.assertEqual(self.changes(told, 1), [(BAR, "up", FOO)])
        self.assertEqual(told(), {"result": FOO})
        self.bar.kill()
        self.assertEqual(sorted(self.changes(told, 2)), [(BAR, "down", ""), (BAR, "down", FOO)])
        self.bar.start()
        self.assertEqual(sorted(self.changes(told, 2)), [(BAR, "up", ""), (BAR, "up", FOO)])
        write_line(process.stdin, f"unwatch {BAR}\nunwatch {BAR}")
        self.assertEqual(told()["error"]["code"], "not_found")

    @staticmethod
    def changes(told, count):
        return [(change["node"], change["state"], change["seen_by"]) for change in (told() for _ in range(count))]


if __name__ == "__main__":
    main()
