#!/usr/bin/python3
"""What becomes of a node when its log cannot be written: nothing. And when it was started with signals blocked: nothing."""

import fcntl
import os
import resource
import signal
import socket
import subprocess
import tempfile

from harness import NODE_BIN, MeshTest, clean_environment, die_with_parent, eventually, main


class Started(MeshTest):
    """A node with descriptors of the test's own."""

    def start(self, log, before=lambda: None):
        self.node = self.mesh().add("foo")
        self.node.write_config()

        def prepare():
            die_with_parent()
            before()

        self.node.incarnation += 1
        with open(self.node.log_path, "wb"):
            pass
        self.node.process = subprocess.Popen(
            [NODE_BIN, "--config", self.node.config_path], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=clean_environment(), preexec_fn=prepare, start_new_session=True)
        eventually(self.answers, 10, "it serves")

    def answers(self):
        self.assertFalse(self.node.has_ended(), "it has ended")
        with socket.socket() as probe:
            if probe.connect_ex((self.node.host, self.node.tcp_port)) != 0:
                return False
        return self.node.line().ask("PING") == "PONG"

    def reload(self):
        """Returns when it was done, which the log is told of."""
        epoch = self.node.info()["table"]["epoch"]
        self.node.send_signal(signal.SIGHUP)
        eventually(lambda: self.node.info()["table"]["epoch"] > epoch, 5, "the table is read again")


class Log(Started):
    def pipe(self):
        ends = os.pipe()
        reader = os.fdopen(ends[0], "rb", buffering=0)
        writer = os.fdopen(ends[1], "wb", buffering=0)
        self.addCleanup(reader.close)
        self.addCleanup(writer.close)
        return reader, writer

    def test_its_reader_goes_away(self):
        reader, writer = self.pipe()
        self.start(writer)
        writer.close()
        text = b""
        while b"ready" not in text:
            text += reader.read(4096)
        reader.close()
        for _ in range(3):
            self.reload()
        self.node.terminate()

    def test_nobody_reads_it(self):
        reader, writer = self.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer.fileno(), False)
        filling = writer.write(b"x" * 1_000_000)
        os.set_blocking(writer.fileno(), True)
        self.start(writer)
        for _ in range(3):
            self.reload()
        # What fits in the queue is not lost.
        text = b""
        while text.count(b"the routing table is now") < 3:
            text += reader.read(4096)
        self.assertIn(b"ready", text[filling:])
        # Full again, and it is to end.
        os.set_blocking(writer.fileno(), False)
        while writer.write(b"x" * 4096):
            pass
        self.reload()
        self.node.terminate()

    def test_the_disk_is_full(self):
        with open("/dev/full", "wb") as full:
            self.start(full)
        self.reload()
        self.node.terminate()

    def test_a_file_may_not_grow(self):
        def no_more():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

        with tempfile.TemporaryFile() as file:
            self.start(file, no_more)
        self.reload()
        self.node.terminate()

    def test_standard_descriptors_are_closed(self):
        def close_all():
            for number in range(3):
                os.close(number)

        self.start(subprocess.DEVNULL, close_all)
        for number in range(3):
            self.assertEqual(os.readlink(f"/proc/{self.node.process.pid}/fd/{number}"), "/dev/null")
        self.reload()
        self.assertTrue(self.answers())
        self.node.terminate()


class AuditLog(MeshTest):
    def test_one_that_cannot_be_written_is_refused_before_the_start_too(self):
        node = self.mesh().add("foo")
        node.write_config()
        folder = os.path.dirname(node.config_path)
        link, log = os.path.join(folder, "link.jsonl"), os.path.join(folder, "audit.jsonl")
        os.symlink(node.config_path, link)
        for path, why in ((os.path.join(folder, "none", "audit.jsonl"), "No such file or directory"), (folder, "Is a directory"),
                          (link, "Too many levels of symbolic links")):
            for arguments in (["--check-config"], []):
                with self.subTest(path, arguments=arguments):
                    self.run_to_end([NODE_BIN, node.config_path, "--set", "log.audit=" + path, *arguments], status=2)
                    self.assertIn(f'log.audit: cannot write "{path}": {why}; choose another file', self.stderr)
        self.run_to_end([NODE_BIN, node.config_path, "--set", "log.audit=" + log, "--check-config"])
        self.assertFalse(os.path.exists(log), "it is only looked at")


class Output(Started):
    def test_what_was_asked_for_and_cannot_be_written_fails(self):
        node = self.mesh().add("foo")
        node.write_config()
        for arguments in (("--help",), ("--version",), ("--check-config", "--config", node.config_path)):
            with self.subTest(arguments), open("/dev/full", "wb") as full:
                done = subprocess.run([NODE_BIN, *arguments], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                      env=clean_environment(), check=False, timeout=60)
                self.assertEqual((done.returncode, b"standard output" in done.stderr), (1, True), done)


class Signals(Started):
    def test_they_were_blocked_by_who_started_it(self):
        blocked = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                self.start(subprocess.DEVNULL, lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked))
                self.reload()
                self.node.terminate(number)


if __name__ == "__main__":
    main()
