#!/usr/bin/python3
"""Requests that take long are logged where they entered the mesh, with the time on the hop that it was spent on."""

import re
import time

from harness import MeshTest, eventually, main
from mesh_client import TRACE
from task_client import FOO, run, with_tasks

SLOW_MS = 50
LINE = re.compile(r"slow request of (?P<asker>.*?): (?P<what>.*) ended with (?P<code>\w+) after (?P<ms>[\d.]+) ms; (?P<hops>.*)")
# No link goes down while a node stands still.
PATIENT = {"peer_timeout_ms": 60000}


def slow_lines(node, what):
    """Of the lines about slow requests in the node's log, those about `what`."""
    found = (LINE.search(line) for line in node.log().splitlines())
    return [match for match in found if match and match["what"] == what]


def times(hops):
    """By node the times of its hop, in ms: {"gate@localhost": {"queue": 0.0, "wire": 1.5}, ...}"""
    return {hop.split(" ")[0].rstrip(":"): {word: float(ms) for word, ms in re.findall(r"(queue|wire|function) ([\d.]+) ms", hop)}
            for hop in hops.split("; ")}


class SlowRequests(MeshTest):
    def chain(self, slow_ms=SLOW_MS):
        """gate passes all on to mid, which passes it on to bar, which stores it."""
        mesh = self.mesh()
        settings = {"log": {"slow_request_ms": slow_ms}, "mesh": PATIENT}
        self.gate = mesh.add("gate", apps=["kv_server"], table=[("*", "mid")], settings=settings)
        self.mid = mesh.add("mid", apps=[], table=[("a..z", "bar")], settings=settings)
        self.bar = mesh.add("bar", apps=["kv"], settings={"mesh": PATIENT})
        mesh.start()
        self.line = self.gate.line()
        self.assertEqual(self.line.ask("CREATE shopping"), "OK")
        self.assertEqual(self.line.ask("PUT shopping milk 1"), "OK")

    def stand_still(self, act):
        """Stops bar, acts, waits until what that began has been under way at mid for long enough, lets bar go on; returns
        how many ms it was under way at least."""
        self.bar.stop_running()
        act()
        with self.mid.client() as watch:
            eventually(lambda: self.mid.peer("bar", watch)["in_flight"] == 1, 5, "the request is in flight")
            began = time.monotonic()
            eventually(lambda: time.monotonic() - began > 4 * SLOW_MS / 1000, 5, "it takes long")
            took = time.monotonic() - began
        self.bar.resume()
        return took * 1000

    def only(self, node, what):
        lines = eventually(lambda: slow_lines(node, what), 5, f"{node.name} logs {what}")
        self.assertEqual(len(lines), 1, node.log())
        return lines[0]

    def test_a_node_that_stands_still_shows_on_the_link_to_it(self):
        self.chain()
        took = self.stand_still(lambda: self.line.send("GET shopping milk\r\n"))
        self.assertEqual(self.line.lines(2), ["1", "OK"])
        line = self.only(self.gate, 'kv.get for bucket "shopping"')
        host, port = self.line.socket.getsockname()
        self.assertEqual((line["asker"], line["code"]), (f"{host}:{port}", "ok"))
        hops = times(line["hops"])
        self.assertEqual({node: list(parts) for node, parts in hops.items()},
                         {"gate@localhost": ["queue", "wire"], "mid@localhost": ["queue", "wire"],
                          "bar@localhost": ["queue", "function"]})
        self.assertGreaterEqual(hops["mid@localhost"]["wire"], took)
        self.assertIn("mid@localhost (a..z): ", line["hops"])
        self.assertIn(" to bar@localhost #1; bar@localhost (*): ", line["hops"])
        parts = sum(ms for parts in hops.values() for ms in parts.values())
        self.assertAlmostEqual(parts, float(line["ms"]), delta=0.01, msg="the parts are the whole")
        self.assertEqual(slow_lines(self.mid, 'kv.get for bucket "shopping"'), [], "it did not enter the mesh at mid")

    def test_only_who_asked_for_the_trace_gets_it(self):
        self.chain(slow_ms=86400000)
        client = self.gate.client()
        reply = client.call(b"shopping", "kv.get", b"milk")
        self.assertEqual((reply.code, reply.result, reply.trace), ("ok", b"1", []))
        reply = client.call(b"shopping", "kv.get", b"milk", flags=TRACE)
        self.assertEqual((reply.result, len(reply.trace)), (b"1", 3))
        self.assertEqual(len(self.line.until_ok("ROUTE shopping")), 3)
        self.assertEqual(self.line.ask("GET nothing milk"), "NOT FOUND")
        self.assertNotIn("slow request", self.gate.log())

    def test_what_ends_without_an_answer_is_logged_as_far_as_it_is_known(self):
        self.chain()
        self.bar.stop_running()
        reply = self.gate.client().call(b"silence", "kv.create", timeout_ms=20 * SLOW_MS)
        self.bar.resume()
        self.assertEqual((reply.code, reply.trace), ("outcome_unknown", []))
        line = self.only(self.gate, 'kv.create for bucket "silence"')
        self.assertEqual((line["asker"], line["code"]), ("a mesh client at 127.0.0.1", "outcome_unknown"))
        self.assertTrue(line["hops"].endswith(", which told nothing"), line["hops"])

    def test_nothing_is_logged_unless_asked_for(self):
        self.chain(slow_ms=0)
        self.stand_still(lambda: self.line.send("GET shopping milk\r\n"))
        self.assertEqual(self.line.lines(2), ["1", "OK"])
        self.assertNotIn("slow request", self.gate.log())


class SlowTasks(MeshTest):
    def test_the_slow_function_is_named(self):
        node = self.mesh().add("foo", settings={**with_tasks(), "log": {"slow_request_ms": SLOW_MS}})
        node.start()
        with node.client() as client:
            run(client, FOO, "t.sleep", 4 * SLOW_MS)
            eventually(lambda: "task.run of t.sleep for node foo@localhost ended with ok" in node.log(), 10, "the line")


if __name__ == "__main__":
    main()
