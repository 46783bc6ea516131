#!/usr/bin/python3
"""Requests find their node by the tables of the nodes on the way, each by its own."""

import signal
import time

from harness import MeshTest, eventually, main
from mesh_client import TRACE, WELCOME, hello


class Deployments(MeshTest):
    """Three deployments of one build: storage and TCP server, TCP server only, storage only."""

    def test_together(self):
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("n..z", "bar")])
        bar = mesh.add("bar", apps=["kv"], table=[("n..z", "bar")])
        gate = mesh.add("gate", apps=["kv_server"], table=[("a..m", "foo"), ("n..z", "bar")])
        mesh.start()
        for entrance in (foo, gate):
            line = entrance.line()
            for bucket in ("apples", "shopping"):
                self.assertEqual(line.ask(f"CREATE {bucket}"), "OK")
                self.assertEqual(line.ask(f"PUT {bucket} {entrance.name} 1"), "OK")
        for node in (foo, bar, gate):
            client = node.client()
            self.assertEqual(client.ok(b"shopping", "node.name"), "bar@localhost")
            self.assertEqual(client.ok(b"shopping", "kv.keys", None, 0), [False, [b"foo", b"gate"]])
        self.assertEqual(gate.client().ok("foo@localhost", "kv.buckets", None, 0), [False, [b"apples"]])
        self.assertEqual(gate.client().ok("bar@localhost", "kv.buckets", None, 0), [False, [b"shopping"]])
        with self.assertRaises(ConnectionRefusedError):
            bar.line()

    def test_a_node_without_storage_has_no_functions_of_kv(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("*", "foo")])
        mesh.add("foo")
        mesh.start()
        reply = gate.client().call(None, "kv.buckets", None, 0)
        self.assertEqual(reply.code, "undefined_function")
        self.assertIn("kv.buckets", reply.text)
        self.assertIn("gate@localhost", reply.text)


