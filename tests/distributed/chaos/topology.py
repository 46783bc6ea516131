"""The mesh that is broken: five processes, two doors that store nothing, ranges that are delegated twice.

             a..m            g..m         g..m
      gate ───────▶ foo ───────────▶ bar ──────▶ baz      foo stores a..f, bar n..s, baz g..m and t..z
      door ── * ──▶ bar ◀── n..s ─── baz                  gate and door store nothing; foo and baz take lines too

What foo and bar acknowledged outlives them, in a state_dir in the folder of the run; baz keeps its buckets in memory.
"""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import Mesh, Node
from ports import free_port
from proxy import Proxy

BUCKETS = {"apples": "foo", "grapes": "baz", "shopping": "bar", "tomatoes": "baz"}  # and who stores them
REVISION_BUCKETS = {"accounts": "foo", "ledger": "baz", "stock": "bar"}  # those of revision_workload.py
STORES = ["foo", "bar", "baz"]
DURABLE = ["foo", "bar"]  # unless a run says otherwise
DURABILITY = {"foo": "everysec"}  # of the others: always; neither loses anything when its process is killed

# (first, last, node) of each table, disjoint, so that the order of entries means nothing.
TABLES = {
    "gate": [("a", "m", "foo"), ("n", "z", "bar")],
    "door": [("a", "f", "foo"), ("g", "m", "bar"), ("n", "z", "bar")],
    "foo": [("a", "f", "foo"), ("g", "m", "bar"), ("n", "z", "bar")],
    "bar": [("a", "f", "foo"), ("g", "m", "baz"), ("n", "s", "bar"), ("t", "z", "baz")],
    "baz": [("a", "f", "foo"), ("g", "m", "baz"), ("n", "s", "bar"), ("t", "z", "baz")],
}
APPS = {"gate": ["kv_server"], "door": ["kv_server"], "foo": ["kv", "kv_server"], "bar": ["kv"],
        "baz": ["kv", "kv_server"]}
PEERS = {"gate": ["foo", "bar"], "door": ["foo", "bar"], "foo": ["bar"], "bar": ["foo", "baz"], "baz": ["foo", "bar"]}
PROXIED = [("gate", "foo"), ("gate", "bar"), ("foo", "bar"), ("bar", "baz")]  # mesh links that lead through a proxy
DIRECT = [(a, b) for a in PEERS for b in PEERS[a] if (a, b) not in PROXIED]
LINES = ["gate", "foo"]  # nodes whose line clients come through a proxy; those of door and baz come directly
REQUEST_TIMEOUT_MS = 2000


# Other peers of a node, with a table that leads every bucket to the same node over them. No two of different nodes may make a loop.
OVER_BAZ = [("a", "f", "foo"), ("g", "m", "baz"), ("n", "s", "bar"), ("t", "z", "baz")]
OTHER_PEERS = {
    "gate": [(["foo", "bar", "baz"], OVER_BAZ), (["bar"], [("a", "z", "bar")]), (["foo"], [("a", "z", "foo")])],
    "door": [(["foo", "bar", "baz"], OVER_BAZ), (["bar"], [("a", "z", "bar")]), (["foo"], [("a", "z", "foo")])],
    "foo": [(["bar", "baz"], OVER_BAZ)],
    "bar": [(["baz"], [("a", "m", "baz"), ("n", "s", "bar"), ("t", "z", "baz")])],
    "baz": [(["foo"], [("a", "f", "foo"), ("g", "m", "baz"), ("n", "s", "foo"), ("t", "z", "baz")])],
}


def other_peers(name, seed):
    """Names of peers and a table, see OTHER_PEERS."""
    peers, table = random.Random(seed).choice(OTHER_PEERS[name])
    return peers, [(range_of(first, last), node) for first, last, node in table]


def range_of(first, last):
    return first if first == last else f"{first}..{last}"


def equivalent_table(name, seed):
    """The node's table in other words: entries split, in another order, and bytes that the workload does not use
    pointed anywhere. With seed None: as it stands above."""
    if seed is None:
        return [(range_of(first, last), node) for first, last, node in TABLES[name]]
    random_ = random.Random(seed)
    entries = []
    for first, last, node in TABLES[name]:
        at, end = ord(first), ord(last)
        while at <= end:
            upto = min(end, at + random_.randrange(0, 8))
            entries.append((range_of(chr(at), chr(upto)), node))
            at = upto + 1
    for digit in random_.sample("0123456789", random_.randrange(0, 8)):
        entries.append((digit, random_.choice(PEERS[name])))
    random_.shuffle(entries)
    return entries


class ChaosNode(Node):
    """A node of this mesh: it reaches some of its peers through a proxy, and may live in a network of its own."""

    def __init__(self, mesh, name, is_durable, host="127.0.0.1", prefix=()):
        self.host = host
        self.is_durable = is_durable
        settings = {"mesh": {"request_timeout_ms": REQUEST_TIMEOUT_MS}}
        if is_durable:
            settings[""] = {"state_dir": name + ".state"}
            settings["kv"] = {"durability": DURABILITY.get(name, "always")}
        if host != "127.0.0.1":
            settings["mesh"]["insecure"] = True
        super().__init__(mesh, name, apps=APPS[name], table=equivalent_table(name, None), peers=PEERS[name],
                         settings=settings)
        self.prefix = list(prefix)
        self.ends_expected = False  # while a fault is about to end it

    @property
    def state_dir(self):
        """REQUIRES: is_durable."""
        return os.path.join(self.mesh.directory, self.name + ".state")


class ChaosMesh(Mesh):
    """The five nodes and their proxies. `networks`, where given, says where each node lives (see namespaces.py)."""

    def __init__(self, networks=None, durable=tuple(DURABLE)):
        super().__init__()
        self.networks = networks
        own = networks.own_host if networks else "127.0.0.1"
        for name in TABLES:
            place = networks.place(name) if networks else {}
            self.nodes[name] = ChaosNode(self, name, name in durable, **place)
        self.proxies = {}
        for a, b in PROXIED:
            node = self.nodes[b]
            self.add_proxy(f"{a}>{b}", own, (node.host, node.mesh_port))
            self.nodes[a].addresses[b] = "tcp://%s:%d" % self.proxies[f"{a}>{b}"].address
        for name in LINES:
            node = self.nodes[name]
            self.add_proxy(f"line>{name}", own, (node.host, node.tcp_port))

    def add_proxy(self, name, host, target):
        self.proxies[name] = Proxy(name, (host, free_port()), target)

    def entries(self):
        """Where line clients go: (name, (host, port))."""
        found = []
        for name, apps in APPS.items():
            if "kv_server" in apps:
                node = self.nodes[name]
                proxy = self.proxies.get(f"line>{name}")
                found.append((name, proxy.address if proxy else (node.host, node.tcp_port)))
        return found

    def pairs(self):
        return sorted({"-".join(sorted(pair)) for pair in DIRECT})
