#!/usr/bin/python3
"""The language of `kvmesh shell`: variables, tasks that are awaited, statements of several lines; and what Ctrl-C leaves."""

import json
import os
import re
import socket

from harness import COMMAND_BIN, main
from ports import free_port
from shell_fixture import PROMPT, Shell, ShellTerminal
from task_client import BAR, FOO

USAGE, NOT_FOUND, INVALID, DEADLINE_EXCEEDED, TASK_FAILED, CANCELLED = 2, 11, 12, 16, 26, 27
GOES_ON = "...> "


class Script(Shell):
    def test_results_are_kept_by_name(self):
        self.assertEqual(self.script("""
            x = call t.add 1 2
            call t.add $x 4
            call t.echo [$x, {last: $it}]
            y=[1, two, $x]
            call t.echo $y
            $y
            create shopping
            put shopping milk 3
            v = get shopping milk
            put shopping list $y
            get shopping list
            n = count shopping
            k = keys shopping
            where = node
            call t.echo [$v, $n, $k, $where]
        """), ["3", "7", '[3, {"last": 7}]', '[1, "two", 3]', '[1, "two", 3]', '[1, "two", 3]', "3", '[1,"two",3]', "2", "list",
               "milk", FOO, f'["3", 2, ["list", "milk"], "{FOO}"]'])
        self.assertEqual(self.script("b = 1\na = nil\nvars\n")[2:], ["a = nil", "b = 1"])
        self.assertEqual(json.loads(self.script("a = [1]\nvars\n", "--json")[1])["a"], [1])

    def test_a_session_of_the_guide(self):
        pid, from_pid, answer, own, mine = self.session()
        self.assertRegex(pid, rf"^<{BAR}/[0-9a-f]+>$")
        self.assertEqual(from_pid, f'message from {pid}: {{"ping": "{own}"}}')
        self.assertEqual(answer, f'{{"ping": "{own}"}}')
        self.assertEqual(mine, f'message from {own}: ["hello", "{pid}"]')

    def session(self):
        return self.script(f"""
            p = spawn {BAR} t.echo_messages
            send $p {{ping: $self}}
            receive 10
            $it
            self
            send self [hello, $p]
            receive 10
        """)

    def test_a_node_before_the_function(self):
        self.assertEqual(self.script(f"""
            call {BAR} node.name
            b = {BAR}
            call $b node.name
            node $b
            call {FOO} t.add 1 2
            call --bucket x node.name
        """), [f'"{BAR}"', f'"{BAR}"', f'"{BAR}"', "3", f'"{FOO}"'])
        self.script(f"call {BAR}", status=USAGE)
        self.assertIn("names no function; usage: call [NODE | --bucket BUCKET] FUNCTION [ARGS...]", self.stderr)

    def test_tasks_are_awaited(self):
        self.assertEqual(self.script(f"""
            t = async {BAR} t.add 1 2
            u = async --bucket x node.name
            await $t 10
            await $u 10
            await task1 10
            f = async t.fail "out of luck"
            await $f 10
            call t.echo $it
        """, status=TASK_FAILED), ["task1", "task2", "3", f'"{FOO}"', "3", "task3", '"task3"'])
        self.assertEqual(self.stderr, "kvmesh: line 8: task_failed: out of luck\n")

    def test_a_task_that_is_not_awaited_to_its_end_goes_on(self):
        self.assertEqual(self.script("t = async t.wait_for_stop\nawait $t 0.01\n", status=DEADLINE_EXCEEDED)[0], "task1")
        self.assertIn("task1 (t.wait_for_stop) has not ended within 10 ms; it goes on", self.stderr)
        self.script("t = async t.wait_for_stop\ncancel $t\nawait $t 10\n", status=CANCELLED)
        self.script("await task7\n", status=NOT_FOUND)
        self.assertIn('there is no task "task7"', self.stderr)

    def test_a_statement_of_several_lines(self):
        self.assertEqual(self.script("""
            call t.echo [1,
              {a: "b
c"}]
            call t.add \\
              1 \\
              2
            call t.echo 'x
# y'
        """), ['[1, {"a": "b\\nc"}]', "3", '"x\\n# y"'])
        self.script("node\ncall t.echo {a: [1,\n2", status=USAGE)
        self.assertEqual(self.stderr, "kvmesh: line 2, column 13: the { is not closed\n")

    def test_what_is_wrong_is_named_with_its_place(self):
        for line, told, status in (
                ("call t.echo {a}", "kvmesh: line 1, column 15: invalid_argument: a : is missing after a member's name; between ' and ' it is text", INVALID),
                ("call t.echo [1 2]", "column 16: invalid_argument: a , or ] is missing", INVALID),
                ("counter = 1\ncall t.echo $cuonter", "line 2, column 13: there is no variable $cuonter; did you mean $counter?", USAGE),
                ("x = create b", "create gave no result that x could be", USAGE),
                ("get = 5", '"get" is a command, and cannot be a variable', USAGE),
                ("it = 5", "choose another name", USAGE),
                ("x =", "after x = stands nothing", USAGE),
                ("cal t.add", 'there is no command "cal"; did you mean call?', USAGE),
                ("x = 1\nx", 'there is no command "x"; did you mean $x?', USAGE),
                ("x = cal t.add", 'there is no command "cal"; did you mean call?', USAGE)):
            self.script(line, status=status)
            self.assertIn(told, self.stderr, line)

    def test_the_owner_of_a_bucket_is_a_result(self):
        *_, name = self.script("x = route apples\n$x\n")
        self.assertIn(name, ('"foo@localhost"', '"bar@localhost"'))

    def test_what_fails_leaves_a_variable_as_it_was(self):
        self.assertEqual(self.script("x = 1\nx = call t.fail no\n$x\nx = get nothing k\n$x\n", status=NOT_FOUND), ["1", "1", "1"])

    def test_exit(self):
        self.assertEqual(self.script("exit\nnode\n"), [])

    def test_parts_of_a_value_are_named(self):
        told = self.script("info\ncall t.echo [$it.name, $it.peers.0.name]\n$it.1\n", "--json")[1:]
        self.assertEqual([json.loads(line) for line in told], [{"result": [FOO, BAR]}, {"result": BAR}])
        self.script("info\n$it.peers.0.nam\n", status=USAGE)
        self.assertIn('line 2, column 1: $it.peers.0 has no member "nam"; did you mean $it.peers.0.name?', self.stderr)

    def test_too_many_names_are_no_result(self):
        self.run_to_end([COMMAND_BIN, "--node", self.foo.endpoint, "import"],
                        given="".join(f"b{number:05}\t\n" for number in range(10001)))
        self.assertEqual(len(self.script("x = buckets --limit 10000\n")), 10000)
        self.assertEqual(len(self.script("x = buckets\n", status=USAGE)), 10001)
        self.assertIn("buckets gave no result that x could be; it stays as it was: more than 10000 names are no result; --limit "
                      "gives fewer, from --after on", self.stderr)

    def test_lists_are_packed(self):
        lines = self.script(f"call t.echo [{', '.join(str(i) for i in range(60))}]\n")
        self.assertLess(len(lines), 8)
        self.assertEqual(json.loads("".join(lines)), list(range(60)))


