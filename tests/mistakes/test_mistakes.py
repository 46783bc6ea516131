#!/usr/bin/python3
"""Mistakes of a writer of modules, each compiled: the first thing the compiler says must be a sentence of kvmesh with what to do.

By hand: tests/mistakes/test_mistakes.py
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CXX = os.environ.get("KVMESH_TEST_CXX", "c++")

HEADERS = "#include <list>\n#include <kvmesh/module.h>\n"
BEGIN = """\
namespace mine {
struct Item { std::string name; int count = 1; int twice() const { return 2 * count; } };
struct Other { int size = 1; };
enum class Colour { kRed, kGreen };
"""
DESCRIBED = "constexpr auto kvmesh_describe(kvmesh::Type<Item>) { return kvmesh::members(%s); }\n"
NAMED = "constexpr auto kvmesh_describe(kvmesh::Type<Colour>) { return kvmesh::names(%s); }\n"
DEFINE = '}\nvoid load(kvmesh::Module& module) { module.define("f", [](mine::%s) {}); }\n'
ITEM = DESCRIBED + DEFINE % "Item"
COLOUR = NAMED + DEFINE % "Colour"

RIGHT = {
    "a struct": ITEM % '"name", &Item::name, "count", &Item::count',
    "an enum": COLOUR % '"red", Colour::kRed',
}
# What is written, and how the compiler's sentence goes on.
WRONG = {
    "a struct that is not described": (DEFINE % "Item", r"values of this type cannot be .* kvmesh_describe\(\), right after"),
    "an enum that is not described": (DEFINE % "Colour", r"values of this type cannot be .* kvmesh_describe\(\), right after"),
    "a container that is not known": ("using List = std::list<int>;\n" + DEFINE % "List", r"values of this type cannot be"),
    "a name without its member": (ITEM % '"name", &Item::name, "count"', r"members\(\) takes a name and a pointer"),
    "no member": (ITEM % "", r"members\(\) takes a name and a pointer"),
    "members without names": (ITEM % "&Item::name, &Item::count", r"members\(\) takes a name and a pointer"),
    "a member function": (ITEM % '"twice", &Item::twice', r"members\(\) takes a name and a pointer to a data member"),
    "a name twice": (ITEM % '"a", &Item::name, "a", &Item::count', r"gives two members the same name"),
    "a member of another struct": (ITEM % '"size", &Other::size', r"names members of another struct"),
    "values without names": (COLOUR % "Colour::kRed, Colour::kGreen", r"names\(\) takes a name and a value"),
    "a value's name twice": (COLOUR % '"a", Colour::kRed, "a", Colour::kGreen', r"gives two values the same name"),
    "a description of another kind": (
        "constexpr auto kvmesh_describe(kvmesh::Type<Item>) { return 1; }\n" + DEFINE % "Item", r"kvmesh_describe\(\) must return"),
    "a struct that cannot be made": (
        "struct Fixed { explicit Fixed(int); int one; };\n"
        'constexpr auto kvmesh_describe(kvmesh::Type<Fixed>) { return kvmesh::members("one", &Fixed::one); }\n' + DEFINE % "Fixed",
        r"must be default-constructible"),
    "a parameter that could be written to": (
        '}\nvoid load(kvmesh::Module& module) { module.define("f", [](std::string&) {}); }\n', r"a parameter is a reference"),
    "a function whose parameters nobody knows": (
        '}\nvoid load(kvmesh::Module& module) { module.define("f", [](auto) {}); }\n', r"the parameter types .* must be known"),
}


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """The headers, read once."""
        cls.directory = tempfile.mkdtemp(prefix="kvmesh-test-mistakes-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.headers = os.path.join(cls.directory, "headers.h")
        with open(cls.headers, "w", encoding="ascii") as file:
            file.write(HEADERS)
        status, messages = cls.compile("c++-header", "", cls.headers, "-o", cls.headers + ".gch")
        assert status == 0, messages

    @staticmethod
    def compile(language, source, *options):
        """Exit status and messages of the compiler."""
        includes = [f"-I{ROOT}/{folder}" for folder in ("common", "client", "node")]
        done = subprocess.run([CXX, "-std=c++20", *includes, "-x", language, *options], input=source, text=True,
                              capture_output=True, check=False, timeout=100, env={**os.environ, "LC_ALL": "C"})
        return done.returncode, done.stderr

    def check(self, source):
        return self.compile("c++", BEGIN + source, "-include", self.headers, "-fsyntax-only", "-")

    def test_what_is_right_compiles(self):
        for what, source in RIGHT.items():
            with self.subTest(what):
                self.assertEqual(self.check(source), (0, ""))

    def test_what_is_wrong_is_told_in_a_sentence(self):
        for what, (source, sentence) in WRONG.items():
            with self.subTest(what):
                status, messages = self.check(source)
                self.assertNotEqual(status, 0)
                first = next((line for line in messages.splitlines() if "error:" in line), messages)
                self.assertRegex(first, rf"static assertion failed.*kvmesh: .*{sentence}")
                self.assertLess(len(re.findall("error:", messages)), 6, messages)


if __name__ == "__main__":
    unittest.main()
