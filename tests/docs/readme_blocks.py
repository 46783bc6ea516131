"""Finds the marked code blocks of a Markdown page, and compares text with what such a block shows."""

import re
import unittest

MARKED = re.compile(r"(?:^<!-- check: (?P<check>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


class Block:
    """A fenced block; `check` and `argument` are those of the comment before it: <!-- check: config hello.toml -->"""

    def __init__(self, match):
        self.language = match["language"]
        self.text = match["text"]
        self.check, _, self.argument = (match["check"] or "").partition(" ")

    def commands(self):
        """Of a console session: each command with the text shown below it."""
        parts = re.split(r"^\$ (.*)\n", self.text, flags=re.M)
        assert parts[0] == "" and len(parts) > 1, f"a session begins with a command:\n{self.text}"
        return list(zip(parts[1::2], parts[2::2]))


def blocks(page):
    return [Block(match) for match in MARKED.finditer(page)]


def pattern(shown):
    """What the shown text stands for: "..." on a line of its own is any number of lines, within a line any text."""
    lines = []
    for line in shown.splitlines():
        if line.strip() == "...":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append("[^\n]*".join(re.escape(part) for part in line.split("...")) + r"\n")
    return re.compile("".join(lines))


def fits(shown, actual):
    return pattern(shown).fullmatch(actual) is not None


class Selftest(unittest.TestCase):
    """A comparison that lets everything pass would make every page right."""

    def test_fits(self):
        self.assertTrue(fits("a\nb\n", "a\nb\n"))
        self.assertTrue(fits("a\n...\nd\n", "a\nb\nc\nd\n"))
        self.assertTrue(fits("a\n...\n", "a\n"))
        self.assertTrue(fits("... ready: ...\n", "12:00 ready: x\n"))
        self.assertFalse(fits("a\n", "a\nb\n"))
        self.assertFalse(fits("a\nb\n", "a\n"))
        self.assertFalse(fits("a.c\n", "abc\n"))
        self.assertFalse(fits("a\n...\nd\n", "a\nb\n"))
        self.assertFalse(fits("... ready: ...\n", "12:00\nready: x\n"))

    def test_blocks(self):
        page = "text\n<!-- check: shell -->\n```console\n$ a\nb\n$ c\n```\n\n```toml\nx = 1\n```\n"
        first, second = blocks(page)
        self.assertEqual((first.check, first.argument, first.commands()), ("shell", "", [("a", "b\n"), ("c", "")]))
        self.assertEqual((second.check, second.language, second.text), ("", "toml", "x = 1\n"))
