#!/usr/bin/python3
"""What the programs print: nothing that a terminal would obey, and nothing that is lost in silence."""

import json
import os
import pty
import re
import resource
import subprocess
import tempfile
import threading
import time
import unittest

from harness import (COMMAND_BIN, NODE_BIN, SANITIZED, TIME_FACTOR, MeshTest, clean_environment, die_with_parent, eventually, main,
                     patience)
from mesh_client import HELLO, REFUSED, REQUESTS, frame, pack, records
from ports import free_port
from raw_peer import FakeNode
from task_client import with_tasks

SIM_BIN = COMMAND_BIN + "-sim"
USAGE, INCOMPLETE, UNAVAILABLE, TASK_FAILED = 2, 3, 14, 26
EVIL = "\x1b]0;pwned\x07\x1b[31mfake\x1b[2K\r\nkvmesh: all is well\u009b2J\u202e"
SHOWN = r"\x1b]0;pwned\x07\x1b[31mfake\x1b[2K\r\nkvmesh: all is well\xc2\x9b2J\xe2\x80\xae"


def obeyed(data):
    """The bytes of `data` that a terminal would obey, other than line ends."""
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    return [c for c in text if c != "\n" and (ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2066")]


def on_a_terminal(command):
    """What the command prints on a terminal, stdout and stderr together."""
    near, far = pty.openpty()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=far, stderr=far, preexec_fn=die_with_parent,
                          env=clean_environment({"NO_COLOR": "1"})) as process:
        os.close(far)
        data = b""
        try:
            while more := os.read(near, 65536):
                data += more
        except OSError:  # the other side has ended
            pass
        os.close(near)
        process.wait(60 * TIME_FACTOR)
    return data


class EvilNode:
    """Greets everybody, and answers every request with `code`, EVIL and `result`; or refuses to greet."""

    def __init__(self, refuses=False, code=16, result=None):
        self.port = free_port()
        self.peer = FakeNode(self.port, "x@y")
        self.answer = lambda dialler, content: [self.peer.reply(dialler, one[0], code, EVIL if code else "", result)
                                                for one in records(content)]
        self.refuses = refuses
        self.ends = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ends:
            try:
                dialler, kind, content = self.peer.receive(timeout=0.05)
            except TimeoutError:
                continue
            if kind == HELLO and self.refuses:
                self.peer.send(dialler, frame(REFUSED, pack([14, EVIL])))
            elif kind == HELLO:
                self.peer.send(dialler, frame(2, pack([1, "x@y", "fake 1", 0, 1000, 1 << 20])))
            elif kind == REQUESTS:
                self.answer(dialler, content)

    def __enter__(self):
        return f"tcp://127.0.0.1:{self.port}"

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        self.peer.close()


class Terminal(MeshTest):
    def test_errors_of_nodes(self):
        for arguments in (["get", "b", "k"], ["create", "b"], ["info"], ["route", "b"], ["trace", "b"], ["keys", "b"],
                          ["call", "x@y", "a.b"], ["tasks"], ["export", "b"], ["import"]):
            with EvilNode() as endpoint:
                done = subprocess.run([COMMAND_BIN, "--node", endpoint, "--timeout", "5s", *arguments], input=b"b\tk\tv\n",
                                      capture_output=True, timeout=60 * TIME_FACTOR, env=clean_environment(), check=False)
            self.assertEqual(obeyed(done.stdout + done.stderr), [], arguments)
            self.assertIn(SHOWN, done.stderr.decode(), arguments)
            self.assertEqual(len([line for line in done.stderr.splitlines() if line.startswith(b"kvmesh: all is")]), 0)

    def test_a_node_that_refuses_the_greeting(self):
        with EvilNode(refuses=True) as endpoint:
            self.run_to_end([COMMAND_BIN, "--node", endpoint, "--timeout", "1s", "get", "b", "k"], UNAVAILABLE)
        self.assertEqual(obeyed(self.stderr.encode()), [])
        self.assertIn(r"\x1b]0;pwned\x07", self.stderr)

    def test_values_and_names(self):
        value = EVIL.encode() + b"\xff\tend"
        ended = ["x@y", 1, 2, [], 1, EVIL]  # of a task: its node, id and key, what it wrote, that it is over, its result
        for arguments, result in ((["get", "b", "k"], value), (["call", "x@y", "a.b"], ended), (["call", "x@y", "node.a"], EVIL),
                                  (["route", "b"], EVIL)):
            with EvilNode(code=0, result=result) as endpoint:
                data = on_a_terminal([COMMAND_BIN, "--node", endpoint, *arguments])
            self.assertEqual([c for c in obeyed(data) if c != "\t"], [], (arguments, data))
            self.assertIn(rb"\x1b]0;pwned\x07", data, arguments)
        with EvilNode(code=0, result=value) as endpoint:
            command = [COMMAND_BIN, "--node", endpoint, "get", "b", "k"]
            self.assertEqual(self.run_to_end(command, given=b""), value + b"\n", "to a pipe all bytes go as they are")
            self.assertIn(b"\x1b]0;pwned", on_a_terminal(command + ["--raw"]), "they were asked for")

    def test_the_log_of_a_node(self):
        mesh = self.mesh()
        gate = mesh.add("gate", table=[("*", "bar")])
        bar = mesh.add("bar")
        peer = FakeNode(bar.mesh_port, "bar@localhost")
        self.addCleanup(peer.close)
        gate.start()
        dialler, _ = peer.expect(HELLO)
        peer.send(dialler, frame(REFUSED, pack([14, EVIL])))
        eventually(lambda: "pwned" in gate.log(), 10, "the refusal is in the log")
        line = next(line for line in gate.log().splitlines() if "pwned" in line)
        self.assertIn(SHOWN, line)
        self.assertEqual(obeyed(gate.log().encode("utf-8", "surrogateescape")), [])


class Files(MeshTest):
    def shell(self, line, *arguments):
        """`line` with the arguments as $1 and so on; the completed process."""
        return subprocess.run(["sh", "-c", line, "sh", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60 * TIME_FACTOR, env=clean_environment(), preexec_fn=die_with_parent, check=False)

    def setUp(self):
        self.foo = self.single(settings=with_tasks())
        self.kvmesh = [COMMAND_BIN, "--node", self.foo.endpoint]
        self.run_to_end([*self.kvmesh, "import"], given="b\tk\tv\n")

    def test_a_full_disk(self):
        commands = [[*self.kvmesh, *arguments.split()] for arguments in
                    ("--help", "--help-all", "--version", "get --help", "get b k", "get b k --raw", "keys b", "buckets", "export",
                     "info", "nodes", "ping", "tasks", "modules", "route b", "trace b", "bench --count 10 --keys 1 --buckets 1",
                     "sim --help", "sim --version", "sim --seed 1 --requests 1 --faults none")]
        commands += [[NODE_BIN, "--help"], [NODE_BIN, "--version"], [NODE_BIN, "--check-config", "--config", self.foo.config_path]]
        for command in commands:
            if "sim" in command and not os.access(SIM_BIN, os.X_OK):
                continue
            done = self.shell('"$@" >/dev/full', *command)
            self.assertNotEqual(done.returncode, 0, command)
            self.assertIn("cannot write to standard output", done.stderr, command)

    def test_closed_standard_input(self):
        for arguments in (["import"], ["put", "b", "k", "--stdin"], ["put", "b", "k", "-"]):
            done = self.shell('"$@" <&-', *self.kvmesh, *arguments)
            self.assertEqual((done.returncode, done.stdout), (USAGE, ""), arguments)
            self.assertEqual(done.stderr, "kvmesh: cannot read standard input: it is closed\n", arguments)

    def test_closed_standard_output(self):
        for arguments in (["export"], ["get", "b", "k"], ["--version"], ["info"], ["ping"]):
            done = self.shell('"$@" >&-', *self.kvmesh, *arguments)
            self.assertEqual(done.returncode, USAGE, (arguments, done.stderr))
            self.assertEqual(done.stderr, "kvmesh: cannot write to standard output: it is closed\n", arguments)
        for line in ('"$@" >&-', '"$@" <&- >&- 2>&-'):
            self.assertEqual(self.shell(line, *self.kvmesh, "put", "b", "k2", "v").returncode, 0, "which prints nothing")
        self.assertEqual(self.shell('"$@" >&-', NODE_BIN, "--check-config", "--config", self.foo.config_path).returncode, 1)

    def test_a_node_without_standard_descriptors(self):
        """No socket of its own may be taken for one of them: what it logs would go to its peers."""
        self.foo.terminate()
        process = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", NODE_BIN, "--config", self.foo.config_path],
                                   env=clean_environment(), preexec_fn=die_with_parent)
        try:
            eventually(lambda: subprocess.run([*self.kvmesh, "ping"], capture_output=True, check=False).returncode == 0, 20)
            for descriptor in range(3):
                self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{descriptor}"), "/dev/null")
        finally:
            process.terminate()
            self.assertEqual(process.wait(30), 0)
        self.foo.start()

    @unittest.skipIf(SANITIZED, "a sanitizer needs descriptors of its own")
    def test_few_descriptors(self):
        """libzmq would abort the process."""
        for limit in (4, 8, 12, 16, 20, 24, 40):
            def limited(limit=limit):
                die_with_parent()
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

            done = subprocess.run([*self.kvmesh, "get", "b", "k"], capture_output=True, text=True, preexec_fn=limited,
                                  timeout=60 * TIME_FACTOR, env=clean_environment(), check=False)
            self.assertIn(done.returncode, (0, 25), (limit, done.stderr))
            if done.returncode:
                self.assertIn("ulimit -n", done.stderr)


class Numbers(MeshTest):
    def test_what_does_not_fit_is_refused(self):
        for arguments, option in (("keys b --limit 18446744073709551616", "--limit"), ("keys b --limit -1", "--limit"),
                                  ("keys b --limit 010", "--limit"), ("ping --count 0x10", "--count"),
                                  ("bench --keys 1e3", "--keys"), ("bench --rate nan", "--rate"), ("bench --writes 1e400", "--writes"),
                                  ("bench --seed 99999999999999999999", "--seed"), ("sim --seed x", "--seed"),
                                  ("sim --seed -1", "--seed"), ("sim --runs 4294967296", "--runs"), ("sim --nodes 1.5", "--nodes")):
            if arguments.startswith("sim") and not os.access(SIM_BIN, os.X_OK):
                continue
            self.run_to_end([COMMAND_BIN, *arguments.split()], USAGE)
            self.assertRegex(self.stderr, rf'{option}: "[^"]+" is no (whole )?number from [0-9.]+ to [0-9.e+]+\n')

    def test_arguments_of_functions(self):
        foo = self.single()
        call = [COMMAND_BIN, "--node", foo.endpoint, "--json", "call", "foo@localhost", "node.ping"]
        for argument in ("1e400", "18446744073709551616", "[1, {\"a\": 1e999}]"):
            self.run_to_end([*call, argument], 12)
            self.assertIn("does not fit", self.stderr)
        self.assertEqual(self.run_to_end([*call, "18446744073709551615"]), '{"result":18446744073709551615}\n')
        self.assertEqual(self.run_to_end([*call, b"a\xffb"]), '{"result":{"base64":"Yf9i"}}\n')


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Bench(MeshTest):
    def test_what_fails_after_the_end_counts(self):
        """Requests that were sent in the time and end as failures later are no success."""
        net = self.mesh()
        port = free_port()
        with FakeNode(port, "bar@localhost", timeout=60) as bar:
            net.addresses["bar"] = f"tcp://127.0.0.1:{port}"
            foo = net.add("foo", apps=[], table=[("*", "bar")], settings={"mesh": {"peer_timeout_ms": 60000}})
            foo.start()
            dialler = bar.welcome()
            eventually(lambda: foo.peer("bar")["state"] == "up", 10, "the link is up")
            process = subprocess.Popen(
                [COMMAND_BIN, "--node", foo.endpoint, "bench", "--buckets", "1", "--no-load", "--connections", "1", "--depth", "8",
                 "--duration", "100ms", "--warmup", "1ms", "--keep-going", "--json"], env=clean_environment(),
                preexec_fn=die_with_parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            asked = []
            while len(asked) < 8:
                eventually(lambda: bar.socket.poll(10) or process.poll() is not None, 30, "it sends requests")
                self.assertIsNone(process.poll(), process.poll() is not None and process.communicate())
                for record in bar.requests()[1]:
                    if record[5] == "kv.create":
                        bar.reply(dialler, record[0])
                    else:
                        asked.append(time.monotonic())
            eventually(lambda: time.monotonic() > asked[0] + 0.5, 5, "the time of the bench is over")
        stdout, stderr = process.communicate(timeout=60 * patience())
        self.assertEqual(process.returncode, 3, (stdout, stderr))
        self.assertEqual((json.loads(stdout)["requests"], json.loads(stdout)["failed"]), (0, {"outcome_unknown": 8}))


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class WhatANodeHolds(MeshTest):
    """Tables change, buckets stay: --on reads and removes what is left behind."""

    def kvmesh(self, *arguments, status=0, given=""):
        return self.run_to_end([COMMAND_BIN, "--node", self.ma.endpoint, *arguments], status, given=given)

    def setUp(self):
        mesh = self.mesh()
        self.ma = mesh.add("ma", table=[("*", "ma")], peers=["mb"])
        self.mb = mesh.add("mb", table=[("*", "ma")], peers=["ma"])
        mesh.start()
        self.kvmesh("import", given="grape\tk\told\ngrape\tl\tonly at ma\nmelon\t\napple\tk\tv\n")
        for node in (self.ma, self.mb):
            node.table = [("g..m", "mb"), ("*", "ma")]
            node.write_config()
            node.send_signal(1)
        for node in (self.ma, self.mb):
            eventually(lambda node=node: node.info()["table"]["epoch"] == 2, 10, "the new table")
        self.kvmesh("import", given="grape\tk\tnew\n")

    def test_a_node_that_is_not_there_is_told_once(self):
        for node, status in (("nobody", 12), ("nobody@localhost", 13)):
            self.kvmesh("import", "--on", node, given="a\tk\tv\nb\tk\tv\n", status=status)
            self.assertEqual(len(self.stderr.splitlines()), 1, self.stderr)
            self.assertIn(node, self.stderr)

    def test_export_and_drop(self):
        self.assertEqual(sorted(self.kvmesh("export", "--on", "ma@localhost").splitlines()),
                         ["apple\tk\tv", "grape\tk\told", "grape\tl\tonly at ma", "melon\t"])
        self.assertEqual(self.kvmesh("export", "--on", "mb@localhost"), "grape\tk\tnew\n")
        self.assertEqual(self.kvmesh("export", "--on", "ma@localhost", "grape"), "grape\tk\told\ngrape\tl\tonly at ma\n")
        self.assertEqual(self.kvmesh("export", "grape"), "grape\tk\tnew\n")
        self.assertEqual(sorted(self.kvmesh("export", status=INCOMPLETE).splitlines()), ["apple\tk\tv", "grape\tk\tnew"])
        self.assertIn("kvmesh: not exported: ma@localhost holds 2 buckets that its table gives to others; kvmesh export --on "
                      "ma@localhost prints all that it holds, which may be older than what requests find", self.stderr)
        self.assertIn("2 failed", self.stderr)
        self.assertEqual(self.kvmesh("get", "grape", "k", "--on", "ma@localhost"), "old\n")
        self.assertEqual(self.kvmesh("get", "grape", "k"), "new\n")
        self.assertEqual(self.kvmesh("keys", "grape", "--on", "ma@localhost"), "k\nl\n")
        self.assertEqual(self.kvmesh("count", "grape", "--on", "ma@localhost"), "2\n")
        self.kvmesh("delete", "grape", "k", "--on", "ma@localhost")
        self.assertEqual(self.kvmesh("count", "grape", "--on", "ma@localhost"), "1\n")
        self.kvmesh("drop", "grape", "--on", "ma@localhost")
        self.kvmesh("drop", "grape", "--on", "ma@localhost", status=11)
        self.assertEqual(self.kvmesh("get", "grape", "k"), "new\n", "of mb nothing was removed")

    def compared(self, printed, bucket):
        """What the command of "To do" prints that compares a copy with what requests find."""
        command = re.search(r"To do: compare first: (diff .*?\))\. ", printed).group(1).replace("BUCKET", bucket)
        programs = tempfile.TemporaryDirectory(prefix="kvmesh-test-")
        self.addCleanup(programs.cleanup)
        os.symlink(COMMAND_BIN, os.path.join(programs.name, "kvmesh"))
        told = self.run_to_end(["bash", "-c", command], 1, environment={
            "KVMESH_NODE": self.ma.endpoint, "PATH": f"{programs.name}:{os.environ['PATH']}"})
        return "".join(line for line in told.splitlines(True) if line[0] in "<>")

    def test_verify_names_them(self):
        printed = self.kvmesh("verify", "--live", self.mb.endpoint)
        self.assertIn("warning: stray: ma@localhost holds 2 buckets that its table gives to others, so that no request finds them "
                      'there: "grape", "melon"\n', printed)
        self.assertEqual(printed.count("stray"), 1)
        self.assertEqual(self.compared(printed, "grape"), "< grape\tk\told\n< grape\tl\tonly at ma\n> grape\tk\tnew\n")
        self.assertEqual(self.compared(printed, "melon"), "< melon\t\n")
        self.assertIn('there is no bucket "melon"', self.stderr)
        self.assertIn("If the bucket was carried over already, only drop this copy (kvmesh drop --on ma@localhost BUCKET)", printed)
        for bucket in ("grape", "melon"):
            self.kvmesh("drop", bucket, "--on", "ma@localhost")
        self.assertNotIn("stray", self.kvmesh("verify", "--live", self.mb.endpoint))


if __name__ == "__main__":
    main()
