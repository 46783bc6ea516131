"""Does what examples/README.md and examples/writing_a_module.md tell their reader to do, and compares what happens with what they show; page.py says how.

The nodes that the page starts have the settings of config/demo, on other ports.
The environment: KVMESH_TEST_BUILD is the build to try.
"""

import os
import shutil
import tempfile

from page import ROOT, Page, free_port, harness, read

PORTS = ["5550", "5551", "5552", "4040", "4041"]  # that config/demo and the page name


class DemoNodes(Page):
    """A page whose nodes have the settings of config/demo."""

    def enter_demo(self):
        """Where the reader stands: config/demo with ports of our own, and the build."""
        directory = tempfile.mkdtemp(prefix="kvmesh-test-docs-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.enter_directory(directory)
        self.ports.ours = {port: str(free_port()) for port in PORTS}
        os.makedirs(os.path.join(self.directory, "config/demo"))
        for name in ("foo", "bar", "gate"):
            path = f"config/demo/{name}.toml"
            with open(os.path.join(self.directory, path), "w", encoding="utf-8") as file:
                file.write(self.ports.here(read(path)))

    def check_blocks(self):
        for block in self.blocks:
            if block.check:
                getattr(self, "check_" + block.check)(block)

    def check_start(self, block):
        """foo and bar. A reader is slow enough for them to connect before the next command."""
        super().check_start(block)
        for port, peer in (("5550", "bar@localhost"), ("5551", "foo@localhost")):
            with harness.MeshClient("tcp://127.0.0.1:" + self.ports.ours[port]) as client:
                harness.eventually(lambda c=client, p=peer: c.call(p, "node.ping").code == "ok", 5, f"{peer} is reached")


class Examples(DemoNodes):
    PAGE = "examples/README.md"

    def test_every_block_is_checked(self):
        self.assert_every_block_is_checked()

    def test_session(self):
        """One reader, from the first block to the last."""
        self.enter_demo()
        shutil.copy(os.path.join(ROOT, "LICENSE"), self.directory)
        self.check_blocks()


class WritingAModule(DemoNodes):
    PAGE = "examples/writing_a_module.md"

    def test_every_block_is_checked(self):
        self.assert_every_block_is_checked()

    def test_session(self):
        self.enter_demo()
        self.check_blocks()


if __name__ == "__main__":
    harness.main()
