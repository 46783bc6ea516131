"""What the tests of hostile frames and floods have in common."""

from harness import MeshTest, eventually


class Hostile(MeshTest):
    def setUp(self):
        self.node = self.single(settings={"": {"threads": 1}})
        self.good = self.node.client()
        self.line = self.node.line()
        self.assertEqual(self.line.ask("CREATE apples"), "OK")

    def refused(self):
        return self.node.info(self.good)["counters"]["refused"]

    def count(self, reason):
        return self.refused().get(reason, 0)

    def assert_served(self):
        self.assertEqual(self.line.ask("PUT apples k v"), "OK")
        self.assertEqual(self.good.ok(b"apples", "kv.get", b"k"), b"v")

    def assert_refused(self, reason, send, what=None):
        """send() makes the count of `reason`, and of nothing else, grow."""
        before = self.refused()
        send()
        eventually(lambda: self.count(reason) > before.get(reason, 0), 5, f"{what or ''} is counted as {reason}")
        after = self.refused()
        others = {r: n for r, n in after.items() if n != before.get(r, 0) and r != reason}
        self.assertEqual(others, {}, f"{what or ''} is {reason} and nothing else")
        self.assert_served()
