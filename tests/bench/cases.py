"""What is measured: in every round a case gives one figure for kvmesh and one for its peer; their ratio has a target."""

import socket

from load import fill, load
from processes import Failed


class Figure:
    """One side of one round: the number that counts, and everything that was measured for it."""

    def __init__(self, value, raw):
        self.value = value
        self.raw = raw


class Case:
    """`unit` is "op/s", "us", "bytes" or "MB/s". `at_most`: the ratio must not be above the target, else not below."""

    group = "buckets"

    def __init__(self, name, text, peer, unit, target, at_most=False, rounds_max=None):
        self.name, self.text, self.peer, self.unit = name, text, peer, unit
        self.target, self.at_most, self.rounds_max = target, at_most, rounds_max
        self.servers = []

    def prepare(self, arena, plan):
        """Before the rounds; not measured."""

    def ours(self, arena, plan):
        raise NotImplementedError

    def theirs(self, arena, plan):
        raise NotImplementedError


def figure_of(unit, raw, percentile="p50"):
    if unit == "op/s":
        return Figure(raw["per_second"], raw)
    if unit == "MB/s":
        return Figure(raw["per_second"] * raw["value_bytes"] / 1e6, raw)
    return Figure(raw["latency_us"][percentile], raw)


class Versus(Case):
    """The same load on two servers."""

    def __init__(self, name, text, ours, theirs, peer, unit, target, at_most=False, percentile="p50", peer_load=None,
                 **changes):
        super().__init__(name, text, peer, unit, target, at_most)
        self.servers = [ours, theirs]
        self.percentile, self.changes, self.peer_load = percentile, changes, peer_load or {}

    def _measure(self, arena, plan, name, **more):
        raw = load(arena, arena.get(name), plan.seconds, **{**self.changes, **more})
        return figure_of(self.unit, raw, self.percentile)

    def ours(self, arena, plan):
        return self._measure(arena, plan, self.servers[0])

    def theirs(self, arena, plan):
        return self._measure(arena, plan, self.servers[1], **self.peer_load)


class AddedHop(Case):
    """What each further hop adds to the median latency, against a round trip of libzmq alone."""

    ONE = {"connections": 1, "depth": 1}

    def __init__(self, name, text, target):
        super().__init__(name, text, "libzmq echo", "us", target, at_most=True)
        self.servers = ["hops:1", "hops:3", "echo"]

    def ours(self, arena, plan):
        near = load(arena, arena.get("hops:1"), plan.seconds, **self.ONE)
        far = load(arena, arena.get("hops:3"), plan.seconds, **self.ONE)
        added = (far["latency_us"]["p50"] - near["latency_us"]["p50"]) / 2
        return Figure(added, {"one_hop": near, "three_hops": far})

    def theirs(self, arena, plan):
        return figure_of("us", load(arena, arena.get("echo"), plan.seconds, **self.ONE))


class HalfRate(Versus):
    """Latency in the open loop, at half of what one hop takes at most."""

    def prepare(self, arena, plan):
        full = load(arena, arena.get(self.servers[0]), plan.seconds)  # depth 1: each request comes on its own
        self.changes = {"depth": 64, "rate": round(full["per_second"] / 2)}


class Memory(Case):
    """Growth of the resident memory by a million keys."""

    KEYS = {"buckets": 1000, "keys": 1000}

    def __init__(self, name, text, target):
        super().__init__(name, text, "Redis", "bytes", target, at_most=True, rounds_max=3)
        self.servers = ["local", "redis"]

    def _measure(self, arena, name):
        server = arena.fresh(name)
        before = server.processes[0].resident_bytes()
        fill(arena, server, **self.KEYS)
        after = server.processes[0].resident_bytes()
        keys = self.KEYS["buckets"] * self.KEYS["keys"]
        return Figure((after - before) / keys, {"before_bytes": before, "after_bytes": after, "keys": keys})

    def ours(self, arena, plan):
        return self._measure(arena, "local")

    def theirs(self, arena, plan):
        return self._measure(arena, "redis")


def open_connections(server, count):
    """Connections that have asked and been answered once, and are idle since."""
    connections = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        connection.sendall(b"PING\r\n")
        connections.append(connection)
    for connection in connections:
        if connection.recv(16) != b"PONG\r\n":
            raise Failed("a connection got no PONG")
    return connections


class IdleMemory(Case):
    """What an idle connection costs; the "peer" is the bound."""

    def __init__(self, name, text):
        super().__init__(name, text, "the bound, 4 KiB", "bytes", 1.0, at_most=True, rounds_max=3)
        self.servers = ["local"]

    def ours(self, arena, plan):
        count = 2000 if plan.quick else 10000
        server = arena.fresh("local")
        before = server.processes[0].resident_bytes()
        connections = open_connections(server, count)
        after = server.processes[0].resident_bytes()
        for connection in connections:
            connection.close()
        return Figure((after - before) / count, {"before_bytes": before, "after_bytes": after, "connections": count})

    def theirs(self, arena, plan):
        return Figure(4096, {})


