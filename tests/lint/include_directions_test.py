#!/usr/bin/python3
"""The include check itself: a good tree passes, and every kind of bad file is flagged at its line."""

import os
import tempfile
import unittest

import include_directions


def check(files):
    """The faults of a tree that consists of `files`, as 'path:line' -> text."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return {f"{path}:{line}": text for path, line, text in include_directions.faults(root)}


class IncludeDirections(unittest.TestCase):
    def assert_only(self, files, place, words):
        found = check(files)
        self.assertEqual(list(found), [place], found)
        self.assertIn(words, found[place])

    def test_good_tree_passes(self):
        self.assertEqual(check({
            "common/kvmesh/status.h": "#pragma once\n#include <string>\n",
            "common/names.h": "#include <kvmesh/status.h>\n",
            "common/config/load.cpp": '#include <fstream>\n#include "common/names.h"\n',
            "common/transport/socket.h": '#include <zmq.hpp>\n#include "common/names.h"\n',
            "node/core/core.h": '#include "common/names.h"\n// the shell calls steady_clock::now() and <mutex> for us\n',
            "node/store/store.h": '#include <mutex>\n#include "common/names.h"\n',
            "node/mesh/link.cpp": '#include "node/core/core.h"\n#include "common/transport/socket.h"\n',
            "node/node.cpp": '#include "node/mesh/link.h"\n#include "node/store/store.h"\n#include <thread>\n',
            "client/kvmesh/client.h": "#include <kvmesh/status.h>\n",
            "client/client.cpp": '#include "common/transport/socket.h"\n#include <kvmesh/client.h>\n',
            "tests/unit/any_test.cpp": '#include "node/core/core.h"\n#include "client/client.h"\n',
            "examples/hello.cpp": "#include <kvmesh/client.h>\n",
        }), {})

    def test_a_functions_name_stands_in_its_table_only(self):
        table = {"common/functions.h": '#pragma once\ninline constexpr Function kKvPut{"kv.put", "[key, value]"};\n'}
        good = {"node/store/store.cpp": '// "kv.put" may be spoken of\nauto setting = "kv.memory_max";\n',
                "tests/unit/any_test.cpp": 'auto name = "kv.put";\n'}
        self.assertEqual(check(table | good), {})
        for bad in ('auto name = "kv.put";\n', 'fail("kv.put [key, value]");\n'):
            self.assert_only(table | good | {"client/ops.cpp": bad}, "client/ops.cpp:1", '"kv.put" is written down')

    def test_wrong_directions(self):
        for path, header in {
            "common/names.h": "node/core/core.h",
            "common/wire.h": "common/transport/socket.h",
            "common/config/load.cpp": "client/client.h",
            "node/core/core.cpp": "node/store/store.h",
            "node/store/store.cpp": "node/core/core.h",
            "node/modules/kv.cpp": "node/mesh/link.h",
            "node/mesh/link.cpp": "node/stream/server.h",
            "node/stream/server.cpp": "common/transport/socket.h",
            "client/client.cpp": "node/core/core.h",
        }.items():
            with self.subTest(path=path):
                self.assert_only({path: f'#include <string>\n#include "{header}"\n'}, f"{path}:2", "may not include")

    def test_short_spelling_is_resolved(self):
        files = {"node/store/store.h": "", "node/core/core.cpp": '#include "store/store.h"\n'}
        self.assert_only(files, "node/core/core.cpp:1", "node/core/ may not include node/store/")

    def test_example_uses_public_headers_only(self):
        self.assert_only({"examples/e.cpp": '#include "common/names.h"\n'}, "examples/e.cpp:1", "public headers only")

    def test_public_header_shows_nothing_private(self):
        self.assert_only({"client/kvmesh/c.h": "#include <zmq.hpp>\n"}, "client/kvmesh/c.h:1", "behind")
        self.assert_only({"client/kvmesh/c.h": '#include "common/names.h"\n'}, "client/kvmesh/c.h:1", "not installed")

    def test_pure_parts(self):
        for header in ("zmq.hpp", "asio.hpp", "asio/ip/tcp.hpp", "thread", "mutex", "random", "fstream"):
            self.assert_only({"node/core/core.h": f"#include <{header}>\n"}, "node/core/core.h:1", "is pure")
        self.assert_only({"common/wire.cpp": "#include <fstream>\n"}, "common/wire.cpp:1", "is pure")
        now = "/* two\nlines */ auto t = std::chrono::steady_clock::now();\n"
        self.assert_only({"node/core/core.cpp": now}, "node/core/core.cpp:2", "clock")

    def test_system_headers_stay_visible(self):
        self.assert_only({"common/time.h": "\n"}, "common/time.h:1", "hides the system's <time.h>")
        self.assertEqual(check({"node/core/time.h": "\n", "common/kvmesh/limits.h": "\n"}), {})

    def test_cycle(self):
        files = {"common/a.h": "\n#include <common/b.h>\n", "common/b.h": '#include "c.h"\n',
                 "common/c.h": '#include "common/a.h"\n'}
        self.assert_only(files, "common/a.h:2", "common/a.h -> common/b.h -> common/c.h -> common/a.h")

    def test_long_file(self):
        self.assertEqual(check({"common/a.cpp": "int a;\n" * 400}), {})
        self.assert_only({"common/a.cpp": "int a;\n" * 401}, "common/a.cpp:401", "split")


if __name__ == "__main__":
    unittest.main()
