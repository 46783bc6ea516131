#!/usr/bin/python3
"""Runs clang-tidy on our .cpp files in parallel, and only on those that changed since they last passed.

    tidy.py BUILD_DIR [FILE...]    BUILD_DIR holds compile_commands.json; without FILE: all of the project's files.
    tidy.py BUILD_DIR --units      those of common/, node/ and client/, in the units of a unity build: in a fifth of the time,
                                   as headers are read once a unit. What looks at main files alone (unused `using`)
                                   finds nothing then, and names that only meet in a unit are not said to shadow.

A file that passed is remembered in BUILD_DIR/tidy/ by a hash of everything that decides the result: its text, that of
every header of ours it reaches, its compile command, our options, .clang-tidy and the version of clang-tidy.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time

from sources import code_lines, includes, project_files, read_text, resolve

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def reached(path, seen):
    """Adds to `seen` the file and every file of ours that it includes, however indirectly."""
    if path in seen or not os.path.isfile(os.path.join(ROOT, path)):
        return
    seen.add(path)
    for _, quoted, name in includes(code_lines(read_text(ROOT, path))):
        target = resolve(ROOT, path, quoted, name)
        if target:
            reached(target, seen)


def fingerprint(path, command, common):
    seen = set()
    reached(path, seen)
    digest = hashlib.sha256(common + command.encode() + "\0".join(options_of(path)).encode())
    for name in sorted(seen):
        digest.update(f"\0{name}\0{read_text(ROOT, name)}".encode())
    return digest.hexdigest()


UNIT_OPTIONS = ["--checks=-bugprone-suspicious-include", "--extra-arg=-Wno-shadow",
                r"--header-filter=(common|node|client|tests|examples)/.*\.(h|cpp)$"]


def is_unit(path):
    return path.endswith("_cxx.cxx")


def options_of(path):
    return UNIT_OPTIONS if is_unit(path) else []


def tidy(build, path, passed):
    """Checks one file or unit and returns (path, seconds, output when it failed)."""
    began = time.monotonic()
    command = ["clang-tidy", "--quiet", "-p", build, *options_of(path), path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        with open(passed, "w", encoding="utf-8"):
            pass
        return path, time.monotonic() - began, None
    return path, time.monotonic() - began, done.stdout.strip() or done.stderr.strip() or "clang-tidy failed silently"


def unseen(output, seen):
    """The findings in `output` that are not in `seen` yet: a header's come up with every file that includes it."""
    findings = re.split(r"^(?=\S+:\d+:\d+: (?:error|warning): )", output.replace(ROOT + "/", ""), flags=re.MULTILINE)
    fresh = [f for f in findings if f.strip() and f not in seen]
    seen.update(fresh)
    return "".join(f if f.endswith("\n") else f + "\n" for f in fresh)


def main():
    build = os.path.abspath(sys.argv[1])
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    commands = {os.path.relpath(e["file"], ROOT): e.get("command", "") for e in entries}
    if sys.argv[2:] == ["--units"]:
        products = tuple(os.path.join(os.path.relpath(build, ROOT), folder, "") for folder in ("common", "node", "client"))
        wanted = sorted(path for path in commands if is_unit(path) and path.startswith(products))
    else:
        wanted = [os.path.relpath(p, ROOT) for p in sys.argv[2:]] or [p for p in project_files(ROOT) if p.endswith(".cpp")]
    paths = [p for p in wanted if p in commands]

    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    common = version + read_text(ROOT, ".clang-tidy").encode()
    cache = os.path.join(build, "tidy")
    os.makedirs(cache, exist_ok=True)
    marks = {p: os.path.join(cache, fingerprint(p, commands[p], common)) for p in paths}
    todo = [p for p in paths if not os.path.exists(marks[p])]

    failed, seen = 0, set()
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = [pool.submit(tidy, build, p, marks[p]) for p in todo]
        for number, run in enumerate(concurrent.futures.as_completed(runs), 1):
            path, seconds, output = run.result()
            print(f"  [{number}/{len(todo)}] {path} {seconds:.1f} s{'  FAILED' if output else ''}", flush=True)
            if output:
                failed += 1
                print(unseen(output, seen), end="", flush=True)
    print(f"clang-tidy: {len(paths)} files, {len(paths) - len(todo)} unchanged since they passed, {failed} failed")
    if not paths:
        print(f"  nothing was checked: {os.path.relpath(build, ROOT)} compiles none of these files in this way")
        return 1
    for path in set(wanted) - set(paths):
        print(f"  not compiled in {os.path.relpath(build, ROOT)}, so not checked: {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
