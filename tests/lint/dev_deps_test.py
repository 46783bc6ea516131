#!/usr/bin/python3
"""`./dev deps` against an apt-get and a dpkg-query of ours: it waits for locks, and knows what is installed."""

import os
import subprocess
import tempfile
import unittest

DEV = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dev")
LOCK = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 42 (apt-get)"
DPKG_QUERY = """#!/bin/bash
for word; do
  case "$word" in
    -* | cmake) ;;
    ninja-build) echo "triggers-pending $word" ;;
    ccache) echo "triggers-awaited $word" ;;
    g++) echo "half-configured $word" ;;
    *) echo "installed $word" ;;
  esac
done
"""
SUDO = """#!/bin/bash
if [[ $1 == -n ]]; then shift; fi
exec "$@"
"""


class Deps(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="kvmesh-test-dev-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.program("dpkg-query", DPKG_QUERY)
        self.program("sudo", SUDO)

    def program(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def deps(self, apt_get):
        self.program("apt-get", f"#!/bin/bash\necho \"$*\" >>{self.directory}/calls\n{apt_get}")
        environment = {**os.environ, "PATH": self.directory + ":" + os.environ["PATH"]}
        done = subprocess.run([DEV, "deps", "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=environment, timeout=100, check=False)
        with open(os.path.join(self.directory, "calls"), encoding="utf-8") as file:
            return done.returncode, done.stdout, file.read().splitlines()

    def test_waits_for_a_lock_and_installs_what_is_missing(self):
        status, printed, calls = self.deps(f"""
if [[ $(wc -l <{self.directory}/calls) -le 1 ]]; then echo "{LOCK}" >&2; exit 100; fi
""")
        self.assertEqual(status, 0, printed)
        self.assertIn("Installing 2 Debian packages: g++ cmake\n", printed)
        self.assertIn("  waiting for /var/lib/apt/lists/lock, held by process 42 (apt-get)\n", printed)
        self.assertNotIn("E: Could not get lock", printed)
        self.assertEqual([call.split()[-1] for call in calls], ["update", "update", "cmake"])

    def test_another_failure_is_told_at_once(self):
        status, printed, calls = self.deps('echo "E: no network" >&2; exit 100')
        self.assertEqual(status, 1, printed)
        self.assertIn("E: no network\n", printed)
        self.assertIn("apt-get update failed", printed)
        self.assertEqual(len(calls), 1)


if __name__ == "__main__":
    unittest.main()
