#!/usr/bin/python3
"""What users and nodes may do: by prefixes of buckets and by functions, at every node that a request comes to, and within the
ceiling of the node that vouches. What is refused names nothing that the asker may not know."""

import base64
import hashlib
import json
import os
import select
import signal
import subprocess

from harness import COMMAND_BIN, MeshTest, clean_environment, die_with_parent, eventually, full_name, main
from keys import SecuredMesh
from task_client import with_tasks
from mesh_client import REFUSED, REQUESTS, MeshClient, frame, hello, pack, record, unpack

WRITES = (("kv.create", ()), ("kv.put", (b"k", b"v")), ("kv.delete", (b"k",)), ("kv.drop", ()), ("kv.options", (None, 0)),
          ("kv.apply", ([], [[0, b"k", b"v", None]], None)))
READS = (("kv.get", (b"k",)), ("kv.count", ()), ("kv.options", ()), ("kv.keys", (None, 0)), ("kv.read", ([b"k"],)),
         ("kv.scan", (b"", None, 10, True)), ("kv.changes", (b"", 0, 10, 0)), ("node.name", ()))
FORGED = "only nodes may say who asks, or that a request has passed nodes"
EVERYTHING = ['{ on = "*", rights = "rwa" }', '{ call = "*" }']


class Principals(SecuredMesh):
    """With rights of each user, and a ceiling of each node that has one."""

    def __init__(self, mesh, may, ceilings=None, more=""):
        self.may, self.ceilings, self.more = {"ops": EVERYTHING, **may}, ceilings or {}, more
        super().__init__(mesh, tuple(self.may))

    def write(self, path=None, without=()):
        text = self.more
        for name, (key, *_) in self.nodes.items():
            text += f'[node."{full_name(name)}"]\nkeys = ["{key.public_text}"]\n' + self.ceilings.get(name, "")
        for name, (key, *_) in self.users.items():
            if name not in without:
                text += f'[user.{name}]\nkeys = ["{key.public_text}"]\nmay = [{", ".join(self.may[name])}]\n'
        with open(path or self.path, "w", encoding="ascii") as file:
            file.write(text)


class RightsTest(MeshTest):
    def start(self, may=None, ceilings=None, more="", **options):
        """foo has a..m, bar the rest; users "ops", who may do everything, and those of `may`."""
        self.mesh_ = self.mesh()
        self.foo = self.mesh_.add("foo", table=[("a..m", "foo"), ("*", "bar")], **options)
        self.bar = self.mesh_.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")], **options)
        self.keys = Principals(self.mesh_, may or {}, ceilings, more)

    def as_user(self, name, node):
        client = MeshClient(node.endpoint, keys=(self.keys.users[name][0], self.keys.nodes[node.name][0]))
        self.addCleanup(client.close)
        return client

    def as_node(self, name, node):
        """A connection with that node's key, which says what the test wants it to."""
        client = MeshClient(node.endpoint, greet=False, keys=(self.keys.nodes[name][0], self.keys.nodes[node.name][0]))
        self.addCleanup(client.close)
        client.send(hello(full_name(name), high=2))
        return client

    def refused(self, client, target, function, *args):
        reply = client.call(target, function, *args)
        self.assertEqual(reply.code, "denied", (target, function, reply))
        return reply.text

    def audit(self, node, **wanted):
        """A line of its audit log with all that."""
        def found():
            for line in node.log().splitlines(keepends=True):
                if " audit {" in line and line.endswith("\n"):
                    event = json.loads(line.split(" audit ", 1)[1])
                    if all(event.get(key) == value for key, value in wanted.items()):
                        return event
            return None
        return eventually(found, 5, f"{node.name} has told its audit log of {wanted}")