class Hops(MeshTest):
    def test_four_nodes_in_a_chain_that_each_know_just_the_next(self):
        mesh = self.mesh()
        a = mesh.add("a", apps=["kv_server"], table=[("*", "b")])
        mesh.add("b", apps=[], table=[("a..z", "c")])
        mesh.add("c", apps=[], table=[("s", "d")])
        d = mesh.add("d", apps=["kv"], table=[("*", "d")])
        mesh.start()
        line = a.line()
        self.assertEqual(line.ask("CREATE shopping"), "OK")
        self.assertEqual(line.ask("PUT shopping milk 1"), "OK")
        self.assertEqual(line.get("shopping", "milk"), "1")
        self.assertEqual(d.client().ok(b"shopping", "kv.get", b"milk"), b"1", "it is in the last")
        self.assertEqual(line.until_ok("ROUTE shopping"),
                         ["a@localhost * -> b@localhost", "b@localhost a..z -> c@localhost",
                          "c@localhost s -> d@localhost", "d@localhost * -> here"])

        reply = a.client().call(b"shopping", "kv.get", b"milk", flags=TRACE)
        self.assertEqual((reply.code, reply.result), ("ok", b"1"))
        self.assertEqual([tuple(hop[:3]) for hop in reply.trace],
                         [("a@localhost", "*", "b@localhost"), ("b@localhost", "a..z", "c@localhost"),
                          ("c@localhost", "s", "d@localhost"), ("d@localhost", "*", "d@localhost")])
        elapsed = [hop[3] for hop in reply.trace]
        self.assertEqual(elapsed, sorted(elapsed, reverse=True), "a hop takes at least what those behind it take")
        self.assertEqual([hop[4] for hop in reply.trace[:3]], [0, 0, 0])
        self.assertEqual([hop[6] for hop in reply.trace], [1, 1, 1, 0], "the first connection of each link")
        for hop, following in zip(reply.trace, reply.trace[1:] + [[None] * 3 + [0]]):
            self.assertLessEqual(hop[4] + hop[5] + following[3], hop[3], "the parts are no more than the whole")
        self.assertEqual(reply.trace[3][4] + reply.trace[3][5], reply.trace[3][3], "where it ends no link takes part")

        line.send("GET zebra x\r\nGET table x\r\n")
        for node, entry in (("c@localhost", "s"), ("c@localhost", "s")):
            reply = line.line()
            self.assertTrue(reply.startswith("ERROR no_route "), reply)
            self.assertIn(node, reply)
            self.assertIn(entry, reply)

    def test_a_node_that_splits_its_range_tells_nobody(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("a..m", "foo"), ("*", "bar")])
        foo = mesh.add("foo", apps=["kv"], table=[("*", "foo")], peers=["new"])
        bar = mesh.add("bar", apps=["kv"], table=[("n..z", "bar"), ("a..m", "foo")])
        mesh.add("new", apps=["kv"], table=[("*", "new")])
        mesh.start()
        before = {n.name: n.info()["table"]["entries"] for n in (gate, bar)}
        self.assertEqual(gate.client().ok(b"cake", "node.name"), "foo@localhost")

        foo.table = [("a..c", "new"), ("*", "foo")]
        foo.write_config()
        foo.send_signal(signal.SIGHUP)
        eventually(lambda: foo.client().ok(b"cake", "node.name") == "new@localhost", 5, "foo passes a..c on")
        for entrance in (gate, bar, foo):
            client = entrance.client()
            for bucket, owner in ((b"a", "new"), (b"cake", "new"), (b"dog", "foo"), (b"milk", "foo")):
                self.assertEqual(client.ok(bucket, "node.name"), owner + "@localhost")
            self.assertEqual(entrance.client().call(b"cake", "kv.create").code, "ok")
        self.assertEqual(mesh.nodes["new"].client().ok(None, "kv.buckets", None, 0), [False, [b"cake"]])
        self.assertEqual({n.name: n.info()["table"]["entries"] for n in (gate, bar)}, before)

    def test_17_nodes_are_16_hops_and_one_more_is_too_many(self):
        mesh = self.mesh()
        for i in range(17):
            mesh.add(f"n{i}", apps=[], table=[("*", f"n{i + 1}")])
        mesh.add("n17", apps=["kv"], table=[("*", "n17")])
        mesh.start()
        near = mesh.nodes["n1"].client()
        near.ok(b"far", "kv.create")
        reply = near.call(b"far", "node.name", flags=TRACE)
        self.assertEqual((reply.code, reply.result, len(reply.trace)), ("ok", "n17@localhost", 17))
        began = time.monotonic()
        for function in ("node.name", "kv.create"):
            reply = mesh.nodes["n0"].client().call(b"further", function)
            self.assertEqual(reply.code, "too_many_hops")
            self.assertIn("16", reply.text)
        self.within(4, began, "too_many_hops")
        self.assertEqual(near.call(b"further", "kv.count").code, "not_found", "it was not executed")


