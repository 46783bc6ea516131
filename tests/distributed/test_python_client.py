#!/usr/bin/python3
"""The Python client of examples/python/ and real nodes: buckets, batches, tasks, messages and servers."""

import asyncio
import threading
from concurrent.futures import as_completed

from harness import main
from python_package import BatchError, Client, KvmeshError, Pid, error_of
from task_client import FOO, QUX, TaskTest, with_tasks


class ClientTest(TaskTest):
    def open(self, node, **options):
        client = Client(node.endpoint, timeout=30, connect_timeout=30, **options)
        self.addCleanup(client.close)
        return client


class Buckets(ClientTest):
    def test_names_page_by_page(self):
        mesh = self.open(self.single())
        mesh.create("zoo")
        mesh.create(b"\xff")
        stored = {b"%04d" % number: str(number).encode() for number in range(40)}
        self.assertEqual(mesh.put_many("zoo", stored), 40)
        for page in (1, 7, 10000):
            self.assertEqual(list(mesh.keys("zoo", page=page)), list(stored))
            self.assertEqual(dict(mesh.items("zoo", page=page)), stored)
        self.assertEqual(list(mesh.keys("zoo", after="0037")), [b"0038", b"0039"])
        self.assertEqual(list(mesh.buckets(page=1)), [b"zoo", b"\xff"])
        self.assertEqual(mesh.get_many("zoo", ["0003", "no"]), {"0003": b"3", "no": None})

    def test_a_node_without_buckets_names_others(self):
        nodes = self.mesh()
        gate = nodes.add("gate", apps=["kv_server"], table=[("*", "foo")])
        nodes.add("foo", apps=["kv"])
        nodes.start()
        mesh = self.open(gate)
        mesh.create("zoo")
        error = error_of(list, mesh.buckets())
        self.assertEqual((error.code, error.text), ("undefined_function", "gate@localhost stores no buckets; ask a node that does, as "
                                                    'buckets() of one of its peers: "foo@localhost"'))
        self.assertEqual(list(mesh.buckets("foo@localhost")), [b"zoo"])

    def test_a_request_may_have_a_time_of_its_own(self):
        node = self.single()
        mesh = self.open(node)
        mesh.create("zoo", timeout=20)
        mesh.put("zoo", "a", "1", timeout=20)
        self.assertEqual((mesh.get("zoo", "a", timeout=20), mesh.count("zoo", timeout=20)), (b"1", 1))
        node.stop_running()
        for ask in (lambda: mesh.put("zoo", "a", "2", timeout=0.05), lambda: mesh.info(timeout=0.05)):
            self.assertIn(error_of(ask).code, ("outcome_unknown", "deadline_exceeded", "unavailable"))
        node.resume()
        self.assertRaises(ValueError, mesh.put, "zoo", "a", "2", timeout=0)

    def test_a_batch_keeps_the_order_of_a_bucket(self):
        foo, bar = self.pair()
        for node in (foo, bar):
            mesh = self.open(node)
            with mesh.batch(most=50) as batch:
                for bucket in ("apples", "zebras"):
                    batch.create(bucket)
                    reads = []
                    for number in range(100):
                        batch.put(bucket, "key", str(number))
                        reads.append(batch.get(bucket, "key"))
                    self.assertEqual([read.result() for read in reads], [b"%d" % number for number in range(100)])
                    batch.drop(bucket)
            self.assertEqual((batch.total, batch.failures), (404, []))

    def test_a_batch_says_what_failed(self):
        mesh = self.open(self.single())
        mesh.create("zoo")
        with self.assertRaises(BatchError) as raised:
            with mesh.batch() as batch:
                batch.put("zoo", "a", "1")
                lost = batch.get("nothing", "a")
                batch.put("zoo", "b", "2")
                batch.call(None, "node.nothing")
        self.assertEqual([(number, error.code) for number, error in raised.exception.failures],
                         [(1, "not_found"), (3, "undefined_function")])
        self.assertIn("2 of 4 requests failed; the first is number 1: ", raised.exception.text)
        self.assertEqual(error_of(lost.result).code, "not_found")
        self.assertEqual(mesh.count("zoo"), 2)
        with mesh.batch(check=False) as batch:
            batch.drop("nothing")
        self.assertEqual([error.code for _, error in batch.failures], ["not_found"])

    def test_many_threads_share_a_client(self):
        mesh = self.open(self.single())
        failures = []

        def work(number):
            try:
                mesh.create(f"bucket {number}")
                for i in range(20):
                    mesh.put(f"bucket {number}", "key", str(i))
                    if mesh.get(f"bucket {number}", "key") != str(i).encode():
                        failures.append((number, i))
            except Exception as error:
                failures.append(error)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_the_way_of_a_request(self):
        foo, bar = self.pair()
        result, trace = self.open(foo).trace(b"zoo", "node.name")
        self.assertEqual((result, [hop[0] for hop in trace]), (bar.full_name, [foo.full_name, bar.full_name]))


