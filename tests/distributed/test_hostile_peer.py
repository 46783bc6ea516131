#!/usr/bin/python3
"""A peer that breaks the mesh protocol towards the node that dials it: the node's clients get truthful answers."""

import time

from harness import MeshTest, eventually, main
from hostile_vectors import vectors
from mesh_client import (HELLO, PING, REFUSED, REPLIES, REQUESTS, WELCOME, frame, hello, pack, record, request_record,
                         unpack)
from ports import free_port
from raw_peer import FakeNode

EVIL = "evil@localhost"


class HostilePeer(MeshTest):
    MESH = {"reconnect_min_ms": 20, "reconnect_max_ms": 20}

    def setUp(self):
        self.net = self.mesh()
        self.foo = self.net.add("foo", table=[("a..m", "foo"), ("*", "evil")], settings={"mesh": self.MESH})
        port = free_port()
        self.net.addresses["evil"] = f"tcp://127.0.0.1:{port}"
        self.fake = FakeNode(port, EVIL)
        self.addCleanup(self.fake.close)
        self.foo.start()
        self.client, self.line = self.foo.client(), self.foo.line()
        self.assertEqual(self.line.ask("CREATE apples"), "OK")

    def counter(self, name):
        return self.foo.info()["counters"][name]

    def link_up(self, **welcome):
        """Welcomes the node; the dialler's routing id."""
        dialler = self.fake.welcome(**welcome)
        eventually(lambda: self.foo.peer("evil")["state"] == "up", 5, "the link is up")
        return dialler

    def post(self, function="kv.get", *args):
        """A request through the peer: our id, and what the peer sees of it."""
        mine = self.client.post(b"shopping", function, *(args or (b"k",)))
        dialler, found = self.fake.requests()
        return mine, dialler, found[0]

    def assert_unaffected(self):
        self.assertEqual(self.line.ask("PUT apples a b"), "OK")


class Greeting(HostilePeer):
    def test_the_node_says_who_it_is(self):
        _, content = self.fake.expect(HELLO)
        low, high, name, software, _ = unpack(content)[:5]
        self.assertEqual((low, high, name), (1, 1, "foo@localhost"))
        self.assertTrue(software.startswith("kvmesh "))

    def refuses(self, *frames):
        """Whatever the node is greeted with, requests stay unavailable, and it greets again later."""
        for data in frames:
            dialler, _ = self.fake.expect(HELLO)
            self.fake.send(dialler, *(data if isinstance(data, tuple) else (data,)))
            self.fake.expect(HELLO)
            self.assertEqual(self.client.call(b"shopping", "kv.create").code, "unavailable")
            self.assert_unaffected()

    def await_logged(self, text):
        eventually(lambda: text in self.foo.log(), 5, f"{text!r} is logged")

    def test_a_welcome_by_another_name(self):
        self.refuses(frame(WELCOME, pack([1, "bar@localhost", "x", 0, 100, 1 << 20])))

    def test_a_welcome_to_another_version(self):
        self.refuses(frame(WELCOME, pack([2, EVIL, "x", 0, 100, 1 << 20])))

    def test_a_broken_welcome(self):
        self.refuses(frame(WELCOME, b"\xc0"), frame(WELCOME, pack([1, EVIL])), frame(WELCOME))

    def test_a_refusal(self):
        self.refuses(frame(REFUSED, pack([14, "go away"])), frame(REFUSED, b"\xdd\xff\xff\xff\xff"))

    def test_what_it_writes_stays_on_its_line_of_the_log(self):
        forged = "2026-11-26 18:00:00.000 foo@localhost info link to evil@localhost is up"
        refusal = frame(REFUSED, pack([14, f"go away\n{forged}\r{forged}\x1b[31m\x7f\0"]))
        for _ in range(3):
            dialler, _ = self.fake.expect(HELLO)
            self.fake.send(dialler, refusal)
        # A peer that stays away is told once, and then when the reason changes.
        self.refuses(frame(WELCOME, pack([1, f"bar@localhost\n{forged}", "x", 0, 100, 1 << 20])))
        self.await_logged("is down: the node at")  # after all that is looked at here
        told = [line for line in self.foo.log().splitlines() if "is down: it refused a frame" in line]
        self.assertEqual(len(told), 1, told)
        self.assertTrue(told[0].rstrip().endswith(r"\x1b[31m\x7f\x00"), told)
        self.assertEqual([line for line in self.foo.log().splitlines() if line.startswith(forged)], [])
        self.assertEqual([c for c in self.foo.log() if c != "\n" and (c < " " or c == "\x7f")], [])
        self.link_up(software=f"x\n{forged}")
        self.await_logged("link to evil@localhost is up (")
        self.assertEqual([line for line in self.foo.log().splitlines() if line.startswith(forged)], [])

    def test_garbage(self):
        self.refuses(b"", b"\1", b"\xff" * 1000, frame(9), frame(HELLO, b""))

    def test_a_silent_peer_is_unavailable_at_once(self):
        self.fake.expect(HELLO)
        began = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.client.call(b"shopping", "kv.create").code, "unavailable")
        self.within(4, began, "20 requests")


