#!/usr/bin/python3
"""Secrets are in no output: planted ones are looked for in all that a node, its commands and the system tell of them."""

import base64
import glob
import hashlib
import os
import re
import signal
import subprocess
import unittest

from harness import COMMAND_BIN, SANITIZED, MeshTest, clean_environment, die_with_parent, eventually, main, patience
from keys import SecuredMesh
from test_auth import hash_of

PASSWORD = "planted-pa55word"
TOKEN = "tok_" + "plantedTOKEN".ljust(43, "x")


class Planted(SecuredMesh):
    """A user with a password and a token."""

    def write(self, path=None):
        super().write(path)
        with open(path or self.path, encoding="ascii") as file:
            text = file.read()
        digest = base64.urlsafe_b64encode(hashlib.blake2b(TOKEN.encode(), digest_size=32).digest()).decode().rstrip("=")
        self.hash = getattr(self, "hash", None) or hash_of(PASSWORD)
        text = text.replace("[user.ops]\n", f'[user.ops]\npassword = "{self.hash}"\ntokens = ["blake2b:{digest}"]\n')
        with open(path or self.path, "w", encoding="ascii") as file:
            file.write(text)


class Secrets(MeshTest):
    def setUp(self):
        self.nodes = self.mesh()
        settings = {"log": {"level": "trace", "slow_request_ms": 1}}
        self.foo = self.nodes.add("foo", table=[("a..m", "foo"), ("*", "bar")], settings=settings)
        self.bar = self.nodes.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")], settings=settings)
        self.keys = Planted(self.nodes)
        self.nodes.start()
        self.user_key = self.keys.write_user_key("ops")
        self.told = []  # (where, text)

    def command(self, *words):
        done = subprocess.run([COMMAND_BIN, "--node", self.foo.endpoint, "--key", self.user_key, *words], capture_output=True,
                              env=clean_environment(), timeout=60 * patience(), check=False)
        self.told.append((" ".join(words), done.stdout + done.stderr))
        return done.returncode

    def secrets(self):
        keys = [key for several in (*self.keys.nodes.values(), *self.keys.users.values()) for key in several]
        texts = [key.secret_text[4:] for key in keys] + [PASSWORD, TOKEN, TOKEN[4:]]
        raw = [base64.urlsafe_b64decode(key.secret_text[4:] + "=") for key in keys]
        return [text.encode() for text in texts] + raw + [self.keys.hash.encode()]

    def assert_nowhere(self):
        for where, text in self.told:
            for secret in self.secrets():
                self.assertNotIn(secret, text, f"a secret is in {where}")

    def use_everything(self):
        for name in (b"apples", b"zebras"):
            self.command("create", name.decode())
            self.command("put", name.decode(), "k", "v")
        for words in (("info",), ("info", "bar@localhost", "--json"), ("nodes",), ("trace", "zebras"), ("verify", "--live"),
                      ("reload", "foo@localhost"), ("get", "none", "k"), ("call", "foo@localhost", "no.such"), ("bench", "--count", "10", "--keys", "1")):
            self.command(*words)
        line = self.foo.line()
        for request in (f"AUTH ops {PASSWORD}", f"AUTH ops {PASSWORD}x", f"AUTH nobody {TOKEN}", f"auth ops {PASSWORD}", f"AUTH ops {PASSWORD} more",
                        f"AUTH {PASSWORD}", f"AUTH {TOKEN} ops", f'AUTH "{PASSWORD} x" ops', f"AUTH ops {TOKEN}", "WHOAMI", "GET zebras k", "HELP"):
            line.send(request + "\r\n")
        line.send("QUIT\r\n")
        replies = []
        while (reply := line.line()) is not None:
            replies.append(reply)
        self.assertIn("ops", replies, "WHOAMI after AUTH")
        self.told.append(("replies of the line protocol", "\n".join(replies).encode()))
        secret = self.keys.users["ops"][0].secret_text
        misplaced = subprocess.run([COMMAND_BIN, "--node", self.foo.endpoint, "--key", secret, "ping"], capture_output=True,
                                   env=clean_environment(), timeout=60 * patience(), check=False)
        self.told.append(("a secret as --key", misplaced.stdout + misplaced.stderr))
        with open(self.keys.path, encoding="ascii") as file:
            good = file.read()
        with open(self.keys.path, "w", encoding="ascii") as file:  # secrets in wrong places, which faults tell of
            file.write(good + f'[user.a]\npassword = "{PASSWORD}"\ntokens = ["{TOKEN}"]\nkeys = ["{self.keys.users["ops"][0].secret_text}"]\n')
        self.assertNotEqual(self.command("reload", "foo@localhost"), 0)
        with open(self.keys.path, "w", encoding="ascii") as file:
            file.write(good)
        check = subprocess.run([os.environ.get("KVMESH_NODE_BIN", "kvmesh-node"), "--config", self.foo.config_path, "--check-config"],
                               capture_output=True, env=clean_environment(), timeout=60 * patience(), check=False)
        self.told.append(("--check-config", check.stdout + check.stderr))

    def look_at_the_processes(self):
        for node in (self.foo, self.bar):
            for file in ("cmdline", "environ"):
                if not os.access(f"/proc/{node.process.pid}/{file}", os.R_OK):
                    continue  # nobody but root may look
                with open(f"/proc/{node.process.pid}/{file}", "rb") as opened:
                    self.told.append((f"{file} of {node.name}", opened.read()))
        self.told.append(("ps", subprocess.run(["ps", "-eo", "args", "e"], capture_output=True, check=False).stdout))

    def test_planted_secrets_are_in_no_output(self):
        self.use_everything()
        self.look_at_the_processes()
        for node in (self.foo, self.bar):
            eventually(lambda n=node: "the configuration is" in n.log() or n is self.bar, 5, "the reload is logged")
            self.told.append((f"the log of {node.name}", node.log().encode()))
        self.assert_nowhere()
        self.assertGreater(len(self.told), 15)
        self.assertTrue(any(b'"event":"login_failed"' in text for where, text in self.told if where.startswith("the log")))

    @unittest.skipIf(SANITIZED, "a sanitizer leaves no core files either")
    def test_a_node_with_a_key_leaves_no_core_file(self):
        with open(f"/proc/{self.foo.process.pid}/status", encoding="ascii") as file:
            self.assertTrue(re.search(r"^Name:\s+kvmesh-node$", file.read(), re.MULTILINE))
        with open("/proc/sys/fs/suid_dumpable", encoding="ascii") as file:
            if file.read().strip() == "1":
                self.skipTest("this system dumps what asks not to be dumped (fs.suid_dumpable)")
        folder = os.path.join(self.nodes.directory, "cores")
        os.mkdir(folder)
        self.foo.terminate()
        node = subprocess.Popen(["sh", "-c", 'ulimit -c unlimited; exec "$0" --config "$1"', os.environ.get("KVMESH_NODE_BIN", "kvmesh-node"),
                                 self.foo.config_path], cwd=folder, stderr=subprocess.PIPE, env=clean_environment(),
                                preexec_fn=die_with_parent)
        self.addCleanup(node.stderr.close)
        for text in node.stderr:
            if b" ready: " in text:
                break
        node.send_signal(signal.SIGSEGV)
        self.assertEqual(node.wait(), -signal.SIGSEGV)
        self.assertEqual(glob.glob(os.path.join(folder, "*")), [])


if __name__ == "__main__":
    main()
