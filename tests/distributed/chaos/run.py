#!/usr/bin/python3
"""Breaks a mesh of five real nodes on purpose, and checks that what its clients saw was possible.

    tests/distributed/chaos/run.py --minutes 10            # by hand
    tests/distributed/chaos/run.py --seconds 60 --seed 7   # the faults of one seed again
    tests/distributed/chaos/run.py --namespaces            # as root: each node in a network of its own, with partitions
    tests/distributed/chaos/run.py --durable all           # or none, or names; unless said otherwise foo,bar

The seed decides which faults come, where, how long, and in which order. What they hit is up to the machine, so the same
seed does not give the same history. Exit status: 0 no violation, 1 violations, 77 skipped.
"""

import argparse
import asyncio
import dataclasses
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
from followers import check_followers
from harness import TIME_FACTOR, eventually
from linearizability import check
from revision_workload import Follower, RevisionClient, read_registers
from revisions import check_revisions
from schedule import Fault, Round, schedule
from topology import DURABLE, REVISION_BUCKETS, STORES, TABLES, ChaosMesh
from workload import Client, History, read_all

# A peer counts as dead after 1 s of silence; the next connection is tried within 1 s, and given up after 2 s when it
# gets no greeting. These are the defaults, see config/README.md and node/ARCHITECTURE.md ("Sockets").
DOCUMENTED_RECOVERY_S = 1 + 1 + 2

# Faults on purpose, and what happens first so that they show.
PLANTS = {
    "split-brain": (),
    "lost-write": (Fault("reload", "gate", 0.5, 0), Fault("kill", "baz", 0.1, 0)),
    "wiped-state": (Fault("reload", "gate", 0.5, 0), Fault("kill", "bar", 0.1, 0)),
    "lost-change": (Fault("reload", "gate", 0.5, 0),),
    "change-twice": (Fault("reload", "gate", 0.5, 0),),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="default: a fresh one, printed first")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--clients", type=int, default=16, help="connections of the workload (default: 16)")
    parser.add_argument("--revision-clients", type=int, default=6,
                        help="others that compare, set, add and change two keys together (default: 6)")
    parser.add_argument("--pause-ms", type=float, default=30,
                        help="mean pause of a client between requests (default: 30)")
    parser.add_argument("--recovery-seconds", type=float, default=DOCUMENTED_RECOVERY_S,
                        help="after a fault every range must answer within this time (default: %(default)s)")
    parser.add_argument("--namespaces", action="store_true", help="each node in a network namespace; adds partitions")
    parser.add_argument("--durable", default=",".join(DURABLE), metavar="NAMES",
                        help="nodes with a state_dir, of foo, bar and baz; all or none (default: %(default)s)")
    parser.add_argument("--plant", choices=list(PLANTS),
                        help="break kvmesh's promise on purpose: status 0 means that the run found it")
    parser.add_argument("--keep", metavar="DIR", help="where to leave history and logs when there are violations")
    parser.add_argument("--verbose", action="store_true", help="a line for each fault")
    options = parser.parse_args()
    if options.minutes is not None:
        options.seconds = options.minutes * 60
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    options.durable = {"all": STORES, "none": []}.get(options.durable, options.durable.split(","))
    if not set(options.durable) <= set(STORES):
        parser.error(f"--durable: {','.join(options.durable)} are not all of {', '.join(STORES)}; or write all or none")
    if {"lost-write": "baz" in options.durable, "wiped-state": "bar" not in options.durable}.get(options.plant):
        parser.error(f"--plant {options.plant} cannot show with these nodes durable; leave --durable out")
    return options


def workers(options, history, entries):
    """The clients, those of revisions, and two followers of each bucket of these, through entries that differ."""
    def entry(i):
        return entries[i % len(entries)][1]

    pause = options.pause_ms / 1000
    counts_in = [bucket for bucket, owner in REVISION_BUCKETS.items() if owner in options.durable]
    clients = [Client(f"c{i}", entry(i), history, options.seed, pause) for i in range(options.clients)]
    clients += [RevisionClient(f"r{i}", entry(i), history, options.seed, pause, counts_in)
                for i in range(options.revision_clients)]
    spoils = {"lost-change": "lose", "change-twice": "twice"}.get(options.plant)
    followers = [Follower(f"{bucket} followed through {entries[i % len(entries)][0]}", entry(i), history, options.seed,
                          bucket, spoils)
                 for i, bucket in enumerate([*REVISION_BUCKETS, *reversed(REVISION_BUCKETS)])]
    return clients, followers


