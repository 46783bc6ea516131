"""Reads the golden vectors of common/vectors/ (its README.md says how they are written)."""

import os

from harness import ROOT


def bytes_of(words):
    """`01 03 00*64` as bytes."""
    parts = []
    for word in words:
        byte, _, times = word.partition("*")
        parts.append(bytes.fromhex(byte) * int(times or 1))
    return b"".join(parts)


def vectors(name):
    """The vectors of one file: dictionaries of their lines, with "hex" as bytes."""
    found = []
    with open(os.path.join(ROOT, "common/vectors", name), encoding="utf-8") as file:
        for block in file.read().split("\n\n"):
            vector, words = {}, []
            for line in block.splitlines():
                key, _, rest = line.strip().partition(" ")
                if key == "hex":
                    words += rest.split()
                    vector["hex"] = b""
                elif key and not key.startswith("#"):
                    vector[key] = rest.strip()
            if "name" in vector:
                vector["hex"] = bytes_of(words)
                found.append(vector)
    return found
