"""Tasks and processes over raw requests (common/PROTOCOL.md, "Tasks and processes"), for the tests."""

import collections
import os

import harness
from harness import eventually, full_name

MODULES = os.environ.get("KVMESH_TEST_MODULES", os.path.join(harness.ROOT, "build/release/tests/distributed/modules"))
T = os.path.join(MODULES, "t.so")

FOO, BAR, QUX = (full_name(name) for name in ("foo", "bar", "qux"))

Progress = collections.namedtuple("Progress", "node id key output done result")
Ended = collections.namedtuple("Ended", "code text output result")


def run(client, target, function, *args, mode="call", limit=0, sender=None, timeout_ms=10000):
    """Sends task.run; the id of the request."""
    return client.post(target, "task.run", function, list(args), mode, limit, sender, timeout_ms=timeout_ms)


def text_of(chunks):
    """Output as [(stream, text), ...] with neighbours of one stream joined."""
    joined = []
    for stream, data in chunks:
        if joined and joined[-1][0] == stream:
            joined[-1] = (stream, joined[-1][1] + data.decode())
        else:
            joined.append((stream, data.decode()))
    return joined


class Follower:
    """Follows one task to its end, as a client does: asks again whenever it was answered."""

    def __init__(self, client, target, function, *args, **options):
        self.begin(client, run(client, target, function, *args, **options))

    @classmethod
    def of(cls, client, request):
        """Follows the task of a task.run that was sent already."""
        follower = cls.__new__(cls)
        follower.begin(client, request)
        return follower

    def begin(self, client, request):
        self.client = client
        self.request = request
        self.task = None  # the last progress
        self.output = []
        self.ended = None

    def step(self, timeout=None):
        """Takes the answer that is under way and, unless the task has ended, asks again."""
        reply = self.client.reply(self.request, timeout)
        self.request = None
        if reply.code != "ok":
            self.ended = Ended(reply.code, reply.text, text_of(self.output), None)
            return self
        self.task = Progress(*reply.result)
        self.output += self.task.output
        if self.task.done:
            self.ended = Ended("ok", "", text_of(self.output), self.task.result)
        else:
            self.ask()
        return self

    def ask(self):
        self.request = self.client.post(self.task.node, "task.next", self.task.id, self.task.key)

    def begun(self):
        """Until its pid is known."""
        while self.task is None and self.ended is None:
            self.step()
        return self

    def until_output(self):
        while not self.output and self.ended is None:
            self.step()
        return self

    def end(self):
        while self.ended is None:
            self.step()
        return self.ended

    @property
    def pid(self):
        return f"<{self.task.node}/{self.task.id:x}>"


def end_all(client, requests):
    """The ends of the tasks of these task.run, in their order. Each is asked for in time, however long the others take."""
    followers = [Follower.of(client, request) for request in requests]
    under_way = {follower.request: follower for follower in followers}
    while under_way:
        answered = [request for request in client.replies if request in under_way]
        for request in answered:
            follower = under_way.pop(request).step()
            if follower.ended is None:
                under_way[follower.request] = follower
        if not answered and not client.receive():
            raise TimeoutError(f"{len(under_way)} tasks have not ended")
    return [follower.ended for follower in followers]


class Mailbox:
    """A client's mailbox at the node that it is connected to."""

    def __init__(self, client):
        self.client = client
        self.node, self.id, self.key = client.ok(None, "process.open")
        self.pid = f"<{self.node}/{self.id:x}>"

    def receive(self, most=0):
        """The next messages, however many slices that takes."""
        while True:
            messages = self.client.ok(None, "process.receive", self.id, self.key, most)
            if messages:
                return messages

    def keep(self):
        """Asks for no message, only to keep the mailbox; the id of the request."""
        return self.client.post(None, "process.receive", self.id, self.key, 0, False)

    def close(self):
        self.client.ok(None, "process.close", self.id, self.key)


def down(client, node, process_id):
    """The reason, when the process has ended."""
    while True:
        alive, reason = client.ok(node, "process.monitor", process_id)
        if not alive:
            return reason


def with_tasks(modules=(T,), **tasks):
    """The settings of a node with these modules; `tasks` are those of [tasks]."""
    return {"": {"modules": list(modules)}, "tasks": tasks}


class TaskTest(harness.MeshTest):
    def node(self, **tasks):
        return self.single(settings=with_tasks(**tasks))

    def chain(self, mesh_settings=None, **tasks):
        """foo - bar - qux; qux runs the tasks, foo reaches it via bar. `mesh_settings` are those of [mesh] of all."""
        settings = {"mesh": mesh_settings or {}}
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("*", "foo")], peers=["bar"], vias={"qux": "bar"}, settings=settings)
        bar = mesh.add("bar", apps=["kv"], table=[("*", "bar")], peers=["qux"], settings=settings)
        qux = mesh.add("qux", apps=["kv"], table=[("*", "qux")], peers=[], settings={**settings, **with_tasks(**tasks)})
        mesh.start()
        eventually(lambda: foo.reaches("qux"), 5, "foo reaches qux")
        return foo, bar, qux

    def assert_idle(self, node, servers=1):
        eventually(lambda: node.info()["tasks"] == {"processes": servers, "running": 0, "queued": 0, "waiting": servers},
                   5, "no task is left")
