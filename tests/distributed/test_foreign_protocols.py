#!/usr/bin/python3
"""What a web page sends to the line protocol's port is not executed."""

from harness import MeshTest, main


class Foreign(MeshTest):
    def setUp(self):
        self.node = self.single()
        self.line = self.node.line()
        self.assertEqual(self.line.ask("CREATE shopping"), "OK")
        self.assertEqual(self.line.ask("PUT shopping milk 1"), "OK")

    def closed_after(self, text):
        """What the node answers to `text` before it closes the connection."""
        client = self.node.line()
        client.send(text)
        answer = client.line()
        self.assertTrue(client.has_closed())
        return answer

    def assert_untouched(self):
        self.line.send("GET shopping milk\r\n")
        self.assertEqual([self.line.line(), self.line.line()], ["1", "OK"])

    def test_http_requests_execute_nothing(self):
        body = "\r\nDROP shopping\r\n"
        for head in ("POST / HTTP/1.1\r\nHost: 127.0.0.1:4040\r\n", "PUT /a?b HTTP/1.0\r\n", "FOO * HTTP/1.1\r\nhost: x\r\n",
                     "GET /DROP HTTP/1.1\nHost: x\n", "\x16\x03\x01\x02\x00\n"):
            with self.subTest(head):
                self.assertRegex(self.closed_after(head + body), "^ERROR protocol_error .*(HTTP|TLS)")
                self.assert_untouched()

    def test_nor_does_what_follows_a_host_header(self):
        client = self.node.line()
        self.assertEqual(client.ask("PING"), "PONG")
        client.send("X-A: b\r\nHost: 127.0.0.1\r\n\r\nDROP shopping\r\n")
        self.assertEqual(client.line(), "UNKNOWN COMMAND")
        self.assertIn("not HTTP", client.line())
        self.assertTrue(client.has_closed())
        self.assert_untouched()

    def test_the_log_tells_of_the_first_with_its_address(self):
        for _ in range(5):
            self.closed_after("GET / HTTP/1.1\r\n\r\n")
        self.node.terminate()
        told = [line for line in self.node.log().splitlines() if "HTTP" in line]
        self.assertEqual(len(told), 1, told)
        self.assertRegex(told[0], r"warning the client at 127\.0\.0\.1:\d+ speaks HTTP to the line protocol")

    def test_commands_of_the_same_words_are_commands(self):
        client = self.node.line()
        client.send("GET shopping HTTP/1.1\r\n")
        self.assertEqual([client.line(), client.line()], ["", "OK"])
        client = self.node.line()
        client.send("GET shopping milk\r\nGET / HTTP/1.1\r\nPUT shopping Host: x\r\nGET shopping Host:\r\n")
        self.assertEqual([client.line() for _ in range(6)], ["1", "OK", "NOT FOUND", "OK", "x", "OK"])


if __name__ == "__main__":
    main()
