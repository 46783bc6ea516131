"""What is measured about tasks and processes; see cases.py, and README.md for what each case is."""

import os
import sys

from cases import Case, Figure, Versus
from load import USUAL, command_for, load, run
from processes import Failed, eventually

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/python"))
from kvmesh import Client, KvmeshError  # noqa: E402

FAR = "far@localhost"


class CallLatency(Versus):
    """One call at a time."""

    group = "tasks"

    def __init__(self, name, text, ours, theirs, peer, target):
        super().__init__(name, text, ours, theirs, peer, "us", target, at_most=True, connections=1, depth=1)


class CallRate(Case):
    """Calls a second; the "peer" is a number that was set."""

    group = "tasks"

    def __init__(self, name, text, goal, target=1.0, **changes):
        super().__init__(name, text, f"the goal, {goal:,}", "op/s", target)
        self.servers, self.goal, self.changes = ["tasks"], goal, changes

    def ours(self, arena, plan):
        raw = load(arena, arena.get("tasks"), plan.seconds, **self.changes)
        return Figure(raw["per_second"], raw)

    def theirs(self, arena, plan):
        return Figure(self.goal, {})


class Waiting(Case):
    """What processes that wait for a message cost, all together; the "peer" is the bound."""

    group = "tasks"

    def __init__(self, name, text):
        super().__init__(name, text, "the bound, 1 GiB", "bytes", 1.0, at_most=True, rounds_max=3)
        self.servers = ["tasks"]

    @staticmethod
    def count(plan):
        return 10000 if plan.quick else 100000

    def ours(self, arena, plan):
        count = self.count(plan)
        server = arena.fresh("tasks")
        before = server.processes[0].resident_bytes()
        options = {**USUAL, "connections": 1, "depth": 1000, "count": count, "function": "bench.wait", "mode": "spawn"}
        run(command_for(arena, server, options) + ["--no-load"], 120)
        with Client(server.endpoint) as client:
            eventually(lambda: waiting(client) == count, f"{count} processes wait")
        return Figure(server.processes[0].resident_bytes() - before, {"before_bytes": before, "processes": count})

    def theirs(self, arena, plan):
        return Figure(2**30 * self.count(plan) / 100000, {})


def waiting(client):
    """How many processes of the node wait."""
    try:
        return client.info()["tasks"]["waiting"]
    except KvmeshError as error:
        raise Failed(str(error)) from error


def reaches(client, node):
    try:
        client.ping(node=node)
        return True
    except KvmeshError:
        return False


class PingPong(Case):
    """A round trip between two processes on two nodes, timed by one of them."""

    group = "tasks"

    def __init__(self, name, text):
        super().__init__(name, text, "libzmq echo", "us", None, at_most=True)
        self.servers = ["task_hop:both", "echo"]

    def ours(self, arena, plan):
        server = arena.get("task_hop:both")
        with Client(server.far) as far:
            eventually(lambda: reaches(far, "near@localhost"), "the nodes are connected both ways")
        with Client(server.endpoint, timeout=60) as client:
            try:
                trial = 200
                micros = client.call(None, "bench.ping_pong", FAR, trial)
                trips = max(trial, round(plan.seconds * 1e6 * trial / max(micros, 1)))
                micros = client.call(None, "bench.ping_pong", FAR, trips)
            except KvmeshError as error:
                raise Failed(str(error)) from error
        server.check_alive()
        return Figure(micros / trips, {"trips": trips, "microseconds": micros})

    def theirs(self, arena, plan):
        raw = load(arena, arena.get("echo"), plan.seconds, connections=1, depth=1)
        return Figure(raw["latency_us"]["p50"], raw)


def task_cases():
    return [
        CallLatency("call-p50", "one call at a time: p50", "tasks", "echo", "libzmq echo", 1.3),
        CallLatency("call-p50-nats", "the same against request-reply", "tasks", "nats_alone", "NATS", 0.6),
        CallLatency("call-hop-p50", "the same through one node, against request-reply through a route", "task_hop", "nats",
                    "NATS", 0.6),
        CallRate("calls", "empty calls, 50 callers on one connection", 500000, connections=1, depth=50),
        CallRate("calls-connections", "the same, 50 connections of one caller each", 500000, target=None,
                 connections=50, depth=1),
        CallRate("async", "async and await, 50 callers", 150000, connections=1, depth=50, mode="async"),
        Waiting("waiting", "memory of 100 000 processes that wait in receive"),
        PingPong("ping-pong", "a message there and back between processes on two nodes"),
    ]