async def stopped(running, faults):
    """Waits for these tasks; not for long when the mesh is broken for good."""
    timeout = 5 if faults.violations else 60
    _, open_ = await asyncio.wait(running, timeout=timeout)
    for task in open_:
        task.cancel()
        faults.violations.append(f"not answered within {timeout} s at the end: {task.get_name()}")
    for task in running - open_:
        task.result()


async def chaos(mesh, options, history, say):
    """The faults with the workload beside them; returns the Faults."""
    for proxy in mesh.proxies.values():
        await proxy.start()
    await asyncio.to_thread(mesh.start)
    faults = Faults(mesh, history, options.recovery_seconds * TIME_FACTOR, say)
    faults.hides_losses = options.plant == "lost-write"
    faults.wipes = options.plant == "wiped-state"
    entries = mesh.entries()
    clients, followers = workers(options, history, entries)
    asking, following = ({asyncio.create_task(worker.run(), name=worker.name) for worker in group}
                         for group in (clients, followers))
    rounds = schedule(options.seed, list(mesh.nodes), list(mesh.proxies), mesh.pairs() if mesh.networks else ())
    rounds = itertools.chain((Round((fault,), 1.0) for fault in PLANTS.get(options.plant, ())), rounds)
    try:
        await faults.run(rounds, time.monotonic() + options.seconds)
    except DiedByItself:
        pass
    for client in clients:
        client.stopping = True
    await stopped(asking, faults)
    if not faults.violations:
        missing = await read_all(entries, history, 10) + await read_registers(entries, history, 10)
        faults.violations += [f"not answered at the end: {what}" for what in missing]
    for follower in followers:
        follower.stopping = True
    await stopped(following, faults)
    if not faults.violations:
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
    with open(os.path.join(directory, "revisions.jsonl"), "w", encoding="utf-8") as file:
        for bucket, log in history.revisions.items():
            file.write(json.dumps({bucket: dataclasses.asdict(log)}) + "\n")
    shutil.copytree(mesh.directory, directory, dirs_exist_ok=True)
    print(f"history and logs are in {directory}")


def check_all(history):
    """What was not possible of keys, revisions and followers, as texts."""
    began, found = time.monotonic(), []
    for (bucket, key), operations in history.keys.items():
        violation = check(operations)
        if violation is not None:
            found.append(f"{bucket} {key}: {violation}")
    for bucket, log in history.revisions.items():
        found += [f"{bucket} {violation}" for violation in check_revisions(log) + check_followers(log)]
    count, logs = sum(map(len, history.keys.values())), history.revisions.values()
    print(f"histories: {len(history.keys)} keys, {count} operations; {len(logs)} buckets with revisions,"
          f" {sum(len(log.steps) for log in logs)} operations; checked in {time.monotonic() - began:.1f} s")
    polls = [poll for log in logs for polls in log.polls.values() for poll in polls]
    told, resets = sum(len(poll.events) for poll in polls), sum(poll.reset for poll in polls)
    print(f"followers: {sum(len(log.polls) for log in logs)}, told {told} changes and {resets} resets")
    if not told:
        found.append("no change was told to any follower")
    return found


def run(options, networks=None):
    print(f"seed {options.seed}: {options.seconds:g} s of faults, {options.clients} clients"
          f"{', a network namespace for each node' if networks else ''}, durable: {', '.join(options.durable) or 'none'}",
          flush=True)
    if options.plant == "split-brain":
        TABLES["foo"][1] = ("g", "m", "foo")  # gate asks foo, door asks bar, which asks baz
    history, mesh, violations, impossible = History(), ChaosMesh(networks, options.durable), [], []
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
