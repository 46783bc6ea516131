#!/usr/bin/python3
"""The Python client of examples/python/ when nodes fail: what it says, what it sends again and where it goes on. Nodes that do
what no real one would at the right moment are played by raw_peer.FakeNode."""

import multiprocessing
import threading
import time
from unittest import mock

from harness import MeshTest, eventually, main
from mesh_client import PONG, REFUSED, REPLIES, frame, pack
from ports import free_port
from python_package import Client, error_of, kvmesh
from raw_peer import FakeNode
from task_client import TaskTest

WAIT = 60  # seconds: nothing here waits that long, unless it is broken


class Thread(threading.Thread):
    """A call on a thread of its own; end() is its result or the error's code."""

    def __init__(self, function, *arguments, **options):
        super().__init__(daemon=True)
        self.work = lambda: function(*arguments, **options)
        self.start()

    def run(self):
        try:
            self.ended = self.work()
        except Exception as error:
            self.ended = getattr(error, "code", error)

    def end(self):
        self.join(WAIT)
        return self.ended


class Played(MeshTest):
    """Nodes that the test plays, which may be silent for a while between two steps of the test."""

    def setUp(self):
        super().setUp()
        patch = mock.patch.object(kvmesh.link, "DEAD_AFTER", WAIT)
        patch.start()
        self.addCleanup(patch.stop)

    def node(self, name="foo@localhost"):
        port = free_port()
        node = FakeNode(port, name, timeout=WAIT)
        self.addCleanup(node.close)
        node.endpoint = f"tcp://127.0.0.1:{port}"
        return node

    def open(self, *nodes, timeout=WAIT, connect_timeout=WAIT, **options):
        client = Client([node.endpoint for node in nodes], timeout, connect_timeout=connect_timeout, **options)
        self.addCleanup(client.close)
        return client

    def answer(self, node, code=0, text="", result=None):
        """Answers the next request; its function."""
        dialler, ((id_, _, _, _, _, function, _),) = node.requests()
        node.reply(dialler, id_, code, text, result)
        return function

    def test_it_stays_within_the_window(self):
        node = self.node()
        mesh = self.open(node)
        batch = mesh.batch()
        pending = [batch.get("zoo", str(number)) for number in range(5)]
        dialler = node.welcome(in_flight_max=2)
        asked = []
        while len(asked) < 2:
            asked += node.requests()[1]
        for number in range(5):
            self.assertEqual([record[6] for record in asked], [[str(n).encode()] for n in range(number, min(number + 2, 5))])
            node.reply(dialler, asked.pop(0)[0], result=b"x")
            if number < 3:
                asked += node.requests()[1]
        self.assertEqual([request.result(WAIT) for request in pending], [b"x"] * 5)

    def test_it_stays_within_the_bytes_of_the_window(self):
        node = self.node()
        mesh = self.open(node)
        batch = mesh.batch()
        pending = [batch.put("zoo", "key", bytes(1000)) for number in range(3)]
        dialler = node.welcome(in_flight_bytes_max=500)  # the first goes alone
        for _ in range(3):
            self.assertEqual(self.answer(node), "kv.put")
        self.assertEqual([request.result(WAIT) for request in pending], [None] * 3)
        self.assertTrue(dialler)

    def test_nothing_is_sent_twice_unless_it_is_told_to(self):
        node = self.node()
        call = Thread(self.open(node).get, "zoo", "key")
        node.welcome()
        self.answer(node, 4, "bar cannot be reached")
        self.assertEqual(call.end(), "unavailable")

    def test_what_was_not_executed_is_sent_again(self):
        node = self.node()
        mesh = self.open(node, retries=2)
        call = Thread(mesh.put, "zoo", "key", "value")
        node.welcome()
        self.assertEqual([self.answer(node, 4), self.answer(node, 10), self.answer(node)], ["kv.put"] * 3)
        self.assertIsNone(call.end())
        call = Thread(mesh.put, "zoo", "key", "value")
        self.assertEqual([self.answer(node, 4) for _ in range(3)], ["kv.put"] * 3)
        self.assertEqual(call.end(), "unavailable")
        call = Thread(mesh.call, None, "t.add", 1)
        self.assertEqual([self.answer(node, 4), self.answer(node, result=["foo@localhost", 1, 2, [], 1, "done"])],
                         ["task.run"] * 2)
        self.assertEqual(call.end(), "done")

    def test_a_callback_may_close_the_client_while_output_waits(self):
        node = self.node()
        mesh = self.open(node)
        go_on = threading.Event()
        task = mesh.submit(None, "t.talk", output=lambda stream, written: go_on.wait(WAIT))
        dialler = node.welcome()
        ((id_, *_),) = node.requests()[1]
        node.reply(dialler, id_, result=["foo@localhost", 1, 2, [[1, b"x"]], 0, None])
        self.assertEqual(node.requests()[1][0][5], "task.next")
        request = mesh.batch().get("zoo", "key")
        request.add_done_callback(lambda _: mesh.close())
        self.answer(node, result=b"value")
        mesh.connection._thread.join(WAIT)
        go_on.set()
        self.assertEqual(error_of(task.result, WAIT).code, "outcome_unknown")

    def test_of_what_was_lost_only_reads_are_sent_again(self):
        node = self.node()
        mesh = self.open(node, retries=5)
        reads = Thread(mesh.get, "zoo", "key")
        node.welcome()
        self.answer(node, 5)
        self.answer(node, result=b"value")
        self.assertEqual(reads.end(), b"value")
        for function, *arguments in ((mesh.put, "zoo", "key", "value"), (mesh.drop, "zoo"), (mesh.call, None, "t.add", 1)):
            write = Thread(function, *arguments)
            self.answer(node, 5)
            self.assertEqual(write.end(), "outcome_unknown")
        mesh.close()
        self.assertRaises(TimeoutError, node.receive, 0)  # no more was sent

    def test_the_next_endpoint_takes_over(self):
        first, second = self.node(), self.node("bar@localhost")
        mesh = self.open(first, second)
        call = Thread(mesh.get, "zoo", "key")
        first.welcome()
        first.requests()
        first.close()
        self.assertEqual(call.end(), "outcome_unknown")
        call = Thread(mesh.get, "zoo", "key")
        second.welcome()
        self.answer(second, result=b"value")
        self.assertEqual(call.end(), b"value")

    def test_a_node_that_stops_answers_what_it_has(self):
        first, second = self.node(), self.node("bar@localhost")
        mesh = self.open(first, second)
        before = Thread(mesh.get, "zoo", "before")
        dialler = first.welcome()
        _, ((id_, *_),) = first.requests()
        first.goodbye(dialler)
        eventually(lambda: mesh.connection._leaving, 10, "it was read")
        after = Thread(mesh.get, "zoo", "after")
        second.welcome()
        self.answer(second, result=b"second")
        self.assertEqual(after.end(), b"second")
        first.reply(dialler, id_, result=b"first")
        self.assertEqual(before.end(), b"first")

    def test_what_breaks_the_protocol_ends_the_connection(self):
        for kind, content, told in ((REPLIES, b"\0\0\0\5x", "broke the protocol"), (REFUSED, pack([14, "why not"]), "why not"),
                                    (PONG, b"", "broke the protocol")):
            node = self.node()
            mesh = self.open(node)
            call = Thread(error_of, mesh.get, "zoo", "key")
            dialler = node.welcome()
            node.requests()
            node.send(dialler, frame(kind, content))
            self.assertEqual(call.end().code, "outcome_unknown")
            self.assertIn(told, call.end().text)
            again = Thread(mesh.get, "zoo", "key")
            node.welcome()
            self.answer(node, 99, "of a later version")
            self.assertEqual(again.end(), "internal")

    def test_other_answers_are_passed_over(self):
        node = self.node()
        call = Thread(self.open(node).get, "zoo", "key")
        dialler = node.welcome()
        _, ((id_, *_),) = node.requests()
        node.reply(dialler, id_ + 1, result=b"another")
        node.send(dialler, frame(99, b"of a later version"))
        node.reply(dialler, id_, result=b"value")
        node.reply(dialler, id_, result=b"twice")
        self.assertEqual(call.end(), b"value")

    def test_a_poll_that_is_overloaded_is_asked_again(self):
        node = self.node()
        task = self.open(node).submit(None, "t.add")
        node.welcome()
        self.answer(node, result=["foo@localhost", 1, 2, [], 0, None])
        self.assertEqual([self.answer(node, 10), self.answer(node, result=["foo@localhost", 1, 2, [], 1, "done"])],
                         ["task.next"] * 2)
        self.assertEqual(task.result(WAIT), "done")

    def test_closing_ends_a_task_whose_poll_pauses(self):
        node = self.node()
        mesh = self.open(node)
        task = mesh.submit(None, "t.add")
        node.welcome()
        self.answer(node, result=["foo@localhost", 1, 2, [], 0, None])
        self.answer(node, 10)
        eventually(lambda: mesh.connection._later or node.socket.poll(0), 10, "it pauses, or has paused")
        mesh.close()
        self.assertEqual(error_of(task.result, WAIT).code, "outcome_unknown")

    def test_after_it_began_a_task_is_not_unavailable(self):
        node = self.node()
        task = self.open(node, retries=3).submit(None, "t.add")
        node.welcome()
        self.answer(node, result=["foo@localhost", 1, 2, [], 0, None])
        self.answer(node, 4, "bar cannot be reached")
        self.assertEqual(error_of(task.result, WAIT).code, "outcome_unknown")

    def test_an_answer_that_is_not_understood_ends_the_task(self):
        for result in (None, [], ["foo@localhost", 1, 2, 3, 0, None]):
            node = self.node()
            task = self.open(node).submit(None, "t.add")
            node.welcome()
            self.answer(node, result=result)
            self.assertEqual(error_of(task.result, WAIT).code, "protocol_error")


