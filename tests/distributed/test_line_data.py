#!/usr/bin/python3
"""The line protocol from SET to ABORT (common/PROTOCOL.md, 2.3 and 2.4), byte for byte, through a gate and a node on the way."""

import os
import re

from harness import MeshTest, main

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
REVISION = re.compile(r"\b7\d{15}\b")  # until 2039
EVERY_BYTE = bytes(range(256))


def quoted(data):
    """Bytes as a word that stands in quotes in any case."""
    return b'"' + b"".join(b"\\x%02x" % byte for byte in data) + b'"'


class Hops(MeshTest):
    """gate knows only middle, middle passes everything to bar: each request goes over two hops."""

    def setUp(self):
        nodes = self.mesh()
        self.gate = nodes.add("gate", apps=["kv_server"], table=[("*", "middle")])
        nodes.add("middle", apps=[], table=[("*", "bar")])
        self.bar = nodes.add("bar", apps=["kv"])
        nodes.start()
        self.line = self.gate.line()
        self.numbers = {}  # of revisions, in their order

    def said(self, request, line=None):
        """The reply to one request, its lines joined by " | "; PING tells where it ends. Revisions become r1, r2, ..."""
        line = line or self.line
        line.send(request + b"\r\nPING\r\n" if isinstance(request, bytes) else self.with_revisions(request) + "\r\nPING\r\n")
        lines = []
        while (one := line.line()) != "PONG":
            self.assertIsNotNone(one, request)
            lines.append(one)
        return " | ".join(self.named(one) for one in lines)

    def named(self, text):
        return REVISION.sub(lambda match: self.numbers.setdefault(match[0], f"r{len(self.numbers) + 1}"), text)

    def with_revisions(self, text):
        real = {name: number for number, name in self.numbers.items()}
        return re.sub(r"\br\d+\b", lambda match: real.get(match[0], match[0]), text)

    def check(self, exchange):
        for request, reply in exchange:
            self.assertEqual(self.said(request), reply, request)


