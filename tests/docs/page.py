"""Does what a Markdown page tells its reader to do, and compares what happens with what it shows.

A code block that can be checked has a comment before it, <!-- check: KIND [ARGUMENT] -->, and each kind is one method
check_KIND of Page or of the class of one page. All blocks of a page are one session of one reader, in a directory of its own.
The environment: KVMESH_TEST_BUILD is the build to try.
"""

import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../distributed"))
import harness  # noqa: E402  beside the tests of real processes
from ports import free_port  # noqa: E402
from readme_blocks import blocks, fits  # noqa: E402

ROOT = harness.ROOT
BUILD = os.path.abspath(os.environ.get("KVMESH_TEST_BUILD", os.path.join(ROOT, "build/release")))
CHECKED_ELSEWHERE = {"text"}  # languages of blocks that need no mark: pictures


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def run(command, given="", **options):
    """Status and output, both streams together."""
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=100, preexec_fn=harness.die_with_parent, check=False, **options)
    return done.returncode, done.stdout


class Ports:
    """The ports that the page names, and those that stand for them here."""

    def __init__(self):
        self.ours = {}

    def here(self, text):
        return self._replace(text, self.ours)

    def page(self, text):
        return self._replace(text, {ours: theirs for theirs, ours in self.ours.items()})

    @staticmethod
    def _replace(text, ports):
        return re.sub(r"\b\d{4,5}\b", lambda match: ports.get(match[0], match[0]), text)


class Page(harness.MeshTest):
    """The checks of one page; subclasses name it and add its tests."""

    maxDiff = None
    PAGE = ""  # its path from the root of the tree

    def setUp(self):
        self.ports = Ports()
        self.blocks = blocks(read(self.PAGE))
        self.directory = None
        self.serving = []  # nodes that a block has started, with what they print

    def assert_fits(self, shown, actual, what):
        if not fits(shown, actual):
            self.fail(f"{self.PAGE} does not show what happens: {what}\n--- it shows\n{shown}--- but this happens\n{actual}")

    def assert_every_block_is_checked(self):
        for block in self.blocks:
            if block.language not in CHECKED_ELSEWHERE:
                self.assertTrue(hasattr(self, "check_" + block.check), f"no such check: {block.check!r}\n{block.text}")

    def enter_directory(self, directory):
        """Where the reader stands: the build is below, as in a checkout. Its removal must be a cleanup already."""
        self.directory = directory
        self.addCleanup(self.stop_serving)
        os.mkdir(os.path.join(self.directory, "build"))
        os.symlink(BUILD, os.path.join(self.directory, "build/release"))

    # --- the kinds of blocks

    def check_lines(self, block):
        (command, dialogue), = block.commands()
        host, port = re.fullmatch(r"nc (\S+) (\d+)", self.ports.here(command)).groups()
        with harness.LineClient(host, int(port)) as client:
            spoken = ""
            shown = dialogue.splitlines()
            while shown:
                request = shown.pop(0)
                spoken += request + "\n"
                client.send(request + "\r\n")
                while True:
                    reply = client.line()
                    self.assertIsNotNone(reply, f"the node closed after:\n{spoken}")
                    spoken += reply + "\n"
                    if shown:
                        shown.pop(0)
                    if reply in ("OK", "NOT FOUND", "UNKNOWN COMMAND") or reply.startswith("ERROR "):
                        break
            self.assert_fits(dialogue, spoken, command)

    def check_shell(self, block):
        mark = "== end of a command =="
        script = "".join(f"{command}\necho '{mark}'\n" for command, _ in block.commands())
        _, printed = run(["bash", "-c", self.ports.here(script)], cwd=self.directory, env=harness.clean_environment())
        outputs = printed.split(mark + "\n")
        self.assertEqual(outputs.pop(), "", printed)
        for (command, shown), output in zip(block.commands(), outputs, strict=True):
            self.assert_fits(shown, self.ports.page(output), command)

    def check_prompt(self, block):
        """Lines typed into `kvmesh shell`: those after a prompt, NAME@HOST> or ...>, and below each statement what it shows."""
        start, shown = re.match(r"\$ ([^\n]*)\n(.*?\n)(?=\S+@\S+> )", block.text, re.S).groups()
        steps = re.findall(r"^(\S+@\S+> [^\n]*(?:\n\.\.\.> [^\n]*)*)\n((?:(?!\S+@\S+> )[^\n]*\n)*)", block.text, re.M)
        mark = "== end of a statement =="
        typed = ""
        for lines, _ in steps:
            typed += "".join(line.split("> ", 1)[1] + "\n" for line in lines.splitlines()) + f"mark = '{mark}'\n"
        self.assertEqual(shown, "...\n", "what it shows first depends on the terminal")
        _, printed = run(["bash", "-c", self.ports.here(start)], cwd=self.directory, env=self.environment(), given=typed)
        outputs = printed.split(f'"{mark}"\n')
        self.assertEqual(outputs.pop(), "", printed)
        for (lines, expected), output in zip(steps, outputs, strict=True):
            # The page shows a terminal, where errors do not name their line.
            output = re.sub(r"^kvmesh: line \d+: ", "kvmesh: ", output, flags=re.M)
            self.assert_fits(expected, self.ports.page(output), lines)

    def check_config(self, block):
        for port in re.findall(r":(\d{4})\b", block.text):
            self.ports.ours[port] = str(free_port())
        with open(os.path.join(self.directory, block.argument), "w", encoding="utf-8") as file:
            file.write(self.ports.here(block.text))

    def check_node(self, block):
        """The commands but the last end by themselves; the last serves until it is told to stop."""
        *checks, (serve, shown) = block.commands()
        for command, expected in checks:
            status, output = run(["bash", "-c", command], cwd=self.directory, env=self.environment())
            self.assertEqual(status, 0, output)
            self.assert_fits(expected, output, command)
        self.serve(serve, shown)
        self.stop_serving()

    def check_start(self, block):
        """Nodes that serve until the next such block, or to the end of the page. The port numbers are free ones here."""
        self.stop_serving()
        for command, shown in block.commands():
            self.serve(command, shown)

    @staticmethod
    def environment():
        environment = harness.clean_environment()
        environment["PATH"] = BUILD + ":" + environment["PATH"]
        return environment

    def serve(self, command, shown):
        """Starts a node and waits until it is ready."""
        path = os.path.join(self.directory, f"page.{len(os.listdir(self.directory))}.out")

        def log():
            with open(path, encoding="utf-8") as file:
                return self.ports.page(file.read())
        with open(path, "w", encoding="utf-8") as out:
            node = subprocess.Popen(command.split(), cwd=self.directory, env=self.environment(), stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=out, preexec_fn=harness.die_with_parent)
        self.serving.append((node, log))
        harness.eventually(lambda: node.poll() is not None or "ready" in log(), 10, f"{command}: ready")
        self.assert_fits(shown, log(), command)

    def stop_serving(self):
        while self.serving:
            node, log = self.serving.pop()
            try:
                node.send_signal(signal.SIGTERM)
                self.assertEqual(node.wait(5 * harness.patience()), 0, log())
            finally:
                if node.poll() is None:
                    node.kill()
                    node.wait()

    def check_file(self, block):
        self.assertEqual(block.text, read(block.argument), block.argument)

    def check_part(self, block):
        file = read(block.argument).splitlines()
        at = 0
        for line in block.text.splitlines():
            self.assertIn(line, file[at:], block.argument)
            at = file.index(line, at) + 1
