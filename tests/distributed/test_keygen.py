#!/usr/bin/python3
"""kvmesh keygen: files that only their owner can read, never written over, and public lines that hold no secret."""

import json
import os
import stat
import subprocess
import tempfile
import unittest

from harness import COMMAND_BIN, clean_environment, main, patience

USAGE = 2


class Keygen(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="kvmesh-test-")
        self.addCleanup(self.folder.cleanup)

    def keygen(self, *words, status=0, stdin=""):
        done = subprocess.run([COMMAND_BIN, "keygen", *words], cwd=self.folder.name, input=stdin, capture_output=True, text=True,
                              env=clean_environment(), timeout=60 * patience(), check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.stderr = done.stderr
        return done.stdout

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def test_a_node_gets_a_key_and_a_line_about_it(self):
        printed = self.keygen("foo@dc1")
        self.assertRegex(printed, r'^\[node\."foo@dc1"\]\nkeys = \["pub_[\w-]{43}"\]\n$')
        self.assertEqual(stat.S_IMODE(os.stat(self.path("foo@dc1.key")).st_mode), 0o600)
        self.assertIn(printed.split('"')[3], self.read("foo@dc1.key"))
        self.assertIn("sec_", self.read("foo@dc1.key"))

    def test_a_file_is_never_written_over(self):
        self.keygen("--user", "app1")
        before = self.read("app1.key")
        self.assertEqual(self.keygen("--user", "app1", status=USAGE), "")
        self.assertIn('"app1.key" is there already, and a key is never written over; choose another path', self.stderr)
        self.assertEqual(self.read("app1.key"), before)
        self.keygen("--user", "app1", "--file", "other.key")
        self.assertNotEqual(self.read("other.key"), before)

    def test_a_user_gets_the_keys_of_the_nodes(self):
        node = self.keygen("foo@dc1", "--address", "tcp://10.0.0.1:5550")
        self.assertTrue(node.endswith('address = "tcp://10.0.0.1:5550"\n'), node)
        with open(self.path("security.toml"), "w", encoding="utf-8") as file:
            file.write(node)
        self.keygen("--user", "app1", "--security", "security.toml")
        self.assertIn(f'[nodes]\n"tcp://10.0.0.1:5550" = "{node.split(chr(34))[3]}"\n', self.read("app1.key"))
        with open(self.path("security.toml"), "w", encoding="utf-8") as file:
            file.write("[node.foo]\n")
        self.keygen("--user", "app2", "--security", "security.toml", status=USAGE)
        self.assertIn("security.toml:1: node.foo: ", self.stderr)
        self.assertFalse(os.path.exists(self.path("app2.key")))

    def test_a_token_stands_in_a_file_only(self):
        printed = self.keygen("--user", "app1", "--token")
        self.assertRegex(printed, r'^\[user\.app1\]\ntokens = \["blake2b:[\w-]{43}"\]\n$')
        token = self.read("app1.token").strip()
        self.assertRegex(token, r"^tok_[\w-]{43}$")
        self.assertNotIn(token[4:], printed + self.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("app1.token")).st_mode), 0o600)

    def test_a_password_is_stored_nowhere(self):
        printed = self.keygen("--user", "app1", "--password", stdin="correct horse\n")
        self.assertRegex(printed, r'^\[user\.app1\]\npassword = "\$argon2id\$v=19\$m=19456,t=2,p=1\$[^"]+"\n$')
        self.assertNotIn("horse", printed + self.stderr)
        self.assertEqual(os.listdir(self.folder.name), [])
        self.keygen("--user", "app1", "--password", status=USAGE)
        self.assertIn("no password was given", self.stderr)

    def test_json_holds_the_same(self):
        found = json.loads(self.keygen("foo@dc1", "--json"))
        self.assertEqual(sorted(found), ["file", "keys", "principal"])
        self.assertEqual((found["principal"], found["file"]), ("foo@dc1", "foo@dc1.key"))

    def test_names_that_are_none(self):
        self.keygen("foo", status=USAGE)
        self.assertIn("is not a node name; write name@host", self.stderr)
        self.keygen("--user", "foo@dc1", status=USAGE)
        self.assertIn("is no name of a user; it begins with a letter", self.stderr)
        self.keygen(status=USAGE)
        self.assertIn("NAME or --user is required", self.stderr)
        self.keygen("foo@dc1", "--user", "app1", status=USAGE)
        self.keygen("foo@dc1", "--token", status=USAGE)
        self.keygen("foo@dc1", "--address", "10.0.0.1", status=USAGE)
        self.assertIn('"10.0.0.1"', self.stderr)
        self.assertEqual(os.listdir(self.folder.name), [])


if __name__ == "__main__":
    main()
