"""What is measured about nodes with a state_dir; see cases.py, and README.md for what each case is."""

import os
import shutil
import subprocess
import sys
import time

from cases import Case, Figure, Versus
from disk import forget_cached, raw_syncs, read_seconds
from load import USUAL, beside, command_beside, command_for, fill, load, run
from processes import Failed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/python"))
from kvmesh import Client  # noqa: E402

READ_TOO = {"writes": 0}


class DurableRate(Versus):
    """Puts a second, beside what the disk does just before."""

    group = "durable"

    def __init__(self, name, text, ours, theirs, peer, target, **changes):
        super().__init__(name, text, ours, theirs, peer, "op/s", target, **{"writes": 100, **changes})

    def _measure(self, arena, plan, name, **more):
        server = arena.get(name)
        fill(arena, server, **self.changes)
        syncs = raw_syncs(server.folder)
        figure = super()._measure(arena, plan, name, **more)
        figure.raw["disk_syncs_per_second"] = syncs
        return figure


class ReadsBeside(Case):
    """Reads, while another generator puts keys in other buckets at a fixed rate: durable against in memory."""

    group = "durable"
    WRITES_A_SECOND = 10000
    WRITES = {"prefix": "w", "connections": 10, "depth": 64, "writes": 100}

    def __init__(self, name, text, target):
        super().__init__(name, text, "itself, in memory", "op/s", target)
        self.servers = ["durable:always", "local"]

    def _measure(self, arena, plan, name):
        server = arena.get(name)
        fill(arena, server, **self.WRITES)
        fill(arena, server, **READ_TOO)
        writes = {**self.WRITES, "rate": self.WRITES_A_SECOND}
        _, raw = beside(lambda seconds: command_beside(arena, server, seconds, **writes),
                        lambda: load(arena, server, plan.seconds, depth=16, **READ_TOO), 1.25 * plan.seconds)
        return Figure(raw["per_second"], raw)

    def ours(self, arena, plan):
        return self._measure(arena, plan, self.servers[0])

    def theirs(self, arena, plan):
        return self._measure(arena, plan, self.servers[1])


class Start(Case):
    """Seconds from the start of the process until it serves all keys. What the system had of the files is forgotten.
    The bound: 15 s for 10 million keys, or twice what the disk takes to read the files, if that is longer."""

    group = "durable"
    SECONDS_EACH_KEY = 15 / 10_000_000

    def __init__(self, name, text, killed):
        super().__init__(name, text, "the bound", "s", 1.0, at_most=True, rounds_max=2)
        self.servers, self.killed = ["durable:everysec"], killed
        self.bound = None

    @staticmethod
    def keys(plan):
        return {"buckets": 1000, "keys": 1000 if plan.quick else 10000}

    def ours(self, arena, plan):
        keys = self.keys(plan)
        count = keys["buckets"] * keys["keys"]
        server = arena.fresh(self.servers[0])  # after a start the log is in the tables: so each round fills its own
        fill(arena, server, **keys)
        process, = server.processes
        if self.killed:
            process.stop()
        else:
            process.end(120)
        forget_cached(server.folder)
        took = arena.start_again(server, 300)
        processor = server.cpu_seconds()
        self._check(arena, server, keys, count)
        server.processes[0].stop()
        reading = read_seconds(server.folder)
        self.bound = max(self.SECONDS_EACH_KEY * count, 2 * reading)
        return Figure(took, {"keys": count, "read_seconds": reading, "processor_seconds": processor})

    @staticmethod
    def _check(arena, server, keys, count):
        """All of them are there: their number, and the values of some."""
        with Client(server.mesh) as client:
            found = client.info()["store"]["keys"]
        if found != count:
            raise Failed(f"{found} keys came back of {count}")
        raw = run(command_for(arena, server, {**USUAL, **keys, "writes": 0, "depth": 16, "count": count // 10})
                  + ["--no-load"], 120)
        if raw["missing_keys"]:
            raise Failed(f"{raw['missing_keys']} keys were missing after the start")

    def theirs(self, arena, plan):
        return Figure(self.bound, {})


class Backup(Case):
    """p99 of clients at a fixed rate while a backup of all keys is made, against before it."""

    group = "durable"
    LOAD = {"connections": 10, "rate": 5000, "depth": 64}

    def __init__(self, name, text, target):
        super().__init__(name, text, "the same without it", "us", target, at_most=True, rounds_max=3)
        self.servers = ["durable:everysec"]

    def _filled(self, arena, plan):
        server = arena.get(self.servers[0])
        keys = Start.keys(plan)
        fill(arena, server, **keys)
        return server, keys

    def _p99(self, arena, plan, server, keys):
        raw = load(arena, server, plan.seconds, **{**keys, **self.LOAD})
        return Figure(raw["latency_us"]["p99"], raw)

    def ours(self, arena, plan):
        server, keys = self._filled(arena, plan)
        folder = os.path.join(arena.state_folder(), "backup")
        began = time.monotonic()
        with subprocess.Popen([arena.binaries["kvmesh"], "--node", server.mesh, "backup", folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as backup:
            try:
                figure = self._p99(arena, plan, server, keys)
                if backup.poll() is not None:
                    raise Failed("the backup ended before the load")
                text, _ = backup.communicate(timeout=600)
            except subprocess.TimeoutExpired as error:
                raise Failed("the backup did not end") from error
            finally:
                backup.kill()
        if backup.returncode != 0:
            raise Failed(f"the backup failed: {text.strip()}")
        figure.raw["backup_seconds"] = time.monotonic() - began
        shutil.rmtree(folder)
        return figure

    def theirs(self, arena, plan):
        return self._p99(arena, plan, *self._filled(arena, plan))


def durable_cases():
    cases = []
    for durability in ("always", "everysec"):
        for depth in (1, 16, 64):
            text = f"durable puts, {durability}, depth 1" if depth == 1 else f"the same, depth {depth}"
            cases.append(DurableRate(f"{durability}-{depth}", text, f"durable:{durability}", f"redis-durable:{durability}",
                                     f"Redis, appendfsync {durability}", 1.5, depth=depth))
    return cases + [
        ReadsBeside("durable-reads", "reads beside 10 000 durable puts a second, depth 16", 0.97),
        DurableRate("durable-hop", "durable puts through a node without a state_dir, always, depth 16", "durable-hop:always",
                    "durable:always", "the same without it", 0.8, depth=16),
        Start("start-killed", "start with 10 million keys after kill -9", True),
        Start("start-ended", "the same after SIGTERM", False),
        Backup("backup", "p99 while 10 million keys are backed up, 5000 requests a second", 2.0),
    ]
