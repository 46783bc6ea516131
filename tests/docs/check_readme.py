"""Does what README.md, and pages that it leads to, tell their reader to do, and compares what happens with what it shows; page.py says how.

The mesh that the page talks to is that of config/demo, on other ports.
The environment: KVMESH_TEST_BUILD is the build to try, KVMESH_TEST_CTEST the ctest to ask for labels.
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import tomllib
import unittest

from page import BUILD, ROOT, Page, harness, read, run
from ports import free_ports_in_a_row
from readme_blocks import Selftest  # noqa: F401  unittest runs it too

CTEST = os.environ.get("KVMESH_TEST_CTEST", "ctest")
DEMO_PORTS = ["5550", "5551", "5552", "4040", "4041"]  # of the mesh: foo, bar, gate; of TCP: foo, gate


class DemoNode(harness.Node):
    """A node of config/demo, its ports replaced."""

    def __init__(self, mesh, name, translate):
        settings = tomllib.loads(read(f"config/demo/{name}.toml"))
        table = [(e["range"], e["node"].split("@")[0]) for e in settings["kv"]["routing_table"]]
        super().__init__(mesh, name, apps=settings["apps"], table=table)
        self.translate = translate

    def config(self):
        return self.translate(read(f"config/demo/{self.name}.toml"))


class Readme(Page):
    PAGE = "README.md"

    def test_every_block_is_checked(self):
        self.assert_every_block_is_checked()

    def test_session(self):
        """One reader, from the first block to the last: later blocks see what earlier ones did."""
        mesh = self.mesh()
        self.enter_directory(mesh.directory)
        os.symlink(os.path.join(ROOT, "config"), os.path.join(mesh.directory, "config"))
        nodes = {}

        def translate(text):  # at each start of a node, as nodes choose other ports when one is taken
            ours = [node.mesh_port for node in nodes.values()] + [nodes["foo"].tcp_port, nodes["gate"].tcp_port]
            self.ports.ours.update(zip(DEMO_PORTS, map(str, ours), strict=True))
            return self.ports.here(text)
        for name in ("foo", "bar", "gate"):
            nodes[name] = mesh.nodes[name] = DemoNode(mesh, name, translate)
        mesh.start()
        for block in self.blocks:
            if block.check not in ("", "demo"):
                getattr(self, "check_" + block.check)(block)

    def test_demo(self):
        shown = next(block for block in self.blocks if block.check == "demo")
        self.check_demo(shown)

    # --- the kinds of blocks that only this page has

    def check_demo(self, block):
        command, shown = block.text.split("\n", 1)
        self.assertEqual(command, "$ ./dev demo")
        for _ in range(3):
            status, printed = self.run_demo(free_ports_in_a_row(len(DEMO_PORTS)))
            if "is taken" not in printed and "in use" not in printed:  # seen by the demo, or by a node that lost the race
                break
        self.assertEqual(status, 0, printed)
        self.assert_fits(demo_shape(shown), demo_shape(self.ports.page(printed)), command)

    def run_demo(self, base):
        self.ports.ours = {port: str(base + i) for i, port in enumerate(DEMO_PORTS)}
        environment = harness.clean_environment({"KVMESH_DEMO_PORT_BASE": str(base), "KVMESH_DEMO_BUILD": BUILD})
        demo = subprocess.Popen([os.path.join(ROOT, "examples/demo"), "--records", "200"], env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            printed, _ = demo.communicate(timeout=80)
        finally:
            if demo.poll() is None:
                demo.send_signal(signal.SIGTERM)  # it stops its nodes first
                demo.wait(20)
        return demo.returncode, printed


class SettingsPage(Page):
    """A page whose commands need the settings of config/demo, and no node. No page of its own: subclasses are."""

    def check_page(self):
        self.assert_every_block_is_checked()
        directory = tempfile.mkdtemp(prefix="kvmesh-test-docs-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.enter_directory(directory)
        os.symlink(os.path.join(ROOT, "config"), os.path.join(directory, "config"))
        for block in self.blocks:
            if block.check:
                getattr(self, "check_" + block.check)(block)


class Verify(SettingsPage):
    PAGE = "client/verify/README.md"

    def test_page(self):
        self.check_page()


class Simulation(SettingsPage):
    PAGE = "node/sim/README.md"

    def test_page(self):
        self.check_page()


class Tests(SettingsPage):
    PAGE = "tests/README.md"

    def test_page(self):
        self.check_page()

    def check_commands(self, block):
        """Building within a test would take too long, but the presets must be there."""
        presets = json.loads(read("CMakePresets.json"))
        configure = {p["name"] for p in presets["configurePresets"] if not p.get("hidden")}
        build = {p["name"] for p in presets["buildPresets"]}
        for command, _ in block.commands():
            for preset in re.findall(r"--preset (\S+)", command):
                self.assertIn(preset, build if "--build" in command else configure, command)
            for preset in re.findall(r"\bbuild/(\w+)", command):
                self.assertIn(preset, configure, command)


class Pages(unittest.TestCase):
    def test_length(self):
        """What a reader needs on the first day fits on few screens."""
        self.assertLessEqual(len(read("README.md").splitlines()), 180)

    def test_dev_commands(self):
        status, usage = run([os.path.join(ROOT, "dev"), "help"])
        self.assertEqual(status, 0, usage)
        for page in ("README.md", "examples/README.md", "tests/README.md", "tests/bench/README.md", "CHANGELOG.md"):
            for command in re.findall(r"\./dev (\w+)", read(page)):
                self.assertRegex(usage, rf"(?m)^  {command}\b", page)

    def test_labels(self):
        """The labels of tests that pages name are there."""
        status, printed = run([CTEST, "--test-dir", BUILD, "--print-labels"])
        self.assertEqual(status, 0, printed)
        labels = set(re.findall(r"^  (\S+)$", printed, re.M))
        named = re.findall(r"--only ([a-z-]+)`", read("README.md"))
        self.assertGreater(len(named), 0)
        listed = re.findall(r"^\| `([a-z-]+)` \|", read("tests/README.md"), re.M)
        self.assertGreater(len(listed), 10)
        named += listed
        self.assertLessEqual(set(named), labels)

    def test_links(self):
        """Every link to a file of this tree, on any page, leads somewhere."""
        pages = [p for p in glob.glob("**/*.md", root_dir=ROOT, recursive=True) if not p.startswith("build/")]
        self.assertIn("README.md", pages)
        for page in pages:
            text = re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)  # lambdas look like links
            for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
                if "://" not in link:
                    self.assertTrue(os.path.exists(os.path.join(ROOT, os.path.dirname(page), link)), f"{page}: {link}")


    def test_programs(self):
        """A program of this tree that a page tells to run can be run."""
        pages = [p for p in glob.glob("**/*.md", root_dir=ROOT, recursive=True) if not p.startswith("build/")]
        named = {program for page in pages for program in re.findall(r"^    ((?:[a-z_]+/)+[a-z_]+\.(?:py|sh))\b", read(page), re.M)}
        self.assertGreater(len(named), 2)
        for program in named:
            self.assertTrue(os.access(os.path.join(ROOT, program), os.X_OK), f"{program} cannot be executed")


def demo_shape(text):
    """The demo's output without what differs from run to run: numbers (but those of the steps), packages, widths."""
    text = re.sub(r"KVMESH_DEMO_PORT_BASE=\d+ ", "", text)
    text = re.sub(r"every package that apt knows|\d+ of \d+ packages|every package that is installed here \(.*\)",
                  "PACKAGES", text)
    text = re.sub(r"kvmesh trace \S+", "kvmesh trace NAME", text)
    text = re.sub(r"(?<![\d:\n])\d[\d,]*(?:\.\d+)?(?=[ %/\n])", "N", text)
    text = re.sub(r" +[#█]*$", "", text, flags=re.M)
    return re.sub(r" +", " ", text)


if __name__ == "__main__":
    harness.main()