class Terminal(ShellTerminal):
    def test_a_statement_of_several_lines(self):
        self.keys("call t.echo [1,\r")
        self.wait_for(GOES_ON)
        self.keys("two]\r")
        self.wait_for('[1, "two"]\r\n' + PROMPT)
        self.keys("call t.echo {a:\r")
        self.wait_for(GOES_ON)
        self.keys("1")
        self.wait_for("1")
        self.keys("\x03")
        self.wait_for("^C\r\n" + PROMPT)
        self.keys("call t.add 'a\r")
        self.wait_for(GOES_ON)
        self.keys("\x04")
        self.wait_for("column 12: the quote is not closed")
        self.wait_for(PROMPT)
        self.assertIn("3", self.run_line("call t.add 1 2"))

    def test_completion_of_variables(self):
        self.run_line("counter = 20")
        self.complete("x = call t.ad", "d ")
        self.keys("$cou\t22\r")
        self.wait_for("\r\n42\r\n" + PROMPT)
        self.complete("call bar", "@localhost ")
        self.keys("node.name\r")
        self.wait_for(f'\r\n"{BAR}"\r\n' + PROMPT)

    def test_a_process_that_has_ended_is_not_offered(self):
        ends = re.search("<.*>", self.run_line("p = spawn t.echo_messages")).group(0)
        stays = re.search("<.*>", self.run_line("q = spawn_link t.echo_messages")).group(0)
        self.run_line("monitor $p")
        self.run_line("send $p end")
        self.run_line("receive 10")
        self.keys("cancel <\t")
        self.assertNotIn(ends[1:], self.wait_for(stays[1:] + " "))  # there is no other choice

    def test_ctrl_c_lets_go_of_a_task_that_does_not_stop(self):
        self.keys("call t.compute 8000\r")
        self.wait_for("\r\n")
        self.keys("\x03")
        self.wait_for("t.compute was told to stop; Ctrl-C again to let go of it")
        self.keys("\x03")
        self.wait_for("kvmesh: cancelled: t.compute was told to stop and has not yet")
        self.wait_for(PROMPT)
        self.assertIn("3", self.run_line("call t.add 1 2"))

    def test_ctrl_c_breaks_off_export(self):
        """What it prints is not read for a while, so that it is under way."""
        with open(os.path.join(self.foo.mesh.directory, "records.tsv"), "w", encoding="utf-8") as file:
            file.writelines(f"b{number:03}\tkey\t{'v' * 1000}\n" for number in range(600))
        self.assertIn("imported 600 records", self.run_line(f"import {file.name}"))
        self.keys("export\r")
        self.wait_for("b000\tkey\t")
        self.keys("\x03")
        self.wait_for("kvmesh: interrupted: the rest was not read")
        self.wait_for(PROMPT)
        self.assertIn("3", self.run_line("call t.add 1 2"))

    def test_ctrl_c_breaks_off_import(self):
        path = os.path.join(self.foo.mesh.directory, "lines")
        os.mkfifo(path)
        lines = os.open(path, os.O_RDWR)
        self.addCleanup(os.close, lines)
        self.keys(f"import {path}\r")
        self.wait_for("0 records")
        self.keys("\x03")
        self.wait_for("kvmesh: interrupted: the rest of the input was not read")
        self.wait_for(PROMPT)
        self.assertIn("3", self.run_line("call t.add 1 2"))

    def test_ctrl_c_breaks_off_verify(self):
        with socket.socket() as silent:
            silent.bind(("0.0.0.0", free_port()))
            silent.listen(1000)
            port = silent.getsockname()[1]
            some = ",".join(f"tcp://127.0.1.{number}:{port}" for number in range(1, 200))
            self.keys(f"endpoints = '{some}'\r")
            self.wait_for(PROMPT)
            self.keys("verify --live $endpoints --timeout 1h\r")
            silent.settimeout(20)
            silent.accept()[0].close()
            self.keys("\x03")
            self.wait_for("kvmesh: cancelled: interrupted")
            self.wait_for(PROMPT)
        self.assertIn("3", self.run_line("call t.add 1 2"))

    def test_a_statement_of_several_lines_comes_back_as_one(self):
        self.keys("call t.echo [1,\r")
        self.wait_for(GOES_ON)
        self.keys("2]\r")
        self.wait_for("\r\n[1, 2]\r\n" + PROMPT)
        self.keys("call t.echo \\\r")
        self.wait_for(GOES_ON)
        self.keys("7\r")
        self.wait_for("\r\n7\r\n" + PROMPT)
        self.keys("\x1b[A\r")
        self.wait_for("\r\n7\r\n" + PROMPT)
        self.keys("\x1b[A\x1b[A\r")
        self.wait_for("\r\n[1, 2]\r\n" + PROMPT)

    def test_ctrl_c_lets_go_of_await(self):
        self.keys("t = async t.wait_for_stop\r")
        self.wait_for("waiting\r\n")  # perhaps above a prompt that was there already
        self.wait_for(PROMPT)
        self.keys("await $t 3600\r")
        self.wait_for("3600\r\n")
        self.keys("\x03")
        self.wait_for("kvmesh: cancelled: interrupted; task1 (t.wait_for_stop) goes on")
        self.wait_for(PROMPT)
        self.run_line("cancel $t")
        self.assertIn("kvmesh: cancelled: ", self.run_line("await $t 10"))

    def test_news_of_watch_leave_the_line_alone(self):
        self.assertRegex(self.run_line("watch"), rf"  {BAR}  is up  \(seen by {FOO}\)\r\n")
        self.keys("call t.add 20 ")
        self.wait_for("20 ")
        self.bar.kill()
        self.assertRegex(self.wait_for(PROMPT + "call t.add 20 "), rf"  {BAR}  went down: .*\(seen by {FOO}\)")
        self.keys("22\r")
        self.wait_for("\r\n42\r\n" + PROMPT)
        self.keys("receive 3600\r")
        self.wait_for("3600\r\n")
        self.bar.start()
        self.wait_for(f"  {BAR}  came up  (seen by {FOO})\r\n")
        self.keys("\x03")
        self.wait_for(PROMPT)


if __name__ == "__main__":
    main()
