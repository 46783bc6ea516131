#!/usr/bin/python3
"""What a task may do with its stack on a node with the default settings, and what is said when it needs more."""

import os
import re
import resource
import signal
import unittest

from harness import SANITIZED, eventually, main, patience
from task_client import FOO, MODULES, Follower, Mailbox, TaskTest, run, with_tasks


TIME = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"


class Stacks(TaskTest):
    def test_a_regular_expression_over_a_thousand_characters(self):
        client = self.node().client()
        for text, found in [("a" * 1000, True), ("ab" * 400 + "c" + "ab" * 99, False)]:
            ended = Follower(client, None, "t.grep", text, "^(a|b)*$").end()
            self.assertEqual((ended.code, ended.result), ("ok", found), ended.text)

    def test_as_many_characters_as_the_setting_makes_room_for(self):
        client = self.node(stack_bytes=8 * 1024 * 1024).client()
        self.assertTrue(Follower(client, None, "t.grep", "a" * 8000, "^(a|b)*$").end().result)

    @unittest.skipIf(SANITIZED, "a sanitizer reports this itself")
    def test_recursion_without_end_ends_the_node_and_is_reported_with_who_and_what_to_do(self):
        node = self.node()
        core = resource.getrlimit(resource.RLIMIT_CORE)
        resource.prlimit(node.process.pid, resource.RLIMIT_CORE, (0, core[1]))
        client = node.client()
        mailbox = Mailbox(client)
        run(client, None, "t.descend", 1, sender=mailbox.pid)
        self.assertEqual(node.process.wait(60 * patience()), -signal.SIGSEGV)
        node.process = None  # it was meant to end so
        said = re.findall(f"{TIME} {FOO} critical (.*)$", node.log(), re.M)
        self.assertEqual(len(said), 1, node.log())
        self.assertRegex(said[0], f"^t.descend <{FOO}/[0-9a-f]+>, which {re.escape(mailbox.pid)} asked for, "
                                  "overran its stack of 1048576 bytes, .* raise tasks.stack_bytes ")

    @unittest.skipIf(SANITIZED, "a sanitizer wants to be the first library of its process")
    def test_where_the_system_has_no_more_guards_the_log_says_so(self):
        with open("/proc/sys/vm/max_map_count", encoding="ascii") as file:
            guards = int(file.read()) // 8
        if guards > 20_000:
            self.skipTest(f"vm.max_map_count makes room for {guards} guards")
        mesh = self.mesh()
        node = mesh.add("foo", settings=with_tasks(queue_max=guards + 100))
        node.start(environment={"LD_PRELOAD": os.path.join(MODULES, "no_guard_marks.so")})
        client = node.client()
        said = "tasks now run on stacks without a guard, as the system allows no more of them: one that overruns its 1048576 bytes"
        for many, wanted in [(guards - 100, False), (300, True)]:
            for request in [run(client, None, "t.wait_for_stop", mode="spawn") for _ in range(many)]:
                self.assertEqual(client.reply(request).code, "ok")
            eventually(lambda: node.info()["tasks"]["queued"] == 0, 30, "all have begun")
            if wanted:
                eventually(lambda: said in node.log(), 5, "the log speaks of it")
            else:
                self.assertNotIn(said, node.log())


if __name__ == "__main__":
    main()
