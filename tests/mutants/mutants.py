#!/usr/bin/python3
"""Puts faults into the shells, one at a time, and checks that the suite notices each.

    mutants.py BUILD                    all of them, however long it takes
    mutants.py BUILD NAME...            these
    mutants.py BUILD --sample SECONDS   some, drawn by a seed that is printed; KVMESH_TEST_SEED draws them again

A mutant is a copy of one source file, in which one text is replaced (mutants.toml). The copy is compiled with the flags
of the build and linked into a program of its own: the unit tests that are named for it, or a node for a test in Python.
The sources are not touched. It is caught when one of its tests fails; a test that only hangs says nothing, and does not
count. Exit status 1 when one is not caught, and when its text does not stand in its file exactly once.
REQUIRES: BUILD has compile_commands.json, and what is linked is up to date.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
TEST_SECONDS = 60
KEYS = {"name", "what", "file", "from", "to", "program", "tests"}


def read_mutants():
    """All of mutants.toml, each checked against its file: the code moves on, and a mutant that no longer fits is none."""
    with open(os.path.join(HERE, "mutants.toml"), "rb") as file:
        mutants = tomllib.load(file)["mutant"]
    faults = []
    names = set()
    for mutant in mutants:
        if set(mutant) - {"into"} != KEYS:
            faults.append(f"{mutant.get('name')}: has the keys {sorted(mutant)}, not {sorted(KEYS)}")
            continue
        if mutant["name"] in names:
            faults.append(f"{mutant['name']}: there are two of this name")
        names.add(mutant["name"])
        count = text_of(mutant["file"]).count(mutant["from"])
        if count != 1:
            faults.append(f"{mutant['name']}: its text stands {count} times in {mutant['file']}, not once; adapt "
                          f"mutants.toml:\n{mutant['from']}")
    if faults:
        sys.exit("\n".join(faults))
    return mutants


def text_of(source):
    """The text of a source file; "" when there is none."""
    path = os.path.join(ROOT, source)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


class Build:
    """What is known of a build folder."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        with open(os.path.join(self.folder, "compile_commands.json"), encoding="utf-8") as file:
            self.entries = {entry["file"]: entry for entry in json.load(file)}
        self.links = {}

    def unit_of(self, source):
        """The file that is compiled for `source`: itself, or one that includes it together with others (unity build)."""
        path = os.path.join(ROOT, source)
        if path in self.entries:
            return path
        for unit in self.entries:
            if not unit.endswith("_cxx.cxx"):
                continue
            with open(unit, encoding="utf-8") as file:
                if f'#include "{path}"' in file.read():
                    return unit
        sys.exit(f"{source} is compiled by nothing in {self.folder}")

    def compile_words(self, unit):
        """The words of the command that compiles `unit`, without its output and input."""
        words = shlex.split(self.entries[unit]["command"])
        del words[words.index("-o"):words.index("-o") + 2]
        # A mutant may well leave something unused. Without optimisation it is compiled faster.
        return [word for word in words if word not in ("-Werror", "-O2", "-O3", "-c", unit)] + ["-O0", "-w"]

    def link_words(self, target):
        """The words of the command that links `target`."""
        if target not in self.links:
            lines = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", target], capture_output=True,
                                   text=True, check=True).stdout.splitlines()
            line = next(line for line in reversed(lines) if " -o " in line and ".o" in line)
            parts = [shlex.split(part) for part in line.split("&&")]
            self.links[target] = next(words for words in parts if "-o" in words)
        return list(self.links[target])


def build_mutant(build, mutant, folder):
    """Compiles and links; returns the program."""
    copy = os.path.join(folder, mutant["file"])
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text_of(mutant["file"]).replace(mutant["from"], mutant["to"]))
    compiled = mutant.get("into", mutant["file"])
    unit = build.unit_of(compiled)
    source = unit if compiled != mutant["file"] else copy
    if unit.endswith("_cxx.cxx") and compiled == mutant["file"]:
        source = os.path.join(folder, "unit.cpp")
        with open(unit, encoding="utf-8") as file, open(source, "w", encoding="utf-8") as changed:
            changed.write(file.read().replace(f'"{os.path.join(ROOT, compiled)}"', f'"{copy}"'))
    words = build.compile_words(unit)
    first_include = next(i for i, word in enumerate(words) if word.startswith(("-I", "-isystem")))
    words.insert(first_include, "-I" + folder)  # a changed header is found before the real one
    thing, program = os.path.join(folder, "mutated.o"), os.path.join(folder, mutant["program"])
    run(words + ["-c", source, "-o", thing], build.folder)
    words = build.link_words(mutant["program"])
    words[words.index("-o") + 1] = program
    # Ahead of the archives, whose member of the same content is then not taken.
    first_archive = next(i for i, word in enumerate(words) if word.endswith(".a"))
    run(words[:first_archive] + [thing] + words[first_archive:], build.folder)
    return program


