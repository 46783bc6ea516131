#!/usr/bin/python3
"""`kvmesh sim` as a user has it."""

import os
import shutil
import subprocess
import tempfile
import unittest

KVMESH = os.environ["KVMESH_BIN"]
ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Command(unittest.TestCase):
    def test_prints_the_seed_first_and_then_a_report(self):
        done = run(KVMESH, "sim", "--seed", "7", "--nodes", "8", "--levels", "2", "--requests", "500")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "seed 7")
        self.assertIn("every promise was kept", lines)
        for word in ("asked", "answers", "latency", "hops", "in flight", "trace"):
            self.assertTrue(any(line.startswith(word) for line in lines), word)

    def test_a_seed_replays(self):
        def trace():
            done = run(KVMESH, "sim", "--seed", "11", "--faults", "many")
            self.assertEqual(done.returncode, 0, done.stdout)
            return [line for line in done.stdout.splitlines() if line.startswith("trace")]
        first = trace()
        self.assertEqual(len(first), 1)
        self.assertEqual(first, trace())

    def test_without_a_seed_one_is_chosen_and_told(self):
        seeds = {run(KVMESH, "sim", "--requests", "10").stdout.splitlines()[0] for _ in range(4)}
        self.assertGreater(len(seeds), 1)
        self.assertTrue(all(seed.startswith("seed ") for seed in seeds))

    def test_own_tables_and_own_faults(self):
        with tempfile.TemporaryDirectory() as folder:
            scenario = os.path.join(folder, "faults.txt")
            with open(scenario, "w", encoding="utf-8") as file:
                file.write("at 1s kill foo@localhost\nat 2s start foo@localhost\nat 3s partition bar@localhost *\nat 4s heal\n")
            done = run(KVMESH, "sim", os.path.join(ROOT, "config", "demo"), "--scenario", scenario, "--seed", "1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("4 faults", done.stdout)
        self.assertIn("unavailable", done.stdout)

    def test_says_what_is_wrong(self):
        done = run(KVMESH, "sim", "--faults", "few")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--faults: few not in {many,none,some}", done.stderr)
        done = run(KVMESH, "sim", "/no/such/file.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/no/such/file.toml", done.stderr)

    def test_says_where_the_program_should_be(self):
        with tempfile.TemporaryDirectory() as folder:
            alone = shutil.copy(KVMESH, folder)
            for command, program in (("sim", "kvmesh-sim"), ("bench", "kvmesh-load")):
                done = run(alone, command)
                self.assertEqual(done.returncode, 2)
                self.assertIn(os.path.join(folder, program), done.stderr)


if __name__ == "__main__":
    unittest.main()
