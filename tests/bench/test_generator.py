#!/usr/bin/python3
"""The load generator prints a figure only when every reply came and was right. Needs no peer from Debian.

    test_generator.py KVMESH_BENCH KVMESH_NODE KVMESH
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import unittest

from secure_servers import SecureArena

BENCH, NODE, KVMESH = (os.path.abspath(path) for path in sys.argv[1:4])


def generate(protocol, endpoint, *options):
    command = [BENCH, "load", "--json", "--protocol", protocol, "--endpoint", endpoint, "--keys", "20", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def shake_hands(port, server, *options):
    command = [BENCH, "handshakes", "--port", port, "--endpoint", server.mesh if port == "mesh" else server.endpoint,
               "--duration", "200ms", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Liar:
    """A server of the line protocol that answers lines as `answer(line number, line)` says; None: not at all. With the
    path of a `certificate`, less .crt, it speaks TLS."""

    def __init__(self, answer, certificate=None):
        self.answer, self.context = answer, None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate + ".crt", certificate + ".key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection, _ = self.listener.accept()
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as lines:
            for number, line in enumerate(lines):
                answer = self.answer(number, line.split())
                if answer is not None:
                    connection.sendall(answer)

    def close(self):
        self.listener.close()


def honest(values):
    def answer(_, words):
        if words[0] == b"PUT":
            values[words[1], words[2]] = words[3]
        if words[0] == b"GET":
            return values[words[1], words[2]] + b"\r\nOK\r\n"
        return b"OK\r\n"

    return answer


class Generator(unittest.TestCase):
    def setUp(self):
        self.arena = SecureArena({"kvmesh-bench": BENCH, "kvmesh-node": NODE, "kvmesh": KVMESH})
        self.addCleanup(self.arena.close)

    def figures(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, done, why):
        self.assertEqual((done.returncode, done.stdout), (1, ""), done)
        self.assertIn(why, done.stderr)

    def lie(self, answer, *options):
        server = Liar(answer)
        self.addCleanup(server.close)
        return generate("line", server.endpoint, "-n", "2000", "--buckets", "3", *options)

    def test_every_protocol_of_ours_measures(self):
        node = self.arena.get("local")
        for protocol, endpoint in (("line", node.endpoint), ("native", node.mesh)):
            found = self.figures(generate(protocol, endpoint, "-n", "5000", "-c", "3", "-d", "7"))
            self.assertEqual(found["requests"], 5000)
            self.assertEqual(found["missing_keys"], 0)
            self.assertGreater(found["values_compared"], 2000)
            self.assertGreaterEqual(found["latency_us"]["max"], found["latency_us"]["p50"])

    def test_three_hops_measure(self):
        hops = self.arena.get("hops:3")
        self.assertEqual(self.figures(generate("line", hops.endpoint, "-n", "3000", "-d", "9"))["requests"], 3000)

    def test_the_floors_measure(self):
        for name in ("null", "echo"):
            server = self.arena.get(name)
            found = self.figures(generate(server.protocol, server.endpoint, "-n", "5000", "-c", "3", "-d", "7"))
            self.assertEqual(found["requests"], 5000)

    def test_calls_measure(self):
        for name in ("tasks", "task_hop"):
            server = self.arena.get(name)
            where = [word for option, value in server.options.items() for word in (f"--{option}", value)]
            for mode, function in (("call", "bench.empty"), ("async", "bench.empty"), ("spawn", "bench.wait")):
                done = generate("task", server.endpoint, "-n", "2000", "-d", "50", "--mode", mode, "--function", function,
                                *where)
                self.assertEqual(self.figures(done)["requests"], 2000, (name, mode))

    def test_calls_that_do_something_else_give_no_figure(self):
        server = self.arena.get("tasks")
        self.refused(generate("task", server.endpoint, "-n", "100", "--function", "bench.nothing"), "undefined_function")
        self.refused(generate("task", server.endpoint, "-n", "100", "--function", "bench.five"), "progress that is not")
        self.refused(generate("task", server.endpoint, "-n", "100", "--function", "bench.print"), "progress that is not")

    def test_large_values_come_back_whole(self):
        node = self.arena.get("local")
        for protocol, endpoint in (("line", node.endpoint), ("native", node.mesh)):
            done = generate(protocol, endpoint, "-n", "200", "--buckets", "2", "--value-bytes", "300000", "--prefix",
                            protocol, "-d", "3")
            self.assertEqual(self.figures(done)["requests"], 200)

    def test_open_loop_sends_what_was_asked_for(self):
        node = self.arena.get("local")
        done = generate("line", node.endpoint, "--rate", "2000", "--duration", "1s", "-c", "4", "-d", "8")
        found = self.figures(done)
        self.assertEqual(found["requests"], 2000)

    def test_a_stall_is_charged_to_all_that_should_have_left_meanwhile(self):
        """1000 a second for a second, with a pause of 0.7 s: most of all requests waited."""
        answer = honest({})
        pause = threading.Event()
        seen = [0]

        def stalls(number, words):
            seen[0] += words[0] == b"GET" and number > 80
            if seen[0] == 20:
                pause.wait(0.7)
                seen[0] += 1
            return answer(number, words)

        server = Liar(stalls)
        self.addCleanup(server.close)
        found = self.figures(generate("line", server.endpoint, "--rate", "1000", "--duration", "1s", "--buckets", "3",
                                      "--writes", "0"))
        self.assertGreater(found["latency_us"]["p50"], 50_000)  # the closed loop would say far below 1 ms
        self.assertGreaterEqual(found["latency_us"]["max"], 690_000)

    def test_an_honest_server_passes(self):
        self.figures(self.lie(honest({})))

    def test_a_wrong_value_gives_no_figure(self):
        answer = honest({})

        def lies(number, words):
            told = answer(number, words)
            return told.replace(b"\r\nOK", b"x\r\nOK") if words[0] == b"GET" and number > 1000 else told

        self.refused(self.lie(lies), "has a value that was never put")

    def test_another_keys_value_gives_no_figure(self):
        last = [b""]

        def lies(number, words):
            if words[0] == b"PUT":
                last[0] = words[3]
            return last[0] + b"\r\nOK\r\n" if words[0] == b"GET" else b"OK\r\n"

        self.refused(self.lie(lies), "has a value that was never put")

    def test_a_lost_key_gives_no_figure(self):
        answer = honest({})

        def lies(number, words):
            return b"\r\nOK\r\n" if words[0] == b"GET" and number > 1000 else answer(number, words)

        self.refused(self.lie(lies), "is missing")

    def test_an_error_gives_no_figure(self):
        answer = honest({})

        def lies(number, words):
            return b"ERROR unavailable x\r\n" if number > 1000 else answer(number, words)

        self.refused(self.lie(lies), "ERROR unavailable")

    def test_a_missing_reply_gives_no_figure(self):
        answer = honest({})

        def lies(number, words):
            return None if number > 1000 else answer(number, words)

        self.refused(self.lie(lies, "--patience", "300ms"), "replies are missing")

    def test_a_reply_too_many_gives_no_figure(self):
        answer = honest({})

        def lies(number, words):
            return answer(number, words) + (b"OK\r\n" if number == 1000 else b"")

        self.refused(self.lie(lies, "--writes", "100"), "nobody asked for")

    def test_tls_measures(self):
        node = self.arena.get("tls_local")
        authority = self.arena.certificate() + ".crt"  # its own
        for more in ((), ("--tls-ca", authority)):
            found = self.figures(generate("line", node.endpoint, "--tls", *more, "-n", "5000", "-c", "3", "-d", "7"))
            self.assertEqual((found["requests"], found["missing_keys"]), (5000, 0))
            self.assertGreater(found["values_compared"], 2000)
        done = generate("line", node.endpoint, "--tls", "-n", "200", "--buckets", "2", "--value-bytes", "300000", "--prefix",
                        "large", "-d", "3")
        self.assertEqual(self.figures(done)["requests"], 200)

    def lie_over_tls(self, answer, *options):
        server = Liar(answer, self.arena.certificate())
        self.addCleanup(server.close)
        return generate("line", server.endpoint, "--tls", "-n", "2000", "--buckets", "3", *options)

    def test_a_wrong_reply_over_tls_gives_no_figure(self):
        answer = honest({})

        def lies(number, words):
            told = answer(number, words)
            return told.replace(b"\r\nOK", b"x\r\nOK") if words[0] == b"GET" and number > 1000 else told

        self.figures(self.lie_over_tls(honest({}), "-d", "5"))
        self.refused(self.lie_over_tls(lies), "has a value that was never put")
        self.refused(self.lie_over_tls(lambda number, words: answer(number, words) if number < 1000 else None, "--patience",
                                       "300ms"), "replies are missing")

    def test_a_handshake_that_fails_is_told(self):
        node, plain = self.arena.get("tls_local"), self.arena.get("local")
        self.refused(generate("line", plain.endpoint, "--tls"), f"no TLS with {plain.endpoint}")
        self.refused(generate("line", node.endpoint), "this port speaks TLS")
        self.arena.certificates().make("other")
        other = self.arena.certificates().path("other.crt")
        self.refused(generate("line", node.endpoint, "--tls", "--tls-ca", other), "certificate verify failed")
        self.refused(generate("line", node.endpoint, "--tls", "--tls-ca", __file__), "holds no certificate in PEM")
        self.refused(generate("native", plain.mesh, "--tls"), "has no TLS here")
        self.assertEqual(generate("line", node.endpoint, "--tls-ca", other).returncode, 2)
        self.refused(shake_hands("tls", plain), f"no TLS with {plain.endpoint}")
        self.refused(shake_hands("tls", node, "--tls-ca", other), "certificate verify failed")

    def test_handshakes_measure(self):
        node, secure = self.arena.get("tls_local"), self.arena.get("secure_native")
        for done in (shake_hands("tls", node), shake_hands("tls", node, "--rate", "50"),
                     shake_hands("mesh", secure, "--key", secure.options["key"])):
            self.assertGreater(self.figures(done)["handshakes"], 0)
        with_key = self.figures(generate("native", secure.mesh, "--key", secure.options["key"], "-n", "2000", "-d", "9"))
        self.assertEqual(with_key["requests"], 2000)

    def test_handshakes_that_let_nobody_in_give_no_figure(self):
        plain = self.arena.get("local")
        key = self.arena.get("secure_native").options["key"]
        self.refused(shake_hands("mesh", plain), "need a --key")
        self.refused(shake_hands("mesh", plain, "--key", key), plain.mesh)
        server = Liar(lambda *_: b"PANG\r\n", self.arena.certificate())
        self.addCleanup(server.close)
        self.refused(shake_hands("tls", server, "--under-way", "1"), "answered a PING with PANG")

    def test_a_server_that_dies_gives_no_figure(self):
        node = self.arena.get("local")
        command = [BENCH, "load", "--json", "--protocol", "line", "--endpoint", node.endpoint, "--duration", "20s"]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(running.kill)
        # It is at work when the node has used some processor time.
        before = node.cpu_seconds()
        while node.cpu_seconds() < before + 0.1 and running.poll() is None:
            pass
        node.processes[0].stop()
        out, _ = running.communicate(timeout=20)
        self.assertEqual((running.returncode, out), (1, ""))

    def test_wrong_use_is_told(self):
        self.assertEqual(generate("line", "127.0.0.1:1", "--depth", "0").returncode, 2)
        self.assertEqual(generate("line", "127.0.0.1:1", "--zipf", "0").returncode, 2)
        self.refused(generate("line", "127.0.0.1:1", "--buckets", "268000000"), "more than the limit")
        self.refused(generate("line", "127.0.0.1:1"), "cannot connect")
        self.refused(generate("native", "tcp://127.0.0.1:1"), "127.0.0.1:1")


if __name__ == "__main__":
    os.environ.pop("KVMESH_NODE", None)
    unittest.main(argv=sys.argv[:1], verbosity=2)
