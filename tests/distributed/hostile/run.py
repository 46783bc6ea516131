#!/usr/bin/python3
"""Hostile clients on both ports of a node, and what its well-behaved clients notice.

    tests/distributed/hostile/run.py                 # the table of tests/README.md, in Markdown
    tests/distributed/hostile/run.py --only forged   # the attacks whose names hold this word
    tests/distributed/hostile/run.py --short         # small attacks, for CTest: no figure is judged

For each attack two nodes are started: foo is attacked, bar is its peer. Two well-behaved clients (`kvmesh bench`, one
connection, one request at a time) ask foo: one over the line protocol for what foo stores, one over the mesh protocol
for what bar stores. They check every reply; a wrong or missing one is a failure, as are more memory than the attack
may take, and a node that does not end properly. Attackers, clients and nodes share the machine's processors, so part
of what is lost is only the processor time of the attackers. Exit status: 0 when all held.
"""

import argparse
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from attacks import ATTACKS, BIG_BUCKET, BIG_BYTES, BIG_KEY, Attack
from harness import COMMAND_BIN, SANITIZED, Mesh, clean_environment

MIB = 1 << 20
CLIENTS = {"line": ["--protocol", "line", "--prefix", "b", "--tcp", "HERE"], "mesh": ["--prefix", "s"]}
KEYS = ["--buckets", "2", "--keys", "100"]


class Clients:
    """The two well-behaved clients."""

    def __init__(self, node):
        self.node = node
        for name in CLIENTS:
            self._finish(self._start(name, ["--count", "1"]))

    def _start(self, name, more):
        own = [f"127.0.0.1:{self.node.tcp_port}" if word == "HERE" else word for word in CLIENTS[name]]
        words = [COMMAND_BIN, "--node", self.node.endpoint, "--json", "bench", *own, *KEYS, *more]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=clean_environment())

    @staticmethod
    def _finish(process):
        printed, error = process.communicate(timeout=120)
        if process.returncode != 0:
            raise AssertionError(f"a well-behaved client failed: {error.strip() or printed.strip()}")
        return json.loads(printed)

    def measure(self, seconds):
        """(requests a second, p99 in microseconds) by name; both clients at the same time. Without seconds: for a few
        requests, however long they take."""
        span = ["--duration", f"{int(seconds * 1000)}ms"] if seconds else ["--count", "20"]
        running = {n: self._start(n, ["--no-load", *span]) for n in CLIENTS}
        found = {name: self._finish(process) for name, process in running.items()}
        return {name: (one["per_second"], one["latency_us"]["p99"]) for name, one in found.items()}


def one_attack(function, seconds, size):
    """(before, meanwhile, memory before, peak of memory, CPU seconds a second of the node). AssertionError when it did
    harm."""
    mesh = Mesh()
    try:
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        mesh.add("bar", apps=["kv"])
        mesh.start()
        clients = Clients(foo)
        with foo.line() as line:
            assert line.ask(f"CREATE {BIG_BUCKET}") == "OK"
            assert line.ask(f"PUT {BIG_BUCKET} {BIG_KEY} {'v' * BIG_BYTES}") == "OK"
            assert line.ask("CREATE berries") == "OK"
        before = clients.measure(seconds)
        memory, used, began = foo.forget_peak_rss(), foo.cpu_seconds(), time.monotonic()
        with Attack(foo, function, size) as attack:
            meanwhile = clients.measure(seconds)
            busy = (foo.cpu_seconds() - used) / (time.monotonic() - began)
            peak = foo.peak_rss_bytes()
        if attack.error:
            raise AssertionError(f"the attack itself failed: {attack.error!r}")
        with foo.line() as line:
            assert line.ask("GET berries multi", 2) == ["", "OK"], "an attack had an effect"
        clients.measure(None)
    finally:
        faults = mesh.close()
    if faults:
        raise AssertionError("\n".join(faults))
    return before, meanwhile, memory, peak, busy


def row(port, what, result):
    before, meanwhile, memory, peak, busy = result
    cells = [port, what]
    for name in CLIENTS:
        cells.append(f"{before[name][0]:,.0f} → {meanwhile[name][0]:,.0f} ({meanwhile[name][0] / before[name][0]:.2f})")
        cells.append(f"{before[name][1]:,.0f} → {meanwhile[name][1]:,.0f} ({meanwhile[name][1] / before[name][1]:.1f})")
    cells += [f"{busy:.1f}", f"{memory / MIB:.0f} → {peak / MIB:.0f}"]
    return "| " + " | ".join(cells) + " |"


HEAD = ["port", "what was tried", "line client, requests/s", "p99 µs", "mesh client, requests/s", "p99 µs",
        "node's processors", "node's memory, peak MiB"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement (default: 2)")
    parser.add_argument("--only", default="", help="a part of the attack's function name or of its text")
    parser.add_argument("--short", action="store_true", help="a tenth of each attack, for 20 requests of each client")
    options = parser.parse_args()
    seconds, size = (None, 0.1) if options.short else (options.seconds, 1.0)
    failed = []
    print("| " + " | ".join(HEAD) + " |")
    print("|---|---|" + "--:|" * (len(HEAD) - 2))
    for port, what, function, limit in ATTACKS:
        if options.only not in function.__name__ and options.only not in what:
            continue
        try:
            result = one_attack(function, seconds, size)
            print(row(port, what, result), flush=True)
            took = (result[3] - result[2]) / MIB
            if took > limit and not SANITIZED:  # AddressSanitizer keeps what was freed
                failed.append(f"{function.__name__}: {took:.0f} MiB more memory, {limit} are allowed")
        except AssertionError as fault:
            failed.append(f"{function.__name__}: {fault}")
    for fault in failed:
        print(f"FAILED {fault}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