class Vias(MeshTest):
    """Requests that name a node which is no peer."""

    def chain(self):
        mesh = self.mesh()
        mesh.add("gate", apps=[], table=[], peers=["foo"], vias={"bar": "foo", "qux": "foo"})
        mesh.add("foo", apps=[], table=[("*", "bar")], vias={"qux": "bar"})
        mesh.add("bar", apps=["kv"], peers=["qux"])
        mesh.add("qux", apps=["kv"])
        return mesh

    def test_a_node_behind_two_others(self):
        mesh = self.chain()
        mesh.start()
        client = mesh.nodes["gate"].client()
        for name in ("gate", "foo", "bar", "qux"):
            self.assertEqual(client.ok(f"{name}@localhost", "node.name"), f"{name}@localhost")
        reply = client.call("qux@localhost", "node.name", flags=TRACE)
        self.assertEqual([tuple(hop[:3]) for hop in reply.trace],
                         [("gate@localhost", "", "foo@localhost"), ("foo@localhost", "", "bar@localhost"),
                          ("bar@localhost", "", "qux@localhost"), ("qux@localhost", "", "qux@localhost")])
        self.assertEqual(client.ok("gate@localhost", "node.info")["vias"],
                         [{"name": "bar@localhost", "via": "foo@localhost"},
                          {"name": "qux@localhost", "via": "foo@localhost"}])
        refused = client.call("nobody@localhost", "node.name")
        self.assertEqual(refused.code, "no_route")
        self.assertIn("qux@localhost via foo@localhost", refused.text)

        mesh.nodes["bar"].kill()
        eventually(lambda: mesh.nodes["foo"].peer("bar")["state"] != "up", 2, "foo has lost bar")
        gone = client.call("qux@localhost", "node.name")
        self.assertEqual(gone.code, "unavailable")
        self.assertIn("foo@localhost cannot reach bar@localhost", gone.text)
        self.assertEqual(client.ok("foo@localhost", "node.name"), "foo@localhost")

    def test_an_entry_of_a_table_may_name_such_a_node(self):
        mesh = self.chain()
        gate = mesh.nodes["gate"]
        gate.table = [("a..m", "qux")]
        mesh.nodes["bar"].table = [("a..m", "qux")]
        mesh.start()
        self.assertEqual(gate.client().ok(b"apples", "node.name"), "qux@localhost")
        gate.table = [("a..m", "nobody")]
        gate.vias["nobody"] = "foo"
        gate.write_config()
        gate.send_signal(signal.SIGHUP)
        eventually(lambda: {"name": "nobody@localhost", "via": "foo@localhost"} in gate.info()["vias"], 5, "a new via")
        self.assertEqual(gate.client().ok(b"apples", "node.name"), "qux@localhost", "foo goes by its own table")

    def test_vias_that_lead_in_a_circle(self):
        mesh = self.mesh()
        for name, following in (("a", "b"), ("b", "c"), ("c", "a")):
            mesh.add(name, apps=[], table=[], peers=[following], vias={"qux": following})
        mesh.start()
        began = time.monotonic()
        reply = mesh.nodes["b"].client().call("qux@localhost", "node.name")
        self.within(4, began, "route_loop")
        self.assertEqual(reply.code, "route_loop")
        self.assertIn("b@localhost -> c@localhost -> a@localhost -> b@localhost", reply.text)
        self.assertIn("qux@localhost", reply.text)


class Loops(MeshTest):
    def check(self, names, tables):
        mesh = self.mesh()
        for name in names:
            mesh.add(name, table=tables[name])
        mesh.start()
        for name in names:
            began = time.monotonic()
            reply = mesh.nodes[name].client().call(b"shopping", "kv.get", b"milk")
            self.within(4, began, "route_loop")
            self.assertEqual(reply.code, "route_loop", reply)
            for node in names:
                self.assertIn(f"{node}@localhost", reply.text)
            for table in tables.values():
                self.assertIn(table[-1][0], reply.text)
            line = mesh.nodes[name].line().ask("CREATE shopping")
            self.assertTrue(line.startswith("ERROR route_loop "), line)
        return mesh

    def test_two_tables_that_point_at_each_other(self):
        mesh = self.check(["foo", "bar"], {"foo": [("a..m", "foo"), ("n..z", "bar")],
                                           "bar": [("p..0x80", "foo")]})
        self.assertEqual(mesh.nodes["foo"].line().ask("CREATE apples"), "OK", "other ranges go on")

    def test_three_tables(self):
        self.check(["a", "b", "c"], {"a": [("*", "b")], "b": [("s..z", "c")], "c": [("r..t", "a")]})

    def test_a_loop_that_does_not_hold_the_first_node(self):
        mesh = self.mesh()
        gate = mesh.add("gate", apps=["kv_server"], table=[("*", "b")])
        mesh.add("b", apps=[], table=[("*", "c")])
        mesh.add("c", apps=[], table=[("a..z", "b")])
        mesh.start()
        reply = gate.client().call(b"shopping", "node.name")
        self.assertEqual(reply.code, "route_loop")
        self.assertNotIn("gate@localhost (", reply.text.split(":")[-1], "the cycle is b and c only")
        for words in ("b@localhost", "c@localhost", "a..z"):
            self.assertIn(words, reply.text)


