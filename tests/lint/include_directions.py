#!/usr/bin/python3
"""Checks that includes point one way, that the core stays pure and that no file outgrows its subject.

    include_directions.py [ROOT]      prints FILE:LINE: what is wrong; what to do. Exit status 1 if anything is.
"""

import os
import re
import sys

from sources import INCLUDE_ROOTS, code_lines, includes, project_files, read_text, resolve

LINES_MAX = 400

# What each part may include besides itself. A file belongs to the part with the longest matching folder.
MAY_INCLUDE = {
    "common": ["common/config"],  # one layer in two folders: values, and how they are read from files
    "common/config": ["common"],
    "common/security": ["common", "common/config"],
    "common/remote": ["common", "common/config"],
    "common/transport": ["common", "common/config", "common/security"],
    "node/core": ["common", "common/config", "common/security"],
    "node/store": ["common", "common/config", "node/journal"],
    "node/journal": ["common", "common/config"],
    "node/durable": ["common", "common/config", "node/store", "node/journal"],
    "node/modules": ["common", "common/config", "common/security", "common/remote", "node/core", "node/store",
                     "node/tasks"],
    "node/tasks": ["common", "common/config", "common/security", "common/remote", "node/core"],
    "node/mesh": ["common", "common/config", "common/security", "common/transport", "node/core"],
    "node/tls": ["common", "common/config", "common/security"],
    "node/stream": ["common", "common/config", "common/security", "node/core", "node/tls"],
    "node/line": ["common", "common/config", "common/security", "node/core", "node/stream"],
    "node/sim": ["common", "common/config", "node/core", "node/store", "node/journal", "node/durable", "node/modules"],
    "node": ["common", "common/config", "common/security", "common/remote", "common/transport", "node/core", "node/store", "node/modules",
             "node/tasks", "node/mesh", "node/tls", "node/stream", "node/line", "node/journal", "node/durable"],
    "client": ["common", "common/config", "common/security", "common/remote", "common/transport", "client/verify"],
    "client/verify": ["common", "common/config", "common/security"],
}
FREE = ("tests",)  # may include anything

PURE = ("common", "common/config", "client/verify", "node/core")  # deterministic: no I/O, no threads, time only as an argument
IMPURE_HEADER = re.compile(r"^(zmq.*|asio(\.hpp|/.*)|thread|mutex|shared_mutex|condition_variable|future|random|fstream)$")
IMPURE_ALLOWED = {"common/config": {"fstream"}}
# Names that a header right below an include root may not have: it would hide the system's <time.h> from everybody.
SYSTEM_HEADERS = frozenset(
    f"{name}.h" for name in ("alloca assert complex ctype dirent dlfcn endian errno fcntl features fenv float getopt glob "
                             "grp inttypes iso646 limits link locale malloc math memory netdb paths poll pthread pwd "
                             "regex sched search semaphore setjmp signal spawn stdalign stdarg stdatomic stdbool stddef "
                             "stdint stdio stdlib stdnoreturn string strings syslog termios tgmath threads time uchar "
                             "unistd utime values wait wchar wctype zmq zmq_utils").split())
CLOCK_CALL = re.compile(r"\b(steady_clock|system_clock|high_resolution_clock)\s*::\s*now\b")
# A name of a function of nodes, as a literal. The only place for it:
FUNCTIONS = "common/functions.h"
FUNCTION_IN_TABLE = re.compile(r'\{\s*"((?:kv|node|task|process|server)\.[a-z_]+)"')
LIBRARY_IN_PUBLIC = re.compile(r"^(zmq|msgpack|spdlog|asio|absl|toml\+\+|nlohmann|CLI)\b")


def part_of(path):
    folder = os.path.dirname(path)
    while folder:
        if folder in MAY_INCLUDE or folder in FREE or folder == "examples":
            return folder
        folder = os.path.dirname(folder)
    return None


def is_public(path):
    return "/kvmesh/" in path and path.endswith(".h") and part_of(path) in ("common", "client", "node")


