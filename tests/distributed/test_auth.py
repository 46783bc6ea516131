#!/usr/bin/python3
"""AUTH and WHOAMI of the line protocol: who is let in, how guessing is limited, and what strangers may do."""

import ctypes
import ctypes.util
import socket
import threading

from certificates import Certificates, TlsClient, context
from harness import MeshTest, eventually, main
from keys import SecuredMesh
from line_client import LineClient

DENIED = "ERROR denied there is no such user, or this is not its secret"
SECRETS = ["open sesame", "hunter2", "planted-secret"]


def hash_of(password):
    """As security.toml has it: argon2id with the costs that the node uses."""
    sodium, out = ctypes.CDLL(ctypes.util.find_library("sodium")), ctypes.create_string_buffer(128)
    assert sodium.sodium_init() >= 0
    assert sodium.crypto_pwhash_str_alg(out, password.encode(), ctypes.c_ulonglong(len(password)), ctypes.c_ulonglong(2),
                                        ctypes.c_size_t(19456 * 1024), 2) == 0
    return out.value.decode()


class Users(SecuredMesh):
    """A security.toml whose users have passwords, tokens and certificates too."""

    def __init__(self, mesh, passwords=None, anonymous="", **options):
        self.passwords = passwords or {}  # hashes, by user
        self.pins = {}
        super().__init__(mesh, users=("ops", "app1"), anonymous=anonymous, **options)

    def write(self, path=None):
        super().write(path)
        with open(path or self.path, encoding="ascii") as file:
            text = file.read()
        for user, password in self.passwords.items():
            text = text.replace(f"[user.{user}]\n", f'[user.{user}]\npassword = "{password}"\n')
        for user, pin in self.pins.items():
            text = text.replace(f"[user.{user}]\n", f'[user.{user}]\ncerts = ["{pin}"]\n')
        with open(path or self.path, "w", encoding="ascii") as file:
            file.write(text)


class AuthTest(MeshTest):
    def serve(self, anonymous="", settings=None, passwords=None):
        mesh = self.mesh()
        self.node = mesh.add("foo", settings=settings)
        self.users = Users(mesh, passwords or {"app1": hash_of("open sesame"), "ops": hash_of("planted-secret")}, anonymous)
        mesh.start(connected=False)

    def from_address(self, address):
        """A client that comes from another address of this machine."""
        made = LineClient.__new__(LineClient)
        made.socket = socket.socket()
        made.socket.settimeout(30)
        made.socket.bind((address, 0))
        made.socket.connect((self.node.host, self.node.tcp_port))
        made.unread = bytearray()
        self.node.clients.append(made)
        return made

    def reload(self):
        asked = self.node.log().count("the configuration is read again")
        self.node.send_signal(1)
        eventually(lambda: self.node.log().count("the configuration is read again") > asked, what="a reload")


class LoggingIn(AuthTest):
    def test_a_node_without_users_takes_everything_without_auth(self):
        client = self.single().line()
        self.assertEqual(client.ask("WHOAMI", 2), ["anonymous", "OK"])
        self.assertRegex(client.ask("AUTH app1 hunter2"), "^ERROR denied this node has no users")
        self.assertEqual(client.ask("CREATE shopping"), "OK")

    def test_nothing_before_auth_and_everything_after_it_in_order(self):
        self.serve()
        client = self.node.line()
        self.assertEqual(client.ask("CREATE shopping"), "ERROR denied say AUTH user secret first")
        self.assertEqual(client.ask("PING"), "PONG")
        self.assertEqual(client.ask("WHOAMI", 2), ["anonymous", "OK"])
        client.send('AUTH app1 "open sesame"\r\nWHOAMI\r\nCREATE shopping\r\nPUT shopping milk 1\r\nPING\r\n')
        self.assertEqual(client.lines(6), ["OK", "app1", "OK", "OK", "OK", "PONG"])
        client.send("AUTH app1 hunter2\r\nWHOAMI\r\n")  # it stays who it was
        self.assertEqual(client.lines(3), [DENIED, "app1", "OK"])
        client.send("AUTH ops planted-secret\r\nWHOAMI\r\n")
        self.assertEqual(client.lines(3), ["OK", "ops", "OK"])
        self.assertEqual(self.node.line().ask("AUTH nobody hunter2"), DENIED)
        self.assertEqual(self.node.line().ask("AUTH foo@localhost hunter2"), DENIED)
        client.send("QUIT\r\n")
        self.assertEqual(client.line(), "OK")

    def test_what_everybody_may_needs_no_auth(self):
        self.serve(anonymous='{ on = "*", rights = "rw" }')
        client = self.node.line()
        self.assertEqual(client.ask("CREATE shopping"), "OK")
        self.assertEqual(client.ask("WHOAMI", 2), ["anonymous", "OK"])
        self.users.anonymous = ""
        self.users.write()
        self.reload()
        eventually(lambda: client.ask("GET shopping milk") == "ERROR denied say AUTH user secret first",
                   what="the connection is locked")

    def test_certificates_are_identities_from_the_start(self):
        mesh = self.mesh()
        made = Certificates(mesh.directory)
        made.make("server", alt="IP:127.0.0.1")
        made.make("client")
        self.node = mesh.add("foo", settings={"kv_server.tls": {"certificate": "server.crt", "key": "server.key",
                                                                "clients": "optional"}})
        self.users = Users(mesh, {"ops": hash_of("planted-secret")})
        self.users.pins = {"app1": made.pin("client")}
        self.users.write()
        mesh.start(connected=False)
        trusted = made.path("server.crt")
        shown = TlsClient(self.node, context(trusted, shown=made.path("client")))
        self.assertEqual(shown.ask("WHOAMI", 2), ["app1", "OK"])
        self.assertEqual(shown.ask("CREATE shopping"), "OK")
        other = TlsClient(self.node, context(trusted))
        self.assertEqual(other.ask("WHOAMI", 2), ["anonymous", "OK"])
        self.assertEqual(other.ask("AUTH ops planted-secret"), "OK")
        self.users.pins = {}
        self.users.write()
        self.reload()
        last = shown.line()  # words, if they got through, and then the end
        self.assertTrue(last is None or last.startswith("ERROR denied the principals have changed"), last)
        self.assertEqual(other.ask("WHOAMI", 2), ["ops", "OK"])

    def test_whose_secret_changes_or_who_is_gone_is_ended_and_nobody_else(self):
        self.serve()
        first, second = self.node.line(), self.node.line()
        first.ask('AUTH app1 "open sesame"')
        second.ask("AUTH ops planted-secret")
        self.users.passwords["app1"] = hash_of("another")
        self.users.write()
        self.reload()
        self.assertRegex(first.line(), "^ERROR denied the principals have changed")
        self.assertIsNone(first.line())
        self.assertEqual(second.ask("CREATE shopping"), "OK")
        self.assertEqual(self.node.line().ask('AUTH app1 "open sesame"'), DENIED)
        third = self.node.line()
        self.assertEqual(third.ask("AUTH app1 another"), "OK")
        del self.users.users["app1"], self.users.passwords["app1"]
        self.users.write()
        self.reload()
        self.assertRegex(third.line(), "^ERROR denied the principals have changed")
        self.assertEqual(second.ask("GET shopping milk", 2), ["", "OK"])


