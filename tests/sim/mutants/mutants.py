#!/usr/bin/python3
"""Puts faults into the core, one at a time, and checks that the simulation notices each.

    mutants.py BUILD [NAME...]     prints a line for each mutant of mutants.toml: which check caught it, with which seed

A mutant is a copy of one source file in BUILD/mutants, with one text replaced; it is compiled with the flags of that
build and linked into a kvmesh-sim of its own. The sources are not touched. Exit status 1 when one is not caught.
REQUIRES: BUILD has compile_commands.json and a kvmesh-sim that is up to date.
"""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
RUNS = 3000  # at most; each is a small mesh with many faults
SECONDS = 120
CORE = "node/core/core.cpp"  # what a mutant of a header is compiled into, unless it says `into`


def mutate(mutant):
    """The text of the mutated file."""
    with open(os.path.join(ROOT, mutant["file"]), encoding="utf-8") as file:
        text = file.read()
    count = text.count(mutant["from"].strip(" "))
    if count != 1:
        sys.exit(f"{mutant['name']}: its text stands {count} times in {mutant['file']}, not once; adapt mutants.toml:\n"
                 f"{mutant['from']}")
    return text.replace(mutant["from"].strip(" "), mutant["to"].strip(" "))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def unit_of(build, source):
    """The entry of compile_commands.json that compiles `source`: on its own, or with others of its part."""
    entries = json.loads(read(os.path.join(build, "compile_commands.json")))
    path = os.path.join(ROOT, source)
    for entry in entries:
        if entry["file"] == path:
            return entry
    for entry in entries:
        if os.path.basename(entry["file"]).startswith("unity_") and f'"{path}"' in read(entry["file"]):
            return entry
    sys.exit(f"{source} is not compiled in {build}")


def compile_command(entry):
    """The words of the command of such an entry, without its source and output."""
    words = shlex.split(entry["command"])
    del words[words.index("-o"):words.index("-o") + 2]
    # A mutant may well leave something unused. Without optimisation it is compiled faster.
    return [word for word in words if word not in ("-Werror", "-O2", "-c", entry["file"])] + ["-O0", "-w"]


def link_command(build, thing, program):
    """The words of the command that links kvmesh-sim, with `thing` in place of the archive's member of that name."""
    lines = subprocess.run(["ninja", "-C", build, "-t", "commands", "kvmesh_sim_binary"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    words = shlex.split(lines[-1])
    words = words[words.index("&&") + 1:] if words[0] == ":" else words
    if "&&" in words:
        words = words[:words.index("&&")]
    words[words.index("-o") + 1] = program
    first_archive = next(i for i, word in enumerate(words) if word.endswith(".a"))
    return words[:first_archive] + [thing] + words[first_archive:]


def build_mutant(build, mutant):
    """Compiles and links; returns the program."""
    folder = os.path.join(os.path.abspath(build), "mutants", mutant["name"])
    copy = os.path.join(folder, mutant["file"])
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(copy, "w", encoding="utf-8") as file:
        file.write(mutate(mutant))
    is_source = copy.endswith(".cpp")
    entry = unit_of(build, mutant["file"] if is_source else mutant.get("into", CORE))
    source = copy if is_source else entry["file"]
    if is_source and entry["file"] != os.path.join(ROOT, mutant["file"]):
        source = os.path.join(folder, "unity.cxx")
        with open(source, "w", encoding="utf-8") as file:
            file.write(read(entry["file"]).replace(f'"{os.path.join(ROOT, mutant["file"])}"', f'"{copy}"'))
    words = compile_command(entry)
    thing, program = os.path.join(folder, "mutated.o"), os.path.join(folder, "kvmesh-sim")
    first_include = next(i for i, word in enumerate(words) if word.startswith("-I"))
    words.insert(first_include, "-I" + folder)  # found before the real file of the same name
    subprocess.run(words + ["-c", source, "-o", thing], cwd=build, check=True)
    subprocess.run(link_command(build, thing, program), cwd=build, check=True)
    return program


def hunt(program):
    """How the simulation notices: (check, seed), or None."""
    done = subprocess.run([program, "--seed", "1", "--runs", str(RUNS), "--faults", "many", "--quiet", "--no-shrink"],
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    check = re.search(r"^BROKEN (\w+):", done.stdout, re.MULTILINE)
    seed = re.search(r"^seed (\d+) breaks", done.stdout, re.MULTILINE)
    if done.returncode == 1 and check and seed:
        return check.group(1), int(seed.group(1))
    if done.returncode != 0:
        print(f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return None


def main():
    build = os.path.abspath(sys.argv[1])
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutants.toml"), "rb") as file:
        mutants = tomllib.load(file)["mutant"]
    wanted = sys.argv[2:] or [mutant["name"] for mutant in mutants]
    unknown = set(wanted) - {mutant["name"] for mutant in mutants}
    if unknown:
        sys.exit(f"no such mutants: {', '.join(sorted(unknown))}")
    chosen = [mutant for mutant in mutants if mutant["name"] in wanted]
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for mutant, caught in zip(chosen, pool.map(lambda mutant: hunt(build_mutant(build, mutant)), chosen)):
            if caught:
                print(f"{mutant['name']:24} {caught[0]:16} seed {caught[1]}", flush=True)
            else:
                print(f"{mutant['name']:24} NOT CAUGHT: {mutant['what']}", flush=True)
                survivors.append(mutant["name"])
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
