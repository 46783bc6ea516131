#!/usr/bin/python3
"""A peer that is down, dies, hangs or comes back: each request through it is answered at once and truthfully, and
nobody else notices."""

import time

from harness import MeshTest, eventually, main
from load import Load, lost
from mesh_client import PING, REFUSED, MeshClient, frame, unpack

COUNT = 200
SLOW_PEER = {"mesh": {"peer_timeout_ms": 60000}}  # so that only the end of the connection can be noticed


class Failures(MeshTest):
    def begin(self, settings=None):
        """foo passes all but a..m on to bar; in both there are buckets, and a load on foo's own one."""
        self.foo, self.bar = self.pair(settings)
        self.client = self.foo.client()
        for bucket in (b"apples", b"shopping"):
            self.client.ok(bucket, "kv.create")
        self.load = Load(self.foo, "apples")

    def end_unaffected(self):
        """The load on foo's own range saw no error and lost nothing."""
        eventually(lambda: self.load.acknowledged or self.load.answers or self.load.broken, 10, "the load is served")
        self.load.stop()
        self.assertIsNone(self.load.broken)
        self.assertEqual(self.load.answers, {})
        self.assertEqual(lost(self.foo, self.load), [])

    def post_puts(self, name, count=COUNT):
        return self.client.post_batch([(b"shopping", "kv.put", b"%s%d" % (name, i), b"1") for i in range(count)])

    def put_in_flight(self, name=b"k", count=COUNT):
        """Stops bar and sends it requests; they are in flight when this returns."""
        self.bar.stop_running()
        ids = self.post_puts(name, count)
        with self.foo.client() as other:
            eventually(lambda: self.foo.peer("bar", other)["in_flight"] == count, 5, "the requests are in flight")
        return ids

    def flows_again(self):
        """Polls until requests get through to bar."""
        with self.foo.client() as other:
            eventually(lambda: other.call(b"shopping", "node.ping", timeout_ms=500).code == "ok", 5, "requests flow")

    def keys_in_bar(self):
        with self.bar.client() as client:
            return client.ok(b"shopping", "kv.keys", None, 10000)[1]

    # --- down

    def test_a_peer_that_is_down_when_a_request_arrives(self):
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        bar = mesh.add("bar", apps=["kv"])
        foo.start()
        client, line = foo.client(), foo.line()
        for _ in range(20):
            began = time.monotonic()
            reply = client.call(b"shopping", "kv.create")
            self.within(4, began, "unavailable")
            self.assertEqual(reply.code, "unavailable")
            self.assertIn("bar@localhost", reply.text)
            self.assertTrue(line.ask("CREATE shopping").startswith("ERROR unavailable "))
        self.assertEqual(line.ask("CREATE apples"), "OK")
        bar.start()
        eventually(lambda: client.call(b"shopping", "node.ping").code == "ok", 5, "bar is found when it comes up")
        self.assertEqual(client.call(b"shopping", "kv.count").code, "not_found", "no CREATE was executed")

    # --- killed

    def test_kill_9_with_requests_in_flight(self):
        self.begin(SLOW_PEER)
        ids = self.put_in_flight()
        began = time.monotonic()
        self.bar.kill()
        replies = self.client.wait_all(ids)
        self.within(1, began, "all answers after kill -9")
        self.assertEqual({r.code for r in replies}, {"outcome_unknown"})
        self.assertIn("bar@localhost", replies[0].text)
        began = time.monotonic()
        self.assertEqual(self.client.call(b"shopping", "kv.put", b"a", b"b").code, "unavailable")
        self.within(4, began, "unavailable")
        self.end_unaffected()

    def test_nothing_stale_is_replayed_into_the_next_incarnation(self):
        self.begin(SLOW_PEER)
        ids = self.put_in_flight(b"stale")
        self.bar.kill()
        self.assertEqual({r.code for r in self.client.wait_all(ids)}, {"outcome_unknown"})
        down = self.client.wait_all(self.post_puts(b"down"))
        self.assertEqual({r.code for r in down}, {"unavailable"})
        self.bar.start()
        self.flows_again()
        self.client.ok(b"shopping", "kv.create")
        self.client.wait_all(self.post_puts(b"fresh", 100))  # behind anything that would be replayed
        self.assertEqual({k[:5] for k in self.keys_in_bar()}, {b"fresh"})
        self.end_unaffected()

    def chain_with_requests_in_flight(self):
        """gate -> mid -> end, where end stands still; a client of gate, mid, end, and the ids of its requests."""
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("*", "mid")], settings=SLOW_PEER)
        mid = mesh.add("mid", apps=[], table=[("*", "end")], settings=SLOW_PEER)
        end = mesh.add("end", apps=["kv"], settings=SLOW_PEER)
        mesh.start()
        client = gate.client()
        client.ok(b"shopping", "kv.create")
        end.stop_running()
        ids = client.post_batch([(b"shopping", "kv.put", b"%d" % i, b"1") for i in range(COUNT)])
        eventually(lambda: mid.peer("end")["in_flight"] == COUNT, 5, "the requests are in flight")
        return client, mid, end, ids

    def test_kill_9_in_the_middle_of_a_chain(self):
        client, mid, end, ids = self.chain_with_requests_in_flight()
        began = time.monotonic()
        mid.kill()
        self.assertEqual({r.code for r in client.wait_all(ids)}, {"outcome_unknown"})
        self.within(1, began, "all answers after kill -9")
        end.resume()

    def test_the_end_of_the_chain_dies(self):
        client, mid, end, ids = self.chain_with_requests_in_flight()
        began = time.monotonic()
        end.kill()
        replies = client.wait_all(ids)
        self.within(1, began, "all answers after kill -9")
        self.assertEqual({r.code for r in replies}, {"outcome_unknown"})
        self.assertIn("end@localhost", replies[0].text)
        reply = client.call(b"shopping", "kv.count")
        self.assertEqual(reply.code, "unavailable")
        self.assertIn("end@localhost", reply.text)

    def test_restart_and_it_flows_again(self):
        self.begin()
        for _ in range(3):
            self.bar.kill()
            eventually(lambda: self.client.call(b"shopping", "node.ping").code == "unavailable", 5, "its death is noticed")
            self.bar.start()
            self.flows_again()
            self.assertEqual(self.client.call(b"shopping", "kv.count").code, "not_found", "it stored in memory only")
        self.end_unaffected()

    # --- hangs

    def test_sigstop_is_noticed_and_sigcont_brings_it_back(self):
        self.begin()
        stopped = time.monotonic()
        self.bar.stop_running()
        ids = self.post_puts(b"stale")
        replies = self.client.wait_all(ids)
        self.within(4, stopped, "noticing that bar hangs")
        self.assertEqual({r.code for r in replies}, {"outcome_unknown"})
        # Until bar has stalled for longer than peer_timeout_ms by its own clock too: foo counts from when it heard of bar last.
        while time.monotonic() < stopped + 1.5:
            began = time.monotonic()
            for _ in range(20):
                self.assertEqual(self.client.call(b"shopping", "kv.put", b"down", b"1").code, "unavailable")
            self.within(4, began, "20 times unavailable")
        self.bar.resume()
        self.flows_again()
        self.client.ok(b"shopping", "kv.put", b"fresh", b"1")
        self.assertEqual(self.keys_in_bar(), [b"fresh"], "what was given up has no effect any more")
        self.end_unaffected()

    def test_whom_a_node_forgot_while_it_stalled_is_no_stranger(self):
        """Nor is anybody told of twice; a stranger that comes later still is."""
        node = self.single(settings={"mesh": {"ping_interval_ms": 50, "peer_timeout_ms": 200}})
        told = " at 127.0.0.1 was connected before this process stalled, and is told to connect again"
        with node.client() as client, node.client(name="bar@localhost") as peer:
            for turn, (sender, name) in enumerate(((client, "a client"), (peer, "bar@localhost"), (client, "a client")), 1):
                stopped = time.monotonic()
                node.stop_running()
                eventually(lambda: time.monotonic() - stopped > 0.5, 5, "it has stalled for longer than peer_timeout_ms")
                node.resume()
                eventually(lambda: node.log().count("this process stalled for ") == turn, 10, "it has noticed")
                for _ in range(3):
                    sender.send(frame(PING))
                    self.assertEqual(unpack(sender.frame_of(REFUSED)[1]), [14, "say HELLO first"])
                eventually(lambda: told in node.log().splitlines()[-1], 5, "it is told")
                self.assertIn(name + told, node.log().splitlines()[-1])
                client.greet()
                peer.greet("bar@localhost")
        self.assertEqual(node.info()["counters"]["refused"]["no_hello"], 9)
        with MeshClient(node.endpoint, greet=False) as stranger:
            stranger.send(frame(PING))
            stranger.frame_of(REFUSED)
        eventually(lambda: "refused a frame of a stranger at 127.0.0.1 (no_hello): say HELLO first; " in node.log().splitlines()[-1],
                   5, "the stranger is told")
        self.assertEqual((node.log().count(told), node.log().count("stranger")), (3, 1))

    def test_two_nodes_of_one_name_are_told(self):
        """By the node that both dial, once; one that is started anew is none."""
        mesh = self.mesh()
        gate = mesh.add("gate")
        mesh.start()
        bars = []
        for _ in range(2):
            folder = self.mesh()
            folder.addresses["gate"] = gate.endpoint
            bars.append(folder.add("bar", peers=["gate"]))
        for bar in bars:
            bar.start()
            eventually(lambda bar=bar: bar.reaches("gate"), 5, "it has connected")
        told = "two nodes run as bar@localhost and have connected: one at 127.0.0.1, another at 127.0.0.1; stop one of them"
        eventually(lambda: told in gate.log(), 20, "it is told")
        bars[0].kill()
        bars[0].start()
        self.assertEqual(gate.log().count("two nodes"), 1)

    def test_a_short_stop_is_no_failure(self):
        self.begin({"mesh": {"peer_timeout_ms": 30000}})
        ids = self.put_in_flight()
        self.bar.resume()
        self.assertEqual({r.code for r in self.client.wait_all(ids)}, {"ok"})
        self.assertEqual(len(self.keys_in_bar()), COUNT)
        self.end_unaffected()

    def test_a_deadline_that_ends_while_the_peer_hangs(self):
        self.begin(SLOW_PEER)
        self.bar.stop_running()
        began = time.monotonic()
        ids = self.client.post_batch([(b"shopping", "kv.put", b"late%d" % i, b"1") for i in range(20)], timeout_ms=1000)
        replies = self.client.wait_all(ids)
        self.assertGreater(time.monotonic() - began, 0.9)
        self.within(4, began, "the deadline")
        self.assertEqual({r.code for r in replies}, {"outcome_unknown"})
        self.bar.resume()
        self.flows_again()
        self.end_unaffected()

    # --- leaves

    def test_a_peer_that_leaves_under_load_answers_every_request(self):
        self.begin()
        loads = [Load(self.foo, "shopping", f"t{i}-") for i in range(4)]
        eventually(lambda: all(len(load.acknowledged) > 20 for load in loads), 5, "the load flows")
        ids = []
        for batch in range(20):
            ids += self.post_puts(b"b%d-" % batch)
        self.bar.terminate()
        replies = self.client.wait_all(ids)
        self.assertLessEqual({r.code for r in replies}, {"ok", "unavailable", "outcome_unknown"})
        eventually(lambda: all(load.answers for load in loads), 5, "the load notices")
        for load in loads:
            load.stop()
            self.assertIsNone(load.broken)
            self.assertLessEqual(set(load.answers), {"unavailable", "outcome_unknown"})
        self.end_unaffected()

    def test_what_was_acknowledged_before_a_peer_left_was_stored(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("*", "mid")])
        mid = mesh.add("mid", apps=[], table=[("*", "end")])
        end = mesh.add("end", apps=["kv"])
        mesh.start()
        end.client().ok(b"shopping", "kv.create")
        loads = [Load(gate, "shopping", f"t{i}-") for i in range(4)]
        for _ in range(3):
            have = [len(load.acknowledged) for load in loads]
            eventually(lambda: all(len(load.acknowledged) > n + 20 for load, n in zip(loads, have)), 5, "the load flows")
            mid.restart()
        have = [len(load.acknowledged) for load in loads]
        eventually(lambda: all(len(load.acknowledged) > n for load, n in zip(loads, have)), 5, "the load flows again")
        for load in loads:
            load.stop()
            self.assertIsNone(load.broken)
            self.assertLessEqual(set(load.answers), {"unavailable", "outcome_unknown"})
            self.assertEqual(lost(end, load), [])

    def test_a_gate_that_restarts(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("*", "foo")])
        foo = mesh.add("foo")
        mesh.start()
        line = gate.line()
        self.assertEqual(line.ask("CREATE shopping"), "OK")
        loads = [Load(gate, "shopping", "a"), Load(foo, "shopping", "b")]
        eventually(lambda: all(load.acknowledged for load in loads), 5, "the load flows")
        gate.restart()
        eventually(lambda: gate.reaches("foo"), 2, "it reaches foo again")
        self.assertEqual(gate.line().ask("PUT shopping again 1"), "OK")
        first, second = (load.stop() for load in loads)
        self.assertIsNotNone(first.broken, "its connection ended")
        self.assertIsNone(second.broken)
        self.assertEqual((first.answers.keys() - {"unavailable", "outcome_unknown"}, second.answers), (set(), {}))
        for load in loads:
            self.assertEqual(lost(foo, load), [])

    def test_both_start_in_any_order(self):
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        bar = mesh.add("bar", table=[("a..m", "foo"), ("*", "bar")])
        bar.start()
        self.assertEqual(bar.client().call(b"apples", "node.name").code, "unavailable")
        foo.start()
        mesh.wait_connected()
        for node in (foo, bar):
            self.assertEqual(node.line().ask("CREATE apples"), "OK")
            self.assertEqual(node.line().ask("CREATE shopping"), "OK")


if __name__ == "__main__":
    main()
