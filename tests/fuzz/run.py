#!/usr/bin/python3
"""Fuzzes: runs the targets of build/fuzz for a while each, as many side by side as there are processors.

    run.py [TARGET] [SECONDS]     default: all of them, 30 s each
           --keep                 then makes a small corpus of all that was found, and puts it into tests/fuzz/corpus

Prints a table, and for each finding the input's file and how to give it to its target again. Exit status 1 if there
is a finding. What a target has found stays in build/fuzz/found, and the next run begins with it.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
BUILD = os.path.join(ROOT, "build", "fuzz")
PREFIX = "kvmesh_fuzz_"
BYTES_MAX = 4096  # of an input
KEPT_FILES_MAX = 20  # of each target, and of what size
KEPT_BYTES_MAX = 1200
KEPT_NAME_LETTERS = 12
KEPT_NAME = f"[0-9a-f]{{{KEPT_NAME_LETTERS}}}"
SETTLE_SECONDS = 120  # beyond the time asked for, in which a target must have ended


def targets():
    with open(os.path.join(HERE, "CMakeLists.txt"), encoding="utf-8") as file:
        return sorted(re.findall(r"^kvmesh_fuzz\((\w+)", file.read(), re.MULTILINE))


def folder(*parts):
    path = os.path.join(BUILD, *parts)
    os.makedirs(path, exist_ok=True)
    return path


def program(target):
    return os.path.join(BUILD, PREFIX + target)


def options(target, bytes_max=BYTES_MAX):
    dictionary = os.path.join(HERE, target + ".dict")
    words = [f"-dict={dictionary}"] if os.path.exists(dictionary) else []
    return [f"-max_len={bytes_max}", "-timeout=10", "-rss_limit_mb=2048", *words]


def inputs(target):
    """Folders with what is there to begin with."""
    folders = (os.path.join(HERE, "corpus", target), os.path.join(folder("seeds"), target))
    return [path for path in folders if os.path.isdir(path)]


def fuzz(target, seconds):
    """Runs one target and returns its row of the table and, after a finding, what it printed."""
    findings = folder("findings")
    before = set(os.listdir(findings))
    command = [program(target), folder("found", target), *inputs(target), *options(target),
               f"-max_total_time={seconds}", "-print_final_stats=1", f"-artifact_prefix={findings}/{target}-"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                          timeout=seconds + SETTLE_SECONDS)
    said = done.stderr

    def last(pattern):
        found = re.findall(pattern, said)
        return int(found[-1]) if found else 0

    executed = last(r"stat::number_of_executed_units: *(\d+)")
    row = {"target": target, "executions": executed, "executions/s": last(r"stat::average_exec_per_sec: *(\d+)"),
           "edges": last(r"cov: (\d+)"), "inputs": last(r"corp: (\d+)"),
           "findings": 0}
    if done.returncode == 0 and executed > 0:
        return row, ""
    row["findings"] = 1
    fresh = sorted(name for name in set(os.listdir(findings)) - before if name.startswith(target + "-"))
    shown = os.path.relpath(program(target), ROOT)
    again = "".join(f"\nagain: {shown} {os.path.join(findings, name)}" for name in fresh)
    return row, f"{target}: exit status {done.returncode}\n" + "\n".join(said.splitlines()[-60:]) + again


def print_table(rows):
    columns = list(rows[0])
    cells = [columns] + [[f"{row[c]:,}" if isinstance(row[c], int) else row[c] for c in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        first, rest = line[0].ljust(widths[0]), (cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))
        print("  ".join([first, *rest]))


def keep(target):
    """Replaces the target's corpus by inputs that reach what all of them reach; those with names of their own stay."""
    sources = [folder("found", target), *inputs(target)]
    corpus = os.path.join(HERE, "corpus", target)
    with tempfile.TemporaryDirectory() as chosen:
        command = [program(target), "-set_cover_merge=1", "-use_counters=0", *options(target, KEPT_BYTES_MAX), chosen,
                   *sources]
        subprocess.run(command, capture_output=True, check=True)
        names = sorted(os.listdir(chosen), key=lambda name: -os.path.getsize(os.path.join(chosen, name)))
        os.makedirs(corpus, exist_ok=True)
        for name in os.listdir(corpus):
            if re.fullmatch(KEPT_NAME, name):
                os.remove(os.path.join(corpus, name))
        for name in names[:KEPT_FILES_MAX]:
            shutil.copyfile(os.path.join(chosen, name), os.path.join(corpus, name[:KEPT_NAME_LETTERS]))
    size = sum(os.path.getsize(os.path.join(corpus, name)) for name in os.listdir(corpus))
    print(f"{target}: kept {min(len(names), KEPT_FILES_MAX)} of {len(names)} inputs, {size} bytes")


def main():
    known = targets()
    parser = argparse.ArgumentParser(description="Fuzz kvmesh. Targets: " + ", ".join(known))
    parser.add_argument("target", nargs="?", default="all", choices=["all", *known], metavar="TARGET")
    parser.add_argument("seconds", nargs="?", type=int, default=30, metavar="SECONDS")
    parser.add_argument("--keep", action="store_true", help="put a small corpus of all that was found into the sources")
    asked = parser.parse_args()
    chosen = known if asked.target == "all" else [asked.target]
    subprocess.run([sys.executable, os.path.join(HERE, "seeds.py"), folder("seeds")], check=True)

    rows, reports = [], []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for row, report in pool.map(lambda target: fuzz(target, asked.seconds), chosen):
            rows.append(row)
            reports += [report] if report else []
    print_table(rows)
    for report in reports:
        print(f"\n{report}", file=sys.stderr)
    if asked.keep and not reports:
        for target in chosen:
            keep(target)
    return 1 if reports else 0


if __name__ == "__main__":
    sys.exit(main())
