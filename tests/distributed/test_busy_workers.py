#!/usr/bin/python3
"""Tasks that wait for a worker: what their callers, `kvmesh tasks` and the log say of them."""

import json
import os
import re
import unittest

from harness import COMMAND_BIN, eventually, main, patience
from task_client import FOO, Follower, TaskTest, run, with_tasks

DEADLINE_EXCEEDED = 16
NEVER_BEGAN = r"waited \d+ ms for a free worker \(2 of 2 busy\) and never began, so nothing was executed"


class BusyWorkers(TaskTest):
    """foo has two workers, which two tasks keep."""

    def setUp(self):
        self.foo = self.single(settings=with_tasks(workers=2))
        self.client = self.foo.client()
        for _ in range(2):
            run(self.client, None, "t.hold", mode="spawn", limit=60000)
        eventually(lambda: self.states() == ["running", "running"], 5, "both workers are busy")

    def states(self, function="t.hold"):
        return [row["state"] for row in self.client.ok(None, "task.list") if row["function"] == function]

    def test_one_that_never_began_is_said_to_have_waited(self):
        ended = Follower(self.client, None, "t.add", 1, 2, limit=300).end()
        self.assertEqual(ended.code, "deadline_exceeded")
        self.assertRegex(ended.text, f"^t.add <{FOO}/[0-9a-f]+> {NEVER_BEGAN}: its limit of 300 ms was over$")
        self.assertEqual(self.states("t.add"), [])

    def test_it_is_queued_until_it_is_cancelled_and_then_gone(self):
        waiting = Follower(self.client, None, "t.add", 1, 2).begun()
        self.assertEqual(self.states("t.add"), ["queued"])
        self.client.ok(None, "task.cancel", waiting.task.id)
        self.assertEqual(self.states("t.add"), [])
        ended = waiting.end()
        self.assertEqual(ended.code, "cancelled")
        self.assertRegex(ended.text, f"{NEVER_BEGAN}: cancelled$")

    def test_the_log_says_who_keeps_the_workers(self):
        run(self.client, None, "t.add", 1, 2, mode="spawn")
        busy = re.compile(rf"all 2 workers of tasks are busy, and 1 task has waited .* on the workers: "
                          rf"t.hold <{FOO}/[0-9a-f]+>, t.hold <{FOO}/[0-9a-f]+>; .*tasks.workers")
        eventually(lambda: busy.search(self.foo.log()), 10, "the log speaks of it")

    def test_a_server_without_a_worker_executes_nothing_after_a_call_s_time(self):
        calls = [self.client.post(None, "server.call", "counter", "add", [amount], None,
                                  timeout_ms=int(1000 * min(patience(), 15)))
                 for amount in (1, 10)]  # the first is handed over, the other waits for its turn
        eventually(lambda: self.states("server counter") == ["queued"], 5, "the server waits for a worker")
        for call in calls:
            reply = self.client.reply(call)
            self.assertEqual(reply.code, "deadline_exceeded")
            self.assertRegex(reply.text, f"before its turn came at server counter <{FOO}/[0-9a-f]+>; it was not executed$")
        self.assertEqual(self.states("server counter"), ["waiting"])
        for row in self.client.ok(None, "task.list"):
            if row["function"] == "t.hold":
                self.client.ok(None, "task.cancel", int(row["pid"].strip("<>").split("/")[1], 16))
        self.assertEqual(self.client.ok(None, "server.call", "counter", "add", [100], None), 100)

    @unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
    def test_so_does_the_command(self):
        command = [COMMAND_BIN, "--node", self.foo.endpoint]
        for _ in range(5):  # the command waits a tenth of a second for what the node says of it, no longer
            self.run_to_end([*command, "--timeout", "700ms", "call", FOO, "t.add", "1", "2"], status=DEADLINE_EXCEEDED)
            if "never began" in self.stderr:
                break
        # Told by the node, whose limit is the same, or by the command that gave up first.
        self.assertRegex(self.stderr, f"t.add <.*> {NEVER_BEGAN}")
        listed = json.loads(self.run_to_end([*command, "tasks", FOO, "--json"]))
        self.assertEqual([row["state"] for row in listed if row["function"] == "t.add"], [])


if __name__ == "__main__":
    main()