class Guessing(AuthTest):
    def test_guessing_is_limited_and_the_real_user_still_gets_in(self):
        self.serve()
        real = self.from_address("127.0.2.1")
        self.assertEqual(real.ask('AUTH app1 "open sesame"'), "OK")
        looked_at = 0
        for i in range(40):  # of an address that tries many names
            looked_at += self.from_address("127.0.3.1").ask(f"AUTH user{i} guess{i}") == DENIED
        self.assertEqual(looked_at, 5)
        looked_at = 0
        for i in range(30):  # of many addresses that try one name
            looked_at += self.from_address(f"127.0.4.{i + 1}").ask(f"AUTH app1 guess{i}") == DENIED
        self.assertEqual(looked_at, 5)
        self.assertRegex(self.from_address("127.0.5.1").ask('AUTH app1 "open sesame"'), "^ERROR denied .*try again in [0-9]+ s$")
        again = self.from_address("127.0.2.1")
        self.assertEqual(again.ask('AUTH app1 "open sesame"'), "OK")
        self.assertEqual(self.from_address("127.0.5.1").ask("AUTH ops planted-secret"), "OK")

    def test_others_notice_nothing_of_passwords(self):
        self.serve(anonymous='{ on = "*", rights = "rw" }')
        served = self.node.line()
        served.ask("CREATE shopping")
        done = threading.Event()

        def guess(number):
            while not done.is_set():
                with self.from_address(f"127.0.{number}.1") as guesser:
                    guesser.ask(f"AUTH user{number} guess")

        guessers = [threading.Thread(target=guess, args=(i + 10,)) for i in range(4)]
        for guesser in guessers:
            guesser.start()
        try:
            for i in range(500):
                self.assertEqual(served.ask(f"PUT shopping milk {i}"), "OK")
        finally:
            done.set()
            for guesser in guessers:
                guesser.join()

    def test_secrets_are_in_no_log(self):
        self.serve(settings={"log": {"level": "trace", "slow_request_ms": 1}})
        client = self.node.line()
        for line in ("AUTH ops planted-secret", "AUTH ops hunter2", "AUTH hunter2", 'AUTH ops "hunter2', "AUTH ops hunter2 x",
                     'AUTH app1 "open sesame"'):
            self.assertNotRegex(client.ask(line), "|".join(SECRETS))
        self.node.terminate()
        log = self.node.log()
        for secret in SECRETS:
            self.assertNotIn(secret, log)


class Strangers(AuthTest):
    def test_commands_that_are_not_read_and_long_lines_cost_little(self):
        self.serve()
        before = self.node.rss_bytes()
        floods = []
        for flood in [b"HELP\r\n" * 100_000] * 20 + [b"PUT b k v\r\n" * 100_000] * 20 + [b"x" * 3_000_000] * 10:
            stranger = socket.create_connection((self.node.host, self.node.tcp_port))
            stranger.setblocking(False)
            self.addCleanup(stranger.close)
            sent = 0
            try:
                while sent < len(flood):
                    sent += stranger.send(flood[sent:])
            except (BlockingIOError, ConnectionError):
                pass
            floods.append(stranger)
        known = self.node.line()
        self.assertEqual(known.ask('AUTH app1 "open sesame"'), "OK")
        self.assertEqual(known.ask("CREATE shopping"), "OK")
        self.assertLess(self.node.rss_bytes() - before, 24 << 20)  # 19 of them for a password
        eventually(lambda: self.node.info()["counters"]["tcp_connections"] <= 1, 20, "strangers are closed")
        self.assertEqual(known.ask("PUT shopping milk 1"), "OK")

    def test_names_put_nothing_into_replies(self):
        self.serve()
        client = self.node.line()
        self.assertEqual(client.ask('AUTH "a\\r\\nOK" hunter2'), DENIED)
        self.assertEqual(client.ask("PING"), "PONG")
        self.assertEqual(client.ask("x" * 4096), "ERROR denied say AUTH user secret first")
        self.assertRegex(client.ask("x" * 4097), "^ERROR too_large .* over the limit of 4096 before AUTH")
        self.assertIsNone(client.line())


if __name__ == "__main__":
    main()
