#!/usr/bin/python3
"""The line protocol (common/PROTOCOL.md, part 2): what each request is answered."""

import threading

from harness import MeshTest, full_name, main

LINE_MAX = 1048576 + 1024 + 1024 + 64


class Table(MeshTest):
    """Each row of the table, for a bucket of this node and for one of its peer."""

    def setUp(self):
        self.foo, self.bar = self.pair()
        self.line = self.foo.line()

    def test_every_request_of_the_mission(self):
        for bucket in ("apples", "shopping"):
            with self.subTest(bucket=bucket):
                for request in (f"PUT {bucket} milk 1", f"GET {bucket} milk", f"DELETE {bucket} milk", f"DROP {bucket}",
                                f"KEYS {bucket}"):
                    self.assertEqual(self.line.ask(request), "NOT FOUND", request)
                self.assertEqual(self.line.ask(f"CREATE {bucket}"), "OK")
                self.assertEqual(self.line.ask(f"GET {bucket} milk", 2), ["", "OK"])
                self.assertEqual(self.line.ask(f"PUT {bucket} milk 1"), "OK")
                self.assertEqual(self.line.ask(f"GET {bucket} milk", 2), ["1", "OK"])
                self.assertEqual(self.line.ask(f"CREATE {bucket}"), "OK", "also when it exists")
                self.assertEqual(self.line.ask(f"GET {bucket} milk", 2), ["1", "OK"], "CREATE keeps the keys")
                self.assertEqual(self.line.ask(f"PUT {bucket} milk 2"), "OK")
                self.assertEqual(self.line.ask(f"GET {bucket} milk", 2), ["2", "OK"])
                self.assertEqual(self.line.ask(f"DELETE {bucket} milk"), "OK")
                self.assertEqual(self.line.ask(f"DELETE {bucket} milk"), "OK")
                self.assertEqual(self.line.ask(f"GET {bucket} milk", 2), ["", "OK"])
                self.assertEqual(self.line.ask(f"DROP {bucket}"), "OK")
                self.assertEqual(self.line.ask(f"DROP {bucket}"), "NOT FOUND")
                self.assertEqual(self.line.ask(f"GET {bucket} milk"), "NOT FOUND")

    def test_what_is_no_command(self):
        for request in ("", " ", "HELLO", "CREATE", "CREATE a b", "PUT a b", "PUT a b c d", "GET a", "GET a b c",
                        "DELETE a", "DELETE a b c", "DROP", "DROP a b", "KEYS", "KEYS a b c", "ROUTE", "ROUTE a b",
                        "get a b", "Create a", "PING x", "QUIT now", "GETa b", "\0", "CREATE\0 a", "\x80\xff"):
            self.assertEqual(self.line.ask(request), "UNKNOWN COMMAND", repr(request))
        self.assertEqual(self.line.ask("PING"), "PONG")

    def test_line_ends_and_white_space(self):
        self.assertEqual(self.line.ask("CREATE apples"), "OK")
        for request in (b"PUT apples milk 1\n", b"PUT apples milk 1\r\n", b"  PUT\tapples \v\f milk   1 \t\r\n",
                        b"\tPUT apples\rmilk 1\r\n", b"PUT apples milk 1\r\r\n"):
            self.line.send(request)
            self.assertEqual(self.line.line(), "OK", request)
        self.line.send(b"CREATE shopping\nGET apples milk\nGET shopping milk\r\n")
        self.assertEqual(self.line.lines(5), ["OK", "1", "OK", "", "OK"])

    def test_all_other_bytes_are_taken_as_they_are(self):
        blanks = b" \t\n\v\f\r"
        word = bytes(b for b in range(256) if b not in blanks)
        self.line.send(b"CREATE apples\r\nPUT apples " + word + b" " + word + b"\r\nGET apples " + word + b"\r\n")
        self.assertEqual(self.line.lines(2), ["OK", "OK"])
        self.assertEqual(self.line.line().encode("utf-8", "surrogateescape"), word)
        self.assertEqual(self.line.line(), "OK")
        self.assertEqual(self.foo.client().ok(b"apples", "kv.get", word), word)

    def test_keys(self):
        for bucket in ("apples", "shopping"):
            self.assertEqual(self.line.ask(f"CREATE {bucket}"), "OK")
            self.assertEqual(self.line.ask(f"KEYS {bucket}", 2), ["0", "OK"])
            names = [f"k{i:04}" for i in range(1500)]
            self.line.send("".join(f"PUT {bucket} {name} x\r\n" for name in reversed(names)))
            self.assertEqual(set(self.line.lines(1500)), {"OK"})
            self.assertEqual(self.line.ask(f"KEYS {bucket}", 1002), ["1000", *names[:1000], "OK MORE"])
            self.assertEqual(self.line.ask(f"KEYS {bucket} k0999", 502), ["500", *names[1000:], "OK"])
            self.assertEqual(self.line.ask(f"KEYS {bucket} k1499", 2), ["0", "OK"])

    def test_keys_with_blanks_go_on(self):
        mesh = self.foo.client()
        keys = sorted([f"{i:04d} of many " for i in range(1500)] + [" first", "x", "x y", "zz  "])
        for bucket in ("apples", "shopping"):
            mesh.ok(bucket.encode(), "kv.create")
            for key in keys:
                mesh.ok(bucket.encode(), "kv.put", key.encode(), b"")
            found, request = [], f"KEYS {bucket}"
            while True:
                found += self.line.lines(int(self.line.ask(request)))
                if self.line.line() == "OK":
                    break
                request = f"KEYS {bucket} AFTER {found[-1]}"
            self.assertEqual(found, keys)

    def test_route(self):
        self.assertEqual(self.line.ask("ROUTE apples", 2), ["foo@localhost a..m -> here", "OK"])
        self.assertEqual(self.line.ask("ROUTE shopping", 3),
                         ["foo@localhost * -> bar@localhost", "bar@localhost * -> here", "OK"])

    def test_ping_help_quit(self):
        self.assertEqual(self.line.ask("PING"), "PONG")
        words = " ".join(self.line.until_ok("HELP"))
        for command in ("CREATE", "DROP", "PUT", "GET", "DELETE", "KEYS", "ROUTE", "PING", "QUIT"):
            self.assertIn(command, words)
        self.assertIn("Blanks separate words", words)
        self.assertIn("any other line is UNKNOWN COMMAND", words)
        self.line.send("PUT nowhere a b\r\nQUIT\r\nPING\r\n")
        self.assertEqual(self.line.lines(2), ["NOT FOUND", "OK"])
        self.assertTrue(self.line.has_closed(), "QUIT closes, and what comes behind it is not answered")

    def test_what_is_no_line_of_text(self):
        mesh = self.foo.client()
        for bucket in ("apples", "shopping"):
            name = bucket.encode()
            mesh.ok(name, "kv.create")
            for value in (b"one\ntwo", b"one\rtwo", b"\n", b"end\r\n"):
                mesh.ok(name, "kv.put", b"text", value)
                self.assertTrue(self.line.ask(f"GET {bucket} text").startswith("ERROR not_text "))
            mesh.ok(name, "kv.put", b"a key\nof two lines", b"")
            self.assertTrue(self.line.ask(f"KEYS {bucket}").startswith("ERROR not_text "))
            self.assertEqual(self.line.ask("PING"), "PONG", "the connection goes on")


