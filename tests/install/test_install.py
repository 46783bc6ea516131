"""Installs the build into a directory of its own, builds examples/out_of_tree against it and runs what it built.

The environment says which build (tests/install/CMakeLists.txt); by hand: KVMESH_TEST_BUILD=build/release, after a build.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../distributed"))
import harness  # noqa: E402  beside the tests of real processes

EXAMPLE = os.path.join(harness.ROOT, "examples/out_of_tree")
BUILD = os.path.abspath(os.environ.get("KVMESH_TEST_BUILD", os.path.join(harness.ROOT, "build/release")))
CONFIG = os.environ.get("KVMESH_TEST_CONFIG") or "RelWithDebInfo"
CMAKE = os.environ.get("KVMESH_TEST_CMAKE", "cmake")
CXX = os.environ.get("KVMESH_TEST_CXX", "c++")
SANITIZE = os.environ.get("KVMESH_TEST_SANITIZE", "")

PUBLIC_HEADERS = ["async.h", "buckets.h", "callable.h", "client.h", "convert.h", "converter.h",
                  "converter_containers.h", "describe.h", "limits.h", "mesh.h", "message.h", "module.h", "node.h",
                  "operation.h", "output.h", "pid.h", "plugin.h", "server.h", "status.h", "task.h", "value.h",
                  "watcher.h"]
INSTALLED = [
    "bin/kvmesh",
    "bin/kvmesh-node",
    "include/kvmesh/client.h",
    "share/bash-completion/completions/kvmesh",
    "share/bash-completion/completions/kvmesh-node",
    "share/doc/kvmesh/CHANGELOG.md",
    "share/doc/kvmesh/LICENSE",
    "share/doc/kvmesh/common/PROTOCOL.md",
    "share/doc/kvmesh/common/vectors/frames.txt",
    "share/doc/kvmesh/config/README.md",
    "share/doc/kvmesh/config/demo/gate.toml",
    "share/doc/kvmesh/config/sample.toml",
    "share/doc/kvmesh/examples/out_of_tree/hello.cpp",
    "share/doc/kvmesh/examples/python/kvmesh/__init__.py",
    "share/man/man1/kvmesh.1",
    "share/man/man8/kvmesh-node.8",
]

SHOPPING = """\
the bucket belongs to bar@localhost
one call at a time
  put milk: ok
  get milk: 1
  get bread: there is no such key
  get from no such bucket: not_found
many at once
  4 calls, all well
  eggs: 6
  keys: apples bread eggs milk
without waiting
  put butter: ok
  keys now: 5
drop: ok
"""
EMBEDDED = """\
apples: 3 kilos, stored on inside@localhost
pears: 3 kilos, stored on {owner}
the node ended: ok
"""
HELLO = """\
call hello.world
hello world
hello.add 1 2 is 3
shopping belongs to foo@localhost
task_failed: there is no door sesame
invalid_argument: hello.add: argument 2 must be an int, got text "two"
hello.wrld: undefined_function
the process answers "pong"
"""
ORDERS = """\
2 milk, 1 bread, by courier: 1448 cents
invalid_argument: orders.bill: argument 1, key "shipping", must be post|courier, got text "pigeon"
"""

# A client's project, where a node's libraries are not to be had.
CLIENT_ONLY = """\
cmake_minimum_required(VERSION 3.25)
project(client_only LANGUAGES CXX)
set(CMAKE_DISABLE_FIND_PACKAGE_spdlog TRUE)
set(CMAKE_DISABLE_FIND_PACKAGE_absl TRUE)
find_package(kvmesh 0.1 REQUIRED COMPONENTS client)
add_executable(hello hello.cpp)
target_link_libraries(hello PRIVATE kvmesh::client)
"""


def run(*command, timeout=200):
    """What the command prints, both streams together. AssertionError when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout, env=harness.clean_environment(), preexec_fn=harness.die_with_parent)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