class Functions(ClientTest):
    def test_a_function_of_a_module_is_called_through_nodes_between(self):
        foo, _, _ = self.chain()
        mesh = self.open(foo)
        written = []
        self.assertEqual(mesh.call(QUX, "t.add", 1, 2), 3)
        self.assertEqual(mesh.call(QUX, "t.both_streams", output=lambda *chunk: written.append(chunk)), None)
        self.assertEqual(b"".join(data for stream, data in written if stream == 1), b"one\nthree\n")
        self.assertEqual(b"".join(data for stream, data in written if stream == 2), b"two\n")
        for value in (None, True, -1, 2**64 - 1, 2.5, "ä", b"\xff", [1, [None]], {"a": [1]}):
            self.assertEqual(mesh.call(QUX, "t.echo", value), value)
        for code, function, *arguments in (("task_failed", "t.fail", "oh"), ("undefined_function", "t.ad"),
                                           ("invalid_argument", "t.add", 1), ("not_found", "t.half", 3)):
            self.assertEqual(error_of(mesh.call, QUX, function, *arguments).code, code)

    def test_a_request_of_a_task_says_how_it_is_called(self):
        mesh = self.open(self.node())
        told = error_of(mesh.request, None, "t.add", 1, 2)
        self.assertEqual(told.code, "undefined_function")
        self.assertIn(f'{FOO} has no function "t.add" of its own; it is a function of a module', told.text)
        self.assertIn("call it with task.run", told.text)
        self.assertIn("call it with server.call", error_of(mesh.request, None, "counter.add", 1).text)
        self.assertIn("it has: kv.apply, kv.buckets", error_of(mesh.request, None, "t.ad", 1, 2).text)

    def test_more_output_than_its_credit(self):
        mesh = self.open(self.node())
        written = []
        mesh.call(None, "t.flood", 40000, output=lambda stream, data: written.append(data))
        self.assertEqual(b"".join(written), b"".join(b"line %d\n" % number for number in range(40000)))

    def test_an_output_that_raises_is_told_to_the_caller(self):
        mesh = self.open(self.node())

        def refuse(stream, data):
            raise OSError("the disk is full")
        with self.assertRaisesRegex(OSError, "the disk is full"):
            mesh.call(None, "t.flood", 10, output=refuse)
        self.assertEqual(mesh.call(None, "t.add", 1, 2), 3)

    def test_tasks_are_futures(self):
        node = self.node()
        mesh = self.open(node)
        tasks = {mesh.submit(FOO, "t.half", 2 * number): number for number in range(20)}
        self.assertEqual({tasks[task]: task.result() for task in as_completed(tasks)}, {n: n for n in range(20)})
        self.assertEqual(mesh.submit_route("zoo", "t.add", 1, 1).result(), 2)
        self.assertEqual(asyncio.run(self.gather(mesh)), [1, 2, 3])
        self.assertEqual(error_of(mesh.submit(None, "t.wait_for_stop", limit=0.2, output=print_nothing).result).code,
                         "deadline_exceeded")
        self.assert_idle(node)

    @staticmethod
    async def gather(mesh):
        return await asyncio.gather(*(asyncio.wrap_future(mesh.submit(None, "t.add", number, 1)) for number in range(3)))

    def test_a_task_that_is_waited_for_in_vain_goes_on_until_it_is_cancelled(self):
        node = self.node()
        mesh = self.open(node)
        task = mesh.submit(None, "t.wait_for_stop", output=print_nothing)
        self.assertRaises(TimeoutError, task.result, 0.01)
        self.assertTrue(task.cancel())
        self.assertEqual(error_of(task.result).code, "cancelled")
        self.assertFalse(task.cancel())
        self.assert_idle(node)

    def test_a_call_that_takes_too_long_is_stopped(self):
        node = self.node()
        mesh = self.open(node)
        self.assertEqual(error_of(mesh.call, None, "t.wait_for_stop", timeout=0.3, output=print_nothing).code, "deadline_exceeded")
        self.assert_idle(node)

    def test_what_a_spawned_process_prints_is_shown(self):
        node = self.node()
        mesh = self.open(node)
        chunks, printed = [], threading.Event()

        def take(*chunk):
            chunks.append(chunk)
            if {1, 2} <= {stream for stream, _ in chunks}:
                printed.set()

        mesh.spawn(FOO, "t.both_streams", output=take)
        self.assertTrue(printed.wait(30), chunks)
        self.assert_idle(node)

    def test_closing_stops_tasks_and_leaves_processes(self):
        node = self.node()
        mesh = Client(node.endpoint, timeout=30, connect_timeout=30)
        began = threading.Event()
        task = mesh.submit(None, "t.wait_for_stop", output=lambda *chunk: began.set())
        began.wait(30)
        pid = mesh.spawn(None, "t.echo_messages")
        mesh.close()
        self.assertEqual(error_of(task.result).code, "outcome_unknown")
        self.assertRaisesRegex(RuntimeError, "closed", mesh.ping)
        other = self.open(node)
        other.send(pid, "end")
        self.assert_idle(node)