class Refused(MeshTest):
    """What cannot be routed, and what is over a limit: through a gate, and where it is executed."""

    def setUp(self):
        self.net = self.mesh()
        self.gate = self.net.add("gate", apps=["kv_server"], table=[("a..y", "foo")])
        self.foo = self.net.add("foo", table=[("a..m", "foo"), ("o..x", "foo")])
        self.net.start()

    def both(self):
        return ((node.name, node.client()) for node in (self.gate, self.foo))

    def test_no_route_names_byte_table_and_node(self):
        client = self.gate.client()
        for bucket, byte, node, entry in ((b"zebra", "z", "gate", "a..y"), (b"\0", "0x00", "gate", "a..y"),
                                          (b"\xff\xff", "0xff", "gate", "a..y"), (b"nut", "n", "foo", "o..x"),
                                          (b"yak", "y", "foo", "o..x")):
            reply = client.call(bucket, "kv.create")
            self.assertEqual(reply.code, "no_route")
            for words in (byte, entry, "foo@localhost", f"{node}@localhost"):
                self.assertIn(words, reply.text)

    def test_a_node_that_is_no_peer(self):
        for _, client in self.both():
            reply = client.call("nobody@localhost", "node.ping")
            self.assertEqual(reply.code, "no_route")
            self.assertIn("nobody@localhost", reply.text)
        self.assertEqual(self.gate.client().ok("foo@localhost", "node.name"), "foo@localhost")
        self.assertEqual(self.gate.client().ok("gate@localhost", "node.name"), "gate@localhost")
        for strange in ("", "foo", "@", "foo@localhost\n", "\u00fc@localhost", "x" * 300 + "@localhost"):
            self.assertIn(self.gate.client().call(strange, "node.name").code, ("no_route", "invalid_argument"))

    def test_an_empty_bucket_name(self):
        for _, client in self.both():
            for function in ("kv.create", "kv.get", "node.name", "no.such"):
                self.assertEqual(client.call(b"", function, b"k").code, "invalid_argument", function)

    def test_functions_that_are_not_there(self):
        for _, client in self.both():
            for function in ("kv.frob", "frob.kv", "kv", "", ".", "kv.", "KV.GET", "kv.get ", "x" * 255, "\n"):
                reply = client.call(b"apples", function)
                self.assertEqual(reply.code, "undefined_function", function)
            self.assertIn("frob.kv", client.call(b"apples", "frob.kv").text)
            self.assertIn("foo@localhost", client.call(b"apples", "frob.kv").text)

    def test_wrong_arguments(self):
        for _, client in self.both():
            client.ok(b"apples", "kv.create")
            for function, *args in (("kv.put",), ("kv.put", b"k"), ("kv.put", b"k", b"v", b"w"), ("kv.put", 1, b"v"),
                                    ("kv.put", b"k", None), ("kv.put", [b"k"], b"v"), ("kv.get",), ("kv.get", None),
                                    ("kv.get", b"k", b"k"), ("kv.create", b"x"), ("kv.drop", None), ("kv.count", 1),
                                    ("kv.keys", 5, 0), ("kv.keys", None, -1), ("kv.keys", None, 10001),
                                    ("kv.keys", None, 1.5), ("kv.keys", None, 0, 0), ("node.name", 1),
                                    ("node.ping", 1, 2), ("kv.buckets", None, 0)):
                self.assertEqual(client.call(b"apples", function, *args).code, "invalid_argument", (function, args))
            for function in ("kv.create", "kv.drop", "kv.count", "kv.keys"):
                self.assertEqual(client.call("foo@localhost", function).code, "invalid_argument", function)
            self.assertEqual(client.ok(b"apples", "kv.count"), 0, "none had an effect")

    def test_limits_can_be_reached_exactly(self):
        for name, client in self.both():
            bucket, key, value = b"b" * 1024, name.encode().ljust(1024, b"k"), b"v" * 1048576
            client.ok(bucket, "kv.create")
            client.ok(bucket, "kv.put", key, value)
            self.assertEqual(client.ok(bucket, "kv.get", key), value)
            self.assertIn(key, client.ok(bucket, "kv.keys", None, 10000)[1])
            client.ok(bucket, "kv.put", b"", b"")
            self.assertEqual(client.ok(bucket, "kv.get", b""), b"", "an empty key is a key")

    def test_one_more_is_too_large_with_both_numbers(self):
        for _, client in self.both():
            client.ok(b"apples", "kv.create")
            for bucket, function, args, numbers in (
                    (b"b" * 1025, "kv.create", (), ("1025", "1024")),
                    (b"b" * 1025, "node.name", (), ("1025", "1024")),
                    (b"apples", "kv.put", (b"k" * 1025, b"v"), ("1025", "1024")),
                    (b"apples", "kv.get", (b"k" * 1025,), ("1025", "1024")),
                    (b"apples", "kv.delete", (b"k" * 1025,), ("1025", "1024")),
                    (b"apples", "kv.put", (b"k", b"v" * 1048577), ("1048577", "1048576"))):
                reply = client.call(bucket, function, *args)
                self.assertEqual(reply.code, "too_large", (function, len(bucket)))
                for number in numbers:
                    self.assertIn(number, reply.text)
            reply = client.call(None, "node.ping", b"x" * 2031616)
            self.assertEqual(reply.code, "too_large", "the body of the request, just above its limit")
            self.assertEqual(client.ok(b"apples", "kv.count"), 0)

    def test_late_requests_are_not_executed(self):
        for _, client in self.both():
            self.assertEqual(client.call(b"late", "kv.create", timeout_ms=0).code, "deadline_exceeded")
            self.assertEqual(client.call(b"late", "kv.count").code, "not_found")
            self.assertEqual(client.call(b"late", "node.name", timeout_ms=2**64 - 1).code, "ok")


