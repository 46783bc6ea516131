#!/usr/bin/python3
"""Says which lines and branches the tests of a coverage build have reached, and writes pages that show them.

    coverage.py BUILD_DIR      after the tests; pages: BUILD_DIR/html/index.html

Only common/ and node/core/ are held to a share of lines: everything passes through them, and all of it can be tested
without sockets. Exit status 1 when one of them is below it.
"""

import json
import os
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
FOLDERS = ("common", "common/config", "common/kvmesh", "common/remote", "common/transport", "client/verify", "common/wire",
           "node/core")
HELD = ("common", "node/core")
LINES_MIN = 0.95


def measure(build):
    """Everything that gcovr knows, by file."""
    pages = os.path.join(build, "html")
    os.makedirs(pages, exist_ok=True)
    trace = os.path.join(build, "coverage.json")
    command = ["gcovr", "--root", ROOT, "--filter", "common/", "--filter", "node/", "--filter", "client/",
               "--exclude-throw-branches", "--exclude-unreachable-branches"]
    subprocess.run([*command, "--json", trace, build], check=True)
    page = os.path.join(pages, "index.html")
    subprocess.run([*command, "--add-tracefile", trace, "--html-details", page], check=True)
    with open(trace, encoding="utf-8") as file:
        return {entry["file"]: entry["lines"] for entry in json.load(file)["files"]}


def counts(lines):
    """(lines, lines reached, branches, branches reached)"""
    code = [line for line in lines if not line["gcovr/noncode"]]
    branches = [branch for line in code for branch in line["branches"]]
    reached = [sum(part["count"] > 0 for part in parts) for parts in (code, branches)]
    return len(code), reached[0], len(branches), reached[1]


def total(rows):
    return tuple(sum(column) for column in zip(*rows)) or (0, 0, 0, 0)


def share(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "    - "


def missed(lines):
    """"12-14, 20": the lines that nothing has reached."""
    runs, code = [], [line for line in lines if not line["gcovr/noncode"]]
    for before, line in zip([None, *code], code):
        if line["count"] > 0:
            continue
        if before is not None and before["count"] == 0 and runs:
            runs[-1][1] = line["line_number"]
        else:
            runs.append([line["line_number"], line["line_number"]])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def main():
    files = measure(os.path.abspath(sys.argv[1]))
    print(f"{'':20}   lines  reached          branches  reached")
    sums = {}
    for folder in FOLDERS:
        sums[folder] = total(counts(lines) for path, lines in files.items() if path.startswith(folder + "/"))
    sums["all that they link"] = total(counts(lines) for lines in files.values())
    for name, (lines, reached, branches, taken) in sums.items():
        row = f"{name:20} {lines:7}  {reached:7}  {share(reached, lines)}"
        print(f"{row} {branches:8}  {taken:7}  {share(taken, branches)}")

    print("\nLines of common/ and node/core/ that nothing reaches:")
    for path, lines in sorted(files.items()):
        if path.startswith(tuple(folder + "/" for folder in HELD)) and missed(lines):
            print(f"  {path}: {missed(lines)}")
    print(f"\nPages: {os.path.relpath(os.path.join(sys.argv[1], 'html', 'index.html'), ROOT)}")
    below = [folder for folder in HELD if sums[folder][1] < LINES_MIN * sums[folder][0]]
    for folder in below:
        print(f"{folder}/ is below {100 * LINES_MIN:.0f} % of lines", file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