class Replies(HostilePeer):
    def test_unknown_ids_answer_nobody(self):
        self.link_up()
        mine, dialler, seen = self.post()
        before = self.counter("forged_replies") + self.counter("late_replies")
        forged = [i for i in (0, 1, 2**32, 2**64 - 1, seen[0] + 1, seen[0] + 2**32, seen[0] ^ 2**40) if i != seen[0]]
        for i in forged:
            self.fake.reply(dialler, i, result=b"forged")
        self.fake.reply(dialler, seen[0], result=b"true")
        self.assertEqual(self.client.reply(mine).result, b"true")
        self.assertEqual(self.counter("forged_replies") + self.counter("late_replies") - before, len(forged))

    def test_the_second_reply_to_a_request_answers_nobody(self):
        self.link_up()
        mine, dialler, seen = self.post()
        self.fake.reply(dialler, seen[0], result=b"first")
        self.fake.reply(dialler, seen[0], result=b"second")
        self.assertEqual(self.client.reply(mine).result, b"first")
        other, _, later = self.post()
        self.assertNotEqual(later[0], seen[0], "an id that was used just now is not used again")
        self.fake.reply(dialler, seen[0], result=b"third")
        self.fake.reply(dialler, later[0], result=b"fourth")
        self.assertEqual(self.client.reply(other).result, b"fourth")
        self.assertEqual(self.client.replies, {})

    def test_one_peer_cannot_answer_what_another_was_asked(self):
        mesh = self.mesh()
        foo = mesh.add("foo", apps=[], table=[("a..m", "good"), ("*", "evil")])
        ports = free_port(), free_port()
        for name, port in zip(("good", "evil"), ports):
            mesh.addresses[name] = f"tcp://127.0.0.1:{port}"
        with FakeNode(ports[0], "good@localhost") as good, FakeNode(ports[1], EVIL) as evil:
            foo.start()
            good.welcome()
            to_evil = evil.welcome()
            for name in ("good", "evil"):
                eventually(lambda n=name: foo.peer(n)["state"] == "up", 5, "the links are up")
            client = foo.client()
            mine = client.post(b"apples", "kv.get", b"k")
            to_good, found = good.requests()
            evil.reply(to_evil, found[0][0], result=b"forged")
            eventually(lambda: foo.info()["counters"]["forged_replies"] == 1, 5, "it is counted")
            good.reply(to_good, found[0][0], result=b"true")
            self.assertEqual(client.reply(mine).result, b"true")

    def test_what_a_hop_passes_on(self):
        self.link_up()
        args = [b"k", {"any": [1, -1, 2.5, None, True, b"\0"]}]
        self.client.send(frame(REQUESTS, request_record(1, b"shopping", "mod.fun", args, 5000, 0xff00, ["x@y", "a..z"])))
        dialler, found = self.fake.requests()
        self.assertEqual(found[0][2:], [0xff00, ["x@y", "a..z", "foo@localhost", "*"], b"shopping", "mod.fun", args])
        self.assertTrue(4000 < found[0][1] < 5000, found[0][1])
        self.fake.reply(dialler, found[0][0], result={"any": [1, b"\xff"]})
        self.assertEqual(self.client.reply(1).result, {"any": [1, b"\xff"]})

    def test_broken_frames_end_the_link_and_its_requests(self):
        self.link_up()
        for data in (b"", b"\2\4", frame(REPLIES, b"\xff\xff\xff\xff"), frame(REPLIES, record(b"\xc0")), frame(PING, b"x" * 65),
                     frame(99), frame(REQUESTS, request_record(1, None, "node.name", [])), hello(EVIL),
                     frame(REPLIES, record(b"\x95\x01\x90\x00\xa0\xdd\xff\xff\xff\xff")),
                     frame(REFUSED, pack([14, "I did not understand that"]))):
            mine, dialler, _ = self.post()
            self.fake.send(dialler, data)
            self.assertEqual(self.client.reply(mine).code, "outcome_unknown", data)
            self.assert_unaffected()
            self.link_up()

    def test_no_vector_of_hostile_txt_harms_the_one_that_dials(self):
        self.link_up()
        for vector in vectors("hostile.txt"):
            with self.subTest(vector["name"]):
                mine, dialler, _ = self.post()
                self.fake.send(dialler, vector["hex"])
                self.assertEqual(self.client.reply(mine).code, "outcome_unknown")
                self.link_up()

    def test_multipart_replies_answer_nobody(self):
        self.link_up()
        mine, dialler, seen = self.post()
        reply = frame(REPLIES, record(pack([seen[0], [], 0, "", b"forged"])))
        self.fake.send(dialler, reply, b"")
        self.fake.send(dialler, b"", reply)
        answer = self.client.reply(mine)
        self.assertEqual((answer.code, answer.result), ("outcome_unknown", None))
        self.assert_unaffected()

    def test_a_code_of_the_future_is_passed_on_as_it_is(self):
        self.link_up()
        mine, dialler, seen = self.post()
        self.fake.send(dialler, frame(REPLIES, record(pack([seen[0], [], 99, "new", None]))))
        with self.assertRaises(IndexError):  # our client knows 16 codes
            self.client.reply(mine)


