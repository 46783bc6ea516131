#!/usr/bin/python3
"""Messages, monitors and servers on real nodes, over raw requests; and the shared objects that modules come from."""

import json
import os
import re
import shutil

from harness import NODE_BIN, MeshTest, eventually, main
from task_client import MODULES, QUX, T, Follower, Mailbox, TaskTest, down, with_tasks


class Processes(TaskTest):
    def test_messages_that_cannot_be_delivered_come_back(self):
        foo, _, _ = self.chain()
        client = foo.client()
        mailbox = Mailbox(client)
        back = Follower(client, QUX, "t.send_to", mailbox.pid, 1).end().result  # qux has no way to foo
        self.assertTrue(back.startswith("no_route: "), back)
        back = Follower(client, QUX, "t.send_to", "<qux@localhost/1>", 1).end().result
        self.assertTrue(back.startswith("not_found: there is no process <qux@localhost/1>"), back)

    def test_ping_pong_keeps_its_order(self):
        node = self.node()
        client = node.client()
        task = Follower(client, None, "t.echo_messages", mode="spawn").begun()
        mailbox = Mailbox(client)
        ids = client.post_batch([(None, "process.send", task.task.id, mailbox.pid, i) for i in range(1000)])
        back = []
        while len(back) < 1000:  # at once: a mailbox that nobody asks for is closed
            back += mailbox.receive()
        self.assertEqual({reply.code for reply in client.wait_all(ids)}, {"ok"})
        self.assertEqual(back, [[0, task.pid, i] for i in range(1000)])
        client.ok(None, "process.send", task.task.id, None, "end")
        self.assertEqual(task.end().result, 1000)

    def test_receive_waits_as_long_as_it_says(self):
        client = self.node().client()
        self.assertEqual(Follower(client, None, "t.one_message", 0).end().result,
                         "deadline_exceeded: no message came within 0 ms")
        self.assertEqual(Follower(client, None, "t.one_message", 30).end().result,
                         "deadline_exceeded: no message came within 30 ms")
        task = Follower(client, None, "t.one_message", 60000, mode="spawn").begun()
        client.ok(None, "process.send", task.task.id, None, "hello")
        self.assertEqual(task.end().result, "0 hello")
        self.assertEqual(Follower(client, None, "t.reminded", 20).end().result, '"wake up" from itself')

    def test_monitors(self):
        foo, _, _ = self.chain()
        client = foo.client()
        for function, args, wanted in [("t.nothing", [], "normal"), ("t.fail", ["of old age"], "failed: of old age"),
                                       ("t.half", [1], "failed: not_found: 1 has no half")]:
            task = Follower(client, QUX, function, *args, mode="spawn").begun()
            self.assertEqual(down(client, QUX, task.task.id), wanted)
        self.assertEqual(client.ok(QUX, "process.monitor", 1), [False, "no such process"])
        waiting = Follower(client, QUX, "t.wait_for_stop", mode="spawn").begun()
        watcher = foo.client()
        monitor = watcher.post(QUX, "process.monitor", waiting.task.id)
        client.ok(QUX, "task.cancel", waiting.task.id)
        self.assertEqual(watcher.reply(monitor).result, [False, "cancelled"])

    def test_a_full_mailbox(self):
        client = self.node().client()
        mailbox = Mailbox(client)
        codes = []
        keeping = []
        for begin in range(0, 10001, 1000):
            keeping.append(mailbox.keep())  # answers the one before
            ids = client.post_batch([(None, "process.send", mailbox.id, None, i) for i in range(begin, min(begin + 1000, 10001))])
            codes += [reply.code for reply in client.wait_all(ids)]
        client.wait_all(keeping)
        self.assertEqual(codes, ["ok"] * 10000 + ["overloaded"])
        self.assertEqual(len(mailbox.receive(10)), 10)

    def test_too_many_processes(self):
        client = self.node(processes_max=3).client()
        boxes = [Mailbox(client) for _ in range(2)]
        refused = client.call(None, "process.open")
        self.assertEqual(refused.code, "overloaded")
        self.assertIn("tasks.processes_max", refused.text)
        boxes[0].close()
        self.assertEqual(Follower(client, None, "t.add", 1, 2).end().result, 3)


