#!/usr/bin/python3
"""Measures how latency, hops and requests in flight grow with the mesh, and makes the table and plot of README.md.

    measure.py KVMESH_SIM      prints the table; writes growth.dat and growth.svg beside itself. Needs gnuplot.
"""

import os
import re
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
MESHES = [(3, 1), (10, 1), (30, 2), (100, 2), (300, 3), (1000, 3), (3000, 4), (10000, 4), (10000, 5)]
REQUESTS = 1000000


def measure(program, nodes, levels):
    # Twenty seconds of the mesh for all, so that the load is the same.
    text = subprocess.run([program, "--seed", "1", "--nodes", str(nodes), "--levels", str(levels), "--faults", "none",
                           "--requests", str(REQUESTS), "--duration", "20s"],
                          capture_output=True, text=True, check=True).stdout
    p50, p99 = re.search(r"p50 ([\d.]+) ms.* p99 ([\d.]+) ms", text).groups()
    mean, most = re.search(r"hops +([\d.]+) on average, (\d+)", text).groups()
    flight, one = re.search(r"in flight +(\d+) at most, (\d+)", text).groups()
    seconds, memory = re.search(r"\(([\d.]+) s and (\d+) MiB", text).groups()
    return [nodes, levels, p50, p99, mean, most, flight, one, seconds, memory]


def main():
    rows = [measure(sys.argv[1], nodes, levels) for nodes, levels in MESHES]
    with open(os.path.join(FOLDER, "growth.dat"), "w", encoding="utf-8") as file:
        file.write("# nodes levels p50_ms p99_ms hops_mean hops_max in_flight in_flight_one_node seconds MiB\n")
        for row in rows:
            file.write(" ".join(map(str, row)) + "\n")
    print("| nodes | levels | p50 ms | p99 ms | hops, mean | hops, most | in flight, all | in flight, one node | s | MiB |")
    print("|" + "---:|" * 10)
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    subprocess.run(["gnuplot", "growth.gnuplot"], cwd=FOLDER, check=True)


if __name__ == "__main__":
    main()
