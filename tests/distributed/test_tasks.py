#!/usr/bin/python3
"""Tasks on real nodes: their calls and their ends, over raw requests; with the module of tests/distributed/modules."""

import signal
import time

from harness import eventually, main
from task_client import BAR, FOO, QUX, Follower, Mailbox, TaskTest, end_all, run, text_of, with_tasks


class Calls(TaskTest):
    def test_results_and_faults(self):
        client = self.node().client()
        for function, args, code, wanted in [
                ("t.add", [1, 2], "ok", 3),
                ("t.nothing", [], "ok", None),
                ("t.echo", [{"a": [1, 2.5, None, b"x", "y"]}], "ok", {"a": [1, 2.5, None, b"x", "y"]}),
                ("t.half", [3], "not_found", "3 has no half"),
                ("t.fail", ["oh no"], "task_failed", "oh no"),
                ("t.fail_oddly", [], "task_failed", "something that is no std::exception was thrown"),
                ("t.add", [1], "invalid_argument", "t.add takes 2 arguments (int, int), got 1"),
                ("t.add", [1, "x"], "invalid_argument", "t.add: argument 2 must be an int, got text \"x\""),
                ("kv.put", ["k", "v"], "invalid_argument", "kv.put is no task; call it directly instead of with task.run"),
                ("t.half", [2], "ok", 1)]:
            with self.subTest(function=function, args=args):
                ended = Follower(client, None, function, *args).end()
                self.assertEqual((ended.code, ended.result if code == "ok" else ended.text), (code, wanted))

    def test_undefined_function_names_the_nearest(self):
        client = self.node().client()
        ended = Follower(client, None, "t.ad", 1, 2).end()
        self.assertEqual(ended.code, "undefined_function")
        self.assertIn('foo@localhost has no function "t.ad", which was to be called with 2 arguments', ended.text)
        self.assertIn("t.add(int, int)", ended.text)

    def test_wrong_requests(self):
        client = self.node().client()
        for function, args, wanted in [
                ("task.run", ["t.add", [1, 2], "sometimes", 0, None], '"sometimes" is no mode of task.run'),
                ("task.run", ["t.add", 1, "call", 0, None], "wrong arguments; the call is task.run ["),
                ("task.run", ["t.add"], "wrong arguments"),
                ("task.run", ["t.add", [1, 2], "call", 0, "me"], '"me" is not a pid'),
                ("task.next", [1], "wrong arguments"),
                ("process.send", [1, "<no pid>", 1], "is not a pid"),
                ("process.send", [1, None, {1: 2}], "the message cannot be read"),
                ("task.list", [1], "wrong arguments")]:
            with self.subTest(function=function, args=args):
                reply = client.call(None, function, *args)
                self.assertEqual(reply.code, "invalid_argument", reply)
                self.assertIn(wanted, reply.text)
        self.assertEqual(client.call(None, "task.next", 1, 2).code, "not_found")

    def test_a_result_that_no_record_holds_is_refused_and_harms_no_link(self):
        foo, _, _ = self.chain()
        client = foo.client()
        self.assertEqual(Follower(client, QUX, "t.nested", 15).end().code, "ok")
        self.assertEqual(Follower(client, QUX, "t.nested", 16).end().code, "too_large")
        for size in (2_030_588, 3_000_000):  # of the text alone; and so much that it is not even packed
            end = Follower(client, QUX, "t.bytes", size).end()
            self.assertEqual(end.code, "too_large")
            self.assertRegex(end.text, rf"({size}|{size + 5}) bytes is over the limit of 2030592; pass it on in parts")
        self.assertEqual(len(Follower(client, QUX, "t.bytes", 2_030_587).end().result), 2_030_587)
        self.assertEqual(len(Follower(client, QUX, "t.bytes", 2_000_000).end().result), 2_000_000)
        deep = 1
        for _ in range(14):
            deep = [deep]
        mailbox = Mailbox(client)
        self.assertEqual(client.call(None, "process.send", mailbox.id, None, deep).code, "ok")
        self.assertEqual(client.call(None, "process.send", mailbox.id, None, [deep]).code, "too_large")
        self.assertEqual(mailbox.receive(), [[0, None, deep]])

    def test_across_two_hops(self):
        foo, _, qux = self.chain()
        client = foo.client()
        ended = Follower(client, QUX, "t.both_streams").end()
        self.assertEqual(ended.output, [(1, "one\n"), (2, "two\n"), (1, "three\n")])
        self.assertEqual(Follower(client, QUX, "t.add", 20, 22).end().result, 42)
        qux_pid = Follower(client, QUX, "t.pid").end().result
        self.assertTrue(qux_pid.startswith("<qux@localhost/"), qux_pid)

    def test_a_task_calls_other_nodes(self):
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")], settings=with_tasks())
        mesh.add("bar", apps=["kv"], table=[("*", "bar")], peers=["foo"], settings=with_tasks())
        mesh.start()
        client = foo.client()
        self.assertEqual(Follower(client, None, "t.relay", BAR, "t.half", [84]).end().result, 42)
        self.assertEqual(Follower(client, BAR, "t.relay", FOO, "t.half", [84]).end().result, 42)
        self.assertEqual(Follower(client, None, "t.sum_of_halves", BAR, 500).end().result, 500 * 499 // 2)
        ended = Follower(client, None, "t.relay", BAR, "t.fail", ["far away"]).end()
        self.assertEqual((ended.code, ended.text), ("task_failed", "far away"))
        passed_on = Follower(client, None, "t.relay", BAR, "t.both_streams", []).end()
        self.assertEqual(passed_on.output, [(1, "one\n"), (2, "two\n"), (1, "three\n")])
        self.assertEqual(Follower(client, None, "t.monitored", BAR, "t.nothing").end().result, '"normal"')
        self.assertEqual(Follower(client, b"a", "t.pid").end().result[:15], "<foo@localhost/")
        self.assertEqual(Follower(client, b"z", "t.pid").end().result[:15], "<bar@localhost/")

    def test_ten_thousand_tasks_of_which_a_tenth_throw(self):
        node = self.node(workers=2)
        client = node.client()
        # Only as many at once as this client surely asks for again within a task's lease, however slow it is.
        for begin in range(0, 10000, 500):
            numbers = range(begin, begin + 500)
            ids = client.post_batch([(None, "task.run", "t.maybe_fail", [i], "call", 0, None) for i in numbers],
                                    timeout_ms=60000)
            for number, ended in zip(numbers, end_all(client, ids)):
                wanted = ("task_failed", f"number {number}") if number % 10 == 0 else ("ok", "")
                self.assertEqual((ended.code, ended.text), wanted)
        self.assert_idle(node)

    def test_denied(self):
        node = self.node(allow=["t.add", "t.relay", "counter.add"])
        client = node.client()
        self.assertEqual(Follower(client, None, "t.add", 1, 2).end().result, 3)
        denied = Follower(client, None, "t.nothing").end()
        self.assertEqual(denied.code, "denied")
        self.assertIn("tasks.allow", denied.text)
        self.assertIn('"t.nothing"', denied.text)
        self.assertEqual(client.call(None, "server.call", "counter", "add", [1], None).result, 1)
        self.assertEqual(client.call(None, "server.call", "counter", "crash", [], None).code, "denied")
        self.assertEqual(client.call(None, "server.cast", "counter", "reset", [], None).code, "denied")
        self.assertEqual(Follower(client, None, "t.relay", "", "t.half", [4]).end().result, 2)  # from inside

    def test_lists(self):
        client = self.node().client()
        functions = client.ok(None, "task.modules")
        self.assertEqual(functions, sorted(functions))
        self.assertIn(["t.add", "int, int", 2], functions)
        self.assertIn(["t.relay", "text, text, list of any", 3], functions)
        task = Follower(client, None, "t.wait_for_stop", sender="<far@away/1>").until_output()

        def listed():
            return {row["pid"]: row for row in client.ok(None, "task.list")}

        # What it prints arrives before it has begun to wait.
        eventually(lambda: listed()[task.pid]["state"] == "waiting", 5, "it waits")
        rows = listed()
        self.assertEqual((rows[task.pid]["function"], rows[task.pid]["from"]), ("t.wait_for_stop", "<far@away/1>"))
        self.assertIn("server counter", [row["function"] for row in rows.values()])

    def test_a_node_without_modules_has_mailboxes_and_lists(self):
        client = self.single().client()
        self.assertEqual(client.ok(None, "task.modules"), [])
        self.assertEqual(client.ok(None, "task.list"), [])
        self.assertIn("no module is loaded there", Follower(client, None, "t.add", 1, 2).end().text)
        mailbox = Mailbox(client)
        client.ok(None, "process.send", mailbox.id, mailbox.pid, "to myself")
        self.assertEqual(mailbox.receive(), [[0, mailbox.pid, "to myself"]])
        mailbox.close()
        self.assertEqual(client.call(None, "process.send", mailbox.id, None, 1).code, "not_found")


class Ends(TaskTest):
    def await_computing(self, node):
        """The one task has begun. The server must wait: until it does that for the first time, it runs, too."""
        eventually(lambda: node.info()["tasks"] == {"processes": 2, "running": 1, "queued": 0, "waiting": 1}, 5,
                   "only the task runs")

    def test_output_waits_for_its_reader_and_others_go_on(self):
        node = self.node(workers=1)
        client = node.client()
        lines = 60000  # more than two windows
        ids = run(client, None, "t.flood", lines, mode="nolink", timeout_ms=60000)
        first = client.reply(ids)
        node_name, task, key = first.result[:3]
        self.assertEqual(first.result[4], 0)
        # Not asked for any more output, but kept: the window fills and the task waits.
        keeping = []

        def kept():
            keeping.append(client.post(None, "task.next", task, key, False))  # answers the one before
            return next(row for row in client.ok(None, "task.list") if row["function"] == "t.flood")
        eventually(lambda: kept()["state"] == "waiting", 5, "it is there, and waits")
        eventually(lambda: kept()["output"] == 256 * 1024, 5, "its window is full")
        self.assertEqual(Follower(client, None, "t.add", 1, 2).end().result, 3)  # on the same worker
        for reply in client.wait_all(keeping):
            self.assertEqual(reply.result[3], [])
        output, done = list(first.result[3]), False
        while not done:
            progress = client.ok(node_name, "task.next", task, key)
            output += progress[3]
            done = progress[4] == 1
        self.assertEqual(text_of(output), [(1, "".join(f"line {i}\n" for i in range(lines)))])

    def test_cancel(self):
        node = self.node()
        client = node.client()
        task = Follower(client, None, "t.wait_for_stop").until_output()
        self.assertIsNone(client.ok(None, "task.cancel", task.task.id))
        self.assertEqual(task.end().code, "cancelled")
        self.assertEqual(client.call(None, "task.cancel", task.task.id).code, "not_found")
        self.assert_idle(node)

    def test_cancel_ends_a_call_that_the_task_waits_for(self):
        node = self.node()
        client = node.client()
        task = Follower(client, None, "t.relay", "", "t.wait_for_stop", []).until_output()  # of the one that it calls
        client.ok(None, "task.cancel", task.task.id)
        self.assertEqual(task.end().code, "cancelled")
        self.assert_idle(node)

    def test_overloaded(self):
        node = self.node(workers=1, queue_max=2)
        client = node.client()
        busy = run(client, None, "t.compute", 60000)
        self.await_computing(node)
        queued = [run(client, None, "t.add", 1, 2) for _ in range(2)]
        refused = client.reply(run(client, None, "t.add", 1, 2))
        self.assertEqual(refused.code, "overloaded")
        self.assertIn("tasks.queue_max", refused.text)
        self.assertEqual(node.info()["tasks"]["queued"], 2)
        for request in queued:
            self.assertIn(client.reply(request).code, ("ok",))
        client.reply(busy)

    def eventually_logged(self, node, text, times=1):
        """The log is written by a thread of its own."""
        eventually(lambda: node.log().count(text) >= times, 5, f"it is logged: {text}")

    def test_limits(self):
        node = self.node(time_limit_ms=200)
        client = node.client()
        bound = "its node's tasks.time_limit_ms of 200 ms"
        for limit, wanted in [(0, bound), (50, "its limit of 50 ms"), (100000, bound)]:
            with self.subTest(limit=limit):
                ended = Follower(client, None, "t.wait_for_stop", limit=limit).end()
                self.assertEqual(ended.code, "deadline_exceeded")
                # A busy machine may not have let it begin.
                self.assertRegex(ended.text, f"is past {wanted}; it still runs, and was told to stop"
                                             f"|never began, so nothing was executed: {wanted} was over")
                self.eventually_logged(node, f"was told to stop: {wanted} was over; its asker: a client without a pid")
        unbounded = self.node().client()
        self.assertFalse(Follower(unbounded, None, "t.has_deadline").end().result)
        self.assertTrue(Follower(unbounded, None, "t.has_deadline", limit=60000).end().result)
        ended = Follower(client, None, "t.compute", 1000).end()  # does not look; the caller is told in time
        self.assertEqual(ended.code, "deadline_exceeded")
        self.assert_idle(node)

    def check_the_end_of(self, choose):
        nodes = self.chain({"peer_timeout_ms": 60000})  # so that only the end of a connection can be noticed
        client = nodes[0].client()
        task = Follower(client, QUX, "t.wait_for_stop").until_output()
        began = time.monotonic()
        choose(nodes).kill()
        self.assertIn(task.end().code, ("outcome_unknown", "unavailable"))  # the latter between two polls
        self.within(4, began, "the news")

    def test_the_end_of_the_node_that_executes(self):
        self.check_the_end_of(lambda nodes: nodes[2])

    def test_the_end_of_a_node_on_the_way(self):
        self.check_the_end_of(lambda nodes: nodes[1])

    def test_leases(self):
        node = self.node()
        client = node.client()
        tasks = {}
        for mode in ("call", "async", "nolink", "spawn", "spawn_link"):
            asker = node.client()
            tasks[mode] = Follower(asker, None, "t.wait_for_stop", mode=mode).begun().task.id
            asker.close()
        reasons = {}
        monitors = {mode: client.post(None, "process.monitor", task) for mode, task in tasks.items()}
        while len(reasons) < 3:
            for mode, request in list(monitors.items()):
                alive, reason = client.reply(request).result
                if alive:
                    monitors[mode] = client.post(None, "process.monitor", tasks[mode])
                else:
                    reasons[mode] = reason
                    del monitors[mode]
        self.assertEqual(reasons, dict.fromkeys(("call", "async", "spawn_link"),
                                                "killed: its asker has not asked for 1500 ms"))
        self.eventually_logged(node, "was told to stop: its asker has not asked for 1500 ms", 3)
        for mode in ("nolink", "spawn"):
            client.ok(None, "task.cancel", tasks[mode])
            self.assertEqual(client.reply(monitors[mode]).result, [False, "cancelled"], mode)

    def test_a_task_that_leaves_its_requests_behind(self):
        node = self.node()
        client = node.client()
        for _ in range(20):
            self.assertEqual(Follower(client, None, "t.leave_requests", "").end().code, "ok")
        running = [row for row in client.ok(None, "task.list") if row["function"] == "t.wait_for_stop"]
        self.assertTrue(running)
        for row in running:
            client.call(None, "task.cancel", int(row["pid"].rsplit("/", 1)[1][:-1], 16))
        self.assert_idle(node)

    def test_a_node_that_stops_ends_its_tasks(self):
        node = self.node()
        client = node.client()
        task = Follower(client, None, "t.wait_for_stop").until_output()
        node.send_signal(signal.SIGTERM)
        ended = task.end()
        self.assertEqual(ended.code, "cancelled")
        self.assertIn("the node stops", ended.text)
        node.terminate()
        self.assertRegex(node.log(), "t.wait_for_stop <foo@localhost/[0-9a-f]+> was told to stop: the node stops")

    def test_a_task_that_does_not_stop_does_not_keep_its_node(self):
        node = self.node()
        client = node.client()
        run(client, None, "t.compute", 60000)
        self.await_computing(node)
        node.terminate()
        self.assertIn("t.compute <foo@localhost/", node.log())
        self.assertIn("was told to stop and still runs", node.log())


if __name__ == "__main__":
    main()