class Prefixes(RightsTest):
    def setUp(self):
        self.start({"app1": ['{ on = "apples:", rights = "rw" }', '{ on = "zebras:", rights = "rw" }'],
                    "reader": ['{ on = "apples:", rights = "r" }', '{ on = "zebras:", rights = "r" }'],
                    "nobody": []})
        self.mesh_.start()
        ops = self.as_user("ops", self.foo)
        for bucket in (b"apples:1", b"zebras:1", b"apricots:1", b"yaks:1"):
            ops.ok(bucket, "kv.create")

    def test_a_user_has_the_buckets_of_its_prefixes_here_and_behind_a_hop(self):
        client = self.as_user("app1", self.foo)
        for bucket in (b"apples:1", b"zebras:1"):
            client.ok(bucket, "kv.put", b"k", b"v")
            self.assertEqual(client.ok(bucket, "kv.get", b"k"), b"v")
            for function, args in READS:
                self.assertEqual(client.call(bucket, function, *args).code, "ok", function)
            for function, args in WRITES:
                self.assertEqual(client.call(bucket, function, *args).code, "ok", function)
                client.ok(bucket, "kv.create")

    def test_no_function_reaches_what_is_not_its_own(self):
        for node in (self.foo, self.bar):
            client = self.as_user("app1", node)
            for bucket in (b"apricots:1", b"yaks:1", b"apples", b"none:such", b""):
                for function, args in READS + WRITES:
                    text = self.refused(client, bucket, function, *args)
                    self.assertTrue(text.startswith("app1 may n"), text)
                inner = [bucket, "kv.get", [b"k"]]
                if bucket:
                    self.assertIn("app1 may not read that bucket", self.refused(client, None, "kv.here", *inner))

    def test_who_may_read_may_not_write(self):
        client = self.as_user("reader", self.foo)
        for bucket in (b"apples:1", b"zebras:1"):
            for function, args in READS:
                self.assertEqual(client.call(bucket, function, *args).code, "ok", function)
            for function, args in WRITES:
                self.assertEqual(self.refused(client, bucket, function, *args), f"reader may not write that bucket ({function})")

    def test_names_of_others_are_in_no_page(self):
        for node, own in ((self.foo, b"apples:1"), (self.bar, b"zebras:1")):
            for name in ("app1", "reader"):
                client = self.as_user(name, self.foo)
                self.assertEqual(client.ok(full_name(node.name), "kv.buckets", None, 0), [False, [own]])
            self.assertEqual(self.as_user("nobody", node).ok(None, "kv.buckets", None, 0), [False, []])

    def test_who_may_nothing_is_told_of_the_node_only(self):
        client = self.as_user("nobody", self.foo)
        self.assertEqual(client.ok(None, "node.name"), "foo@localhost")
        self.refused(client, b"apples:1", "node.name")
        told = json.dumps(client.ok(None, "node.info"), default=repr)
        for name in ("apples:1", "apricots:1", "app1", "reader"):
            self.assertNotIn(name, told)

    def test_what_was_denied_is_in_the_audit_log(self):
        self.refused(self.as_user("app1", self.foo), b"yaks:1", "kv.put", b"k", b"v")
        event = self.audit(self.foo, event="denied", principal="app1", what="kv.put", bucket="yaks:1")
        self.assertNotIn("via", event)
        self.assertTrue(event["from"].startswith("a mesh client at 127.0.0.1"), event)


class Ceilings(RightsTest):
    def test_a_node_passes_on_no_more_than_its_ceiling(self):
        self.start(ceilings={"foo": 'ceiling = ["read"]\n'})
        self.mesh_.start()
        self.as_user("ops", self.bar).ok(b"zebras", "kv.create")
        through_foo = self.as_user("ops", self.foo)
        self.assertEqual(through_foo.ok(b"zebras", "kv.count"), 0)
        self.assertIn("ops may write that bucket, but not through the node", self.refused(through_foo, b"zebras", "kv.put", b"k", b"v"))
        self.audit(self.bar, event="denied", principal="ops", via="foo@localhost", what="kv.put")
        through_foo.ok(b"apples", "kv.create")  # its own it may write

    def test_a_node_whose_word_is_not_taken(self):
        self.start(ceilings={"foo": "vouch = false\n"})
        self.mesh_.start(connected=False)  # it would ask through foo
        eventually(lambda: self.foo.peer("bar")["state"] == "up", 5, "they are connected")
        self.as_user("ops", self.bar).ok(b"zebras", "kv.create")
        ops = self.as_user("ops", self.foo)
        self.refused(ops, b"zebras", "kv.count")
        self.audit(self.bar, event="denied", principal="ops", via="foo@localhost", what="kv.count")
        for function, *args in (("node.info",), ("process.open",), ("node.watch", 0), ("kv.buckets", None, 0), ("task.list",)):
            self.assertIn("ops is not known to this node", self.refused(ops, "bar@localhost", function, *args))

    def test_a_user_whom_the_next_node_does_not_know(self):
        self.start({"app1": ['{ on = "*", rights = "rw" }']})
        other = self.keys.path + ".bar"
        self.keys.write(other, without=("app1",))
        self.bar.settings["mesh"]["security"] = other
        self.mesh_.start()
        client = self.as_user("app1", self.foo)
        client.ok(b"apples", "kv.create")
        self.refused(client, b"zebras", "kv.create")
        self.audit(self.bar, event="denied", principal="app1", via="foo@localhost", what="kv.create")
        self.refused(client, "bar@localhost", "node.info")
        self.refused(client, "bar@localhost", "kv.buckets", None, 0)

    def test_to_administer_one_must_be_connected(self):
        self.start({"app1": ['{ on = "*", rights = "rw" }', '{ call = "*" }']})
        self.mesh_.start()
        ops = self.as_user("ops", self.foo)
        self.assertEqual(ops.call(None, "node.reload").code, "ok")
        self.audit(self.foo, event="administered", principal="ops", what="node.reload")
        self.assertEqual(self.refused(ops, "bar@localhost", "node.reload"),
                         "ops may administer a node only when connected to it (node.reload)")
        for function in ("node.reload", "node.audit"):
            self.assertEqual(self.refused(self.as_user("app1", self.foo), None, function), f"app1 may not administer ({function})")


