#!/usr/bin/python3
"""Checks that the man pages and the bash completions know every option and command that the programs have, and no other.

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
    block = text.split("Subcommands:\n", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"^  ([a-z]+)\s", block, re.MULTILINE))


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


def check_command(root, program, handed_over):
    everything, _ = output(program, "--help-all")
    summary, _ = output(program, "--help")
    options, commands = options_of_help(everything), commands_of_help(summary)
    if len(options) < 10 or len(commands) < 10:
        yield f"{program}: found only {sorted(options)} and {sorted(commands)}; this check does not understand its help"
        return
    for other in handed_over:
        options |= options_of_help(output(other, "--help")[0])
    page, warnings = man_page(root, "client/man/kvmesh.1")
    yield from warnings
    yield from compare("kvmesh.1", options, set(OPTION.findall(page)))
    described = set(re.findall(r"^\.It Ic ([a-z]+)", read(root, "client/man/kvmesh.1"), re.MULTILINE))
    yield from compare("kvmesh.1", commands, described)
    completion = read(root, "client/completion/kvmesh.bash")
    yield from compare("kvmesh.bash", options, completion_options(completion))
    yield from compare("kvmesh.bash", commands, set(re.search(r"local commands='([^']*)'", completion).group(1).split()))
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
    root, kvmesh, kvmesh_node, *handed_over = sys.argv[1:]
    faults = [*check_command(root, kvmesh, handed_over), *check_node(root, kvmesh_node)]
    for fault in faults:
        print(fault)
    print(f"command-line documents: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
