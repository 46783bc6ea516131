#!/usr/bin/python3
"""`kvmesh server NODE NAME --restart`: prints the new pid, or tells why there is none."""

import json
import os
import re
import unittest

from harness import COMMAND_BIN, MeshTest, eventually, main
from task_client import MODULES, with_tasks

USAGE, TASK_FAILED = 2, 26
FOO = "foo@localhost"
PID = rf"<{re.escape(FOO)}/[0-9a-f]+>"


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class ServerRestart(MeshTest):
    def setUp(self):
        self.foo = self.mesh().add("foo", settings=with_tasks([os.path.join(MODULES, "fragile.so")]))
        self.foo.start()

    def kvmesh(self, *arguments, status=0, given=""):
        return self.run_to_end([COMMAND_BIN, "--node", self.foo.endpoint, *arguments], status, given=given)

    def restart(self, *options, status=0):
        return self.kvmesh("server", FOO, "fragile", "--restart", *options, status=status)

    def row(self):
        row, = [row for row in json.loads(self.kvmesh("tasks", FOO, "--json")) if row["function"] == "server fragile"]
        return row

    def pid(self):
        return self.row()["pid"]

    def test_the_new_pid_of_one_that_ran_is_printed(self):
        for options in ((), ("--json",)):
            before = self.pid()
            printed = self.restart(*options)
            pid = json.loads(printed)["pid"] if options else printed.removesuffix("\n")
            self.assertRegex(pid, rf"^{PID}\Z")
            self.assertNotEqual(pid, before)
            self.assertEqual(self.pid(), pid)

    def test_it_is_a_result_in_the_shell(self):
        before = self.pid()
        printed = self.kvmesh("shell", given=f"s = server fragile --restart\n$s\nserver {FOO} fragile --restart\n").splitlines()
        self.assertEqual(printed[0], printed[1].strip('"'))
        self.assertRegex(printed[2], PID)
        self.assertEqual(len({before, printed[0], printed[2]}), 3)
        self.assertEqual(self.pid(), printed[2])

    def test_one_that_does_not_stop_in_time_is_told_beside_the_output(self):
        self.kvmesh("server", "--cast", FOO, "fragile", "compute", "3600000")  # looks at no stop token
        eventually(lambda: self.row()["state"] == "running", 5, "it computes")
        self.assertEqual(self.restart("--timeout", "1s"), "")
        told = "fragile has not ended within 1000 ms; it starts anew as soon as it has and the node has room for it\n"
        self.assertEqual(self.stderr, "kvmesh: " + told)
        self.assertEqual(self.restart("--timeout", "1s", "--json"), '{"pid":null}\n')
        self.assertEqual(self.stderr, "kvmesh: " + told)
        self.kvmesh("--timeout", "1s", "shell", given="s = server fragile --restart\n", status=USAGE)
        self.assertIn("server gave no result that s could be; it stays as it was: " + told, self.stderr)
        self.foo.kill()  # it would wait for the server

    def test_one_that_cannot_start_is_told_with_its_failure(self):
        self.kvmesh("server", FOO, "fragile", "break_it")
        for options in ((), ("--json",), ()):  # at first it runs, then it was given up
            printed = self.restart(*options, status=TASK_FAILED)
            self.assertRegex(self.stderr, r"^kvmesh: task_failed: fragile ended at once: .*its file is gone; "
                                          r"(it is given_up|its node restarts it, see kvmesh tasks)\n\Z")
            if options:
                self.assertEqual(json.loads(printed)["error"]["code"], "task_failed")
            else:
                self.assertEqual(printed, "")
        self.kvmesh("shell", given="s = server fragile --restart\n", status=TASK_FAILED)
        self.assertIn("its file is gone", self.stderr)


if __name__ == "__main__":
    main()
