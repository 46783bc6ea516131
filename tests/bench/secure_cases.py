"""What keys and rights cost: the same mesh with and without them. See cases.py, and README.md for what each case is."""

from cases import Versus


def secure_cases():
    cases = []
    for depth, target in ((1, 0.9), (16, 0.75), (64, 0.75)):
        cases.append(Versus(f"curve-{depth}", f"one hop between nodes with keys, depth {depth}", "secure_hops:1", "hops:1",
                            "the same without keys", "op/s", target, depth=depth))
    cases.append(Versus("rights-16", "one node that looks at the last of 16 rights of its client, depth 16", "secure_local", "local",
                        "the same without a security.toml", "op/s", 0.97, depth=16))
    for case in cases:
        case.group = "secure"
    return cases