def configure(source, build, prefix):
    sanitize = [f"-DCMAKE_CXX_FLAGS=-fsanitize={SANITIZE}"] if SANITIZE else []
    return run(CMAKE, "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
               f"-DCMAKE_CXX_COMPILER={CXX}", *sanitize)


class InstallTest(harness.MeshTest):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="kvmesh-test-install-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        staging = os.path.join(cls.directory, "staging")
        run(CMAKE, "--install", BUILD, "--config", CONFIG, "--prefix", staging)
        cls.prefix = os.path.join(cls.directory, "moved")  # nothing may remember where it was installed
        os.rename(staging, cls.prefix)
        harness.NODE_BIN = cls.installed("bin/kvmesh-node")
        harness.COMMAND_BIN = cls.installed("bin/kvmesh")

    @classmethod
    def installed(cls, path):
        return os.path.join(cls.prefix, path)

    def installed_below(self, folder):
        return [os.path.join(at, file) for at, _, files in os.walk(self.installed(folder)) for file in files]

    def demo_mesh(self):
        """The installed binary as gate, which stores nothing, before foo (a..m) and bar (the rest)."""
        mesh = self.mesh()
        table = [("a..m", "foo"), ("*", "bar")]
        mesh.add("foo", apps=["kv"], table=table)
        mesh.add("bar", apps=["kv"], table=table)
        mesh.add("gate", apps=["kv_server"], table=table)
        return mesh.start()

    def test_what_is_installed(self):
        for path in INSTALLED:
            with self.subTest(path):
                self.assertGreater(os.path.getsize(self.installed(path)), 0)
        self.assertEqual(sorted(os.listdir(self.installed("include"))), ["kvmesh"])
        self.assertEqual(sorted(os.listdir(self.installed("include/kvmesh"))), PUBLIC_HEADERS)

    def test_links_of_pages_lead_to_what_is_installed(self):
        checked = 0
        for page in self.installed_below("share/doc"):
            if not page.endswith(".md"):
                continue
            with open(page, encoding="utf-8") as file:
                text = re.sub(r"(?ms)^```.*?^```$|`[^`\n]*`", "", file.read())
            for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
                checked += 1
                with self.subTest(page=page, link=link):
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(page), link)))
        self.assertGreater(checked, 20)

    def test_cmake_files_name_no_place_of_this_machine(self):
        files = [file for file in self.installed_below("") if file.endswith(".cmake")]
        self.assertIn("kvmesh-config.cmake", [os.path.basename(file) for file in files])
        for file in files:
            with open(file, encoding="utf-8") as text:
                content = text.read()
            for place in (harness.ROOT, BUILD, self.directory):
                self.assertNotIn(place, content, file)

    def test_each_header_stands_alone(self):
        """Each public header compiles by itself, strictly, and drags in none of the libraries behind it."""
        for header in PUBLIC_HEADERS:
            with self.subTest(header):
                source = os.path.join(self.directory, f"only_{header}.cpp")
                with open(source, "w", encoding="utf-8") as file:
                    file.write(f"#include <kvmesh/{header}>\n")
                compiler = [CXX, "-std=c++20", "-I", self.installed("include")]
                run(*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", source)
                needed = run(*compiler, "-M", source)
                self.assertIn(f"kvmesh/{header}", needed)
                self.assertNotRegex(needed, r"/(zmq|zmq_addon|msgpack|spdlog|fmt|absl|asio|toml\+\+|nlohmann|CLI)[/.]")

    def test_the_programs_run(self):
        for program in ("kvmesh", "kvmesh-node"):
            self.assertRegex(run(self.installed(f"bin/{program}"), "--version"), rf"^{program} \d+\.\d+\.\d+\n$")
        samples = [file for file in self.installed_below("share/doc/kvmesh/config") if file.endswith(".toml")]
        self.assertEqual(len(samples), 4)
        for sample in samples:
            printed = run(harness.NODE_BIN, "--config", sample, "--check-config")
            self.assertEqual(printed.splitlines()[0], "the configuration is valid", sample)

    def test_example_project(self):
        source, build = os.path.join(self.directory, "example"), os.path.join(self.directory, "example-build")
        shutil.copytree(EXAMPLE, source)
        configure(source, build, self.prefix)
        run(CMAKE, "--build", build)
        mesh = self.demo_mesh()
        gate, foo = mesh.nodes["gate"], mesh.nodes["foo"]

        self.assertEqual(run(os.path.join(build, "shopping"), gate.endpoint), SHOPPING)
        embedded = os.path.join(build, "embedded")
        self.assertEqual(run(embedded), EMBEDDED.format(owner="inside@localhost"))
        self.assertEqual(run(embedded, "foo@localhost", foo.endpoint), EMBEDDED.format(owner="bar@localhost"))
        left = run(harness.COMMAND_BIN, "--node", mesh.nodes["bar"].endpoint, "buckets")
        self.assertEqual(left, "", "the examples drop what they made")
        self.run_hello_node(build)
        self.run_greeter(build)

    def test_project_of_tasks(self):
        """The folder tasks/ is a project too. Structs as arguments, between two processes built against what was installed."""
        source, build = os.path.join(self.directory, "tasks"), os.path.join(self.directory, "tasks-build")
        shutil.copytree(os.path.join(harness.ROOT, "examples/tasks"), source)
        configure(source, build, self.prefix)
        run(CMAKE, "--build", build, "--target", "orders", "counter_server", "async_await")  # the others are built alike
        mesh = self.mesh()
        node = mesh.add("foo", apps=["kv"], table=[("*", "foo")])
        node.command = [os.path.join(build, "orders"), "serve"]
        mesh.start()
        self.assertEqual(run(os.path.join(build, "orders"), node.endpoint, "foo@localhost"), ORDERS)

    def run_hello_node(self, build):
        """A node of one's own, built against what was installed: it serves, and its functions can be called."""
        mesh = self.mesh()
        node = mesh.add("foo", apps=["kv"], table=[("*", "foo")])
        node.command = [os.path.join(build, "hello_node")]
        mesh.start()
        self.assertEqual(run(os.path.join(build, "hello_call"), node.endpoint, "foo@localhost"), HELLO)
        called = run(harness.COMMAND_BIN, "--node", node.endpoint, "call", "foo@localhost", "hello.add", "20", "22")
        self.assertEqual(called, "42\n")

    def run_greeter(self, build):
        """A module in a shared object, built against what was installed, in the node that was."""
        mesh = self.mesh()
        node = mesh.add("foo", apps=["kv"], table=[("*", "foo")],
                        settings={"": {"modules": [os.path.join(build, "greeter.so")]}})
        mesh.start()
        called = run(harness.COMMAND_BIN, "--node", node.endpoint, "call", "foo@localhost", "greeter.greet", "world")
        self.assertEqual(called, '"hello world"\n')

    def test_client_alone_needs_less(self):
        source, build = os.path.join(self.directory, "client-only"), os.path.join(self.directory, "client-only-build")
        os.mkdir(source)
        shutil.copy(os.path.join(EXAMPLE, "hello.cpp"), source)
        project = os.path.join(source, "CMakeLists.txt")
        with open(project, "w", encoding="utf-8") as file:
            file.write(CLIENT_ONLY)
        configure(source, build, self.prefix)
        run(CMAKE, "--build", build)

        with open(project, "w", encoding="utf-8") as file:
            file.write(CLIENT_ONLY.replace("COMPONENTS client", "COMPONENTS server"))
        with self.assertRaisesRegex(AssertionError, "kvmesh has no component 'server'"):
            configure(source, build + "-wrong", self.prefix)


if __name__ == "__main__":
    harness.main()
