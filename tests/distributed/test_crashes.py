#!/usr/bin/python3
"""A task that ends its node: the last line of the log says which it was, and the node does not look as if it was stopped."""

import os
import re
import resource
import signal
import unittest

from harness import SANITIZED, main, patience
from task_client import FOO, MODULES, Mailbox, TaskTest, run, with_tasks

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"


class Crashes(TaskTest):
    def setUp(self):
        self.foo = self.single(settings=with_tasks(modules=[os.path.join(MODULES, "crashes.so")]))
        core = resource.getrlimit(resource.RLIMIT_CORE)
        resource.prlimit(self.foo.process.pid, resource.RLIMIT_CORE, (0, core[1]))
        self.client = self.foo.client()
        self.mailbox = Mailbox(self.client)

    def end_of(self, function, *args):
        """The exit status of the node, when a task of this function has ended it, and what the log says of that."""
        run(self.client, None, function, *args, sender=self.mailbox.pid)
        return self.end()

    def end(self):
        status = self.foo.process.wait(20 * patience())
        self.foo.process = None  # it was meant to end so
        said = [line for line in self.foo.log().splitlines() if re.match(f"{TIME} {FOO} critical ", line)]
        self.assertEqual(len(said), 1, self.foo.log())
        return status, said[0].split(" critical ")[1]

    def assert_said(self, said, function, what):
        self.assertRegex(said, f"^{function} <{FOO}/[0-9a-f]+>, which {re.escape(self.mailbox.pid)} asked for, "
                               f"{what}, and this process ends")

    @unittest.skipIf(SANITIZED, "a sanitizer reports this itself")
    def test_a_fault_is_reported_with_its_task(self):
        for function, number, what in [
                ("null", signal.SIGSEGV, r"crashed: SIGSEGV at address 0x0 \(a null pointer\)"),
                ("divide", signal.SIGFPE, r"crashed: SIGFPE \(an integer was divided by zero\)"),
                ("abort", signal.SIGABRT, r"crashed: SIGABRT \(std::abort, .*\)"),
                ("raise_abort", signal.SIGABRT, r"crashed: SIGABRT \(std::abort, .*\)")]:
            with self.subTest(function):
                status, said = self.end_of(f"crashes.{function}")
                self.assertEqual(status, -number)
                self.assert_said(said, f"crashes.{function}", what)
            self.setUp()

    @unittest.skipIf(SANITIZED, "a sanitizer reports this itself")
    def test_of_a_server_the_function_is_named(self):
        self.client.post(None, "server.call", "fragile", "touch", [], self.mailbox.pid)
        status, said = self.end()
        self.assertEqual(status, -signal.SIGSEGV)
        self.assert_said(said, "fragile.touch", "crashed: SIGSEGV .*")

    @unittest.skipIf(SANITIZED, "a sanitizer reports this itself")
    def test_of_a_thread_of_the_modules_own_at_least_the_signal(self):
        status, said = self.end_of("crashes.crash_in_a_thread")
        self.assertEqual(status, -signal.SIGSEGV)
        self.assertRegex(said, "^the thread .*, which runs no task, crashed: SIGSEGV at address 0x0 ")

    @unittest.skipIf(SANITIZED, "a sanitizer reports this itself")
    def test_an_array_larger_than_the_guard_does_not_step_over_it(self):
        status, said = self.end_of("crashes.large_array", 1_200_000)
        self.assertEqual(status, -signal.SIGSEGV)
        self.assertRegex(said, "^crashes.large_array <.* overran its stack of 1048576 bytes, .* tasks.stack_bytes ")

    def test_a_task_that_exits_is_no_node_that_was_stopped(self):
        for function, args in [("exit", [0]), ("exit", [5]), ("quick_exit", [])]:
            with self.subTest(function, args=args):
                status, said = self.end_of(f"crashes.{function}", *args)
                self.assertEqual(status, 1)
                self.assert_said(said, f"crashes.{function}", rf"called {function}\(\)")
            self.setUp()


if __name__ == "__main__":
    main()
