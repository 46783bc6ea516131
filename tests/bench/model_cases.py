"""What is measured about scans, changes made together and watchers; see cases.py, and README.md for what each case is."""

from cases import Case, Figure
from load import fill, load, run
from processes import Failed

KEYS_OF_PAGE = {"buckets": 1, "keys": 1000, "prefix": "page"}
PUTS = 16


def run_probe(arena, server, words, limit):
    """The JSON of `kvmesh-bench WORD ...`; it has looked at every answer."""
    raw = run([arena.binaries["kvmesh-bench"], *words], limit)
    server.check_alive()
    return raw


class Applies(Case):
    """Microseconds for 16 puts: in one apply, against as many requests, with as many puts under way."""

    group = "model"

    def __init__(self, name, text, target, under_way):
        super().__init__(name, text, "16 puts", "us", target, at_most=True)
        self.servers, self.under_way = ["native"], under_way

    def _measure(self, arena, plan, depth, each, **more):
        raw = load(arena, arena.get("native"), plan.seconds, connections=1, depth=depth, writes=100, **more)
        return Figure(1e6 * each / raw["per_second"], raw)

    def ours(self, arena, plan):
        return self._measure(arena, plan, self.under_way // PUTS, 1, apply=PUTS)

    def theirs(self, arena, plan):
        return self._measure(arena, plan, self.under_way, PUTS)


class Scan(Case):
    """Microseconds for a page of 1000 keys of a whole scan: the median, or the mean, which the first page raises: for that
    one the node puts the keys in order."""

    group = "model"

    def __init__(self, name, text, call, which, target):
        super().__init__(name, text, "a page of `keys`, of 1000 keys", "us", target, at_most=True)
        self.servers, self.call, self.which = ["local"], call, which

    def _measure(self, arena, server, call, keys, seconds):
        words = ["pages", "--endpoint", server.mesh, "--bucket", keys["prefix"] + "0000000", "--keys", str(keys["keys"]),
                 "--call", call, "--duration", f"{round(seconds * 1000)}ms"]
        raw = run_probe(arena, server, words, 120)
        return Figure(raw["latency_us"][self.which], raw)

    def ours(self, arena, plan):
        server = arena.fresh("local")  # no order is left of an earlier round
        keys = {"buckets": 1, "keys": 100_000 if plan.quick else 1_000_000, "prefix": "scan"}
        fill(arena, server, **keys)
        return self._measure(arena, server, self.call, keys, 0.001)  # once

    def theirs(self, arena, plan):
        server = arena.get("local")
        fill(arena, server, **KEYS_OF_PAGE)
        return self._measure(arena, server, "keys", KEYS_OF_PAGE, plan.seconds)


class Watchers(Case):
    """p99 of the time from a change to each of 1000 watchers of its bucket."""

    group = "model"

    def __init__(self, name, text):
        super().__init__(name, text, "the bound, 10 ms", "us", 1.0, at_most=True)
        self.servers = ["local"]

    def ours(self, arena, plan):
        server = arena.get("local")
        raw = run_probe(arena, server, ["watchers", "--endpoint", server.endpoint, "--bucket", "watched", "--duration",
                                        f"{round(plan.seconds * 1000)}ms"], 60 + 10 * plan.seconds)
        if raw["told"] != raw["changes"] * raw["watchers"]:
            raise Failed(f"{raw['told']} times a watcher was told, of {raw['changes']} changes to {raw['watchers']}")
        return Figure(raw["latency_us"]["p99"], raw)

    def theirs(self, arena, plan):
        return Figure(10_000, {})


def model_cases():
    return [
        Applies("apply-16", "an apply of 16 puts, 1024 puts under way", 0.5, 1024),
        Applies("apply-16-alone", "the same, 16 puts under way", None, 16),
        Scan("scan", "a page of 1000 keys of the scan of a bucket of a million", "scan", "p50", 5.0),
        Scan("scan-values", "the same with values", "scan-values", "p50", 5.0),
        Scan("scan-whole", "the same, mean of a whole scan: the node puts the keys in order first", "scan", "mean", None),
        Watchers("watchers", "a change to each of 1000 watchers of its bucket: p99"),
    ]
