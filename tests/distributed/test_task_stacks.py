#!/usr/bin/python3
"""What a task may do with its stack on a node with the default settings, and what is said when it needs more."""

import re
import resource
import signal
import unittest

from harness import SANITIZED, main
from task_client import FOO, Follower, Mailbox, TaskTest, run


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
        self.assertEqual(node.process.wait(), -signal.SIGSEGV)
        node.process = None  # it was meant to end so
        said = re.findall(r"^kvmesh: .*$", node.log(), re.M)
        self.assertEqual(len(said), 1, node.log())
        self.assertRegex(said[0], f"^kvmesh: t.descend <{FOO}/[0-9a-f]+>, which {re.escape(mailbox.pid)} asked for, "
                                  "overran its stack of 1048576 bytes, .* raise tasks.stack_bytes ")


if __name__ == "__main__":
    main()