class Real(TaskTest):
    def test_nobody_is_there(self):
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        with Client(endpoint, connect_timeout=0.2) as mesh:
            told = error_of(mesh.ping)
        self.assertEqual(told.code, "unavailable")
        self.assertFalse(told.may_have_run)
        self.assertEqual(told.text, f"{endpoint}: connection refused; is the node running, with this address as its mesh.listen?")
        with Client([endpoint, "ipc:///nowhere/at/all"], connect_timeout=0.2) as mesh:
            told = error_of(mesh.ping).text
        self.assertIn("none of 2 endpoints can be used: ", told)
        self.assertIn(f"{endpoint}: connection refused", told)
        self.assertIn("ipc:///nowhere/at/all: there is no such socket", told)

    def test_the_port_of_the_line_protocol_is_named(self):
        node = self.single()
        with Client(f"tcp://127.0.0.1:{node.tcp_port}", connect_timeout=1) as mesh:
            told = error_of(mesh.ping)
        self.assertEqual(told.code, "unavailable")
        self.assertIn("is this the port of a node's mesh.listen? (that of the line protocol, kv_server.listen, is another)", told.text)

    def test_a_node_that_dies_is_noticed_at_once(self):
        node = self.node()
        with Client(node.endpoint, timeout=WAIT, connect_timeout=5) as mesh, mesh.mailbox() as box:
            began = threading.Event()
            task = mesh.submit(None, "t.wait_for_stop", output=lambda *chunk: began.set())
            pid = mesh.spawn(None, "t.echo_messages")
            box.monitor(pid)
            began.wait(WAIT)
            node.kill()
            self.assertEqual(error_of(task.result, WAIT).code, "outcome_unknown")
            told = eventually(lambda: lost(box), 30, "the mailbox is lost")
            self.assertIn(f"the mailbox {box.pid} is gone: {node.endpoint}", told.text)
            self.assertEqual(error_of(mesh.put, "zoo", "k", "v").code, "unavailable")
            node.start()
            eventually(lambda: answers(mesh), 10, "it is used again")
            mesh.create("zoo")
            mesh.put("zoo", "k", "v")
            self.assertEqual(mesh.get("zoo", "k"), b"v")

    def test_a_node_that_stalls_is_given_up(self):
        node = self.node()
        with Client(node.endpoint, timeout=WAIT, connect_timeout=5) as mesh:
            mesh.ping()
            node.stop_running()
            told = error_of(mesh.ping)
            node.resume()
            self.assertEqual(told.code, "outcome_unknown")
            self.assertIn("it does not answer any more", told.text)
            eventually(lambda: answers(mesh), 10, "it is used again")

    def test_a_node_that_stalled_for_a_while_is_greeted_again(self):
        """It has forgotten its clients, and refuses what they sent meanwhile: that had no effect, and is sent again."""
        node = self.single(settings={"mesh": {"ping_interval_ms": 50, "peer_timeout_ms": 200}})
        with (mock.patch.object(kvmesh.link, "DEAD_AFTER", WAIT),
              Client(node.endpoint, timeout=WAIT, connect_timeout=WAIT) as mesh):
            mesh.create("zoo")
            for turn, is_idle in enumerate((False, True)):
                node.stop_running()
                stopped = time.monotonic()
                call = None if is_idle else Thread(mesh.put, "zoo", "k", str(turn))
                eventually(lambda: time.monotonic() - stopped > 0.5, 5, "it has stalled for longer than peer_timeout_ms")
                node.resume()
                eventually(lambda: node.log().count("this process stalled for ") > turn, 10, "it has noticed")
                self.assertIsNone((call or Thread(mesh.put, "zoo", "k", str(turn))).end())
                self.assertEqual(mesh.get("zoo", "k"), str(turn).encode())
            self.assertGreater(node.info()["counters"]["refused"]["no_hello"], 0)

    def test_no_answer_in_time(self):
        node = self.node()
        with Client(node.endpoint, timeout=WAIT, connect_timeout=WAIT) as mesh:
            mesh.ping()
            node.stop_running()
            told = error_of(mesh.request, None, "node.ping", timeout=0.1)
            node.resume()
        self.assertEqual(told.code, "outcome_unknown")
        self.assertIn("did not answer in time", told.text)

    def test_reads_survive_the_death_of_the_first_endpoint(self):
        foo, bar = self.pair()
        with Client([foo.endpoint, bar.endpoint], timeout=WAIT, connect_timeout=WAIT, retries=10) as mesh:
            mesh.create("zoo")  # of bar
            mesh.put("zoo", "k", "v")
            self.assertEqual(mesh.call(None, "node.name"), foo.full_name)
            foo.kill()
            self.assertEqual(mesh.get("zoo", "k"), b"v")
            self.assertEqual(mesh.call(None, "node.name"), bar.full_name)

    def test_closing_ends_what_is_under_way(self):
        node = self.node()
        node.stop_running()
        mesh = Client(node.endpoint, timeout=WAIT, connect_timeout=WAIT)
        waiting = [Thread(mesh.ping) for _ in range(3)]
        eventually(lambda: len(mesh.connection._waiting) == 3, 10, "they wait")
        mesh.close()
        node.resume()
        self.assertEqual({call.end() for call in waiting} - {"unavailable"}, set())
        mesh.close()  # twice is fine
        self.assertRaises(RuntimeError, mesh.ping)

    def test_a_forked_process_is_told_to_open_its_own(self):
        node = self.node()
        with Client(node.endpoint, timeout=WAIT, connect_timeout=WAIT) as mesh:
            mesh.ping()
            context = multiprocessing.get_context("fork")
            ours, theirs = context.Pipe()
            child = context.Process(target=ping_and_tell, args=(mesh, theirs))
            child.start()
            self.assertTrue(ours.poll(WAIT))
            self.assertIn("forked", ours.recv())
            child.join(WAIT)
            self.assertEqual(mesh.ping(1), 1)

    def test_a_callback_that_would_wait_for_itself_is_refused(self):
        node = self.node()
        with Client(node.endpoint, timeout=WAIT, connect_timeout=WAIT) as mesh:
            told = []
            done = threading.Event()

            def callback(_):
                for wait in (mesh.ping, mesh.mailbox, lambda: mesh.call(None, "t.nothing"), mesh.batch().wait):
                    try:
                        wait()
                    except RuntimeError as error:
                        told.append(str(error))
                done.set()
            mesh.submit(None, "t.nothing").add_done_callback(callback)
            self.assertTrue(done.wait(WAIT))
            self.assertEqual(len(told), 4, told)


def lost(box):
    """The error when the mailbox is lost; None while messages are there."""
    try:
        box.receive(0.01)
    except TimeoutError:
        return None
    except Exception as error:
        return error
    return None


def answers(mesh):
    try:
        return mesh.request(None, "node.ping", True, timeout=1)
    except Exception:
        return False


def ping_and_tell(mesh, pipe):
    try:
        mesh.ping()
    except Exception as error:
        pipe.send(str(error))


if __name__ == "__main__":
    main()
