#!/usr/bin/python3
"""Nodes with several reactors under concurrent clients of both protocols; ThreadSanitizer watches this one."""

import signal
import threading

from harness import MeshTest, eventually, main
from load import Load, lost

FOUR = {"": {"threads": 4}}


class Threads(MeshTest):
    def start(self):
        self.foo, self.bar = self.pair(FOUR)
        lines = [self.foo.line() for _ in range(32)]  # on all reactors, each of which has a link of its own
        for bucket in ("apples", "shopping"):
            for line in lines:
                eventually(lambda c=line, b=bucket: c.ask(f"CREATE {b}") == "OK", 5, "every reactor reaches its peer")
        for line in lines:
            line.close()

    def in_threads(self, work, count=4):
        """Runs work(number) in so many threads; the first exception of any fails the test."""
        faults = []

        def run(number):
            try:
                work(number)
            except BaseException as fault:  # of whatever kind: it must not get lost with the thread
                faults.append(fault)
        threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]

    def test_line_clients_on_all_reactors(self):
        self.start()

        def work(number):
            with self.foo.line(timeout=60) as line:
                for i in range(100):
                    bucket = ("apples", "shopping")[i % 2]
                    key = f"{number}-{i}"
                    line.send(f"PUT {bucket} {key} {i}\r\nGET {bucket} {key}\r\nDELETE {bucket} {key}\r\nGET {bucket} {key}\r\n"
                              f"KEYS {bucket} x\r\nROUTE {bucket}\r\nPING\r\n")
                    wanted = ["OK", str(i), "OK", "OK", "", "OK", "0", "OK"]
                    self.assertEqual(line.lines(len(wanted)), wanted)
                    self.assertEqual(line.lines(2 if bucket == "apples" else 3)[-1], "OK")
                    self.assertEqual(line.line(), "PONG")
        self.in_threads(work, 16)

    def test_mesh_clients_and_line_clients_and_nodes_info(self):
        self.start()

        def work(number):
            if number % 2:
                with self.foo.line(timeout=60) as line:
                    for i in range(200):
                        self.assertEqual(line.ask(f"PUT shopping {number} {i}"), "OK")
                        self.assertEqual(line.get("shopping", number), str(i))
            else:
                with self.foo.client() as client:
                    for i in range(50):
                        ids = client.post_batch([(b, "kv.put", b"%d-%d" % (number, n), b"%d" % i)
                                                 for n in range(20) for b in (b"apples", b"shopping")])
                        self.assertEqual({r.code for r in client.wait_all(ids, 60)}, {"ok"})
                        self.assertEqual(client.ok(None, "node.info")["threads"], 4)
        self.in_threads(work, 8)

    def test_connections_that_come_and_go(self):
        self.start()

        def work(number):
            for i in range(60):
                with self.foo.line(timeout=60) as line:
                    line.send(f"PUT shopping {number} {i}\r\nPUT apples {number} {i}\r\n")
                    if i % 2:
                        self.assertEqual(line.lines(2), ["OK", "OK"])
        self.in_threads(work, 8)
        self.foo.clients.clear()
        eventually(lambda: self.foo.info()["counters"]["tcp_connections"] == 0, 5, "all are gone")

    def test_a_peer_that_dies_and_a_table_that_changes_under_load(self):
        self.start()
        steady = [Load(self.foo, "apples", f"s{i}-") for i in range(4)]
        shaken = [Load(self.foo, "shopping", f"x{i}-") for i in range(4)]
        for _ in range(3):
            eventually(lambda: all(load.acknowledged for load in steady + shaken), 10, "the load flows")
            self.bar.kill()
            self.foo.send_signal(signal.SIGHUP)
            eventually(lambda: all(load.answers for load in shaken), 10, "the load notices")
            self.bar.start()
            eventually(lambda: self.foo.reaches("bar"), 5, "it is back")
            self.assertEqual(self.foo.client().call(b"shopping", "kv.create").code, "ok")
        for load in steady + shaken:
            load.stop()
            self.assertIsNone(load.broken)
        for load in steady:
            self.assertEqual(load.answers, {})
            self.assertEqual(lost(self.foo, load), [])
        for load in shaken:
            self.assertLessEqual(set(load.answers), {"unavailable", "outcome_unknown", "NOT FOUND"})

    def test_the_connection_limit_is_one_for_all_reactors(self):
        node = self.single(settings={"": {"threads": 4}, "kv_server": {"connections_max": 8}})
        lines = [node.line() for _ in range(8)]
        for line in lines:
            self.assertEqual(line.ask("PING"), "PONG")
        extra = node.line()
        self.assertTrue(extra.line().startswith("ERROR overloaded "))
        self.assertTrue(extra.has_closed())

    def test_sigterm_with_everything_going_on(self):
        self.start()
        loads = [Load(self.foo, bucket, f"t{i}-") for i in range(4) for bucket in ("apples", "shopping")]
        eventually(lambda: all(load.acknowledged for load in loads), 10, "the load flows")
        self.foo.terminate()
        for load in loads:
            load.stop()
            self.assertLessEqual(set(load.answers), {"unavailable", "outcome_unknown"})
        shopping = [load for load in loads if load.bucket == "shopping"]
        for load in shopping:
            self.assertEqual(lost(self.bar, load), [])


if __name__ == "__main__":
    main()
