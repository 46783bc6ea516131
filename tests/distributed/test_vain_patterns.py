#!/usr/bin/python3
"""A pattern of tasks.allow that allows nothing, such as a misspelt one, is told by --check-config and at the start."""

import subprocess

from harness import NODE_BIN, MeshTest, clean_environment, eventually, main
from task_client import with_tasks

FUNCTION = r'foo.toml(:\d+)?: tasks.allow: "t.ad" allows nothing, as no loaded function has that name; did you mean "t.add"\?'
SERVER = (r'foo.toml(:\d+)?: tasks.allow: "conter.\*" allows nothing, as no loaded module or server has that name; '
          r'did you mean "counter.\*"\?')


class VainPatterns(MeshTest):
    def start(self, allow):
        node = self.mesh().add("foo", settings=with_tasks(allow=allow))
        node.start()
        return node

    def check(self, node):
        done = subprocess.run([NODE_BIN, "--config", node.config_path, "--check-config"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 0, done)
        return done.stderr

    def test_a_misspelt_one_is_told_with_the_nearest(self):
        node = self.start(["t.add", "t.ad", "conter.*", "counter.add"])
        eventually(lambda: "ready" in node.log(), 5, "it is ready")
        for told in (self.check(node), node.log()):
            self.assertRegex(told, "warning:? .*" + FUNCTION)
            self.assertRegex(told, "warning:? .*" + SERVER)
            self.assertEqual(told.count("allows nothing"), 2, told)

    def test_those_that_are_there_are_not(self):
        node = self.start(["t.*", "counter.*", "*"])
        eventually(lambda: "ready" in node.log(), 5, "it is ready")
        self.assertEqual(self.check(node), "")
        self.assertNotIn("allows nothing", node.log())


if __name__ == "__main__":
    main()
