#!/usr/bin/python3
"""How long other clients wait while very many keys expire in the same second, or are dropped at once.

    tests/distributed/measured/expiry_together.py                    # 10 million keys of 16 + 16 bytes, about 1 GiB
    tests/distributed/measured/expiry_together.py --keys 1000000 --durable
    tests/distributed/measured/expiry_together.py --short            # whether it works; judges no time

A light client sends a GET each millisecond over the line protocol and waits for the answer, from a process of its own. Its
latencies are those of three windows: while all keys are there, while they are dropped, and while as many keys expire. On a
machine that others use, a wait is also one for a processor. The last column has the longest wait without the time that the
client and the node's loop were ready and had no processor (/proc/PID/schedstat).
"""

import argparse
import multiprocessing
import os
import struct
import sys
import time

from measuring import LineClient, machine, one_node

GROUP = 128  # changes of one kv.apply
OUTSTANDING = 64


def waited_for_processor(files):
    """Seconds that the first threads of processes were ready to run and did not."""
    waited = 0
    for file in files:
        file.seek(0)
        waited += int(file.read().split()[1])
    return waited / 1e9


def light_client(port, pid, stop, results):
    """Collects (when, how long, how long of that without a processor) of each request, in seconds."""
    found = []
    with (LineClient("127.0.0.1", port) as line, open(f"/proc/{pid}/schedstat", encoding="ascii") as node,
          open("/proc/self/schedstat", encoding="ascii") as own):
        files = (node, own)
        while not stop.is_set():
            before, began = waited_for_processor(files), time.monotonic()
            assert line.get("other", "key") == "value"
            took = time.monotonic() - began
            found.append((began, took, waited_for_processor(files) - before))
            time.sleep(0.001)
    results.put(found)


def load(client, keys, expires_at):
    """Puts so many keys into the bucket b; they end at that time (time.monotonic()), or not at all."""
    waiting, next_ = [], 0
    client.ok(b"b", "kv.create")
    while next_ < keys or waiting:
        while next_ < keys and len(waiting) < OUTSTANDING:
            ttl = None if expires_at is None else max(1, int((expires_at - time.monotonic()) * 1000))
            group = range(next_, min(keys, next_ + GROUP))
            changes = [[0, b"key-" + struct.pack(">Q", i).hex().encode()[4:], b"value-0123456789", ttl] for i in group]
            waiting.append(client.post(b"b", "kv.apply", [], changes))
            next_ = group.stop
        reply = client.reply(waiting.pop(0))
        if reply.code != "ok":
            raise AssertionError(f"{reply.code}: {reply.text}")


def count(client):
    return client.ok(b"b", "kv.count")


def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def report(what, latencies, from_, to):
    within = [one for one in latencies if from_ <= one[0] + one[1] and one[0] <= to]
    taken = sorted(took for _, took, _ in within)
    if not taken:
        print(f"| {what} | {to - from_:.1f} | 0 | | | | | | |", flush=True)
        return
    figures = [taken[min(len(taken) - 1, int(share * len(taken)))] * 1000 for share in (0.5, 0.99, 0.999)]
    over, most = sum(took > 0.01 for took in taken), max(took - idle for _, took, idle in within)
    print(f"| {what} | {to - from_:.1f} | {len(taken):,} | " + " | ".join(f"{figure:.2f}" for figure in figures)
          + f" | {taken[-1] * 1000:.2f} | {over} | {most * 1000:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--window", type=float, default=10, help="seconds of the first window (default: 10)")
    parser.add_argument("--durable", action="store_true", help="the node has a state_dir")
    parser.add_argument("--nice", type=int, default=0, help="of node and light client, -20 (as root) on a busy machine")
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    if options.short:
        options.keys, options.window = 20_000, 0.3
    settings = {"kv": {"memory_max": "4GiB"}}
    if options.durable:
        settings[""] = {"state_dir": "foo.state"}
    os.setpriority(os.PRIO_PROCESS, 0, options.nice)
    mesh, node = one_node(settings)
    stop, results = multiprocessing.Event(), multiprocessing.Queue()
    try:
        client = node.client()
        client.ok(b"other", "kv.create")
        client.ok(b"other", "kv.put", b"key", b"value")
        print(f"{machine()}, node {node.process.pid}", flush=True)
        began = time.monotonic()
        load(client, options.keys, None)
        took = time.monotonic() - began
        print(f"{options.keys:,} keys, put in {took:.1f} s; {node.info()['store']['bytes'] / 2**20:.0f} MiB", flush=True)
        light = multiprocessing.Process(target=light_client, args=(node.tcp_port, node.process.pid, stop, results), daemon=True)
        light.start()
        times = [time.monotonic()]
        time.sleep(options.window)
        times.append(time.monotonic())
        client.ok(b"b", "kv.drop")
        until(lambda: node.info()["store"]["bytes"] < 2**20, 300, "dropped keys give their memory back")
        times.append(time.monotonic())
        client = node.client()  # a node forgets one that is silent for long
        expires_at = time.monotonic() + 3 * took + 5
        load(client, options.keys, expires_at)
        if time.monotonic() > expires_at:
            raise AssertionError("the second load took more than three times as long as the first")
        full = count(client)
        while (left := expires_at - time.monotonic()) > 0:
            time.sleep(min(left, 1))
            count(client)
        until(lambda: count(client) == 0, 300, "the keys are gone")
        times.append(time.monotonic())
        stop.set()
        latencies = results.get(timeout=60)
        light.join()
        print("| window | seconds | requests | p50 ms | p99 | p99.9 | max | over 10 ms | max with a processor |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
        report("all keys are there", latencies, times[0], times[1])
        report("they are dropped", latencies, times[1], times[2])
        report("they expire", latencies, expires_at, times[3])
        return 0 if full == options.keys else 1
    except Exception:
        print(node.log()[-3000:])
        raise
    finally:
        stop.set()
        for fault in mesh.close():
            print(fault)


if __name__ == "__main__":
    sys.exit(main())