class Errors(MeshTest):
    def test_are_one_line_each_and_the_connection_goes_on(self):
        node = self.single(table=[("a..m", "foo")])
        line = node.line()
        for request in ("CREATE zebra", "GET zebra a", "PUT zebra a b", "DELETE zebra a", "DROP zebra", "KEYS zebra"):
            reply = line.ask(request)
            self.assertTrue(reply.startswith("ERROR no_route "), reply)
            self.assertIn(full_name("foo"), reply)
        self.assertEqual(line.ask("CREATE apples"), "OK")

    def test_a_line_of_exactly_the_limit_is_taken(self):
        line = self.single().line()
        bucket, key, value = "b" * 1024, "k" * 1024, "v" * 1048576
        self.assertEqual(line.ask(f"CREATE {bucket}"), "OK")
        request = f"PUT {bucket} {key} {value}"
        for end in ("\r\n", "\n"):
            line.send(request.ljust(LINE_MAX) + end)
            self.assertEqual(line.line(), "OK")
        self.assertEqual(line.get(bucket, key), value)

    def test_one_byte_more_is_too_large(self):
        line = self.single().line()
        for end in ("\n", "\r\n"):
            line.send("PING".ljust(LINE_MAX + 1) + end)
            reply = line.line()
            self.assertTrue(reply.startswith("ERROR too_large "), reply)
            self.assertIn(str(LINE_MAX), reply)
            self.assertEqual(line.ask("PING"), "PONG")

    def test_a_line_that_is_far_too_long_is_passed_over(self):
        node = self.single()
        line = node.line()
        before = node.rss_bytes()
        for _ in range(64):
            line.send(b"PUT a " + b"x" * (1 << 20))
        line.send("\r\nPING\r\nCREATE apples\r\n")
        self.assertTrue(line.line().startswith("ERROR too_large "))
        self.assertEqual(line.lines(2), ["PONG", "OK"])
        self.assertLess(node.rss_bytes() - before, 16 << 20, "a line that is discarded is not kept")

    def test_words_over_their_limits(self):
        line = self.single().line()
        self.assertEqual(line.ask("CREATE apples"), "OK")
        for request, numbers in ((f"CREATE {'b' * 1025}", ("1025", "1024")), (f"PUT apples {'k' * 1025} v", ("1025", "1024")),
                                 (f"GET apples {'k' * 1025}", ("1025", "1024")),
                                 (f"PUT apples k {'v' * 1048577}", ("1048577", "1048576"))):
            reply = line.ask(request)
            self.assertTrue(reply.startswith("ERROR too_large "), reply[:200])
            for number in numbers:
                self.assertIn(number, reply)


