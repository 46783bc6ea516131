#!/usr/bin/python3
"""What clients that wait for changes cost a node while nothing changes.

    tests/distributed/measured/idle_watchers.py                  # 10 000 calls of kv.changes, over 8 mesh connections
    tests/distributed/measured/idle_watchers.py --line           # 10 000 connections of the line protocol
    tests/distributed/measured/idle_watchers.py --short          # whether it works; judges no time

The node's processor time is measured while it idles, and then while each watcher waits 10 s for a change again and again.
At the end one put must reach every watcher exactly once.
"""

import argparse
import selectors
import sys
import time

from measuring import machine, one_node, processor_seconds

WAIT_MS = 10_000
TIMEOUT_MS = 15_000


class MeshWatchers:
    """Calls of kv.changes over a few connections; each that was answered without a change is made again."""

    def __init__(self, node, count, connections):
        self.count, self.reset = count, node.client().ok(b"b", "kv.changes", b"", 0, 0, 0)
        self.clients = [node.client() for _ in range(connections)]
        self.waiting = [set() for _ in self.clients]
        for i in range(count):
            self.ask(i % connections)
        self.answers, self.told = 0, 0

    def ask(self, at):
        self.waiting[at].add(self.clients[at].post(b"b", "kv.changes", b"", self.reset[1], 0, WAIT_MS, timeout_ms=TIMEOUT_MS))

    def serve(self, seconds):
        """Answers what comes for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for at, client in enumerate(self.clients):
                client.receive(0.002)
                while client.replies:
                    number, reply = client.replies.popitem()
                    self.waiting[at].remove(number)
                    self.answers += 1
                    assert reply.code == "ok" and not reply.result[0], reply
                    if reply.result[2]:
                        self.told += 1
                    else:
                        self.ask(at)


class LineWatchers:
    """A connection for each, which sends CHANGES again after each answer."""

    def __init__(self, node, count, _connections):
        self.count, self.answers, self.told = count, 0, 0
        line = node.line()
        self.request = f"CHANGES b {line.ask('CHANGES b 0').split()[1]} WAIT {WAIT_MS}\r\n".encode()
        self.selector = selectors.DefaultSelector()
        for _ in range(count):
            watcher = node.line()
            watcher.send(self.request)
            self.selector.register(watcher.socket, selectors.EVENT_READ, watcher)

    def serve(self, seconds):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                watcher = key.data
                rows = [watcher.line() for _ in range(int(watcher.line()))]
                end = watcher.line()
                assert end is not None and end.startswith("OK "), end
                self.answers += 1
                if rows:
                    self.told += 1
                else:
                    watcher.send(self.request)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchers", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--line", action="store_true")
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    if options.short:
        options.watchers, options.seconds = 200, 1
    mesh, node = one_node({"mesh": {"request_timeout_ms": TIMEOUT_MS}, "kv_server": {"connections_max": 20_000}})
    try:
        node.client().ok(b"b", "kv.create")
        print(machine())
        began = processor_seconds(node.process.pid)
        time.sleep(options.seconds)
        idle = (processor_seconds(node.process.pid) - began) / options.seconds
        print(f"idle: {idle * 1000:.2f} ms of processor time a second ({idle:.2%} of a core)", flush=True)
        watchers = (LineWatchers if options.line else MeshWatchers)(node, options.watchers, options.connections)
        watchers.serve(0.2 if options.short else WAIT_MS / 1000 + 1)  # until they have spread over time
        began, before, from_ = processor_seconds(node.process.pid), watchers.answers, time.monotonic()
        watchers.serve(options.seconds)
        took = time.monotonic() - from_
        busy = (processor_seconds(node.process.pid) - began) / took
        print(f"{options.watchers} watchers, {(watchers.answers - before) / took:.0f} answers a second:"
              f" {busy * 1000:.2f} ms a second ({busy:.2%} of a core)", flush=True)
        node.client().ok(b"b", "kv.put", b"k", b"v")
        from_ = time.monotonic()
        while watchers.told < options.watchers and time.monotonic() < from_ + 60:
            watchers.serve(0.1)
        print(f"one put: {watchers.told} of {options.watchers} watchers were told within {time.monotonic() - from_:.1f} s")
        return 0 if watchers.told == options.watchers else 1
    finally:
        for fault in mesh.close():
            print(fault)


if __name__ == "__main__":
    sys.exit(main())
