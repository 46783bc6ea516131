"""Which faults come when: a pure function of the seed, of the mesh's shape and of what the machine allows."""

import dataclasses
import random


@dataclasses.dataclass(frozen=True)
class Fault:
    """`kind` befalls `target` for `seconds`. `seed` decides what is left, such as each delay or the new table."""

    kind: str
    target: str
    seconds: float
    seed: int

    def __str__(self):
        return f"{self.kind} {self.target} {self.seconds:.2f}s"


@dataclasses.dataclass(frozen=True)
class Round:
    """Faults that begin together. When all have ended and the mesh answers again, the next round is `pause` seconds away."""

    faults: tuple
    pause: float

    def __str__(self):
        return " + ".join(map(str, self.faults))

    @property
    def kind(self):
        return self.faults[0].kind if len(self.faults) == 1 else "two at once"


# How often each kind comes and how long it lasts, from and to, in seconds. Peers wait 1 s for a sign of life, so what
# stops traffic lasts less than that about as often as more.
NODE_KINDS = {"kill": (4, 0.0, 1.5), "restart": (2, 0.0, 0.5), "freeze": (4, 0.1, 2.5), "reload": (3, 0.0, 0.1),
              "peers": (3, 0.0, 1.0)}
LINK_KINDS = {"reset": (3, 0.0, 0.3), "delay": (3, 0.3, 2.0), "truncate": (3, 0.2, 1.0), "stall": (3, 0.2, 2.5),
              "fragment": (1, 0.5, 1.5), "refuse": (1, 0.2, 1.5)}
NETWORK_KINDS = {"partition": (6, 0.3, 4.0), "cut": (4, 0.3, 4.0)}


def schedule(seed, nodes, links, pairs=()):
    """Rounds without end. `pairs` ("a-b") are of nodes that can be cut from each other; with none there are no faults
    of the network itself."""
    random_ = random.Random(seed)
    kinds = {**{k: (nodes, *v) for k, v in NODE_KINDS.items()}, **{k: (links, *v) for k, v in LINK_KINDS.items()}}
    if pairs:
        kinds.update({"partition": (nodes, *NETWORK_KINDS["partition"]), "cut": (pairs, *NETWORK_KINDS["cut"])})
    names = list(kinds)
    weights = [kinds[k][1] for k in names]

    def fault(taken=None):
        while True:
            kind = random_.choices(names, weights)[0]
            targets, _, least, most = kinds[kind]
            made = Fault(kind, random_.choice(targets), random_.uniform(least, most), random_.randrange(1 << 32))
            if taken is None or not set(made.target.split("-")) & set(taken.target.split("-")):
                return made

    while True:
        first = fault()
        faults = (first, fault(first)) if random_.random() < 0.25 else (first,)
        yield Round(faults, random_.uniform(0.1, 1.0))