class Pipelines(MeshTest):
    """Many requests before the first reply is read."""

    def test_10000_requests_in_one_write_are_answered_in_order(self):
        foo, _ = self.pair()
        line = foo.line(timeout=60)
        requests, replies = [], []
        for bucket in ("apples", "shopping"):
            requests.append(f"CREATE {bucket}")
            replies.append("OK")
        for i in range(3333):
            bucket = ("apples", "shopping")[i % 2]
            requests += [f"PUT {bucket} key {i}", f"GET {bucket} key", ("PING", "NONSENSE", "GET nowhere x")[i % 3]]
            replies += ["OK", str(i), "OK", ("PONG", "UNKNOWN COMMAND", "NOT FOUND")[i % 3]]
        sender = threading.Thread(target=line.send, args=("".join(r + "\r\n" for r in requests),))
        sender.start()
        try:
            for number, wanted in enumerate(replies):
                self.assertEqual(line.line(), wanted, f"reply line {number}")
        finally:
            sender.join()

    def test_half_closed_connections_still_get_their_replies(self):
        foo, _ = self.pair()
        for bucket in ("apples", "shopping"):
            line = foo.line()
            line.send(f"CREATE {bucket}\r\n" + "".join(f"PUT {bucket} k{i} {i}\r\nGET {bucket} k{i}\r\n" for i in range(500)))
            line.end_sending()
            self.assertEqual(line.line(), "OK")
            for i in range(500):
                self.assertEqual(line.lines(3), ["OK", str(i), "OK"])
            self.assertTrue(line.has_closed())

    def test_a_last_line_without_its_end_is_no_request(self):
        node = self.single()
        line = node.line()
        line.send("CREATE apples\r\nCREATE half")
        line.end_sending()
        self.assertEqual(line.line(), "OK")
        self.assertTrue(line.has_closed())
        self.assertEqual(node.line().ask("GET half x"), "NOT FOUND")

    def test_bytes_that_arrive_one_at_a_time(self):
        foo, _ = self.pair()
        line = foo.line()
        for bucket in ("apples", "shopping"):
            for byte in f"CREATE {bucket}\r\nPUT {bucket} milk 1\nGET {bucket} milk\r\n":
                line.send(byte)
            self.assertEqual(line.lines(4), ["OK", "OK", "1", "OK"])

    def test_bytes_behind_one_another_in_odd_pieces(self):
        line = self.single().line()
        text = ("CREATE apples\r\n" + "PUT apples milk " + "1" * 100000 + "\r\nGET apples milk\r\nPING\r\n").encode()
        for size in (1, 2, 3, 7, 4095, 4096, 4097, 65536):
            at = 0
            while at < len(text):
                line.send(text[at:at + (size if size > 3 or at < 300 else 4096)])
                at += size if size > 3 or at < 300 else 4096
            self.assertEqual(line.lines(5), ["OK", "OK", "1" * 100000, "OK", "PONG"])


if __name__ == "__main__":
    main()