class LateReplies(HostilePeer):
    MESH = {**HostilePeer.MESH, "peer_timeout_ms": 60000}  # the link outlives a request that the peer does not answer

    def test_a_late_reply_is_dropped_and_counted(self):
        self.link_up()
        mine = self.client.post(b"shopping", "kv.get", b"k", timeout_ms=2000)
        dialler, found = self.fake.requests()
        self.assertLess(found[0][1], 2000, "less time is left")
        self.assertEqual(self.client.reply(mine).code, "outcome_unknown")
        self.fake.reply(dialler, found[0][0], result=b"late")
        eventually(lambda: self.counter("late_replies") == 1, 5, "it is counted")
        self.assertEqual(self.client.replies, {})


class Limits(HostilePeer):
    def test_in_flight_max_of_the_peer_is_kept(self):
        dialler = self.link_up(in_flight_max=5)
        ids = self.client.post_batch([(b"shopping", "kv.get", b"%d" % i) for i in range(8)])
        seen = []
        while len(seen) < 5:
            seen += self.fake.requests()[1]
        self.assertEqual(len(seen), 5)
        for late in ids[5:]:
            reply = self.client.reply(late)
            self.assertEqual(reply.code, "overloaded")
            self.assertIn("5", reply.text)
        for request in seen:
            self.fake.reply(dialler, request[0], result=b"x")
        self.assertEqual({r.code for r in self.client.wait_all(ids[:5])}, {"ok"})
        mine, _, again = self.post()
        self.fake.reply(dialler, again[0])
        self.assertEqual(self.client.reply(mine).code, "ok")

    def test_goodbye_takes_no_more_requests_and_still_answers(self):
        self.link_up()
        mine, dialler, seen = self.post()
        self.fake.goodbye(dialler)
        eventually(lambda: self.foo.peer("evil")["state"] != "up", 5, "the link is no longer up")
        self.assertEqual(self.client.call(b"shopping", "kv.create").code, "unavailable")
        self.fake.reply(dialler, seen[0], result=b"still")
        self.assertEqual(self.client.reply(mine).result, b"still")


class Lines(HostilePeer):
    """What a peer answers cannot forge lines of the line protocol."""

    def ask(self, request, **reply):
        self.line.send(request + "\r\nPING\r\n")
        dialler, found = self.fake.requests()
        self.fake.reply(dialler, found[0][0], **reply)
        lines = []
        while not lines or lines[-1] != "PONG":
            lines.append(self.line.line())
        return lines[:-1]

    def test_error_texts_stay_on_one_line(self):
        self.link_up()
        for text in ("no\r\nOK", "no\nOK\n", "\r", "x" * 4096, "\0", "", "\u00e4\u2028"):
            lines = self.ask("GET shopping k", code=4, text=text)
            self.assertEqual(len(lines), 1, lines)
            self.assertTrue(lines[0].startswith("ERROR unavailable"), lines)
            self.assertNotIn("\r", lines[0])
        self.assertEqual(self.ask("GET shopping k", code=1, text="a\r\nb"), ["NOT FOUND"])

    def test_results_of_a_wrong_type(self):
        self.link_up()
        for result in (1, [b"x"], {"a": 1}, True, 1.5):
            lines = self.ask("GET shopping k", result=result)
            self.assertEqual(len(lines), 1, lines)
            self.assertTrue(lines[0].startswith("ERROR "), lines)
        for result in (None, 5, [False], [False, [1]], [1, []], [False, [b"k\r\nOK"]], {}):
            lines = self.ask("KEYS shopping", result=result)
            self.assertEqual(len(lines), 1, lines)
            self.assertTrue(lines[0].startswith("ERROR "), (result, lines))

    def test_traces_stay_on_their_lines(self):
        self.link_up()
        lines = self.ask("ROUTE shopping", result=EVIL, trace=[["a\r\nOK", "b\n", "c\r", 1, 1]])
        self.assertNotIn("OK", lines[:-1])
        self.assertLessEqual(len(lines), 3, lines)


if __name__ == "__main__":
    main()