class IdleLatency(Case):
    """Latency of one connection beside many idle ones, against the same without them."""

    def __init__(self, name, text):
        super().__init__(name, text, "itself, alone", "us", 1.1, at_most=True, rounds_max=5)
        self.servers = ["local"]

    def ours(self, arena, plan):
        server = arena.get("local")
        connections = open_connections(server, 2000 if plan.quick else 10000)
        try:
            return figure_of("us", load(arena, server, plan.seconds, connections=1))
        finally:
            for connection in connections:
                connection.close()

    def theirs(self, arena, plan):
        server = arena.fresh("local")  # nothing is left of the idle ones
        return figure_of("us", load(arena, server, plan.seconds, connections=1))


class Span(Case):
    """The cost of an operation over a range of something: the dearest against the cheapest."""

    def __init__(self, name, text, loads, quick_skips=()):
        super().__init__(name, text, "itself, cheapest", "op/s", 2.0, at_most=True, rounds_max=3)
        self.loads, self.quick_skips = loads, quick_skips  # label -> (server, changes)
        self.servers = [server for server, _ in loads.values()]
        self.best = None

    def ours(self, arena, plan):
        found = {}
        for label, (server, changes) in self.loads.items():
            if not (plan.quick and label in self.quick_skips):
                found[label] = load(arena, arena.get(server), plan.seconds, depth=16, **changes)
        rates = {label: raw["per_second"] for label, raw in found.items()}
        self.best = max(rates.values())
        return Figure(min(rates.values()), found)

    def theirs(self, arena, plan):
        return Figure(self.best, {})

    @staticmethod
    def ratio(ours, theirs):
        return theirs / ours  # of costs, not of rates


def bucket_cases():
    one = {"connections": 1, "depth": 1}
    cases = [
        Versus("local-1", "line protocol, one node, depth 1", "local", "redis", "Redis", "op/s", 0.95),
        Versus("local-16", "the same, depth 16", "local", "redis", "Redis", "op/s", 2.0, depth=16),
        Versus("local-64", "the same, depth 64", "local", "redis", "Redis", "op/s", 2.5, depth=64),
        Versus("hop-1", "line protocol through a TCP-only node, one hop, depth 1", "hops:1", "twemproxy",
               "twemproxy -> Redis", "op/s", 1.1),
        Versus("hop-16", "the same, depth 16", "hops:1", "twemproxy", "twemproxy -> Redis", "op/s", 2.5, depth=16),
        Versus("hop-64", "the same, depth 64", "hops:1", "twemproxy", "twemproxy -> Redis", "op/s", 4.0, depth=64),
        Versus("hop-16-direct", "one hop against Redis without any, depth 16", "hops:1", "redis", "Redis", "op/s", 1.0,
               depth=16),
        Versus("hop-p50", "one connection, one request at a time, one hop: p50", "hops:1", "twemproxy",
               "twemproxy -> Redis", "us", 1.4, at_most=True, **one),
        Versus("hop-p50-nats", "the same against request-reply through a route", "hops:1", "nats", "NATS", "us", 0.5,
               at_most=True, **one),
        AddedHop("hop-added", "p50 that each further hop adds", 1.2),
        Versus("three-hops", "three hops against one, depth 16", "hops:3", "hops:1", "one hop", "op/s", 0.5, depth=16),
        Versus("native", "native protocol, one connection, 1000 requests under way", "native", "echo", "libzmq echo",
               "op/s", 3.0, connections=1, depth=1000),
        HalfRate("half-rate", "p99 at half the maximum rate, open loop, one hop", "hops:1", "redis", "Redis", "us", 2.0,
                 at_most=True, percentile="p99"),
        Memory("memory", "memory for a key of 16 bytes with its value of 16, of a million in 1000 buckets", 1.0),
        IdleMemory("idle-memory", "memory of each of 10 000 idle connections"),
        IdleLatency("idle-p50", "p50 of a connection beside the idle ones"),
    ]
    for name, size, changes in (("1k", 1024, {"depth": 16}), ("64k", 65536, {"connections": 16, "depth": 1}),
                                ("1m", 1048576, {"connections": 8, "depth": 1})):
        few = {"buckets": 10, "keys": 10, "prefix": f"v{name}"}
        cases.append(Versus(f"value-{name}", f"values of {size} bytes", "local", "redis", "Redis", "MB/s", 1.0,
                            **{"value-bytes": size}, **few, **changes))
    cases += [
        Span("span-buckets", "1 to 1000 buckets, 100 000 keys in all",
             {str(n): ("local", {"buckets": n, "keys": 100000 // n, "prefix": f"s{n}x"}) for n in (1, 10, 100, 1000)}),
        Span("span-keys", "1000 to 10 million keys",
             {str(100 * n): (f"local::1:{n}", {"keys": n}) for n in (10, 10000, 100000)}, quick_skips=("10000000",)),
        Span("span-table", "1 to 256 entries in the routing table", {n: (f"local::{n}", {}) for n in ("1", "256")}),
        Versus("threads", "two reactors against one, depth 16, local", "local:threads = 2", "local", "threads = 1",
               "op/s", 1.0, depth=16),
        Versus("floor-null", "local against a server that only answers OK, depth 16", "local", "null", "null server",
               "op/s", None, depth=16),
        Versus("memcached", "local against memcached with one thread, depth 16", "local", "memcached", "memcached",
               "op/s", None, depth=16),
    ]
    return cases
