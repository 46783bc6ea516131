#!/usr/bin/python3
"""A failing run is made small, and what is printed fails again: as a scenario with the same core, as a story that plays."""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutants  # noqa: E402

BUILD = os.environ["KVMESH_TEST_BUILD"]
SCENARIOS = os.environ["KVMESH_SCENARIOS_BIN"]
# A mesh whose bucket names a story can write.
MESH = """
node gate@h foo@h bar@h
node foo@h stores bar@h
node bar@h stores foo@h
node other@h foo@h
table gate@h a..m=foo@h n..z=bar@h
table foo@h a..m=foo@h n..z=bar@h
table bar@h n..z=bar@h a..m=foo@h
table other@h a..z=foo@h
at 3s cut foo@h bar@h
at 5s kill bar@h
at 6s start bar@h
at 7s pause foo@h
at 8.5s resume foo@h
at 9s slow bar@h 30ms
at 10s slow bar@h 0ms
"""


def build(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutants.toml"), "rb") as file:
        found = [mutant for mutant in tomllib.load(file)["mutant"] if mutant["name"] == name]
    return mutants.build_mutant(BUILD, {**found[0], "name": "shrink_" + name})


def simulate(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False)


class Shrink(unittest.TestCase):
    def test_small_and_fails_again(self):
        program = build("unknown_as_unavailable")
        with tempfile.TemporaryDirectory() as folder:
            mesh = os.path.join(folder, "mesh.txt")
            with open(mesh, "w", encoding="utf-8") as file:
                file.write(MESH)
            found = simulate(program, "--scenario", mesh, "--requests", "3000", "--seed", "5")
            self.assertEqual(found.returncode, 1, found.stdout + found.stderr)
            self.assertIn("BROKEN wrong_code", found.stdout)
            small = re.search(r"after (\d+) runs: mesh: (\d+) nodes?, .* store; (\d+) requests?, (\d+) fault", found.stdout)
            self.assertIsNotNone(small, found.stdout)
            runs, nodes, requests, faults = map(int, small.groups())
            self.assertLessEqual(runs, 2000)
            self.assertLessEqual(nodes, 2)
            self.assertEqual(requests, 1)
            self.assertLessEqual(faults, 2)

            again = os.path.join(folder, "again.txt")
            with open(again, "w", encoding="utf-8") as file:
                file.write(found.stdout.split("plays it:\n\n", 1)[1])
            replayed = simulate(program, "--scenario", again, "--no-shrink")
            self.assertEqual(replayed.returncode, 1, replayed.stdout)
            self.assertIn("BROKEN wrong_code", replayed.stdout)

            story = os.path.join(folder, "found.txt")
            self.assertIn("As a story", found.stdout)
            with open(story, "w", encoding="utf-8") as file:
                file.write(found.stdout.split("README.md):\n\n", 1)[1].split("\n\n", 1)[0] + "\n")
            played = simulate(SCENARIOS, "--rewrite", story)
            with open(story, encoding="utf-8") as file:
                text = file.read()
            self.assertNotIn("??", text, played.stdout)
            # The core that is right says what this mutant does not.
            self.assertIn("outcome_unknown", text)


if __name__ == "__main__":
    unittest.main()