class Order(MeshTest):
    def test_requests_of_one_connection_for_one_bucket_keep_their_order(self):
        foo, _ = self.pair()
        client = foo.client()
        for bucket in (b"apples", b"shopping"):
            client.ok(bucket, "kv.create")
        ids = []
        for batch in range(20):
            calls = []
            for i in range(250):
                for bucket in (b"apples", b"shopping"):
                    number = b"%d" % (250 * batch + i)
                    calls += [(bucket, "kv.put", b"k", number), (bucket, "kv.get", b"k")]
            ids += client.post_batch(calls)
        replies = client.wait_all(ids, 30)
        self.assertEqual({r.code for r in replies}, {"ok"})
        gets = replies[1::2]
        for first in (0, 1):
            self.assertEqual([r.result for r in gets[first::2]], [b"%d" % i for i in range(5000)])

    def test_pages(self):
        foo, _ = self.pair()
        client = foo.client()
        for bucket in (b"apples", b"shopping"):
            client.ok(bucket, "kv.create")
            names = sorted(b"%d\xff\0" % i for i in range(2500))
            client.wait_all(client.post_batch([(bucket, "kv.put", n, b"") for n in names]))
            self.assertEqual(client.ok(bucket, "kv.count"), 2500)
            for limit in (0, 1000, 999, 2500, 10000):
                found, after, more = [], None, True
                while more:
                    more, page = client.ok(bucket, "kv.keys", after, limit)
                    self.assertLessEqual(len(page), limit or 1000)
                    found += page
                    after = page[-1] if page else None
                self.assertEqual(found, names)

    def test_a_page_of_long_names_ends_early(self):
        foo, _ = self.pair()
        client = foo.client()
        client.ok(b"shopping", "kv.create")
        names = [b"%05d" % i + b"n" * 1019 for i in range(3000)]
        client.wait_all(client.post_batch([(b"shopping", "kv.put", n, b"") for n in names[:1500]]))
        client.wait_all(client.post_batch([(b"shopping", "kv.put", n, b"") for n in names[1500:]]))
        found, after, more = [], None, True
        while more:
            more, page = client.ok(b"shopping", "kv.keys", after, 10000)
            self.assertTrue(page)
            self.assertLessEqual(sum(map(len, page)), 1 << 20)
            found += page
            after = page[-1]
        self.assertEqual(found, names)


class Hello(MeshTest):
    def test_welcome_says_who_it_is(self):
        node = self.single()
        client = node.client()
        self.assertEqual(client.welcome[:2], [1, "foo@localhost"])
        self.assertGreaterEqual(client.welcome[4], 1000)
        client.send(hello())
        self.assertEqual(client.frame_of(WELCOME)[0], WELCOME, "HELLO may be said again")
        self.assertEqual(client.ok(None, "node.name"), "foo@localhost")


if __name__ == "__main__":
    main()
