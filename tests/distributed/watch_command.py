"""`kvmesh watch` in the background, for the tests."""

import json
import queue
import subprocess
import threading

from harness import COMMAND_BIN, clean_environment, die_with_parent, patience


class Watch:
    """`kvmesh watch --json` of a bucket: its lines as they come."""

    def __init__(self, test, node, *arguments):
        self.test = test
        self.process = subprocess.Popen([COMMAND_BIN, "--node", node.endpoint, "watch", *arguments, "--json"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(),
                                        preexec_fn=die_with_parent)
        test.addCleanup(self.end)
        self.lines = queue.Queue()
        self.notes = queue.Queue()
        self.readers = [threading.Thread(target=self.pump, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.notes))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def pump(stream, lines):
        for line in stream:
            lines.put(line.decode())

    def next_line(self):
        return json.loads(self.lines.get(timeout=60 * patience()))

    def next(self, kind):
        """The next line, which is of this kind."""
        line = self.next_line()
        self.test.assertEqual(line["kind"], kind, line)
        return line

    def until_note(self, text):
        """Reads what it says to people until that is said; all that was said."""
        notes = []
        while not notes or text not in notes[-1]:
            try:
                notes.append(self.notes.get(timeout=60 * patience()))
            except queue.Empty:
                self.test.fail(f"nothing was said of {text!r}, but {notes}")
        return notes

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