class Replies(Hops):
    def test_each_form(self):
        self.check([
            ("SET shop milk 1", "NOT FOUND"), ("READ shop milk", "NOT FOUND"), ("SCAN shop", "NOT FOUND"),
            ("CHANGES shop 0", "NOT FOUND"), ("ADD shop n 1", "NOT FOUND"), ("TOUCH shop n 1", "NOT FOUND"),
            ("UNSET shop n", "NOT FOUND"), ("CREATE shop", "OK"), ("SCAN shop", "0 | OK r1"), ("CHANGES shop 0", "RESET r1"),
            ("SET shop milk 1", "OK r2"), ("SET shop milk 2 IF 0", "CONFLICT r2"), ("SET shop milk 2 IF r2", "OK r3"),
            ("SET shop milk 3 IF r2", "CONFLICT r3"), ("SET shop eggs 3 IF r2", "CONFLICT 0"),
            ("READ shop milk", "r3 0 | 2 | OK"), ("GET shop milk", "2 | OK"), ("READ shop eggs", "0 0 |  | OK"),
            ("SET shop eggs \"\" IF 0", "OK r4"), ("READ shop eggs", "r4 0 | \"\" | OK"), ("GET shop eggs", " | OK"),
            ("ADD shop sold 5", "5 | OK r5"), ("ADD shop sold -7", "-2 | OK r6"), ("ADD shop milk 1", "3 | OK r7"),
            ("UNSET shop milk IF r6", "CONFLICT r7"), ("UNSET shop milk IF r7", "OK r8"), ("UNSET shop milk", "OK r8"),
            ("SCAN shop", "2 | eggs r4 \"\" | sold r6 -2 | OK r8"), ("SCAN shop PREFIX s", "1 | sold r6 -2 | OK r8"),
            ("SCAN shop LIMIT 1", "1 | eggs r4 \"\" | OK MORE r8"), ("SCAN shop AFTER eggs LIMIT 1", "1 | sold r6 -2 | OK r8"),
            ("CHANGES shop r6", "2 | r7 PUT milk 3 | r8 DELETE milk | OK r8"), ("CHANGES shop r8", "0 | OK r8"),
            ("CHANGES shop r1 PREFIX e", "1 | r4 PUT eggs \"\" | OK r8"), ("TOUCH shop eggs 0", "OK r9"),
            ("CHANGES shop r8", "1 | r9 TOUCH eggs | OK r9"), ("TOUCH shop nothing 5", "OK r9"),
            ("DROP shop", "OK"), ("READ shop milk", "NOT FOUND"),
        ])

    def test_transactions(self):
        self.check([
            ("CREATE shop", "OK"), ("SET shop milk 1", "OK r1"), ("BEGIN shop", "OK"), ("CHECK milk r1", "OK"),
            ("CHECK eggs 0", "OK"), ("SET eggs 6", "OK"), ("ADD \"in all\" 2", "OK"), ("UNSET milk", "OK"),
            ("READ shop eggs", "0 0 |  | OK"), ("COMMIT", "OK r2"),
            ("SCAN shop", "2 | eggs r2 6 | \"in all\" r2 2 | OK r2"),
            ("BEGIN shop", "OK"), ("CHECK eggs r2", "OK"), ("CHECK milk r1", "OK"), ("SET eggs 7", "OK"), ("COMMIT", "CONFLICT 0 2"),
            ("BEGIN shop", "OK"), ("CHECK eggs 0", "OK"), ("COMMIT", "CONFLICT r2 1"),
            ("BEGIN shop", "OK"), ("SET eggs 8", "OK"), ("ABORT", "OK"), ("READ shop eggs", "r2 0 | 6 | OK"),
            ("BEGIN nowhere", "OK"), ("SET a b", "OK"), ("COMMIT", "NOT FOUND"),
        ])
        self.assertRegex(self.said("COMMIT"), "^ERROR invalid_argument COMMIT wants a BEGIN")

    def test_a_transaction_with_a_line_that_is_refused_changes_nothing(self):
        self.assertEqual(self.said("CREATE shop"), "OK")
        for fault in ("SET b", "SET b 1 IF 0", "PUT b 2", "CHECK b x", "", 'SET b "1', "SET a 2"):
            self.line.send(f"BEGIN shop\r\nSET a 1\r\n{fault}\r\nSET c 1\r\nCOMMIT\r\nSCAN shop\r\n")
            lines = self.line.lines(7)
            self.assertEqual(lines[:2], ["OK", "OK"])
            self.assertRegex(lines[4], "^ERROR invalid_argument ", fault)
            self.assertEqual(lines[5], "0", fault)
            self.assertRegex(lines[6], r"^OK \d+$")

    def test_a_transaction_ends_with_its_connection(self):
        self.assertEqual(self.said("CREATE shop"), "OK")
        for end in ("", "QUIT\r\n"):
            line = self.gate.line()
            line.send("BEGIN shop\r\nSET a 1\r\n" + end)
            line.end_sending()
            self.assertEqual(line.lines(3 if end else 2), ["OK"] * (3 if end else 2))
            self.assertTrue(line.has_closed())
        self.assertEqual(self.said("SCAN shop"), "0 | OK r1")
        self.assertRegex(self.said("COMMIT"), "^ERROR invalid_argument ")

    def test_once(self):
        self.check([
            ("CREATE shop", "OK"), ("ADD shop n 5 ONCE first", "5 | OK r1"), ("ADD shop n 5 ONCE first", "5 | OK r1"),
            ("ADD shop n 5 ONCE second", "10 | OK r2"), ("BEGIN shop", "OK"), ("ADD n 1", "OK"), ("COMMIT ONCE third", "OK r3"),
            ("BEGIN shop", "OK"), ("ADD n 1", "OK"), ("COMMIT ONCE third", "OK r3"), ("GET shop n", "11 | OK"),
        ])

    def test_expiry(self):
        self.check([("CREATE shop", "OK"), ("SET shop old x", "OK r1"), ("CHANGES shop 0", "RESET r1")])
        self.assertEqual(self.said("SET shop milk 1 TTL 200"), "OK r2")
        self.assertEqual(self.said("TOUCH shop old 3600000"), "OK r3")
        ms = int(self.said("READ shop old").split()[1])
        self.assertTrue(0 < ms <= 3600000, ms)
        self.assertRegex(self.said("SCAN shop PREFIX o"), r"^1 \| old r3 x TTL \d+ \| OK r[34]$")
        seen, following = [], "r1"
        while not any("EXPIRE" in change for change in seen):
            *changes, end = self.said(f"CHANGES shop {following} WAIT 4000").split(" | ")[1:]
            self.assertRegex(end, r"^OK r\d+$")
            following = end.split()[1]
            seen += changes
        self.assertEqual([re.sub(r"^r\d+ | TTL \d+$", "", change) for change in seen],
                         ["PUT milk 1", "TOUCH old", "EXPIRE milk"])
        self.assertEqual(self.said("READ shop milk"), "0 0 |  | OK")

    def test_any_bytes(self):
        key, value = EVERY_BYTE, EVERY_BYTE[::-1]
        self.assertEqual(self.said(b"CREATE shop"), "OK")
        self.assertEqual(self.said(b"CHANGES shop 0"), "RESET r1")
        self.assertEqual(self.said(b"SET shop " + quoted(key) + b" " + quoted(value)), "OK r2")
        client = self.bar.client()
        self.assertEqual(client.ok(b"shop", "kv.get", key), value)

        def shown(data):  # as 2.3 says
            escapes = {9: b"\\t", 10: b"\\n", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
            return b'"' + b"".join(escapes.get(byte) or (b"\\x%02x" % byte if byte < 32 or byte == 127 else bytes([byte]))
                                   for byte in data) + b'"'
        for request, reply in ((b"READ shop " + quoted(key), b"r2 0 | " + shown(value) + b" | OK"),
                               (b"READ shop " + shown(key), b"r2 0 | " + shown(value) + b" | OK"),
                               (b"SCAN shop", b"1 | " + shown(key) + b" r2 " + shown(value) + b" | OK r2")):
            self.assertEqual(self.said(request).encode("utf-8", "surrogateescape"), reply)
        real = next(number for number, name in self.numbers.items() if name == "r1")
        self.assertEqual(self.said(f"CHANGES shop {real}".encode()).encode("utf-8", "surrogateescape"),
                         b"1 | r2 PUT " + shown(key) + b" " + shown(value) + b" | OK r2")

    def test_the_guides_commands_have_no_quotes(self):
        self.check([("CREATE shop", "OK"), ('PUT shop "k" "x"', "OK"), ('GET shop "k"', '"x" | OK'), ("KEYS shop", '1 | "k" | OK'),
                    ('PUT shop "a b" c', "UNKNOWN COMMAND"), ("SCAN shop", '1 | "\\"k\\"" r1 "\\"x\\"" | OK r1')])

    def test_long_scans_go_on(self):
        self.assertEqual(self.said("CREATE shop"), "OK")
        keys = [f"key {number:04}" for number in range(2500)]
        self.line.send("".join(f'SET shop "{key}" x\r\n' for key in keys))
        for _ in keys:
            self.assertRegex(self.line.line(), r"^OK \d{16}$")
        found, request, pages = [], "SCAN shop", []
        while True:
            count = int(self.line.ask(request))
            pages.append(count)
            found += [self.line.line().split('"')[1] for _ in range(count)]
            if not self.line.line().startswith("OK MORE "):
                break
            request = f'SCAN shop AFTER "{found[-1]}"'
        self.assertEqual((found, pages), (keys, [1000, 1000, 500]))


class Following(Hops):
    def test_a_poll_ends_with_the_change_and_holds_up_what_comes_after_it(self):
        self.assertEqual(self.said("CREATE shop"), "OK")
        self.assertEqual(self.said("CHANGES shop 0"), "RESET r1")
        waits = self.gate.line()
        waits.send(self.with_revisions("CHANGES shop r1 WAIT 4000\r\nBEGIN shop\r\nGET shop eggs\r\nGET other eggs\r\n"))
        self.assertEqual(self.said("SET shop milk 1"), "OK r2")
        self.assertEqual([self.named(one) for one in waits.lines(7)],
                         ["1", "r2 PUT milk 1", "OK r2", "OK", "", "OK", "NOT FOUND"])

    def test_a_poll_that_nothing_ends_is_answered(self):
        self.assertEqual(self.said("CREATE shop"), "OK")
        self.assertEqual(self.said("CHANGES shop 0"), "RESET r1")
        self.assertEqual(self.said("CHANGES shop r1 WAIT 1"), "0 | OK r1")


class Protocol(MeshTest):
    def test_its_examples(self):
        """What stands in PROTOCOL.md, 2.4. Its revisions are small numbers; which are equal counts, and their order."""
        with open(os.path.join(ROOT, "common/PROTOCOL.md"), encoding="utf-8") as file:
            section = file.read().split("## 2.4 Examples\n")[1].split("\n## ")[0]
        told, real = {}, {}
        lines = [line[4:] for line in section.splitlines() if line.startswith(("    > ", "    <"))]
        self.assertGreater(len(lines), 60)
        nodes = self.mesh()
        gate = nodes.add("gate", apps=["kv_server"], table=[("a..m", "bar"), ("n..z", "bar")])
        nodes.add("bar", apps=["kv"], table=[("a..m", "bar"), ("n..z", "bar")])
        nodes.start()
        line, has_quit = gate.line(), False
        for entry in lines:
            text = entry[2:]
            if entry.startswith("> "):
                if has_quit:
                    self.assertTrue(line.has_closed())
                    line = gate.line()
                has_quit = text == "QUIT"
                line.send(re.sub(r"\b10\d\b", lambda match: told[match[0]], text) + "\r\n")
                continue
            came = line.line()
            self.assertIsNotNone(came, text)
            for number, place in zip(re.findall(r"\b10\d\b", text), REVISION.findall(came)):
                self.assertEqual(told.setdefault(number, place), place, text)
                self.assertEqual(real.setdefault(place, number), number, text)
            self.assertEqual(REVISION.sub(lambda match: real[match[0]], came), text)
        self.assertEqual(sorted(told), sorted(told, key=told.get), "revisions rise")


if __name__ == "__main__":
    main()
