#!/usr/bin/python3
"""call, spawn, send, modules and tasks of the command `kvmesh`, against real nodes with the module `t`."""

import json
import os
import re
import signal
import subprocess
import unittest

from harness import COMMAND_BIN, MeshTest, clean_environment, die_with_parent, eventually, main, patience
from pipe_lines import read_line, write_line
from task_client import QUX, with_tasks

USAGE, INCOMPLETE = 2, 3
NOT_FOUND, INVALID_ARGUMENT, NO_ROUTE, UNAVAILABLE, OUTCOME_UNKNOWN, DEADLINE_EXCEEDED, UNDEFINED = 11, 12, 13, 14, 15, 16, 22
TASK_FAILED, CANCELLED, DENIED = 26, 27, 28
PID = re.compile(f"<{QUX}/[0-9a-f]+>")


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class TaskCommand(MeshTest):
    """foo, which the command is connected to, reaches qux, where the tasks run, via bar."""

    def setUp(self):
        mesh = self.mesh()
        self.foo = mesh.add("foo", table=[("*", "qux")], peers=["bar"], vias={"qux": "bar"})
        self.bar = mesh.add("bar", apps=["kv"], table=[("*", "qux")], peers=["qux"])
        self.qux = mesh.add("qux", apps=["kv"], table=[("*", "qux")], peers=[],
                            settings=with_tasks(allow=["t.*", "counter.*"]))
        mesh.start()
        eventually(lambda: self.foo.reaches("qux"), 5, "foo reaches qux")

    def command_line(self, *arguments):
        return [COMMAND_BIN, "--node", self.foo.endpoint, *arguments]

    def kvmesh(self, *arguments, status=0):
        return self.run_to_end(self.command_line(*arguments), status)

    def begin(self, *arguments, stdin=subprocess.DEVNULL):
        process = subprocess.Popen(self.command_line(*arguments), stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=clean_environment(),
                                   preexec_fn=die_with_parent)
        self.addCleanup(self.finish, process)
        return process

    @staticmethod
    def finish(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def tasks(self):
        """What runs, but for servers and mailboxes."""
        return [t for t in json.loads(self.kvmesh("tasks", QUX, "--json")) if t["function"].startswith("t.")]


class Call(TaskCommand):
    def test_a_reader_that_goes_ends_the_call(self):
        """As with | head -1: nobody waits for a task whose output nobody reads, nor for the time of the call."""
        process = self.begin("--timeout", "1h", "call", QUX, "t.flood", str(10 ** 6))
        self.assertEqual(read_line(process.stdout), "line 0")
        process.stdout.close()
        process.stdout = None
        self.assertEqual(process.wait(60 * patience()), INCOMPLETE)
        self.assertRegex(process.stderr.read(), r"^kvmesh: cannot write to standard output(: Broken pipe)?\n$")
        eventually(lambda: self.tasks() == [], 10, "its node has stopped it")

    def test_a_node_without_modules_says_so(self):
        self.assertEqual(self.kvmesh("modules", "bar@localhost"), "")
        self.assertIn("kvmesh: bar@localhost has no functions of modules and no servers", self.stderr)
        self.assertEqual(self.kvmesh("modules", "bar@localhost", "--json"), "[]\n")

    def test_results_are_readable(self):
        self.assertEqual(self.kvmesh("call", QUX, "t.add", "1", "-2"), "-1\n")
        for given, shown in [("hello", '"hello"'), ('"5"', '"5"'), ("5", "5"), ("[1, null]", "[1, nil]"), ("{}", "{}"),
                             ("", '""'), ('{"base64": "AP8="}', 'b"\\x00\\xff"'), ("get", '"get"'), ("2.0", "2.0")]:
            with self.subTest(given=given):
                self.assertEqual(self.kvmesh("call", QUX, "t.echo", given), shown + "\n")
        self.assertEqual(self.kvmesh("call", QUX, "t.echo", "--", "--option"), '"--option"\n')
        self.assertEqual(self.kvmesh("call", QUX, "t.nothing"), "nil\n")
        self.assertEqual(self.kvmesh("call", QUX, "t.echo", "[1, null]", "--json"), '{"result":[1,null]}\n')

    def test_what_begins_as_a_list_or_map_and_is_none_is_told(self):
        for given in ("{a: 1}", "[1,"):
            self.assertEqual(self.kvmesh("call", QUX, "t.echo", given), f'"{given}"\n')
            self.assertRegex(self.stderr, rf"^kvmesh: warning: \"{re.escape(given)}\" is no JSON \(column .*'\"{re.escape(given)}\"'\n$")
            self.assertEqual(self.kvmesh("call", QUX, "t.echo", json.dumps(given)), f'"{given}"\n')
            self.assertEqual(self.stderr, "", "it was meant")
        self.assertEqual(self.kvmesh("call", QUX, "t.echo", '"C:\\dir"'), r'''"\"C:\\dir\""''' + "\n")
        self.assertIn("is no JSON (column", self.stderr)
        self.kvmesh("call", QUX, "t.echo", '{"base64":"!!"}')
        self.assertEqual(self.stderr, 'kvmesh: warning: "!!" is no base64, so that {"base64": ...} is passed on as a map, not as bytes\n')

    def test_output_comes_before_the_result(self):
        self.assertEqual(self.kvmesh("call", QUX, "t.both_streams"), "one\nthree\nnil\n")
        self.assertEqual(self.stderr, "two\n")
        documents = [json.loads(line) for line in self.kvmesh("call", QUX, "t.both_streams", "--json").splitlines()]
        self.assertEqual(documents.pop(), {"result": None})
        self.assertEqual("".join(d["output"] for d in documents if d["stream"] == "stdout"), "one\nthree\n")
        self.assertEqual("".join(d["output"] for d in documents if d["stream"] == "stderr"), "two\n")
        flood = self.kvmesh("call", QUX, "t.flood", "20000").splitlines()
        self.assertEqual(flood, [f"line {i}" for i in range(20000)] + ["nil"])

    def test_by_bucket_and_of_the_nodes_own_functions(self):
        self.assertEqual(self.kvmesh("call", "--bucket", "anything", "node.name"), '"qux@localhost"\n')
        self.assertEqual(self.kvmesh("call", "--bucket", "anything", "t.add", "1", "2"), "3\n")
        self.assertEqual(self.kvmesh("call", "bar@localhost", "node.name"), '"bar@localhost"\n')

    def test_exit_statuses(self):
        self.kvmesh("call", QUX, "t.fail", "out of luck", status=TASK_FAILED)
        self.assertEqual(self.stderr, "kvmesh: task_failed: out of luck\n")
        self.kvmesh("call", QUX, "t.half", "3", status=NOT_FOUND)
        self.kvmesh("call", QUX, "t.add", "1", status=INVALID_ARGUMENT)
        self.kvmesh("call", QUX, "t.ad", "1", "2", status=UNDEFINED)
        self.assertIn("t.add(int, int)", self.stderr)
        self.kvmesh("call", "nobody@localhost", "t.add", "1", "2", status=NO_ROUTE)
        self.kvmesh("call", QUX, "t.wait_for_stop", "--timeout", "200ms", status=DEADLINE_EXCEEDED)
        eventually(lambda: not self.tasks(), 5, "the task has ended")
        for arguments in (("call",), ("call", QUX), ("spawn", QUX), ("send", "x"), ("modules", "a", "b"), ("shell", "x")):
            self.kvmesh(*arguments, status=USAGE)

    def test_what_the_operator_does_not_allow(self):
        self.qux.terminate()
        self.qux.settings["tasks"]["allow"] = ["t.add"]
        self.qux.start()
        eventually(lambda: self.foo.reaches("qux"), 5, "foo reaches qux")
        self.assertEqual(self.kvmesh("call", QUX, "t.add", "1", "2"), "3\n")
        self.kvmesh("call", QUX, "t.nothing", status=DENIED)

    def test_an_interrupt_cancels_the_task(self):
        process = self.begin("call", QUX, "t.wait_for_stop", "--timeout", "1h")
        self.assertEqual(process.stdout.readline(), "waiting\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10 * patience()), CANCELLED)
        self.assertEqual(self.tasks(), [])

    def test_a_second_interrupt_lets_go_of_what_does_not_stop(self):
        process = self.begin("call", QUX, "t.compute", "20000", "--timeout", "1h")  # looks at no stop token
        eventually(lambda: self.tasks(), 5, "it runs")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stderr.readline(), "kvmesh: t.compute was told to stop; Ctrl-C again to let go of it\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10 * patience()), CANCELLED)
        self.assertIn("t.compute was told to stop and has not yet; its node stops it, or drops its result", process.stderr.read())

    def test_an_interrupt_ends_it_while_the_result_is_printed(self):
        """To a reader that does not read: the task has ended, and there is nothing left to be told to stop."""
        for options in ((), ("--json",)):
            with self.subTest(options=options):
                process = self.begin(*options, "call", QUX, "t.echo", "x" * 120_000)  # more than a pipe takes
                self.assertTrue(process.stdout.read(1), "it prints")
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(30 * patience()), -signal.SIGINT)

    def test_the_node_that_was_lost_is_named(self):
        """The one on the way, not the task's own, which goes on."""
        for lost, why in ((self.bar, "it was sent to bar@localhost, and the connection ended (.+) before a reply arrived"
                                     "|foo@localhost cannot reach bar@localhost: .+; the request was not executed"),
                          (self.foo, "the request was sent to foo@localhost, and the connection ended (.+) before a reply arrived"
                                     "|.+; the request was not sent")):
            process = self.begin("call", QUX, "t.wait_for_stop", "--timeout", "1h")
            self.assertEqual(read_line(process.stdout), "waiting")
            lost.kill()
            self.assertEqual(process.wait(10 * patience()), OUTCOME_UNKNOWN)
            self.assertRegex(process.stderr.read(), r"^kvmesh: outcome_unknown: t.wait_for_stop runs or ran at qux@localhost; "
                             rf"the request for its result failed: ({why})\n\Z")
            self.assertFalse(self.qux.has_ended(), "the task's node is there")
            lost.start()
            eventually(lambda: self.foo.reaches("qux"), 5, "foo reaches qux")

    def test_a_killed_caller_ends_its_task(self):
        process = self.begin("call", QUX, "t.wait_for_stop", "--timeout", "1h")
        self.assertEqual(process.stdout.readline(), "waiting\n")
        process.kill()
        eventually(lambda: not self.tasks(), 10, "the task has ended")


class Spawn(TaskCommand):
    def test_shows_the_pid_and_then_what_the_process_writes(self):
        pid, *shown = self.kvmesh("spawn", QUX, "t.both_streams").splitlines()
        self.assertRegex(pid, PID)
        self.assertEqual(shown, ["one", "three"])
        self.assertEqual(self.stderr, "two\n")
        self.kvmesh("spawn", QUX, "t.fail", "out of luck", status=TASK_FAILED)
        self.assertEqual(self.stderr, "kvmesh: task_failed: out of luck\n")
        self.kvmesh("spawn", QUX, "node.name", status=INVALID_ARGUMENT)

    def test_an_interrupt_stops_the_process(self):
        process = self.begin("spawn", QUX, "t.wait_for_stop")
        self.assertRegex(process.stdout.readline(), PID)
        self.assertEqual(process.stdout.readline(), "waiting\n")
        process.send_signal(signal.SIGINT)
        self.assertNotEqual(process.wait(10 * patience()), -signal.SIGINT)
        self.assertEqual(self.tasks(), [])

    def test_a_task_that_sleeps_waits(self):
        """It has no worker; one that keeps its thread runs."""
        sleeps = self.begin("spawn", QUX, "t.sleep", "3600000")
        computes = self.begin("spawn", QUX, "t.compute", "10000")
        states = {"t.sleep": "waiting", "t.compute": "running"}
        eventually(lambda: {task["function"]: task["state"] for task in self.tasks()} == states, 5, "both have begun")
        for process in (sleeps, computes):
            process.terminate()

    def test_a_process_that_goes_on(self):
        def refused():
            done = subprocess.run(self.command_line("spawn", "--detach", QUX, "t.add", "1"), capture_output=True, text=True, check=False,
                                  timeout=60, env=clean_environment())
            return done.returncode == INVALID_ARGUMENT and done.stdout == "" and "t.add" in done.stderr

        eventually(refused, 20, "arguments that do not fit are told, unless the machine is busy in that moment")
        pid = self.kvmesh("spawn", "--detach", QUX, "t.one_message", "60000").strip()
        self.assertRegex(pid, PID)
        eventually(lambda: [task["state"] for task in self.tasks()] == ["waiting"], 5, "it waits")
        task, = self.tasks()
        self.assertEqual((task["pid"], task["function"]), (pid, "t.one_message"))
        self.assertRegex(self.kvmesh("tasks", QUX), rf"(?m)^{pid} +t\.one_message +waiting +[0-9.]+ m?s +0$")
        self.kvmesh("send", pid.strip("<>"), "hello")
        eventually(lambda: not self.tasks(), 5, "it has got its message")
        self.kvmesh("send", pid, "hello", status=NOT_FOUND)
        self.kvmesh("send", "hello", "hello", status=INVALID_ARGUMENT)

    def test_a_limit_ends_it_and_is_told_and_logged(self):
        self.kvmesh("spawn", QUX, "t.wait_for_stop", "--limit", "100ms", status=DEADLINE_EXCEEDED)
        self.assertIn("its limit of 100 ms", self.stderr)
        pid = self.kvmesh("spawn", "--detach", "--limit", "100ms", QUX, "t.wait_for_stop").strip()
        eventually(lambda: f"{pid} was told to stop: its limit of 100 ms was over" in self.qux.log(), 10, "it is logged")
        self.assertEqual(self.kvmesh("spawn", "--limit", "1h", QUX, "t.has_deadline").count("\n"), 1)
        for wrong in ("0s", "25h", "soon"):
            self.kvmesh("spawn", QUX, "t.wait_for_stop", "--limit", wrong, status=USAGE)

    def test_a_call_has_its_callers_time_and_the_operators_bound_is_named(self):
        self.assertEqual(self.kvmesh("call", QUX, "t.has_deadline", "--timeout", "1h"), "true\n")
        self.qux.terminate()
        self.qux.settings["tasks"]["time_limit_ms"] = 200
        self.qux.start()
        eventually(lambda: self.foo.reaches("qux"), 5, "foo reaches qux")
        for command in ("call", "spawn"):
            self.kvmesh(command, QUX, "t.wait_for_stop", "--timeout", "1h", status=DEADLINE_EXCEEDED)
            self.assertIn("its node's tasks.time_limit_ms of 200 ms", self.stderr)

    def test_cancel(self):
        for short in (False, True):
            pid = self.kvmesh("spawn", "--detach", QUX, "t.wait_for_stop").strip()
            self.kvmesh("tasks", QUX, "--cancel", pid.rsplit("/", 1)[1].strip(">") if short else pid)
            eventually(lambda: not self.tasks(), 5, "it has ended")
        self.kvmesh("tasks", "--cancel", pid, status=NOT_FOUND)
        self.kvmesh("tasks", QUX, "--cancel", "no id", status=INVALID_ARGUMENT)


class Modules(TaskCommand):
    def test_signatures(self):
        lines = self.kvmesh("modules", QUX).splitlines()
        self.assertIn("t.add(int, int)", lines)
        self.assertIn("t.nothing()", lines)
        functions = json.loads(self.kvmesh("modules", QUX, "--json"))
        self.assertIn({"function": "t.add", "parameters": "int, int", "arity": 2}, functions)
        self.assertIn("server counter: call add(int)  Adds to the count, and says what it is then.", lines)
        self.assertIn("server counter: cast reset()", lines)
        counter, = [entry for entry in functions if entry.get("server") == "counter"]
        self.assertIn({"function": "add", "parameters": "int", "arity": 1,
                       "doc": "Adds to the count, and says what it is then."}, counter["calls"])
        self.assertEqual(counter["casts"], [{"function": "reset", "parameters": "", "arity": 0}])
        self.assertEqual(self.kvmesh("modules"), "")


class Servers(TaskCommand):
    def counter(self):
        row, = [row for row in json.loads(self.kvmesh("tasks", QUX, "--json")) if row["function"] == "server counter"]
        return row

    def give_up(self, crashes=3):
        for _ in range(crashes):
            self.kvmesh("server", QUX, "counter", "crash", status=TASK_FAILED)
        self.assertEqual(self.counter()["state"], "given_up")

    def test_calls_casts_and_messages_by_name(self):
        self.assertEqual(self.kvmesh("server", QUX, "counter", "add", "3"), "3\n")
        self.assertEqual(self.kvmesh("send", QUX, "counter", "4"), "")
        self.assertEqual(self.kvmesh("server", QUX, "counter", "add", "-2", "--json"), '{"result":5}\n')
        self.assertEqual(self.kvmesh("server", "--cast", QUX, "counter", "reset"), "")
        self.assertEqual(self.kvmesh("server", QUX, "counter", "add", "1"), "1\n")

    def test_faults_say_what_there_is(self):
        for arguments, status, told in [
                (("server", QUX, "contour", "add", "1"), DENIED, "contour"),
                (("server", QUX, "counter", "sub", "1"), UNDEFINED, "the server counter has no call \"sub\"; it has add, "),
                (("server", QUX, "counter", "reset"), UNDEFINED, "\"reset\" is a cast"),
                (("server", QUX, "counter", "add", "--cast"), UNDEFINED, "\"add\" is a call"),
                (("server", QUX, "counter", "add", "x"), INVALID_ARGUMENT, "counter.add: argument 1 must be an int"),
                (("send", QUX, "contour", "1"), DENIED, "contour"),
                (("server", QUX, "counter"), USAGE, "server takes NODE NAME FUNCTION"),
                (("server", QUX, "counter", "add", "--restart"), USAGE, "server takes NODE NAME FUNCTION"),
                (("call", QUX, "counter.add", "1"), UNDEFINED,
                 f"counter is a server; call it with: kvmesh server {QUX} counter add 1\n")]:
            with self.subTest(arguments=arguments):
                self.kvmesh(*arguments, status=status)
                self.assertIn(told, self.stderr)

    def test_one_that_was_given_up_is_listed_with_its_reason_and_revived(self):
        eventually(lambda: self.counter()["state"] == "waiting", 5, "it has begun")
        self.assertEqual(self.counter()["restarts"], 0)
        self.kvmesh("server", QUX, "counter", "crash", status=TASK_FAILED)
        self.assertEqual([self.counter()[key] for key in ("restarts", "restarts_counted", "restarts_max")], [1, 1, 2])
        self.assertRegex(self.qux.log(), r"server counter <.+> ended \(failed: the counter is broken\) and is restarted, 1 of 2 times in")
        self.give_up(2)
        row = self.counter()
        self.assertEqual((row["pid"], row["restarts"], row["why"]), (None, 2, "failed: the counter is broken"))
        self.assertRegex(self.kvmesh("tasks", QUX),
                         r"(?m)^ +server counter +given_up +[0-9.]+ m?s +0 +2 \(2 of 2 in [0-9]+ ms\) +failed: the counter is broken$")
        self.kvmesh("server", QUX, "counter", "add", "1", status=UNAVAILABLE)
        pid = self.kvmesh("server", QUX, "counter", "--restart").strip()
        self.assertRegex(pid, PID)
        self.assertEqual(self.kvmesh("server", QUX, "counter", "self"), f'"{pid}"\n')
        self.assertEqual(self.kvmesh("server", QUX, "counter", "add", "1"), "1\n")
        self.give_up()  # its restarts counted from none again
        self.assertRegex(json.loads(self.kvmesh("server", QUX, "counter", "--restart", "--json"))["pid"], PID)

    def test_one_that_runs_is_restarted(self):
        before = self.kvmesh("server", QUX, "counter", "self")
        self.kvmesh("server", QUX, "counter", "add", "5")
        pid = json.loads(self.kvmesh("server", QUX, "counter", "--restart", "--json"))["pid"]
        self.assertRegex(pid, PID)
        self.assertNotEqual(pid, before.strip('"\n'), "it is another process")
        self.assertEqual(self.counter()["pid"], pid)
        eventually(lambda: self.counter()["state"] == "waiting", 10, "it is ready")
        self.assertEqual(self.kvmesh("server", QUX, "counter", "add", "1"), "1\n")

    def test_in_the_shell(self):
        lines = [f"node {QUX}", "server counter add 3", "send counter 4", "server counter add 1",
                 "server --cast counter reset", "server counter add 2", "server counter", "send cafe 1", "self"]
        done = subprocess.run(self.command_line("shell"), input="\n".join(lines) + "\n", text=True, capture_output=True,
                              env=clean_environment(), timeout=60 * patience(), check=False)
        out = [line for line in done.stdout.splitlines() if line]
        self.assertEqual(out[:3], ["3", "8", "2"], done)
        self.assertIn("usage: server", done.stderr)


class Killed(TaskCommand):
    """The caller is killed while what it has started runs."""

    def running(self):
        return sorted(t["pid"] for t in self.tasks())

    def begin_shell(self):
        shell = self.begin("shell", stdin=subprocess.PIPE)
        write_line(shell.stdin, f"node {QUX}")
        return shell

    def start_in(self, shell, command):
        """The pid; it has begun when its output is there."""
        write_line(shell.stdin, command)
        pid = read_line(shell.stdout)
        self.assertRegex(pid, PID)
        self.assertEqual(read_line(shell.stdout), "waiting")
        return pid

    def test_what_is_linked_ends_and_the_rest_goes_on(self):
        shell = self.begin_shell()
        linked = self.start_in(shell, "spawn_link t.wait_for_stop")
        free = self.start_in(shell, "spawn t.wait_for_stop")
        call = self.begin("call", QUX, "t.wait_for_stop", "--timeout", "1h")
        spawned = self.begin("spawn", QUX, "t.wait_for_stop")
        detached = self.kvmesh("spawn", QUX, "t.wait_for_stop", "--detach").strip()
        eventually(lambda: len(self.running()) == 5, 5, "all run")
        self.assertLess({linked, free, detached}, set(self.running()))
        for caller in (shell, call, spawned):
            caller.kill()
        eventually(lambda: self.running() == sorted([free, detached]), 5, "what was linked has ended")
        for pid in (free, detached):
            self.kvmesh("send", pid, "end")  # it is there, and hears
        eventually(lambda: self.running() == [], 5, "they end by themselves")

    def test_its_mailbox_is_forgotten(self):
        shell = self.begin_shell()
        write_line(shell.stdin, "self")
        own = read_line(shell.stdout)
        self.kvmesh("send", own, "1")
        shell.kill()
        eventually(lambda: self.foo.info()["tasks"]["processes"] == 0, 5, "the mailbox is forgotten")
        self.kvmesh("send", own, "1", status=NOT_FOUND)


if __name__ == "__main__":
    main()