class Messages(ClientTest):
    def test_there_and_back(self):
        nodes = self.mesh()
        foo = nodes.add("foo", peers=["bar"])
        bar = nodes.add("bar", peers=["foo"], settings=with_tasks())
        nodes.start()
        mesh = self.open(foo)
        with mesh.mailbox() as box:
            pid = mesh.spawn(bar.full_name, "t.echo_messages")
            box.monitor(pid)
            for number in range(20):
                box.send(pid, [number])
            self.assertEqual([box.receive() for _ in range(20)], [("message", pid, [number]) for number in range(20)])
            self.assertEqual(box.flush(), [])
            self.assertRaises(TimeoutError, box.receive, 0.01)
            box.send(pid, "end")
            self.assertEqual(box.receive(), ("down", pid, "normal"))
            box.monitor(pid)
            self.assertEqual(box.receive()[:2], ("down", pid))  # at once, as it has ended
            self.assertEqual(error_of(box.send, pid, "x").code, "not_found")
            box.send(str(box.pid), box.pid)
            self.assertEqual(box.receive(), ("message", box.pid, str(box.pid)))
        self.assertEqual(error_of(box.receive).code, "not_found")
        self.assertEqual(error_of(mesh.send, box.pid, "x").code, "not_found")

    def test_linked_processes_end_with_their_starter(self):
        node = self.node()
        mesh = Client(node.endpoint, timeout=30, connect_timeout=30)
        box = mesh.mailbox()
        for function, reason in (("t.nothing", "normal"), ("t.fail_oddly", "failed: ")):
            pid = box.spawn_link(FOO, function)
            end = box.receive()
            self.assertEqual(end[:2], ("down", pid))
            self.assertTrue(end.body.startswith(reason), end.body)
        pid = box.spawn_link(FOO, "t.echo_messages")
        mesh.stop(pid)
        self.assertEqual(box.receive(), ("down", pid, "cancelled"))
        box.spawn_link(FOO, "t.echo_messages")
        mesh.close()
        self.assert_idle(node)

    def test_nothing_waits_for_a_receiver(self):
        """More messages than a mailbox holds, here or there: the sender is told, and what was taken arrives in its order."""
        mesh = self.open(self.single())
        body = "x" * 100000
        with mesh.mailbox() as box:
            taken = 0
            with self.assertRaises(KvmeshError) as raised:
                while True:
                    mesh.send(box.pid, body)
                    taken += 1
            self.assertEqual(raised.exception.code, "overloaded")
            self.assertLess(taken, 1000)
            for _ in range(taken):
                self.assertEqual(box.receive(), ("message", None, body))
            box.send(box.pid, "last")
            self.assertEqual(box.receive(), ("message", box.pid, "last"))

    def test_servers(self):
        foo, _, _ = self.chain()
        counter = self.open(foo).server("counter", QUX)
        self.assertEqual(counter.call("add", 2), 2)
        counter.cast("reset")
        self.open(foo).send(counter, 40)
        self.assertEqual(error_of(counter.call, "crash").code, "task_failed")
        self.assertEqual(error_of(counter.call, "nothing").code, "undefined_function")
        self.assertEqual(error_of(self.open(foo).server("contour", QUX).call, "add", 1).code, "not_found")

    def test_what_is_known_of_a_node(self):
        mesh = self.open(self.node())
        self.assertIn("t.add(int, int)", mesh.modules())
        pid = mesh.spawn(None, "t.echo_messages")
        self.assertIn(pid, [Pid.parse(row["pid"]) for row in mesh.tasks(FOO)])
        mesh.stop(pid)
        self.assertRaises(KvmeshError, mesh.info, "nobody@nowhere")


def print_nothing(stream, data):
    pass


if __name__ == "__main__":
    main()
