#!/usr/bin/python3
"""kvmesh-node as a process: its options, its configuration, its signals, what it says of itself."""

import os
import signal
import socket
import subprocess
import time

from harness import NODE_BIN, MeshTest, clean_environment, eventually, main, patience
from ports import free_port

GOOD = """name = "foo@localhost"
apps = ["kv", "kv_server"]
[mesh]
listen = "tcp://127.0.0.1:{port}"
[kv]
routing_table = [ {{ range = "*", node = "foo@localhost" }} ]
[kv_server]
listen = "127.0.0.1:{tcp}"
"""


class Process(MeshTest):
    def setUp(self):
        self.net = self.mesh()

    def file(self, name, text):
        path = os.path.join(self.net.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_node(self, *arguments, environment=None, timeout=30):
        """A node that is expected to end by itself."""
        return subprocess.run([NODE_BIN, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, env=clean_environment(environment), check=False)

    def assert_refused(self, result, *words):
        self.assertEqual(result.returncode, 2, result)
        for word in words:
            self.assertIn(word, result.stderr)


class Configuration(Process):
    def good(self, name="good.toml", more=""):
        return self.file(name, GOOD.format(port=free_port(), tcp=free_port()) + more)

    def test_check_config_of_a_good_file(self):
        path = self.good()
        result = self.run_node("--config", path, "--check-config")
        self.assertEqual((result.returncode, result.stdout), (0, "the configuration is valid\n"), result)  # it has no peers
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        for name in ("sample.toml", "demo/foo.toml", "demo/bar.toml", "demo/gate.toml"):
            result = self.run_node("--config", os.path.join(root, "config", name), "--check-config")
            self.assertEqual((result.returncode, result.stderr), (0, ""), name)
            self.assertIn("kvmesh verify", result.stdout)

    def test_every_kind_of_fault_names_its_place(self):
        base = GOOD.format(port=free_port(), tcp=free_port())
        lines = base.splitlines()

        def replaced(number, text):
            return "\n".join(text if i == number else line for i, line in enumerate(lines, 1)) + "\n"

        table = 'routing_table = [ { range = "%s", node = "%s" } ]'
        for what, text, place, *words in (
                ("no TOML", replaced(2, 'apps = ["kv" "kv_server"]'), ":2"),
                ("unknown key", replaced(2, lines[1] + "\nthread = 4"), ":3", "thread", "threads"),
                ("unknown section", base + "[kv_sever]\nlisten = 1\n", ":9", "kv_sever"),
                ("wrong type", replaced(2, "apps = true"), ":2", "apps"),
                ("unknown app", replaced(2, 'apps = ["kw"]'), ":2", "kw"),
                ("out of range", replaced(2, lines[1] + "\nthreads = 0"), ":3", "threads", "64"),
                ("bad name", replaced(1, 'name = "foo"'), ":1", "name"),
                ("bad range", replaced(6, table % ("a..", "foo@localhost")), ":6", "range"),
                ("reversed range", replaced(6, table % ("m..a", "foo@localhost")), ":6", "a..m"),
                ("stranger", replaced(6, table % ("*", "bar@localhost")), ":6", "bar@localhost"),
                ("not deployed", replaced(2, 'apps = ["kv_server"]'), ":6", "kv"),
                ("bad address", replaced(4, 'listen = "127.0.0.1"'), ":4", "mesh.listen"),
                ("two peers of one name", base + '[mesh.peers]\n"b@h" = "tcp://127.0.0.1:1"\n"b@h" = "tcp://127.0.0.1:2"\n', ":11"),
                ("two peers of one address", base + '[mesh.peers]\n"b@h" = "tcp://127.0.0.1:1"\n"c@h" = "tcp://127.0.0.1:1"\n', ":11"),
                ("a peer with this node's name", base + '[mesh.peers]\n"foo@localhost" = "tcp://127.0.0.1:1"\n', ":10"),
                ("mesh on all interfaces", replaced(4, 'listen = "tcp://0.0.0.0:1234"'), ":4", "mesh.insecure"),
                ("mesh on any interface", replaced(4, 'listen = "tcp://*:1234"'), ":4", "mesh.insecure"),
                ("TCP on all interfaces", replaced(8, 'listen = "0.0.0.0:1234"'), ":8", "mesh.insecure"),
                ("timeouts", replaced(4, lines[3] + "\nping_interval_ms = 500\npeer_timeout_ms = 400"), "", "peer_timeout_ms"),
                ("memory", replaced(6, lines[5] + '\nmemory_max = "1 parsec"'), ":7", "memory_max")):
            with self.subTest(what):
                path = self.file("wrong.toml", text)
                for arguments in (("--check-config",), ()):
                    result = self.run_node("--config", path, *arguments)
                    self.assert_refused(result, "wrong.toml" + place, *words)

    def test_all_faults_are_reported_at_once(self):
        path = self.file("wrong.toml", 'name = 1\napps = 2\nthreads = "x"\n')
        result = self.run_node("--config", path)
        self.assert_refused(result, "wrong.toml:1", "wrong.toml:2", "wrong.toml:3")

    def test_missing_things(self):
        self.assert_refused(self.run_node("--config", "/nonexistent.toml"), "/nonexistent.toml")
        self.assert_refused(self.run_node(), "name a configuration file: kvmesh-node hello.toml")
        self.assertEqual([self.run_node(word).returncode == 0 for word in ("--frob", "--help")], [False, True])
        self.assertRegex(self.run_node("--version").stdout, r"\d+\.\d+")

    def test_a_file_needs_no_option(self):
        second = self.file("second.toml", "[kv]\nmemory_max = 1\n")
        self.assertEqual(self.run_node(self.good(), "--check-config").stdout, "the configuration is valid\n")
        for files in ((self.good(), second), ("--config", self.good(), second), (second, "-c", self.good())):
            self.assert_refused(self.run_node(*files, "--check-config"), "second.toml:2")
        self.assertEqual(self.run_node(self.good(), "--set", "threads=2", "--check-config").returncode, 0)

    def test_a_low_limit_of_open_files(self):
        """Without connections_max the log tells how many there is room for, if that is far less; with it it warns."""
        for limit, settings, told in ((12000, {}, r" info this process may open 12000 files: at most 1928 TCP clients at once, not 10000 "),
                                      (10500, {}, r" warning this process may open 10500 files, but .* it needs 20072"),
                                      (12000, {"connections_max": 9000}, r" warning this process may open 12000 files, but .* 19072"),
                                      (20000, {}, None)):
            with self.subTest(limit=limit, settings=settings):
                node = self.mesh().add("foo", settings={"kv_server": settings})
                node.prefix = ["prlimit", f"--nofile={limit}:{limit}"]
                node.start()
                if told:
                    self.assertRegex(node.log(), told)
                for peer in ("one", "two"):
                    with open(node.config_path, "a", encoding="utf-8") as file:
                        file.write(f'"{peer}@localhost" = "tcp://127.0.0.1:{free_port()}"\n')
                    node.send_signal(signal.SIGHUP)
                    eventually(lambda: f"peer {peer}@localhost added" in node.log(), 5, "the reload")
                self.assertEqual(node.log().count("this process may open"), 1 if told else 0, "reloads do not repeat it")

    def test_an_entry_that_can_never_match_is_a_warning(self):
        path = self.file("shadow.toml", GOOD.format(port=free_port(), tcp=free_port()).replace(
            "} ]", '}, { range = "x", node = "foo@localhost" } ]'))
        result = self.run_node("--config", path, "--check-config")
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("never", result.stdout + result.stderr)

    def test_later_files_then_environment_then_command_line_win(self):
        node = self.net.add("foo", settings={"mesh": {"request_timeout_ms": 5000}})
        file_port, environment_port, last_port = (free_port() for _ in range(3))
        second = self.file("second.toml", f'[kv_server]\nlisten = "127.0.0.1:{file_port}"\n')
        for port, arguments, environment in (
                (file_port, ("--config", second), {}),
                (environment_port, ("--config", second), {"KVMESH_KV_SERVER__LISTEN": f"127.0.0.1:{environment_port}"}),
                (last_port, ("--config", second, "--set", f"kv_server.listen=127.0.0.1:{last_port}"),
                 {"KVMESH_KV_SERVER__LISTEN": f"127.0.0.1:{environment_port}"})):
            node.tcp_port = free_port()  # of the first file, which loses
            node.start(arguments, environment)
            with self.assertRaises(ConnectionRefusedError):
                node.line()
            node.tcp_port = port
            self.assertEqual(node.line().ask("PING"), "PONG")
            node.terminate()

    def test_misspelt_settings_are_refused(self):
        path = self.good()
        self.assert_refused(self.run_node("--config", path, environment={"KVMESH_KV_SERVER__LISTN": "x"}), "KV_SERVER__LISTN")
        self.assert_refused(self.run_node("--config", path, "--set", "kv_server.listn=x"), "kv_server.listn")
        self.assert_refused(self.run_node("--config", path, "--set", "threads=many"), "threads")


class Ports(Process):
    def test_a_port_that_is_taken(self):
        for which in ("mesh", "tcp"):
            with self.subTest(which), socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                mesh_port, tcp_port = (port, free_port()) if which == "mesh" else (free_port(), port)
                path = self.file("taken.toml", GOOD.format(port=mesh_port, tcp=tcp_port))
                self.assert_refused(self.run_node("--config", path), str(port))

    def test_listening_everywhere_needs_a_word(self):
        node = self.net.add("foo", settings={"mesh": {"insecure": True}})
        node.settings["kv_server"] = {"listen": f"0.0.0.0:{node.tcp_port}"}
        node.settings["mesh"]["listen"] = f"tcp://0.0.0.0:{node.mesh_port}"
        node.start()
        self.assertEqual(node.line().ask("PING"), "PONG")
        self.assertEqual(node.client().ok(None, "node.name"), "foo@localhost")


class Signals(MeshTest):
    def test_end_within_two_seconds_with_clients_and_requests_in_flight(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                foo, bar = self.pair({"mesh": {"peer_timeout_ms": 60000}})
                clients = [foo.client() for _ in range(3)]
                lines = [foo.line() for _ in range(10)]
                self.assertEqual(lines[0].ask("CREATE shopping"), "OK")
                bar.stop_running()
                ids = [c.post_batch([(b"shopping", "kv.put", b"%d" % i, b"1") for i in range(50)], timeout_ms=60000)
                       for c in clients]
                for line in lines:
                    line.send("PUT shopping k v\r\n")
                eventually(lambda: foo.peer("bar")["in_flight"] == 160, 5, "the requests are in flight")
                foo.send_signal(number)
                for client, batch in zip(clients, ids):
                    self.assertEqual({r.code for r in client.wait_all(batch)}, {"outcome_unknown"})
                for line in lines:
                    self.assertTrue(line.line().startswith("ERROR outcome_unknown "))
                    self.assertTrue(line.has_closed())
                self.assertEqual(foo.process.wait(2 * patience()), 0)
                bar.resume()

    def test_an_idle_node_ends_at_once(self):
        node = self.single()
        self.assertLess(node.terminate(), 1.5 * patience())

    def test_twice_is_no_worse(self):
        node = self.single()
        node.send_signal(signal.SIGTERM)
        try:
            node.send_signal(signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.assertEqual(node.process.wait(5 * patience()), 0)

    def test_with_a_client_that_never_reads(self):
        node = self.single()
        line = node.line(receive_buffer=4096)
        self.assertEqual(line.ask("CREATE apples"), "OK")
        self.assertEqual(line.ask("PUT apples k " + "v" * 1000000), "OK")
        line.send("GET apples k\r\n" * 100)
        eventually(lambda: node.info()["counters"]["executed"] > 2, 5, "it has begun")
        node.terminate()

    def test_it_starts_again_on_the_same_ports(self):
        node = self.single()
        for _ in range(5):
            line, client = node.line(), node.client()
            self.assertEqual(line.ask("PING"), "PONG")
            client.ok(None, "node.ping")
            node.restart()


class Reload(MeshTest):
    def reload(self, node):
        node.send_signal(signal.SIGHUP)

    def test_a_valid_table_is_taken_over_whole(self):
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")])
        mesh.add("bar")
        mesh.start()
        client = foo.client()
        epoch = foo.info()["table"]["epoch"]
        foo.table = [("a", "bar"), ("*", "foo")]
        foo.write_config()
        self.reload(foo)
        eventually(lambda: client.ok(b"apples", "node.name") == "bar@localhost", 5, "the new table")
        self.assertEqual(client.ok(b"shopping", "node.name"), "foo@localhost")
        table = foo.info()["table"]
        self.assertGreater(table["epoch"], epoch)
        self.assertEqual(table["entries"], [{"range": "a", "node": "bar@localhost"}, {"range": "*", "node": "foo@localhost"}])

    def test_an_invalid_table_changes_nothing_and_says_why(self):
        foo, _ = self.pair()
        client, line = foo.client(), foo.line()
        before = foo.info()["table"]
        good = foo.config()
        for text, word in ((good.replace('"a..m"', '"m..a"'), "m..a"), (good.replace("[kv]", "[kv"), "foo.toml"),
                           (good.replace("bar@localhost\" }", "baz@localhost\" }"), "baz@localhost"), ("", "name")):
            with open(foo.config_path, "w", encoding="utf-8") as file:
                file.write(text)
            logged = len(foo.log())
            self.reload(foo)
            eventually(lambda: word in foo.log()[logged:], 5, f"the log says {word}")
            self.assertEqual(client.ok(b"shopping", "node.name"), "bar@localhost")
            self.assertEqual(line.ask("CREATE apples"), "OK")
            self.assertEqual(foo.info()["table"], before)
        os.remove(foo.config_path)
        logged = len(foo.log())
        self.reload(foo)
        eventually(lambda: "foo.toml" in foo.log()[logged:], 5, "the log says what is missing")
        self.assertEqual(foo.info()["table"], before)

    def test_what_needs_a_restart_is_named(self):
        node = self.single()
        node.settings = {"log": {"level": "debug"}, "tasks": {"workers": 9}}
        node.tcp_port, before = 1, node.tcp_port
        node.write_config()
        self.reload(node)
        eventually(lambda: "the routing table is now" in node.log(), 5, "the table is taken over")
        told = [line.split(" warning ", 1)[1] for line in node.log().splitlines() if "until a restart" in line]
        self.assertEqual(told, [
            f'kv_server.listen: "127.0.0.1:{before}" stays until a restart; the configuration says "127.0.0.1:1"',
            "tasks.workers: 4 stays until a restart; the configuration says 9",
            'log.level: "info" stays until a restart; the configuration says "debug"'])
        self.reload(node)
        eventually(lambda: node.log().count("log.level: ") == 2, 5, "it is told each time")
        node.tcp_port = before

    def test_under_load_no_request_is_lost(self):
        mesh = self.mesh()
        foo = mesh.add("foo", table=[("*", "bar")])
        mesh.add("bar")
        mesh.start()
        client = foo.client()
        client.ok(b"shopping", "kv.create")
        for i in range(20):
            foo.table = [("*", "bar")] if i % 2 else [("a..z", "bar"), ("*", "foo")]
            foo.write_config()
            epoch = foo.info()["table"]["epoch"]
            ids = client.post_batch([(b"shopping", "kv.put", b"%d" % n, b"1") for n in range(500)])
            self.reload(foo)
            self.assertEqual({r.code for r in client.wait_all(ids)}, {"ok"})
            eventually(lambda: foo.info()["table"]["epoch"] > epoch, 5, "the table is taken over")


class Memory(MeshTest):
    def test_full_refuses_puts_and_nothing_else(self):
        foo = self.single(settings={"kv": {"memory_max": "1MiB"}})
        client, line = foo.client(), foo.line()
        client.ok(b"apples", "kv.create")
        stored = 0
        while (reply := client.call(b"apples", "kv.put", b"%d" % stored, b"v" * 10000)).code == "ok":
            stored += 1
            self.assertLess(stored, 200)
        self.assertEqual(reply.code, "full")
        self.assertIn("1048576", reply.text)
        self.assertGreater(stored, 50)
        self.assertTrue(line.ask("PUT apples more " + "v" * 10000).startswith("ERROR full "))
        self.assertEqual(client.ok(b"apples", "kv.get", b"0"), b"v" * 10000)
        self.assertEqual(client.ok(b"apples", "kv.count"), stored)
        store = foo.info()["store"]
        self.assertLessEqual(store["bytes"], store["bytes_max"])
        self.assertEqual((store["bytes_max"], store["keys"], store["buckets"]), (1048576, stored, 1))
        client.ok(b"apples", "kv.delete", b"0")
        client.ok(b"apples", "kv.put", b"again", b"v" * 10000)
        client.ok(b"apples", "kv.drop")
        self.assertEqual(foo.info()["store"]["keys"], 0)
        client.ok(b"apples", "kv.create")
        client.ok(b"apples", "kv.put", b"0", b"v" * 10000)

    def test_buckets_count_too(self):
        client = self.single(settings={"kv": {"memory_max": "1MiB"}}).client()
        codes = set()
        for batch in range(20):
            ids = client.post_batch([(b"%d-%d" % (batch, i), "kv.create") for i in range(5000)])
            codes |= {r.code for r in client.wait_all(ids)}
        self.assertEqual(codes, {"ok", "full"})


class Info(MeshTest):
    def test_what_a_node_says_of_itself(self):
        foo, bar = self.pair()
        client, line = foo.client(), foo.line()
        for bucket in (b"apples", b"shopping"):
            client.ok(bucket, "kv.create")
            client.ok(bucket, "kv.put", b"k", b"v")
        self.assertEqual(client.call(b"nowhere", "kv.count").code, "not_found")
        info = foo.info(client)
        self.assertEqual((info["name"], info["apps"], info["threads"]), ("foo@localhost", ["kv", "kv_server"], 1))
        self.assertRegex(info["version"], r"^\d+\.\d+\.\d+")
        self.assertEqual(info["pid"], foo.process.pid)
        self.assertGreater(info["memory_bytes"], 1 << 20)
        self.assertEqual(info["table"]["entries"], [{"range": "a..m", "node": "foo@localhost"}, {"range": "*", "node": "bar@localhost"}])
        (peer,) = info["peers"]
        self.assertEqual((peer["name"], peer["address"], peer["state"], peer["in_flight"]),
                         ("bar@localhost", bar.endpoint, "up", 0))
        self.assertEqual((info["store"]["buckets"], info["store"]["keys"]), (1, 1))
        counters = info["counters"]
        self.assertGreaterEqual(counters["forwarded"], 3)
        self.assertGreaterEqual(counters["executed"], 2)
        self.assertGreaterEqual(counters["replies"]["not_found"], 1)
        self.assertEqual(counters["tcp_connections"], 1)
        self.assertGreaterEqual(counters["mesh_clients"], 1)
        self.assertEqual(line.ask("PING"), "PONG")
        later = foo.info(client)
        self.assertGreaterEqual(later["uptime_ms"], info["uptime_ms"])
        self.assertEqual(client.ok("bar@localhost", "node.info")["name"], "bar@localhost")

    def test_the_state_of_a_lost_peer_and_why(self):
        foo, bar = self.pair()
        bar.kill()
        peer = eventually(lambda: (p := foo.peer("bar"))["state"] != "up" and p, 2, "it is down")
        self.assertTrue(peer["why"])

    def test_logs_are_one_line_an_event_and_silent_about_requests(self):
        foo, _ = self.pair()
        before = foo.log()
        client, line = foo.client(), foo.line()
        for i in range(200):
            line.ask("CREATE shopping")
            client.call(b"shopping", "kv.get", b"k")
            client.call(b"shopping", "no.such")
        for row in before.splitlines():
            self.assertIn("foo@localhost", row)
        self.assertLess(len(foo.log().splitlines()) - len(before.splitlines()), 10)


class Idle(MeshTest):
    def test_an_idle_mesh_burns_no_processor(self):
        foo, bar = self.pair()
        foo.line().ask("PING")
        used = foo.cpu_seconds() + bar.cpu_seconds()
        time.sleep(2.0)  # the test measures time, it waits for nothing
        self.assertLess(foo.cpu_seconds() + bar.cpu_seconds() - used, 0.4)


if __name__ == "__main__":
    main()