def run(words, folder):
    """Runs a compiler; what it says is the error."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"it cannot be built:\n{done.stderr[:2000]}")


def first_words(text, pattern):
    """What the pattern's group finds first, in one line; or ""."""
    found = re.search(pattern, text, re.MULTILINE)
    return " ".join(found.group(1).split()) if found else ""


def hunt_in_units(program, mutant):
    """(caught, which test noticed and how): by the unit tests."""
    done = subprocess.run([program, "--gtest_filter=" + mutant["tests"], "--gtest_brief=0"], capture_output=True,
                          text=True, errors="replace", timeout=TEST_SECONDS, check=False)
    if not re.search(r"Running [1-9]\d* test", done.stdout):
        raise RuntimeError(f"there is no test {mutant['tests']} in {mutant['program']}")
    failed = first_words(done.stdout, r"^\[  FAILED  \] ([\w/]+\.[\w/]+)")
    if failed:
        return True, failed
    if done.returncode == 0:
        return False, ""
    begun = re.findall(r"^\[ RUN      \] (\S+)", done.stdout, re.MULTILINE)
    return True, f"{begun[-1] if begun else 'before any test'} (the program died: {done.returncode})"


def hunt_in_python(program, mutant):
    """The same, by a test in Python with this node."""
    environment = dict(os.environ, KVMESH_NODE_BIN=program)
    file, *names = mutant["tests"].split()
    done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, file), *names], capture_output=True, text=True,
                          errors="replace", timeout=TEST_SECONDS, env=environment, check=False)
    if not re.search(r"^Ran [1-9]\d* test", done.stderr, re.MULTILINE):
        raise RuntimeError(f"no test ran:\n{done.stderr[-2000:]}")
    return done.returncode != 0, first_words(done.stderr, r"^(?:FAIL|ERROR): (\w+)")


def try_mutant(build, mutant):
    """Returns whether it was caught, and the line to print."""
    folder = os.path.join(build.folder, "shell_mutants", mutant["name"])
    shutil.rmtree(folder, ignore_errors=True)
    try:
        program = build_mutant(build, mutant, folder)
        hunt = hunt_in_python if mutant["tests"].startswith("tests/") else hunt_in_units
        caught, how = hunt(program, mutant)
    except subprocess.TimeoutExpired:
        caught, how = False, f"its tests hang: more than {TEST_SECONDS} s"
    except RuntimeError as error:
        caught, how = False, str(error)
    if caught:
        shutil.rmtree(folder)
        return True, f"{mutant['name']:32} {how}"
    return False, f"{mutant['name']:32} NOT CAUGHT: {mutant['what']} ({mutant['file']}; {how or 'all its tests pass'})"


def choose(mutants, options):
    """The mutants to try, in their order."""
    if options.names:
        unknown = set(options.names) - {mutant["name"] for mutant in mutants}
        if unknown:
            sys.exit(f"no such mutants: {', '.join(sorted(unknown))}")
        return [mutant for mutant in mutants if mutant["name"] in options.names]
    if options.sample:
        seed = os.environ.get("KVMESH_TEST_SEED") or str(random.SystemRandom().randrange(2**32))
        print(f"KVMESH_TEST_SEED={seed}", flush=True)
        random.Random(int(seed)).shuffle(mutants)
    return mutants


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--sample", type=float, metavar="SECONDS", help="begin no more after this time")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    chosen = choose(read_mutants(), options)
    build = Build(options.build)
    until = time.monotonic() + options.sample if options.sample else float("inf")
    survivors, tried = [], 0

    def attempt(mutant):
        return (mutant, *try_mutant(build, mutant)) if time.monotonic() < until else None

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(attempt, chosen):
            if result is None:
                continue
            mutant, caught, line = result
            tried += 1
            print(line, flush=True)
            if not caught:
                survivors.append(mutant["name"])
    print(f"{tried} of {len(chosen)} mutants tried, {len(survivors)} not caught")
    if survivors:
        print(f"again: {os.path.relpath(__file__)} {options.build} {' '.join(survivors)}")
    return 1 if survivors or tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
