"""What keys, rights and TLS cost: the same mesh with and without them. See cases.py, and README.md for what each case is."""

from cases import Case, Figure, Versus, figure_of
from load import beside, command_beside, fill, load, run
from processes import Failed


def handshake_command(arena, server, seconds, *more):
    """Of the probe; a mesh port when the server has a key file for clients."""
    key = server.options.get("key")
    port = ["mesh", "--key", key] if key else ["tls"]
    return [arena.binaries["kvmesh-bench"], "handshakes", "--port", *port, "--endpoint", server.endpoint, "--duration",
            f"{round(1000 * seconds)}ms", *more]


class Handshakes(Case):
    """Handshakes a second, while clients are served; the "peer" is the bound."""

    group = "secure"
    SERVED = {"rate": 10000, "depth": 64}  # by 50 connections

    def __init__(self, name, text, server, target):
        super().__init__(name, text, f"the bound, {target}", "op/s", 1.0)
        self.servers, self.bound = [server], target

    def ours(self, arena, plan):
        server = arena.get(self.servers[0])
        fill(arena, server, **self.SERVED)
        warmup = 0.3 * plan.seconds
        words = handshake_command(arena, server, plan.seconds, "--warmup", f"{round(1000 * warmup)}ms")
        served, raw = beside(lambda seconds: command_beside(arena, server, seconds, **self.SERVED),
                             lambda: run(words, 60 + 10 * plan.seconds), warmup + plan.seconds)
        server.check_alive()
        return Figure(raw["per_second"], {"handshakes": raw, "served": served})

    def theirs(self, arena, plan):
        return Figure(self.bound, {})


class BesideHandshakes(Case):
    """p99 of clients that are in while so many handshakes a second come, against without those."""

    group = "secure"
    HANDSHAKES = 500

    def __init__(self, name, text, server):
        super().__init__(name, text, "itself, without", "us", 2.0, at_most=True)
        self.servers = [server]

    def ours(self, arena, plan):
        server = arena.get(self.servers[0])
        fill(arena, server, **Handshakes.SERVED)
        hands, raw = beside(
            lambda seconds: handshake_command(arena, server, seconds, "--rate", str(self.HANDSHAKES)),
            lambda: load(arena, server, plan.seconds, **Handshakes.SERVED), 1.25 * plan.seconds)
        if hands["per_second"] < 0.8 * self.HANDSHAKES:
            raise Failed(f"only {hands['per_second']:.0f} handshakes a second came; is the machine busy with other things?")
        return figure_of("us", {**raw, "handshakes": hands}, "p99")

    def theirs(self, arena, plan):
        return figure_of("us", load(arena, arena.get(self.servers[0]), plan.seconds, **Handshakes.SERVED), "p99")


def secure_cases():
    cases = []
    for depth, target in ((1, 0.9), (16, 0.75), (64, 0.75)):
        cases.append(Versus(f"curve-{depth}", f"one hop between nodes with keys, depth {depth}", "secure_hops:1", "hops:1",
                            "the same without keys", "op/s", target, depth=depth))
    cases.append(Versus("curve-twemproxy-16", "one hop between nodes with keys, depth 16", "secure_hops:1", "twemproxy_tls",
                        "twemproxy -> stunnel -> Redis with TLS", "op/s", 2.0, depth=16))
    cases.append(Versus("rights-16", "one node that looks at the last of 16 rights of its client, depth 16", "secure_local", "local",
                        "the same without a security.toml", "op/s", 0.97, depth=16))
    for depth, target in ((1, 0.75), (16, 0.65)):
        cases.append(Versus(f"tls-{depth}", f"line protocol with TLS, one node, depth {depth}", "tls_local", "local",
                            "the same without TLS", "op/s", target, depth=depth))
    cases.append(Versus("tls-redis-16", "line protocol with TLS, one node, depth 16", "tls_local", "redis_tls",
                        "Redis with TLS", "op/s", 1.5, depth=16))
    for port, server in (("mesh", "secure_native"), ("tls", "tls_local")):
        cases.append(Handshakes(f"handshakes-{port}", f"handshakes a second, {port} port, beside 50 clients", server, 400))
        cases.append(BesideHandshakes(f"beside-{port}", f"p99 of 50 clients, {port} port, beside 500 handshakes a second",
                                      server))
    for case in cases:
        case.group = "secure"
    return cases
