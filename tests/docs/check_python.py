"""Does what examples/python/README.md tells its reader to do, and compares what happens with what it shows; page.py says how.

The nodes that the page starts have the settings of config/demo, on other ports. All its Python is one session.
The environment: KVMESH_TEST_BUILD is the build to try.
"""

import doctest
import os
import sys

from check_examples import DemoNodes
from page import ROOT, free_port, harness

sys.path.insert(0, os.path.join(ROOT, "examples/python"))
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # for what the page's shell starts: nothing stays in the sources


class Python(DemoNodes):
    PAGE = "examples/python/README.md"
    SILENT = "5599"  # the port at which the page has nobody listen

    def test_every_block_is_checked(self):
        self.assert_every_block_is_checked()

    def test_session(self):
        """One reader, from the first block to the last."""
        self.session = {"__name__": "__main__"}
        self.enter_demo()
        os.symlink(os.path.join(ROOT, "examples"), os.path.join(self.directory, "examples"))
        self.ports.ours[self.SILENT] = str(free_port())
        self.check_blocks()

    def check_python(self, block):
        told = []
        test = doctest.DocTestParser().get_doctest(self.ports.here(block.text), self.session, self.PAGE, self.PAGE, 0)
        self.assertGreater(len(test.examples), 0, block.text)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
        runner.run(test, out=told.append, clear_globs=False)
        self.session = test.globs
        self.assertEqual(runner.failures, 0, "".join(told))


if __name__ == "__main__":
    harness.main()
