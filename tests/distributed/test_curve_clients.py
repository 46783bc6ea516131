#!/usr/bin/python3
"""Programs with keys: the command `kvmesh`, its load generator and the client in Python, and what they say when keys do not fit."""

import os
import unittest

from harness import COMMAND_BIN, MeshTest, main
from keys import Key, SecuredMesh
from python_package import kvmesh

UNAVAILABLE = 14  # as an exit status


class Secured(MeshTest):
    """foo and bar with keys, a user "ops" whose key file knows both, and gate, a node without a key."""

    def setUp(self):
        self.nodes = self.mesh()
        self.foo = self.nodes.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        self.bar = self.nodes.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")])
        self.keys = SecuredMesh(self.nodes)
        self.gate = self.nodes.add("gate")
        self.nodes.start()
        self.key = self.keys.users["ops"][0]
        self.key_file = self.write({self.foo.endpoint: self.keys.nodes["foo"][0], self.bar.endpoint: self.keys.nodes["bar"][0]})

    def write(self, nodes, key=None, kind="user", name="ops"):
        """A key file with these nodes."""
        self.files = getattr(self, "files", 0) + 1
        return (key or self.key).write(os.path.join(self.nodes.directory, f"{self.files}.key"), kind, name, nodes)

    def several(self):
        """Nodes of key files, in which foo has two keys: while one of them is changed."""
        old, new = Key(), self.keys.nodes["foo"][0]
        for keys in ([old, new], [new, old]):
            yield {self.foo.endpoint: keys, self.bar.endpoint: self.keys.nodes["bar"][0]}

    def cases(self):
        """Endpoint, key file (None: no key), and what is said of it."""
        foo, gate = self.foo.endpoint, self.gate.endpoint
        bar_key = self.keys.nodes["bar"][0]
        yield foo, None, "the node there wants a key; use "
        yield gate, self.write({gate: Key()}), "the node there has no key, so it cannot prove who it is; give it one (mesh.key)"
        yield foo, self.write({foo: bar_key}), f"does not have the key {bar_key.public_text[:16]}..., which your key file says"
        stranger = Key()
        yield (foo, self.write({foo: self.keys.nodes["foo"][0]}, stranger),
               f"the node there does not let the key {stranger.public_text[:16]}... in; add it to")


@unittest.skipUnless(os.access(COMMAND_BIN, os.X_OK), f"there is no {COMMAND_BIN}")
class Command(Secured):
    def run_command(self, *arguments, key=None, endpoint=None, status=0, environment=None):
        options = ["--node", endpoint or self.foo.endpoint, *(["--key", key] if key else [])]
        return self.run_to_end([COMMAND_BIN, *options, *arguments], status,
                               environment={"HOME": self.nodes.directory, **(environment or {})})

    def test_the_key_comes_from_the_option_the_environment_or_the_home(self):
        for bucket in ("apples", "zebras"):
            self.run_command("create", bucket, key=self.key_file)
        self.run_command("put", "zebras", "k", "v", environment={"KVMESH_KEY": self.key_file})
        folder = os.path.join(self.nodes.directory, ".config/kvmesh")
        os.makedirs(folder, 0o700)
        os.rename(self.key_file, os.path.join(folder, "key"))
        self.assertEqual(self.run_command("get", "zebras", "k"), "v\n")
        self.run_command("info", key="none", status=UNAVAILABLE)

    def test_everything_takes_the_key(self):
        environment = {"KVMESH_KEY": self.key_file}
        self.assertIn("bar@localhost", self.run_command("verify", "--live", environment=environment))
        self.assertIn("bar@localhost", self.run_command("info", "--mesh", environment=environment))
        self.run_command("bench", "--count", "100", "--keys", "10", "--buckets", "2", environment=environment)
        self.assertIn("bar@localhost", self.run_to_end(
            [COMMAND_BIN, "--node", self.foo.endpoint, "--key", self.key_file, "shell"], given="nodes\n",
            environment={"HOME": self.nodes.directory}))

    def test_what_is_said_when_keys_do_not_fit(self):
        for endpoint, key, text in self.cases():
            self.run_command("info", endpoint=endpoint, key=key, status=UNAVAILABLE)
            self.assertIn(text, self.stderr)

    def test_files_that_cannot_be_used(self):
        foo, bar = self.keys.nodes["foo"][0], self.keys.nodes["bar"][0]
        unknown = self.write({self.bar.endpoint: bar, "tcp://127.0.0.1:1": foo})
        self.run_command("info", key=unknown, status=2)
        self.assertIn(f'add this line under [nodes], with the public key of that node: "{self.foo.endpoint}" = "pub_..."',
                      self.stderr)
        self.run_command("info", key=self.write({}, foo, "node", "foo@localhost"), status=2)
        self.assertIn("is that of the node foo@localhost, as which a client cannot connect", self.stderr)
        self.run_command("info", key=self.key_file + "x", status=2)
        self.assertIn("cannot read the key file", self.stderr)
        # One key for all is enough.
        self.run_command("info", key=self.write({"tcp://elsewhere:1": foo, "tcp://elsewhere:2": foo}))

    def test_a_node_may_have_one_of_several_keys(self):
        for nodes in self.several():
            self.run_command("info", key=self.write(nodes))
        self.run_command("info", key=self.write({self.foo.endpoint: []}), status=2)
        self.assertIn("what stands there is an empty list", self.stderr)


class Python(Secured):
    def test_it_speaks_to_nodes_with_keys(self):
        with kvmesh.Client([self.foo.endpoint, self.bar.endpoint], key=self.key_file) as mesh:
            mesh.create("zebras")
            mesh.put("zebras", "k", "v")
            self.assertEqual(mesh.get("zebras", "k"), b"v")

    def test_what_is_said_when_keys_do_not_fit(self):
        for endpoint, key, text in self.cases():
            with kvmesh.Client(endpoint, key=key or "none") as mesh, self.assertRaises(kvmesh.KvmeshError) as fault:
                mesh.get("b", "k")
            self.assertIn(text, str(fault.exception))

    def test_a_node_may_have_one_of_several_keys(self):
        for nodes in self.several():
            with kvmesh.Client(self.foo.endpoint, key=self.write(nodes)) as mesh:
                mesh.create("apples")
        with self.assertRaises(ValueError) as fault:
            kvmesh.Client(self.foo.endpoint, key=self.write({self.foo.endpoint: []}))
        self.assertIn("an empty list", str(fault.exception))

    def test_files_that_cannot_be_used(self):
        foo, bar = self.keys.nodes["foo"][0], self.keys.nodes["bar"][0]
        os.chmod(self.key_file, 0o640)
        for path, text in (
                (self.write({self.bar.endpoint: bar, "tcp://127.0.0.1:1": foo}), f'"{self.foo.endpoint}" = "pub_..."'),
                (self.write({}, foo, "node", "foo@localhost"), "is that of a node"),
                (self.key_file, "type chmod 600"), (self.key_file + "x", "cannot be read")):
            with self.assertRaises(ValueError) as fault:
                kvmesh.Client(self.foo.endpoint, key=path)
            self.assertIn(text, str(fault.exception))

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_key_file_of_somebody_else_is_refused(self):
        os.chown(self.key_file, 12345, -1)
        with self.assertRaises(ValueError) as fault:
            kvmesh.Client(self.foo.endpoint, key=self.key_file)
        self.assertIn(f"belongs to somebody else; type chown 0 {self.key_file}", str(fault.exception))


if __name__ == "__main__":
    main()
