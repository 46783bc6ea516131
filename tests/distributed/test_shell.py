#!/usr/bin/python3
"""`kvmesh shell`: scripts on a pipe, and a terminal with editing, completion, history and interrupts."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import COMMAND_BIN, clean_environment, die_with_parent, eventually, main, patience
from pipe_lines import read_line, write_line
from shell_fixture import PROMPT, Shell, ShellTerminal

USAGE, NOT_FOUND, INVALID_ARGUMENT, DEADLINE_EXCEEDED = 2, 11, 12, 16


class Script(Shell):
    def test_buckets(self):
        self.assertEqual(self.script("""
            # a comment
            create "my bucket"
            put "my bucket" milk '"1" [2'
            put "my bucket" dash "-"
            get "my bucket" milk
            get "my bucket" dash
            keys "my bucket"
            count "my bucket"
            delete "my bucket" milk
            keys "my bucket"
            buckets
            route "my bucket"
            drop "my bucket"
            buckets
        """), ['"1" [2', "-", "dash", "milk", "2", "dash", "my bucket", "foo@localhost", "  foo@localhost  * is its own"])

    def test_calls_go_to_the_shells_node(self):
        self.assertEqual(self.script("""
            node
            call t.add 1 2
            call node.name
            node bar@localhost
            node
            call node.name
            call t.echo [1, {"a": "b c"}]
            call t.echo 'two words'
            call --bucket x node.name
            call t.both_streams
        """), ["foo@localhost", "3", '"foo@localhost"', "bar@localhost", '"bar@localhost"', '[1, {"a": "b c"}]',
               '"two words"', '"foo@localhost"', "one", "three", "nil"])
        self.assertEqual(self.stderr, "two\n")

    def test_a_process_and_its_end(self):
        pid, one, three, down = self.script("spawn_link t.both_streams\nreceive 10\n")
        self.assertEqual((one, three, down), ("one", "three", f"down {pid}: normal"))
        pid, down = self.script('spawn_link t.fail "out of luck"\nreceive 10\nflush\n')
        self.assertEqual(down, f"down {pid}: failed: out of luck")

    def test_messages(self):
        with subprocess.Popen(self.command_line(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(),
                              preexec_fn=die_with_parent) as shell:
            self.addCleanup(shell.kill)

            def say(line):
                write_line(shell.stdin, line)

            def told():
                return read_line(shell.stdout)

            say("self")
            own = told()
            self.assertRegex(own, r"^<foo@localhost/[0-9a-f]+>$")
            say("node bar@localhost")
            say("spawn t.echo_messages")
            echo = told()
            self.assertRegex(echo, r"^<bar@localhost/[0-9a-f]+>$")
            for value in ("1", '"1"', "[1, 2]"):
                say(f"send {echo} {value}")
                say("receive 10")
                self.assertEqual(told(), f"message from {echo}: {value}")
            say(f"monitor {echo}")
            say(f"cancel {echo}")
            say("receive 10")
            self.assertRegex(told(), f"^down {echo}: ")
            say(f"send {echo} 1")
            say("receive 10")
            self.assertRegex(told(), f"^undelivered to {echo}: not_found: ")
            say(f"send {own} mine")
            say("receive 10")
            say("quit\nfrob")  # at once: the shell may end any moment
            self.assertEqual(told(), f'message from {own}: "mine"')
            self.assertEqual(shell.wait(10 * patience()), 0)

    def test_a_message_that_nobody_took_is_told_at_the_end(self):
        for line, status, told in (("send bar@localhost/5 hi", 11, r"undelivered to <bar@localhost/5>: not_found: .+"),
                                   ("send a@box/5 hi", 13, r"undelivered to <a@box/5>: no_route: .+")):
            self.assertEqual(self.script(f"{line}\nnode\n", status=status), ["foo@localhost"])
            self.assertRegex(self.stderr, rf"^kvmesh: {told}\n\Z")
        self.script("send bar@localhost/5 hi\nreceive 10\n")
        self.assertEqual(self.stderr, "", "it was read")

    def test_its_own_mailbox_is_not_cancelled(self):
        told = self.script("p = self\nsend self kept\ncancel $self\ncancel self\ntasks --cancel $p\nreceive 10\n",
                           status=INVALID_ARGUMENT)
        self.assertEqual(self.stderr.count("invalid_argument: $self is the mailbox of this shell"), 3, self.stderr)
        self.assertEqual(told[-1], f'message from {told[0]}: "kept"')

    def test_nothing_is_left_of_a_shell_that_has_ended(self):
        """Its mailbox is gone when it is, unless the node is slow to say so: the shell waits only a moment for that."""
        counts = []
        for _ in range(5):
            self.script("self\n")
            counts.append(self.foo.info()["tasks"]["processes"])
        self.assertIn(1, counts, "the server of t")

    def test_json(self):
        documents = [json.loads(line) for line in self.script("call t.add 1 2\nself\nsend x@y/1 5\nreceive 10\n", "--json")]
        self.assertEqual(documents[0], {"result": 3})
        self.assertIn("pid", documents[1])
        self.assertEqual(documents[3]["kind"], "undelivered")

    def test_goes_on_after_a_failure_and_ends_with_the_last(self):
        self.assertEqual(self.script("get nothing k\ncall t.add 1 2\n", status=NOT_FOUND), ["3"])
        self.assertEqual(self.script("frob\nreceive 0\ncall t.add 1 2\n", status=DEADLINE_EXCEEDED), ["3"])
        for wrong in ("frob", "get b", "put a b c d", "call", "call t.echo 'a", "receive soon", "help frob"):
            self.script(wrong, status=USAGE)
            self.assertTrue(self.stderr, wrong)
        self.assertEqual(self.script("node nobody@localhost\nnode\n", status=13), ["foo@localhost"])

    def test_commands_of_kvmesh_take_their_options(self):
        records = os.path.join(self.foo.mesh.directory, "records.tsv")
        with open(records, "w", encoding="utf-8") as file:
            file.write("apples\tgreen\t1\nplums\tblue\t2\n")
        printed = self.script(f"""
            import {records}
            create pears
            put apples dash --raw
            buckets --prefix a
            keys apples --limit 1
            get apples dash
            get apples '--raw'
            export apples --format=jsonl
            trace plums --json
            tasks --timeout 10s --json
            verify --live {self.foo.endpoint}
            buckets
        """, status=1)
        self.assertTrue(any(line.startswith("imported 2 records") for line in (*printed, *self.stderr.splitlines())), printed)
        self.assertEqual([line for line in printed if not line.startswith("imported ")][:4],
                         ["apples", "dash", "--raw", '{"bucket":"apples","key":"dash","value":"--raw"}'])
        self.assertIn('no key "--raw" in bucket "apples"', self.stderr)
        self.assertIn('"hops":[', "".join(printed))
        self.assertEqual(printed[-3:], ["apples", "pears", "plums"])  # --json was for one line

    def test_usage_errors_are_those_of_the_command(self):
        for line, told in (("get apples", "get needs KEY; write get BUCKET KEY"),
                           ("get a b --rav", 'get has no option "--rav"; did you mean --raw?'),
                           ("put a b c d", 'put does not expect "d"; write put BUCKET KEY [VALUE]'),
                           ("buckets --limit", "--limit needs a value: N"),
                           ("nodes --watch", 'nodes has no option "--watch"'),
                           ("import", "the shell's lines come from standard input; name a file instead"),
                           *((line, "the shell's lines come from standard input; name a file instead")
                             for line in ("put a b --stdin", "put --stdin a b", "put a b -")),
                           ('put a b "C:\\dir"', 'column 9: '), ('"C:\\dir" a', 'write \\\\ for a backslash')):
            self.script(line + "\n", status=USAGE)
            self.assertIn(told, self.stderr)

    def test_a_script_names_the_line_of_what_fails(self):
        self.script("\nget none k\ncall t.echo [1,\n2]\nget none \\\n  l\nnodess\n", status=USAGE)
        told = self.stderr.splitlines()
        self.assertEqual(len(told), 3, told)
        for line, begin in zip(told, ("line 2: not_found: ", "line 5: not_found: ", "line 7: there is no command")):
            self.assertTrue(line.startswith("kvmesh: " + begin), line)

    def test_what_other_shells_know_is_told(self):
        for line, told in (("export apples > out.tsv", "this shell has no redirection; run kvmesh export ... > ... in the shell of the system"),
                           ("buckets | sort", "between quotes | is text"),
                           ("dump", 'there is no command "dump"; did you mean export?'),
                           ("dro apples", 'there is no command "dro"; help lists them'),
                           ("gte apples a", 'there is no command "gte"; did you mean get?'),
                           ("bench", "this shell has no bench; run kvmesh bench in the shell of the system"),
                           ("x = 5 6", 'x = takes a command or one value, but "5" is no command')):
            self.script(line + "\n", status=USAGE)
            self.assertIn(told, self.stderr)
        self.script("cancel task9\n", status=NOT_FOUND)
        self.assertIn('there is no task "task9"', self.stderr)
        self.assertEqual(self.script("create a\nput a k >\nget a k\nexport a \">\"\n", status=3)[:1], [">"])

    def test_a_value_is_text_or_an_option_that_is_there(self):
        path = pathlib.Path(tempfile.mkdtemp()) / "value"
        self.addCleanup(shutil.rmtree, path.parent)
        path.write_text("of a file")
        printed = self.script(f"""
            create apples
            put apples a --file {path}
            get apples a
            put apples b "-"
            get apples b
            put apples c -- -
            get apples c
            put apples d --text
            get apples d
        """)
        self.assertEqual(printed, ["of a file", "-", "-", "--text"])
        self.assertEqual([line for line in self.script("help put\n") if "eads" in line and "standard input" in line], [])

    def test_help_says_more_of_one_command(self):
        self.assertEqual(self.script("help send\n")[:1], ["usage: send PID|NAME VALUE"])
        self.assertIn("for example:", self.script("help send\n"))
        self.assertIn("  BUCKET                      The bucket's name", self.script("help get\n"))
        self.assertEqual(self.script("help get\n"), self.script("get --help\n"))

    def test_no_option_becomes_an_argument(self):
        """A word with dashes is an option of the command, told as none, or stands between quotes."""
        for line, told in (
                ("call --timeout 8 t.nothing", "call has no option --timeout here; start the shell with --timeout, or use "
                                               "async and await TASK SECONDS; for the text write '--timeout'"),
                ("call t.echo 6 --timeout 8", "call has no option --timeout here; start the shell with --timeout"),
                ("call t.echo --timout=8", "call has no option --timout=8 here; start the shell with --timeout"),
                ("call --bukcet fruit t.echo 1", "call has no option --bukcet here; did you mean --bucket?"),
                ("call t.echo --what", "call has no option --what here; it takes --bucket; for the text write '--what'"),
                ("call t.echo --bucket", "--bucket needs a value: BUCKET"),
                ("server stock all --timeout 3", "server has no option --timeout here; start the shell with --timeout;"),
                ("server --json stock all", "server has no option --json here; start the shell with --json"),
                ("server stock all --cast=1", "server has no option --cast=1 here; did you mean --cast?"),
                ("spawn --detach t.nothing", "spawn has no option --detach here; spawn starts what goes on after this shell"),
                ("spawn --limt 1s t.nothing", "spawn has no option --limt here; did you mean --limit?"),
                ("send self --timeout 3", "send has no option --timeout here; start the shell with --timeout"),
                ("await task1 --timeout 3", "await has no option --timeout here; write await TASK SECONDS")):
            with self.subTest(line):
                self.assertEqual(self.script(line, status=USAGE), [])
                self.assertIn(f"kvmesh: line 1: {told}", self.stderr)

    def test_what_looks_like_an_option_can_be_an_argument(self):
        self.assertEqual(self.script("""
            call t.echo '--timeout'
            call t.echo "--timeout"
            call t.echo -- --bucket
            call t.add -1 --bucket=x 5
            call t.add 1 2 --bucket x
            x = '--what'
            call t.echo $x
        """), ['"--timeout"', '"--timeout"', '"--bucket"', "4", "3", '"--what"', '"--what"'])

    def test_help_shows_the_options(self):
        for line in ("help call\n", "call --help\n", "help async\n"):
            self.assertTrue([row for row in self.script(line) if row.startswith("  --bucket BUCKET  ")], line)
        for name in ("async", "spawn", "spawn_link"):
            self.assertTrue([row for row in self.script(f"help {name}\n") if row.startswith("  --limit DURATION  ")], name)
        self.assertTrue([row for row in self.script("help server\n") if row.startswith("  --restart  ")])

    def test_help_lists_every_command(self):
        names = [line.split()[0] for line in self.script("help\n") if line.startswith("  ") and line[2] != " "]
        for name in ("help", "nodes", "node", "modules", "call", "spawn", "send", "receive", "flush", "self", "monitor", "watch", "unwatch", "tasks",
                     "cancel", "clear", "exit", "trace", "verify", "import", "export", "create", "put", "get", "delete", "keys", "route", "info", "async", "await", "vars", "quit", "exit", "NAME", "$NAME"):
            self.assertIn(name, names)
        self.assertEqual(len(names), len(set(names)))


class Terminal(ShellTerminal):
    def test_editing(self):
        self.keys("call t.echo 1\x7f2\x01\x05\r")  # erases the 1; to the beginning and the end
        self.wait_for("\r\n2\r\n" + PROMPT)
        self.keys("call t.echo Zürich\r")
        self.wait_for('\r\n"Zürich"\r\n' + PROMPT)
        self.keys("\x04")
        self.assertEqual(self.end(), 0)

    def test_completion(self):
        self.complete("cal", "l ")
        self.complete("call t.ad", "d ")
        self.keys("1 2\r")
        self.wait_for("\r\n3\r\n" + PROMPT)
        self.keys("call t.f\t")
        shown = self.wait_for(PROMPT + "call t.f")
        for name in ("t.fail", "t.fail_oddly", "t.flood"):
            self.assertIn(name, shown)
        self.keys("\x15create quince\r")
        self.wait_for("\r\n" + PROMPT)
        self.keys("buck\t--pre\tq\r")
        self.wait_for("\r\nquince\r\n" + PROMPT)
        self.complete("call bar@localhost t.ad", "d ")
        self.keys("20 22\r")
        self.wait_for("\r\n42\r\n" + PROMPT)
        self.complete("call --bucket quince t.ad", "d ")
        self.keys("20 23\r")
        self.wait_for("\r\n43\r\n" + PROMPT)
        self.complete("node b", "ar@localhost")
        self.keys("\r")
        self.wait_for("bar@localhost> ")

    def printer(self):
        """A process of this shell that writes what it is sent by others."""
        pid = re.search("<.*>", self.run_line("spawn printer.write_messages")).group(0)

        def write(text):
            self.run_to_end([COMMAND_BIN, "--node", self.foo.endpoint, "send", pid, json.dumps(text)])
        return write

    def test_output_leaves_the_line_alone(self):
        write = self.printer()
        write("at an empty line\n")
        self.wait_for("at an empty line\r\n" + PROMPT)
        self.keys("call t.add 20 ")
        self.wait_for("20 ")
        write("first\nsecond\n")
        self.wait_for("first\r\nsecond\r\n" + PROMPT + "call t.add 20 ")
        write("no line end")
        self.wait_for("no line end\r\n" + PROMPT + "call t.add 20 ")
        self.keys("22\r")
        self.wait_for("\r\n42\r\n" + PROMPT)

    def test_output_above_a_line_of_several_rows(self):
        write = self.printer()
        long = "x" * 200  # in rows of 80 columns
        self.keys("call t.echo " + long)
        self.wait_for("x" * 20)
        self.keys("\x02\x02y")  # back by two
        self.wait_for("y")
        write("late\n")
        before = self.wait_for("late\r\n" + PROMPT + "call t.echo xxx")
        self.assertTrue(before.endswith("\r\x1b[2A\x1b[J"), before)  # from the third row to the first
        self.keys("\r")
        self.wait_for('"' + "x" * 198 + 'yxx"\r\n' + PROMPT)

    def test_ctrl_c(self):
        self.keys("call t.wait_for_stop\r")
        self.wait_for("waiting\r\n")
        self.keys("\x03")
        self.wait_for("kvmesh: cancelled: ")
        self.wait_for(PROMPT)
        self.keys("receive 3600\r")
        self.wait_for("\r\n")
        self.keys("\x03")
        self.wait_for("kvmesh: cancelled: ")
        self.wait_for(PROMPT)
        self.keys("call t.add 1")
        self.wait_for("add 1")
        self.keys("\x03")
        self.wait_for("^C\r\n" + PROMPT)
        self.assertIn("3", self.run_line("call t.add 1 2"))
        eventually(lambda: self.foo.info()["tasks"]["running"] == 0, 5, "nothing runs")

    def test_two_shells_keep_one_history(self):
        one = self.terminal
        self.open()
        self.run_line("call t.add 3 4")
        self.keys("\x04")
        self.assertEqual(self.end(), 0)
        self.terminal = one
        self.run_line("call t.add 1 2")
        self.keys("\x04")
        self.assertEqual(self.end(), 0)
        self.open()
        self.keys("\x1b[A\x1b[A\r")  # 1 2, 3 4
        self.wait_for("\r\n7\r\n" + PROMPT)
        self.assertEqual(os.listdir(os.path.join(self.home, ".local/state/kvmesh")), ["history"])

    def test_history_is_kept(self):
        self.run_line("call t.add 1 2")
        self.run_line("call t.add 3 4")
        self.keys("quit\r")
        self.assertEqual(self.end(), 0)
        self.open()
        self.keys("\x1b[A\x1b[A\x1b[A\r")  # quit, 3 4, 1 2
        self.wait_for("\r\n3\r\n" + PROMPT)
        self.assertTrue(os.path.exists(os.path.join(self.home, ".local/state/kvmesh/history")))


if __name__ == "__main__":
    main()