class Rogues(RightsTest):
    """Connections that have a key, and say what they must not."""

    def setUp(self):
        self.start({"app1": ['{ on = "apples:", rights = "rw" }']})
        self.mesh_.start()

    @staticmethod
    def request(who, path=(), function="kv.create", target=b"zebras", args=()):
        parts = [1, 5000, 0, list(path)] + ([who] if who is not None else []) + [target, function, list(args)]
        return frame(REQUESTS, record(pack(parts)))

    def ended(self, principal, text):
        self.audit(self.bar, event="refused", principal=principal, what=text)
        self.audit(self.bar, event="ended", principal=principal, what=text)

    def test_a_client_that_says_who_asks(self):
        self.as_user("app1", self.bar).send(self.request("ops"))
        self.ended("app1", FORGED)
        self.assertEqual(self.as_user("ops", self.bar).call(b"zebras", "kv.count").code, "not_found")

    def test_a_client_that_makes_up_a_path(self):
        self.as_user("app1", self.bar).send(self.request(None, ("foo@localhost", "*")))
        self.ended("app1", FORGED)

    def test_a_node_that_makes_up_the_path_of_another(self):
        self.as_node("foo", self.bar).send(self.request("ops", ("gate@localhost", "*")))
        self.ended("foo@localhost", "the path of a request does not end with foo@localhost")

    def test_a_node_is_no_administrator_and_no_other_node(self):
        client = self.as_node("foo", self.bar)
        path = ("foo@localhost", "*")
        for who in ("ops", "foo@localhost", "bar@localhost", "nobody", None):
            client.send(self.request(who, path if who else (), "node.reload", None))
            self.assertEqual(client.wait_all([1])[0].code, "denied", who)
            client.replies.clear()
        self.audit(self.bar, event="denied", principal="ops", via="foo@localhost", what="node.reload")

    def test_a_node_passes_on_what_a_user_may(self):
        client = self.as_node("foo", self.bar)
        path = ("foo@localhost", "*")
        for who, code in (("ops", "ok"), ("app1", "denied"), ("stranger", "denied")):
            client.send(self.request(who, path))
            self.assertEqual(client.wait_all([1])[0].code, code, who)
            client.replies.clear()

    def test_who_asks_is_refused_where_there_are_no_keys(self):
        plain = self.mesh().add("plain")
        plain.start()
        client = plain.client()
        client.send(self.request("ops"))
        _, content = client.frame_of(REFUSED)
        self.assertIn("a request record is broken", unpack(content)[1])


