#!/usr/bin/python3
"""Writes first inputs for the fuzz targets: the golden vectors, the sample configurations, and small texts.

    seeds.py DIRECTORY      writes DIRECTORY/TARGET/NAME
"""

import os
import random
import re
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BYTES_MAX = 4096  # longer inputs only slow a fuzzer down

LINES = [
    b"WHOAMI\r\nGET b k\r\nAUTH u x\r\nAUTH\r\nAUTH u \"a b\r\nBEGIN b\r\nAUTH u \"a b\"\r\nWHOAMI\r\nGET b k\r\nBEGIN b\r\nAUTH u x\r\n"
    b"COMMIT\r\nHELP x\r\n",
    b"CREATE shopping\r\nPUT shopping milk 1\r\nGET shopping milk\r\nKEYS shopping\r\nDELETE shopping milk\r\n"
    b"DROP shopping\r\n",
    b"GET b k\r\nGET b line\r\nGET b none\r\nGET nobody k\r\nKEYS b\r\nKEYS b k\nKEYS c\nPUT z k v\r\nROUTE a\r\n"
    b"ROUTE z\r\n",
    b"PING\r\nHELP\nQUIT\r\nPING\r\n",
    b"  put a b\r\n\r\nPUT \t b  x\v1\f\r\nPUT b x 1 2\r\nCREATE\r\nGET b " + b"k" * 1100 + b"\r\nCREATE " + b"b" * 1100
    + b"\r\nPING\r\n",
    b"SET b k 1\r\nSET b k 2 IF 0\r\nSET b \"a key\" \"two\\r\\nlines \\x00\" TTL 500 ONCE a\r\nREAD b \"a key\"\r\nREAD b no\r\n"
    b"ADD b n -5\r\nADD b line 1\r\nTOUCH b n 7\r\nUNSET b n IF 1\r\nUNSET b k\r\nSCAN b PREFIX \"\" AFTER a LIMIT 2\r\nSCAN b\r\n"
    b"CHANGES b 0 WAIT 10\r\nSET b \"x\r\nSET b k v w\r\nSET z k v\r\nSET \"\" k v\r\n",
    b"BEGIN b\r\nCHECK k 0\r\nSET k 1\r\nCOMMIT\r\nBEGIN b\r\nCHECK \"k\" 5\r\nCHECK new 0\r\nSET a 1 TTL 9\r\nADD n 5\r\nUNSET line\r\n"
    b"TOUCH d 0\r\nGET b k\r\nABORT\r\nBEGIN c\r\nSET d x\r\nADD m 1\r\nUNSET \"a\\rb\"\r\nCOMMIT\r\nSCAN c\r\nBEGIN b\r\nSET k\r\nSET k v\r\n"
    b"COMMIT\r\nCOMMIT\r\n",
]

IMPORTS = [
    b"shopping\tmilk\t1\nshopping\ttab\\tkey\tline\\nvalue\\x00\\\\\nempty\t\nbad\\q\tk\tv\n"
    b"too\tmany\tfields\there\r\n",
    b'{"bucket":"shopping","key":"milk","value":"1"}\n{"bucket":{"base64":"/wA="},"key":null}\n'
    b'{"bucket":"b","key":"k","value":{"base64":"AA=="}}\r\n{"bucket":"b","key":"k","value":1}\n{"key":"k"}\n[1]\n',
    b"caf\xc3\xa9\t\xff\xfe\t\xc2\x85\n",
]

TEXTS = [
    b"foo@localhost", b"<foo@localhost/1a2b3c>", b"a..m", b"0x00..0x1f", b"*", b"a..0xff", b"m..a", b"1GiB", b"512 MiB",
    b"1.5s", b"250ms", b"127.0.0.1:4040", b"[::1]:5550", b"*:0", b"tcp://127.0.0.1:5550", b"ipc:///tmp/socket",
    b"localhost:80", b"hello.world", b"hello.*", b"no_route", b'[1, -2.5, {"a": null}, "text", true]',
    b"call foo@h hello.add 'x y' [1, 2] {\"a\": \"]\"}", b'{"base64": "AAEC"}', b"18446744073709551615", b"\xff\n\x7f",
    b"caf\xc3\xa9",
]

# A file, and what is laid over it; see settings.cpp.
LAYERS = (b'name = "foo@h"\napps = ["kv"]\n[mesh.peers]\n"bar@h" = "tcp://127.0.0.1:1"\n'
          b'"baz@h" = {via = "bar@h"}\0=kv.routing_table=[{range = "*", node = "baz@h"}]\0'
          b'$THREADS=4\0$MESH__LISTEN=ipc:///tmp/x\0=log.level=debug')


def read(*path):
    with open(os.path.join(ROOT, *path), "rb") as file:
        return file.read()


def vectors(name):
    """The frames of one file of golden vectors."""
    for block in read("common", "vectors", name).decode().split("\n\n"):
        runs = re.findall(r"^hex +(.*)$", block, re.MULTILINE)
        if runs:
            words = " ".join(runs).split()
            pairs = (word.partition("*") for word in words)
            yield b"".join(bytes.fromhex(byte) * int(times or 1) for byte, _, times in pairs)


def seeds():
    """(target, input) of every seed."""
    for name in ("requests.txt", "replies.txt", "tasks.txt", "two_hops.txt", "hostile.txt"):
        for frame in vectors(name):
            yield "frames", frame
            yield "values", frame[6:]  # the first record
    for name in ("frames.txt", "hostile.txt"):
        for frame in vectors(name):
            yield "greetings", frame
            yield "values", frame[2:]
    for lines in LINES:
        for limit, steps in ((0, b""), (1, b"\x00\x05\x80"), (2, b"\x03"), (3, b"\xff\x01\x07\x11"),
                             (5, b""), (7, b"\x00\x05")):
            yield "line_protocol", bytes([limit, len(steps)]) + steps + lines
    for lines in IMPORTS:
        yield "import", b"\x3f\x00" + lines
        yield "import", b"\x01\x02\x00\x06" + lines
    for text in TEXTS:
        yield "texts", text
    for path in ("sample.toml", "demo/foo.toml", "demo/bar.toml", "demo/gate.toml"):
        yield "settings", read("config", *path.split("/"))
    yield "settings", LAYERS
    for target in ("core", "processes", "import_order"):
        for number in range(8):
            yield target, random.Random(f"{target} {number}").randbytes(100 << (number % 4))


def main():
    for number, (target, data) in enumerate(seeds()):
        if len(data) <= BYTES_MAX:
            folder = os.path.join(sys.argv[1], target)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, f"seed-{number}"), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