def function_names(root):
    """The names of the functions of nodes, as the table has them; none in a tree without it."""
    if not os.path.exists(os.path.join(root, FUNCTIONS)):
        return frozenset()
    return frozenset(FUNCTION_IN_TABLE.findall("\n".join(code_lines(read_text(root, FUNCTIONS)))))


def direction_fault(path, target, name):
    """Why `path` may not include the project file `target`, or None."""
    part, other = part_of(path), part_of(target)
    if part in FREE or part is None:
        return None
    if part == "examples":
        if other == "examples" or is_public(target):
            return None
        return f"an example includes {name}; use public headers only, <kvmesh/...>"
    if other is None or other == part or other in MAY_INCLUDE[part]:
        if is_public(path) and not is_public(target):
            return f"a public header includes {name}, which is not installed; forward-declare it or make it public"
        return None
    allowed = ", ".join(folder + "/" for folder in MAY_INCLUDE[part])
    return (f"{part}/ may not include {other}/ ({name}), only {allowed}; move what both need down a layer, "
            "or pass it in through an interface")


def file_faults(root, path, graph, functions=frozenset()):
    """Faults of one file as (line, text); records in `graph` which project files it includes."""
    lines = code_lines(read_text(root, path))
    if len(lines) - 1 > LINES_MAX:
        yield len(lines) - 1, f"{len(lines) - 1} lines, more than {LINES_MAX}; it has more than one subject: split it"
    if not path.endswith((".h", ".cpp")):
        return
    part = part_of(path)
    if os.path.dirname(path) in INCLUDE_ROOTS and os.path.basename(path) in SYSTEM_HEADERS:
        yield 1, f"hides the system's <{os.path.basename(path)}>, as this folder is on the include path; rename it"
    for number, quoted, name in includes(lines):
        target = resolve(root, path, quoted, name)
        if target is not None:
            graph.setdefault(path, []).append((number, target))
            fault = direction_fault(path, target, name)
            if fault:
                yield number, fault
        elif part in PURE and IMPURE_HEADER.match(name) and name not in IMPURE_ALLOWED.get(part, ()):
            yield number, f"{part}/ is pure and may not include <{name}>; do this in a shell (node/mesh, node/stream, ...)"
        elif is_public(path) and LIBRARY_IN_PUBLIC.match(name):
            yield number, f"a public header includes <{name}>; keep the library behind the implementation"
    if part not in FREE and part != "examples" and path != FUNCTIONS:
        for number, line in enumerate(lines, 1):
            for name in functions.intersection(re.findall(r'"([a-z]+\.[a-z_]+)["\s]', line)):
                yield number, f'"{name}" is written down; take it from {FUNCTIONS}'
    if part in PURE:
        for number, line in enumerate(lines, 1):
            if CLOCK_CALL.search(line):
                yield number, f"{part}/ is pure and may not read a clock; take the time as an argument"


def cycles(graph):
    """Every include cycle once, as the list of its files, the smallest name first."""
    found, done = set(), set()

    def visit(path, trail):
        if path in trail:
            ring = trail[trail.index(path):]
            first = ring.index(min(ring))
            found.add(tuple(ring[first:] + ring[:first]))
        elif path not in done:
            for _, target in graph.get(path, []):
                visit(target, trail + [path])
            done.add(path)

    for path in sorted(graph):
        visit(path, [])
    return sorted(found)


def faults(root):
    """All faults of the tree as (path, line, text), in order."""
    graph, result = {}, []
    functions = function_names(root)
    for path in project_files(root):
        if path.endswith((".h", ".cpp", ".py")):
            result += [(path, line, text) for line, text in file_faults(root, path, graph, functions)]
    for ring in cycles(graph):
        line = next(number for number, target in graph[ring[0]] if target == (ring + ring[:1])[1])
        way = " -> ".join(ring + ring[:1])
        result.append((ring[0], line, f"include cycle: {way}; forward-declare, or move what both need into a third file"))
    return sorted(result)


def main():
    root = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")
    found = faults(os.path.normpath(root))
    for path, line, text in found:
        print(f"{path}:{line}: {text}")
    checked = sum(path.endswith((".h", ".cpp")) for path in project_files(root))
    print(f"include directions: {checked} files, {len(found)} faults")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