class Lines(RightsTest):
    """Clients of the line protocol, by a token or without any."""

    def setUp(self):
        token = "tok_" + "A" * 43
        digest = base64.urlsafe_b64encode(hashlib.blake2b(token.encode(), digest_size=32).digest()).decode().rstrip("=")
        self.login = f"AUTH web {token}"
        self.start(more=f'[user.web]\ntokens = ["blake2b:{digest}"]\n'
                        'may = [{ on = "apples:", rights = "rw" }, { on = "zebras:", rights = "rw" }]\n'
                        '[anonymous]\nmay = [{ on = "apples:", rights = "r" }, { on = "zebras:", rights = "r" }]\n')
        self.mesh_.start()

    def test_a_user_has_its_buckets_here_and_behind_a_hop(self):
        line = self.foo.line()
        self.assertEqual(line.ask(self.login), "OK")
        for bucket in ("apples:1", "zebras:1"):
            self.assertEqual(line.ask(f"CREATE {bucket}"), "OK")
            self.assertEqual(line.ask(f"PUT {bucket} k v"), "OK")
            self.assertEqual(line.get(f"{bucket}", "k"), "v")
            self.assertEqual(line.ask(f"DELETE {bucket} k"), "OK")
        for bucket in ("apricots:1", "yaks:1"):
            for request, what in ((f"CREATE {bucket}", "write that bucket (kv.create)"), (f"GET {bucket} k", "read that bucket (kv.get)"),
                                  (f"SET {bucket} k v", "write that bucket (kv.apply)"), (f"SCAN {bucket}", "read that bucket (kv.scan)")):
                self.assertEqual(line.ask(request), f"ERROR denied web may not {what}")
        event = self.audit(self.foo, event="denied", principal="web", what="kv.create", bucket="yaks:1")
        self.assertTrue(event["from"].startswith("127.0.0.1:"), event)

    def test_nobody_may_what_anonymous_may_and_no_more_behind_a_hop(self):
        ops = self.as_user("ops", self.foo)
        for bucket in (b"apples:1", b"zebras:1"):
            ops.ok(bucket, "kv.create")
            ops.ok(bucket, "kv.put", b"k", b"v")
        line = self.foo.line()
        self.assertEqual(line.ask("WHOAMI", 2), ["anonymous", "OK"])
        for bucket in ("apples:1", "zebras:1"):
            self.assertEqual(line.get(f"{bucket}", "k"), "v")
            self.assertEqual(line.ask(f"PUT {bucket} k w"),
                             "ERROR denied a client that has not said who it is may not write that bucket (kv.put)")
        self.assertEqual(line.ask("GET yaks:1 k"),
                         "ERROR denied a client that has not said who it is may not read that bucket (kv.get)")
        bar_knows_no_anonymous = self.keys.path + ".bar"
        self.keys.more = ""
        self.keys.write(bar_knows_no_anonymous)
        os.replace(bar_knows_no_anonymous, self.keys.path)
        self.bar.send_signal(signal.SIGHUP)
        eventually(lambda: line.get("zebras:1", "k").startswith("ERROR denied"), 5, "bar looks for itself")
        self.assertEqual(line.get("apples:1", "k"), "v")


class Functions(RightsTest):
    def test_functions_are_called_by_those_who_may(self):
        self.start({"app1": ['{ call = "t.add" }', '{ call = "counter.*" }'], "nobody": []}, settings=with_tasks())
        self.mesh_.start()
        app1, nobody = self.as_user("app1", self.foo), self.as_user("nobody", self.foo)
        for node in ("foo@localhost", "bar@localhost"):
            self.assertEqual(app1.call(node, "task.run", "t.add", [1, 2], "call", 0, None).code, "ok")
            self.assertEqual(self.refused(app1, node, "task.run", "t.double", [1], "call", 0, None),
                             'app1 may not call "t.double" (task.run)')
            self.refused(nobody, node, "task.run", "t.add", [1, 2], "call", 0, None)
            self.assertEqual(nobody.ok(node, "task.modules"), [])
            self.assertEqual(nobody.ok(node, "server.list"), [])
            for function, *args in (("process.open",), ("process.send", 1, None, "x"), ("process.monitor", 1)):
                self.assertIn("may call no function", self.refused(nobody, node, function, *args))
            app1.ok(node, "process.open")


class Command(RightsTest):
    def test_the_audit_log_is_followed(self):
        self.start({"app1": []})
        self.mesh_.start()
        key = self.keys.write_user_key("ops")
        follower = subprocess.Popen([COMMAND_BIN, "--node", self.foo.endpoint, "--key", key, "audit"], stdout=subprocess.PIPE,
                                    text=True, env=clean_environment(), preexec_fn=die_with_parent)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.refused(self.as_user("app1", self.foo), b"apples", "kv.count")
        eventually(lambda: select.select([follower.stdout], [], [], 0.1)[0], 30, "the audit log is followed")
        for line in follower.stdout:
            event = json.loads(line)
            if event["event"] == "denied":
                self.assertEqual((event["principal"], event["what"]), ("app1", "kv.count"))
                break


if __name__ == "__main__":
    main()
