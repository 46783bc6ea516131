#!/usr/bin/python3
"""Checks that the man pages know every command, argument and option that the programs have, and no other: each command in the
group in which help lists it, and what it takes in its own entry.

    check_cli_docs.py ROOT KVMESH KVMESH_NODE KVMESH_SIM KVMESH_LOAD      prints what is wrong; exit status 1 if anything is.
"""

import os
import re
import subprocess
import sys

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
EXIT_STATUS_BASE = 10


def output(*command):
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "400", "TERM": "dumb"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout, done.stderr


def options_of_help(text):
    """The options that a program declares: those at the beginning of an indented line, up to the description."""
    found = set()
    for line in text.splitlines():
        if re.match(r"\s+-", line):
            found.update(OPTION.findall(re.split(r"\s{2,}", line.strip())[0].replace("{false}", "")))
    return found


def commands_of_help(text):
    """Of --help-all: the groups of commands, in order; of each its commands with their arguments and options."""
    groups = {}
    for block in re.split(r"\n(?=[A-Z][\w ]+:\n[a-z]+\n)", text)[1:]:
        title, rest = block.split(":\n", 1)
        groups[title] = {}
        for part in re.split(r"^(?=[a-z]+$)", rest, flags=re.MULTILINE)[1:]:
            arguments = part.split("  Positionals:\n", 1)[1] if "  Positionals:\n" in part else ""
            arguments = arguments.split("  Options:\n", 1)[0]
            groups[title][part.split("\n", 1)[0]] = (re.findall(r"^    ([A-Z_]+)\b", arguments, re.MULTILINE), options_of_help(part))
    return groups


def commands_of_page(source):
    """The same of the manual's source: of each command what is written of it."""
    groups = {}
    for block in source.split(".Sh SHELL", 1)[0].split("\n.Ss ")[1:]:
        title, rest = block.split("\n", 1)
        groups[title] = {}
        for name, text in re.findall(r"^\.It Ic ([a-z]+)(.*?)(?=^\.It Ic|\Z)", rest, re.MULTILINE | re.DOTALL):
            groups[title][name] = groups[title].get(name, "") + text
    return groups


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def compare(what, of_program, of_text):
    """Both ways: what is missing, and what the program does not have."""
    for name in sorted(of_program - of_text):
        yield f"{what}: {name} is missing"
    for name in sorted(of_text - of_program):
        yield f"{what}: {name} is not known to the program"


def man_page(root, path):
    """The page as text, and a fault for every warning of the formatter."""
    text, warnings = output("man", "--warnings", "-l", os.path.join(root, path))
    return re.sub(".\x08", "", text), [f"{path}: {line}" for line in warnings.splitlines()]


def completion_options(text):
    return set(OPTION.findall(re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)))


def check_groups(of_program, of_page):
    for what, program, page in [("groups", of_program, of_page)] + [
            (group, commands, of_page.get(group, {})) for group, commands in of_program.items()]:
        if list(program) != list(page):
            yield f"kvmesh.1: {what}: kvmesh --help lists {', '.join(program)}; the page {', '.join(page) or 'nothing'}"


def check_one_command(name, arguments, options, text):
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"\bAr ([^A-Z\n]*)", text))))
    for argument in arguments:
        if argument.rsplit("_", 1)[-1].lower().removesuffix("s") not in words:
            yield f"kvmesh.1: {name}: the argument {argument} is missing"
    yield from compare(f"kvmesh.1: {name}", options, {f"-{option}" for option in re.findall(r"\bFl (-[a-z-]+)", text)} & options)


def check_command(root, program, handed_over):
    everything, _ = output(program, "--help-all")
    common = options_of_help(everything.split("\n\n", 2)[1])
    groups = commands_of_help(everything)
    for name, other in handed_over.items():
        commands = next((commands for commands in groups.values() if name in commands), {})
        commands[name] = (["CONFIG"] if name == "sim" else [], options_of_help(output(other, "--help")[0]) - common)
    if len(common) < 5 or sum(map(len, groups.values())) < 20:
        yield f"{program}: found only {sorted(common)} and {groups}; this check does not understand its help"
        return
    page, warnings = man_page(root, "client/man/kvmesh.1")
    yield from warnings
    described = commands_of_page(read(root, "client/man/kvmesh.1"))
    yield from check_groups(groups, described)
    every = set(common)
    for group, commands in groups.items():
        for name, (arguments, options) in commands.items():
            every |= options
            yield from check_one_command(name, arguments, options, described.get(group, {}).get(name, ""))
    yield from compare("kvmesh.1", every, set(OPTION.findall(page)))
    yield from check_exit_status(root, page)


def check_exit_status(root, page):
    codes = re.findall(r"^  k(\w+) = (\d+),", read(root, "common/kvmesh/status.h"), re.MULTILINE)
    if len(codes) < 10:
        yield "common/kvmesh/status.h: found no codes; this check does not understand the file"
    for name, number in codes:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        if snake != "ok" and not re.search(rf"^\s+{EXIT_STATUS_BASE + int(number)}\s+{snake}:", page, re.MULTILINE):
            yield f"kvmesh.1: exit status {EXIT_STATUS_BASE + int(number)} ({snake}) is missing"


def check_node(root, program):
    options = options_of_help(output(program, "--help")[0])
    if len(options) < 4:
        yield f"{program}: found only {sorted(options)}; this check does not understand its help"
        return
    page, warnings = man_page(root, "node/man/kvmesh-node.8")
    yield from warnings
    yield from compare("kvmesh-node.8", options, set(OPTION.findall(page)))
    completion = read(root, "client/completion/kvmesh-node.bash")
    yield from compare("kvmesh-node.bash", options, completion_options(completion))
    keys = set(re.findall(r"^\| `([a-z_.]+)` \|", read(root, "config/README.md"), re.MULTILINE))
    yield from compare("kvmesh-node.bash", keys, set(re.findall(r"([a-z_.]+)=(?=[\s'])", completion)) - {"keys"})
    listed = page.split("The keys are", 1)[1].split("config/README.md", 1)[0]
    yield from compare("kvmesh-node.8", keys, set(re.findall(r"[a-z_]+(?:\.[a-z_]+)*", listed)) - {"and"})


def main():
    root, kvmesh, kvmesh_node, kvmesh_sim, kvmesh_load = sys.argv[1:]
    faults = [*check_command(root, kvmesh, {"sim": kvmesh_sim, "bench": kvmesh_load}), *check_node(root, kvmesh_node)]
    for fault in faults:
        print(fault)
    print(f"command-line documents: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
