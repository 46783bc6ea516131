#!/usr/bin/python3
"""Measures kvmesh against what a user would pick instead, in alternating rounds of one run, and prints one table.

`./dev bench` builds everything and calls this. README.md in this folder explains the cases.
"""

import argparse
import os
import resource
import shutil
import signal
import sys
import time

import report
from cases import bucket_cases
from disk import file_system, state_parent
from durable_cases import durable_cases
from load import Plan
from model_cases import model_cases
from processes import Failed
from secure_cases import secure_cases
from secure_servers import SecureArena
from task_cases import task_cases

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NEEDED = ("redis-server", "nutcracker", "memcached", "nats-server", "stunnel4")


def arguments(cases):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("group", nargs="?", choices=sorted({case.group for case in cases}),
                        help="just the cases of this group; all without it")
    parser.add_argument("--quick", action="store_true", help="about four minutes, for a first look; full: about 35 minutes")
    parser.add_argument("--only", action="append", metavar="CASE", choices=[case.name for case in cases],
                        help="just this case (repeatable); --list names them")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    parser.add_argument("--rounds", type=int, help="rounds of each case (5; quick: 2)")
    parser.add_argument("--seconds", type=float, help="length of a measurement (3; quick: 0.4)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--svg", metavar="FILE", help="draw them there (needs gnuplot)")
    parser.add_argument("--disk", metavar="FOLDER", help="where nodes with a state_dir and Redis keep their files meanwhile "
                        "(a folder for temporary files that is not in memory)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), metavar="DIRECTORY",
                        help="where kvmesh-node and kvmesh-bench are (build/release)")
    return parser.parse_args()


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def run_case(arena, case, plan):
    outcome = report.Outcome(case)
    arena.keep_only(case.servers)
    case.prepare(arena, plan)
    rounds = min(plan.rounds, case.rounds_max or plan.rounds)
    for i in range(rounds):
        progress(f"{case.name}: round {i + 1} of {rounds}")
        outcome.rounds.append((case.ours(arena, plan), case.theirs(arena, plan)))
    return outcome


def find_binaries(build):
    binaries = {name: os.path.join(build, name) for name in ("kvmesh-node", "kvmesh-bench", "kvmesh")}
    for path in binaries.values():
        if not os.access(path, os.X_OK):
            raise Failed(f"there is no {path}; build it first, with ./dev build")
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise Failed("not installed: " + ", ".join(missing) + "; run ./dev deps bench")
    return binaries


def measure(options, cases, plan):
    facts = report.machine()
    if any(case.group == "durable" for case in cases):
        disk = state_parent(options.disk)
        facts["disk"] = f"{disk} ({file_system(disk) or 'unknown'})"
    binaries = find_binaries(os.path.abspath(options.build))
    report.print_machine(facts, plan)
    outcomes, failures = [], []
    arena = SecureArena(binaries, options.disk)
    try:
        for case in cases:
            try:
                outcomes.append(run_case(arena, case, plan))
            except Failed as failure:
                failures.append((case.name, str(failure)))
                arena.keep_only([])  # the next case begins with sound servers
    finally:
        progress("")
        arena.close()
    return facts, outcomes, failures


def main():
    cases = bucket_cases() + task_cases() + durable_cases() + model_cases() + secure_cases()
    options = arguments(cases)
    if options.list:
        for case in cases:
            print(f"{case.group:8} {case.name:17} {case.text}; against {case.peer}")
        return 0
    plan = Plan(options.rounds or (2 if options.quick else 5), options.seconds or (0.4 if options.quick else 3.0),
                options.quick)
    wanted = [case for case in cases if options.group in (None, case.group)]
    wanted = [case for case in wanted if not options.only or case.name in options.only]
    if not wanted:
        print(f"bench: {', '.join(options.only)}: not in the group {options.group}", file=sys.stderr)
        return 2
    # Ended by a signal as by an exception: everything that was started is stopped.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted_files = hard if hard != resource.RLIM_INFINITY else max(soft, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted_files, hard))
    began = time.monotonic()
    try:
        facts, outcomes, failures = measure(options, wanted, plan)
    except (Failed, OSError, ValueError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if outcomes:
        print(report.table(outcomes), flush=True)
    for name, text in failures:
        print(f"\nbench: {name} gave no figure: {text}", file=sys.stderr)
    if options.json:
        report.write_json(options.json, facts, plan, outcomes)
    if options.svg and outcomes:
        report.write_svg(options.svg, facts, outcomes)
    print(f"\nTook {time.monotonic() - began:.0f} s. tests/bench/README.md explains each case.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