class Servers(TaskTest):
    def call(self, client, function, *args, target=None):
        return client.call(target, "server.call", "counter", function, list(args), None)

    def test_calls_casts_and_messages(self):
        foo, _, _ = self.chain()
        client = foo.client()
        self.assertEqual(self.call(client, "add", 5, target=QUX).result, 5)
        client.ok(QUX, "process.send", "counter", None, 10)
        self.assertEqual(self.call(client, "add", 1, target=QUX).result, 16)
        client.ok(QUX, "server.cast", "counter", "reset", [], None)
        self.assertEqual(self.call(client, "add", 1, target=QUX).result, 1)
        wrong = self.call(client, "add", "x", target=QUX)
        self.assertEqual((wrong.code, wrong.text), ("invalid_argument", 'counter.add: argument 1 must be an int, got text "x"'))
        self.assertEqual(self.call(client, "sub", 1, target=QUX).code, "undefined_function")
        self.assertIn("a server cannot receive()", self.call(client, "receives", target=QUX).result)
        self.assertEqual(client.call(QUX, "server.call", "nobody", "add", [], None).code, "not_found")

    def test_a_crash_restarts_it_until_it_is_given_up(self):
        node = self.node()
        client = node.client()
        for time_now in range(2):
            before = self.call(client, "self").result
            self.assertEqual(self.call(client, "add", 5).result, 5)
            crash = self.call(client, "crash")
            self.assertEqual((crash.code, crash.text), ("task_failed", "the counter is broken"))
            self.assertEqual(self.call(client, "add", 0).result, 0)  # a fresh state
            self.assertNotEqual(self.call(client, "self").result, before)
            told = f"is restarted, {time_now + 1} of 2 times"
            eventually(lambda told=told: told in node.log(), 5, "it is logged")
        self.assertEqual(self.call(client, "crash").code, "task_failed")
        gone = self.call(client, "add", 1)
        self.assertEqual(gone.code, "unavailable")
        self.assertIn("the counter is broken", gone.text)
        eventually(lambda: "is given up" in node.log(), 5, "it is logged")
        self.assertEqual(Follower(client, None, "t.add", 1, 2).end().result, 3)

    def test_calls_behind_a_crash_are_not_executed(self):
        client = self.node().client()
        ids = client.post_batch([(None, "server.call", "counter", name, args, None)
                                 for name, args in [("crash", []), ("add", [1]), ("add", [1])]])
        codes = [reply.code for reply in client.wait_all(ids)]
        self.assertEqual(codes, ["task_failed", "unavailable", "unavailable"])
        self.assertEqual(self.call(client, "add", 1).result, 1)


class Modules(MeshTest):
    def refused(self, *paths):
        mesh = self.mesh()
        node = mesh.add("foo", settings=with_tasks(paths))
        node.launch()
        node.process.wait(10)
        self.assertEqual(node.process.returncode, 2, node.log())
        return node.log()

    def test_files_that_are_refused(self):
        for name, wanted in [("absent", "cannot open shared object file"),
                             ("no_entry", "it has no symbol kvmesh_module"),
                             ("wrong_version", "was built for version 99 of kvmesh's modules; this node takes version 3"),
                             ("makes_fault", 'module "kv": every node has its own'),
                             ("missing_symbol", "(mine::add_up[abi:cxx11](int, int)); no source and no library of the module")]:
            with self.subTest(name=name):
                log = self.refused(f"{MODULES}/{name}.so")
                self.assertRegex(log, rf'foo\.toml:\d+: modules: "{re.escape(MODULES)}/{name}\.so"')
                self.assertIn(wanted, log)

    def test_all_that_are_wrong_are_told(self):
        names = ["absent", "no_entry", "wrong_version", "makes_fault"]
        log = self.refused(*(f"{MODULES}/{name}.so" for name in names))
        for name in names:
            self.assertIn(f'modules: "{MODULES}/{name}.so"', log)

    def check(self, *paths, status=0):
        """All that --check-config of a node with these modules prints."""
        node = self.mesh().add("foo", settings=with_tasks(paths))
        node.write_config()
        return self.run_to_end([NODE_BIN, "--config", node.config_path, "--check-config"], status) + self.stderr

    def test_check_config_loads_them(self):
        self.assertEqual(self.check(T, f"{MODULES}/printer.so"), "the configuration is valid\n")
        names = ["absent", "no_entry", "wrong_version", "makes_fault"]
        copy = os.path.join(self.mesh().directory, "copy.so")
        shutil.copy(T, copy)
        told = self.check(*(f"{MODULES}/{name}.so" for name in names), T, copy, status=2)
        lines = told.splitlines()
        for path in [*(f"{MODULES}/{name}.so" for name in names), copy]:
            self.assertIn(f': modules: "{path}"', lines[0], told)
            while lines and f': modules: "{path}"' in lines[0]:  # one or more for each
                lines.pop(0)
        self.assertEqual(lines, [])
        self.assertNotIn(f'modules: "{T}"', told)
        self.assertTrue(all(re.match(r"/.*/foo\.toml:\d+: ", line) for line in told.splitlines()), told)
        self.assertIn(f'modules: "{copy}": module "t" is loaded already\n', told)

    def test_a_relative_path_starts_at_the_folder_of_the_file(self):
        node = self.mesh().add("foo", settings=with_tasks(["./t.so"]))
        node.write_config()
        check = [NODE_BIN, node.config_path, "--check-config"]
        self.assertEqual(self.run_to_end(check, 2), "")
        self.assertRegex(self.stderr, r"cannot be loaded: .*; build it, or correct the path: a relative one starts at the folder")
        shutil.copy(T, os.path.dirname(node.config_path))
        self.assertEqual(self.run_to_end(check), "the configuration is valid\n")

    def test_a_relative_path_of_the_command_line_starts_at_the_working_directory(self):
        node = self.mesh().add("foo")
        node.write_config()
        check = [NODE_BIN, node.config_path, "--check-config"]
        starts = r"cannot be loaded: .*; build it, or correct the path: a relative one starts at the working directory\n\Z"
        for arguments, key in ((["--set", "modules=%s"], None), ([], "KVMESH_MODULES")):
            def run(path, status=0):
                value = json.dumps([path])
                return self.run_to_end([*check, *(a.replace("%s", value) for a in arguments)], status,
                                       environment={key: value} if key else {})
            self.assertEqual(run("./t.so", 2), "")
            self.assertRegex(self.stderr, starts)
            self.assertEqual(run(os.path.relpath(T)), "the configuration is valid\n")

    def test_a_module_twice(self):
        copy = os.path.join(self.mesh().directory, "copy.so")
        shutil.copy(T, copy)
        log = self.refused(T, copy)
        self.assertIn('module "t" is loaded already', log)


if __name__ == "__main__":
    main()
