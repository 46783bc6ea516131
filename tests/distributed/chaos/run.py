#!/usr/bin/python3
"""Breaks a mesh of five real nodes on purpose, and checks that what its clients saw was possible.

    tests/distributed/chaos/run.py --minutes 10            # by hand
    tests/distributed/chaos/run.py --seconds 60 --seed 7   # the faults of one seed again
    tests/distributed/chaos/run.py --namespaces            # as root: each node in a network of its own, with partitions

The seed decides which faults come, where, how long, and in which order. What they hit is up to the machine, so the same
seed does not give the same history. Exit status: 0 no violation, 1 violations, 77 skipped.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import namespaces
from faults import DiedByItself, Faults
from harness import TIME_FACTOR, eventually
from linearizability import check
from schedule import Fault, Round, schedule
from topology import TABLES, ChaosMesh
from workload import Client, History, read_all

# A peer counts as dead after 1 s of silence; the next connection is tried within 1 s, and given up after 2 s when it
# gets no greeting. These are the defaults, see config/README.md and node/ARCHITECTURE.md ("Sockets").
DOCUMENTED_RECOVERY_S = 1 + 1 + 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="default: a fresh one, printed first")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--clients", type=int, default=16, help="connections of the workload (default: 16)")
    parser.add_argument("--pause-ms", type=float, default=30,
                        help="mean pause of a client between requests (default: 30)")
    parser.add_argument("--recovery-seconds", type=float, default=DOCUMENTED_RECOVERY_S,
                        help="after a fault every range must answer within this time (default: %(default)s)")
    parser.add_argument("--namespaces", action="store_true", help="each node in a network namespace; adds partitions")
    parser.add_argument("--plant", choices=("split-brain", "lost-write"),
                        help="break kvmesh's promise on purpose: status 0 means that the run found it")
    parser.add_argument("--keep", metavar="DIR", help="where to leave history and logs when there are violations")
    parser.add_argument("--verbose", action="store_true", help="a line for each fault")
    options = parser.parse_args()
    if options.minutes is not None:
        options.seconds = options.minutes * 60
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


async def chaos(mesh, options, history, say):
    """The faults with the workload beside them; returns the Faults."""
    for proxy in mesh.proxies.values():
        await proxy.start()
    await asyncio.to_thread(mesh.start)
    faults = Faults(mesh, history, options.recovery_seconds * TIME_FACTOR, say)
    faults.hides_losses = options.plant == "lost-write"
    entries = mesh.entries()
    clients = [Client(f"c{i}", entries[i % len(entries)][1], history, options.seed, options.pause_ms / 1000)
               for i in range(options.clients)]
    running = [asyncio.create_task(client.run()) for client in clients]
    rounds = schedule(options.seed, list(mesh.nodes), list(mesh.proxies), mesh.pairs() if mesh.networks else ())
    if options.plant == "lost-write":
        first = [Round((fault,), 1.0) for fault in (Fault("reload", "gate", 0.5, 0), Fault("kill", "baz", 0.1, 0))]
        rounds = itertools.chain(first, rounds)
    try:
        await faults.run(rounds, time.monotonic() + options.seconds)
    except DiedByItself:
        pass
    for client in clients:
        client.stopping = True
    await asyncio.gather(*running)
    if not faults.violations:
        faults.violations += [f"not answered at the end: {what}" for what in await read_all(entries, history, 10)]
        faults.violations += await asyncio.to_thread(nothing_left, mesh)
    for proxy in mesh.proxies.values():
        await proxy.stop()
    return faults


def nothing_left(mesh):
    """What is wrong with the nodes when nobody asks anything any more."""
    def busy(node):
        found = node.info()
        left = {p["name"]: p["in_flight"] for p in found["peers"] if p["in_flight"]}
        # A client that left while its node was cut off is gone for TCP only when keep-alive finds out.
        if found["counters"]["tcp_connections"] and not mesh.networks:
            left["connections of the line protocol"] = found["counters"]["tcp_connections"]
        return left

    wrong = []
    for node in mesh.nodes.values():
        try:
            eventually(lambda n=node: not busy(n), 5)
        except AssertionError:
            wrong.append(f"{node.name} has something in flight at the end: {busy(node)}")
        table = [(e["range"], e["node"].partition("@")[0]) for e in node.info()["table"]["entries"]]
        if table != node.table:
            wrong.append(f"{node.name} has the table {table}, and its file says {node.table}")
    return wrong


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report_recoveries(recoveries):
    print("\nseconds from the end of a fault until every range answers through every entry")
    print(f"  {'fault':<12} {'times':>5} {'p50':>7} {'p90':>7} {'max':>7}")
    everything = [t for times in recoveries.values() for t in times]
    for kind, times in [*sorted(recoveries.items()), ("all", everything)]:
        if times:
            figures = (percentile(times, 0.5), percentile(times, 0.9), max(times))
            print(f"  {kind:<12} {len(times):>5}" + "".join(f" {figure:>7.3f}" for figure in figures))


def keep(directory, history, mesh):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "history.jsonl"), "w", encoding="utf-8") as file:
        for (bucket, key), operations in history.keys.items():
            for o in sorted(operations, key=lambda o: o.invoked):
                file.write(json.dumps([bucket, key, o.invoked, o.returned, o.kind, o.outcome, o.value, o.who]) + "\n")
    for name in os.listdir(mesh.directory):
        shutil.copy(os.path.join(mesh.directory, name), directory)
    print(f"history and logs are in {directory}")


def check_all(history):
    """The keys whose history was not possible, as texts."""
    began, found = time.monotonic(), []
    for (bucket, key), operations in history.keys.items():
        violation = check(operations)
        if violation is not None:
            found.append(f"{bucket} {key}: {violation}")
    count = sum(map(len, history.keys.values()))
    print(f"histories: {len(history.keys)} keys, {count} operations, checked in {time.monotonic() - began:.1f} s")
    return found


def run(options, networks=None):
    print(f"seed {options.seed}: {options.seconds:g} s of faults, {options.clients} clients"
          f"{', a network namespace for each node' if networks else ''}", flush=True)
    if options.plant == "split-brain":
        TABLES["foo"][1] = ("g", "m", "foo")  # gate asks foo, door asks bar, which asks baz
    history, mesh, violations, impossible = History(), ChaosMesh(networks), [], []
    began = time.monotonic()

    def say(text):
        if options.verbose:
            print(f"{time.monotonic() - began:8.2f}  {text}", flush=True)

    try:
        faults = asyncio.run(chaos(mesh, options, history, say))
        impossible = check_all(history)
        violations = faults.violations + history.faults + impossible
        print(f"faults: {sum(len(t) for t in faults.recoveries.values())} rounds")
        print("requests: " + ", ".join(f"{n} {what}" for what, n in sorted(history.outcomes.items())))
        print("errors: " + (", ".join(f"{n} {what}" for what, n in sorted(history.codes.items())) or "none"))
        report_recoveries(faults.recoveries)
        if not history.outcomes["ok"] or not faults.recoveries:
            violations.append("nothing was tried: no request was answered, or no fault happened")
        if violations and options.keep:
            keep(options.keep, history, mesh)
    finally:
        violations += mesh.close()
    print(f"\n{len(violations) or 'no'} violation{'' if len(violations) == 1 else 's'}, seed {options.seed}")
    for violation in violations[:10]:
        print(f"VIOLATION {violation}")
    if options.plant:
        print(f"{options.plant} was {'found, as it must be' if impossible else 'NOT FOUND'}")
        return 0 if impossible else 1
    return 1 if violations else 0


def main():
    options = arguments()
    if not options.namespaces:
        return run(options)
    reason = namespaces.enter()
    if reason is not None:
        print(f"SKIPPED: {reason}")
        return 77
    return run(options, namespaces.Networks(TABLES))


if __name__ == "__main__":
    sys.exit(main())
