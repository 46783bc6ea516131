#!/usr/bin/python3
"""Runs every function of the mesh through the Python client: selftest.py ENDPOINT. Ends with 0 when all is as
common/PROTOCOL.md says, with 1 and a line for each mismatch otherwise. Uses buckets of its own, and drops them."""

import os
import sys

from kvmesh import Client, KvmeshError

failures = []


def expect(what, actual, wanted):
    if actual != wanted:
        failures.append(f"{what}: {actual!r}, not {wanted!r}")


def expect_error(what, code, function, *args):
    try:
        failures.append(f"{what}: {function(*args)!r}, not the error {code}")
    except KvmeshError as error:
        expect(what, error.code, code)


def check_bucket(client, bucket):
    expect_error(f"get before create of {bucket}", "not_found", client.get, bucket, "milk")
    client.create(bucket)
    client.create(bucket)  # once more is fine
    try:
        expect("get of no key", client.get(bucket, "milk"), None)
        client.put(bucket, "milk", "1")
        expect("get", client.get(bucket, "milk"), b"1")
        client.put(bucket, "milk", "")
        expect("get of an empty value", client.get(bucket, "milk"), b"")
        every_byte = bytes(range(256))
        client.put(bucket, every_byte, every_byte * 1024)
        expect("get of bytes", client.get(bucket, every_byte), every_byte * 1024)
        client.route(bucket, "kv.put", "text", "str is taken too")  # as msgpack str, not bin
        expect("get of text", client.get(bucket, "text"), b"str is taken too")
        expect("count", client.count(bucket), 3)
        for page in (1, 2, 1000):
            expect(f"keys by {page}", list(client.keys(bucket, page=page)), sorted([b"milk", b"text", every_byte]))
        client.delete(bucket, "milk")
        client.delete(bucket, "milk")
        expect("get after delete", client.get(bucket, "milk"), None)
        owner = client.owner(bucket)
        check_listed(client, bucket, owner)
        check_trace(client, bucket, owner)
        expect_error("too large", "too_large", client.put, bucket, "k", bytes(1024 * 1024 + 1))
        expect_error("wrong arguments", "invalid_argument", client.route, bucket, "kv.put", 1)
        expect_error("a page too long", "invalid_argument", client.route, bucket, "kv.keys", None, 10001)
    finally:
        client.drop(bucket)
    expect_error("drop again", "not_found", client.drop, bucket)


def check_listed(client, bucket, owner):
    """The owner lists the bucket. Nodes pass a request for a node on to their own peers only, so it may be out of reach."""
    here = client.call(None, "node.name")
    try:
        listed = list(client.buckets(None if here == owner else owner, page=10000))
    except KvmeshError as error:
        expect(f"buckets of {owner} through {here}", (error.code, here != owner), ("no_route", True))
        return
    expect(f"buckets of {owner} hold {bucket}", bucket.encode() in listed, True)
    expect("buckets are in order", listed, sorted(listed))


def check_trace(client, bucket, owner):
    result, trace = client.trace(bucket.encode(), "kv.count")
    expect("count, traced", result, 2)
    expect("first hop", trace[0][0], client.call(None, "node.name"))
    expect("last hop", trace[-1][0::2][:2], [owner, owner])
    for hop, following in zip(trace, trace[1:]):
        expect("each hop leads to the next", hop[2], following[0])
        expect("elapsed shrinks on the way", hop[3] >= following[3], True)


def check_node(client):
    for value in (None, True, 0, -1, 2**64 - 1, -(2**63), 2.5, "text", b"\x00\xff", [1, [2, []]], {"a": {1: b"b"}}):
        expect("ping", client.ping(value), value)
    expect("ping of nothing", client.call(None, "node.ping"), None)
    name = client.call(None, "node.name")
    expect("name by name", client.call(name, "node.name"), name)
    info = client.info()
    expect("info has the name", info.get("name"), name)
    for key in ("version", "uptime_ms", "apps", "table", "peers", "counters"):
        expect(f"info has {key}", key in info, True)
    expect_error("no such function", "undefined_function", client.call, None, "node.frobnicate")
    expect_error("no such node", "no_route", client.call, "nobody@nowhere", "node.name")
    expect_error("no bucket", "invalid_argument", client.get, "", "milk")


def check_processes(client):
    """Messages from a client to itself, which every node carries."""
    node, id_, key = client.call(None, "process.open")
    pid = f"<{node}/{id_:x}>"
    expect("a mailbox is of this node", node, client.call(None, "node.name"))
    for body in ("ping", [1, None], b"\x00"):
        expect("send", client.call(node, "process.send", id_, pid, body), None)
    messages = client.call(node, "process.receive", id_, key, 0)
    expect("messages, in their order", messages, [[0, pid, "ping"], [0, pid, [1, None]], [0, pid, b"\x00"]])
    expect("no message within the slice", client.call(node, "process.receive", id_, key, 1), [])
    listed = [row for row in client.call(None, "task.list") if row["pid"] == pid]
    expect("the mailbox is listed, and waits", [row["state"] for row in listed], ["waiting"])
    expect_error("another's key", "not_found", client.call, node, "process.receive", id_, key ^ 1, 0)
    expect("close", client.call(node, "process.close", id_, key), None)
    expect_error("send to nobody", "not_found", client.call, node, "process.send", id_, None, "ping")
    expect("a monitor of one that has ended", client.call(node, "process.monitor", id_)[0], False)
    expect_error("send to no server", "not_found", client.call, None, "process.send", "nobody", None, "ping")


def check_tasks(client):
    modules = [function for function, *_ in client.call(None, "task.modules")]
    expect("functions are sorted", modules, sorted(modules))
    expect_error("no such task", "not_found", client.call, None, "task.next", 0, 0)
    expect_error("no such function of a module", "undefined_function", client.call, None, "no.frobnicate")
    expect_error("a function that is no task", "invalid_argument", client.call, None, "task.run", "node.name", [], "call", 0, None)
    expect_error("no such mode", "invalid_argument", client.call, None, "task.run", "a.b", [], "loudly", 0, None)
    if "hello.world" in modules:  # a node of examples/out_of_tree/hello_node.cpp
        output = []
        result = client.call(None, "hello.world", output=lambda *written: output.append(written))
        expect("result and output of a task", (result, output), (None, [(1, b"hello world\n")]))
        expect("arguments and result of a task", client.call(None, "hello.add", 1, 2), 3)
        expect_error("wrong arguments of a task", "invalid_argument", client.call, None, "hello.add", 1)
        expect_error("an exception", "task_failed", client.call, None, "hello.open", "sesame")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: selftest.py ENDPOINT")
    with Client(sys.argv[1]) as client:
        check_node(client)
        check_processes(client)
        check_tasks(client)
        for first in "afnz":  # whatever the tables are, these lead to several entries
            check_bucket(client, f"{first}-selftest-{os.getpid()}")
    for failure in failures:
        print(f"selftest: {failure}", file=sys.stderr)
    if failures:
        sys.exit(1)
    print("selftest: all as common/PROTOCOL.md says")


if __name__ == "__main__":
    main()
