#!/usr/bin/python3
"""The line protocol over TLS: who is served, what strangers can do, and certificates that change."""

import os
import signal
import socket
import ssl
import subprocess
import threading

from certificates import Certificates, TlsClient, context
from harness import COMMAND_BIN, MeshTest, NODE_BIN, clean_environment, eventually, main


class TlsTest(MeshTest):
    def setUp(self):
        self.mesh_ = self.mesh()
        self.certificates = Certificates(self.mesh_.directory)

    def serve(self, **tls):
        """A node with the certificate foo.crt."""
        self.certificates.make("foo", alt="IP:127.0.0.1")
        self.node = self.mesh_.add("foo", settings={"kv_server.tls": {"certificate": "foo.crt", "key": "foo.key", **tls}})
        self.mesh_.start()
        self.context = context(self.certificates.path("foo.crt"))

    def client(self, with_context=None, **options):
        return TlsClient(self.node, with_context or self.context, **options)

    def raw(self, data=b""):
        """A connection without TLS."""
        made = socket.create_connection((self.node.host, self.node.tcp_port), timeout=30)
        self.addCleanup(made.close)
        made.sendall(data)
        return made


class Served(TlsTest):
    def test_all_commands_over_both_versions(self):
        self.serve()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                client = self.client(context(self.certificates.path("foo.crt"), version=version))
                self.assertRegex(client.socket.cipher()[0], "GCM|CHACHA20")
                self.assertIsNone(client.socket.compression())
                client.ask("CREATE shopping")
                value = "x" * 1_000_000  # many records
                self.assertEqual(client.ask(f"PUT shopping milk {value}"), "OK")
                for _ in range(5):
                    self.assertEqual(client.get("shopping", "milk"), value)
                client.send("PING\r\n" * 20000)
                self.assertEqual(client.lines(20000), ["PONG"] * 20000)
                client.send("QUIT\r\n")
                self.assertEqual(client.line(), "OK")
                self.assertTrue(client.has_closed())

    def test_a_client_that_reads_late_gets_everything(self):
        self.serve()
        client = self.client()
        client.ask("CREATE shopping")
        value = "y" * 100_000
        client.ask(f"PUT shopping milk {value}")
        client.send("GET shopping milk\r\n" * 300)  # far more than all buffers between the two hold
        for _ in range(300):
            self.assertEqual([client.line(), client.line()], [value, "OK"])

    def test_a_session_is_taken_up_again(self):
        self.serve()
        with_context = context(self.certificates.path("foo.crt"))
        first = self.client(with_context)
        self.assertEqual(first.ask("PING"), "PONG")
        again = self.client(with_context, session=first.socket.session)
        self.assertTrue(again.socket.session_reused)
        self.assertEqual(again.ask("PING"), "PONG")

    def test_a_record_in_pieces_of_one_byte(self):
        self.serve()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self.context.wrap_bio(incoming, outgoing)
        wire = self.raw()
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def until_done(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        wire.sendall(bytes([byte]))
                    incoming.write(wire.recv(65536))

        until_done(session.do_handshake)
        session.write(b"PING\r\n" * 500)
        got = b""
        while len(got) < 3000:
            got += until_done(lambda: session.read(65536))
        self.assertEqual(got, b"PONG\r\n" * 500)


    def test_records_of_one_byte(self):
        self.serve()
        client = self.client()
        for byte in b"PING\r\n" * 300:
            client.socket.sendall(bytes([byte]))
        self.assertEqual(client.lines(300), ["PONG"] * 300)


class Strangers(TlsTest):
    def test_a_plain_client_is_told_what_the_port_speaks(self):
        self.serve()
        wire = self.raw(b"PING\r\n")
        answer = wire.makefile("rb").read()
        self.assertRegex(answer, rb"^ERROR protocol_error this port speaks TLS; .*\r\n$")

    def test_old_versions_renegotiation_and_garbage_are_refused(self):
        self.serve()
        served = self.client()
        old = context(self.certificates.path("foo.crt"))
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            self.client(old)
        for garbage in (b"\x16\x03\x01\x00\x05hello" * 3, b"\x16" * 5000, b"\x16\x03\x01\x40\x00" + b"\x01" * 20000, b"\0" * 100):
            wire = self.raw(garbage)
            try:
                while wire.recv(65536):
                    pass
            except ConnectionResetError:
                pass
        weak = context(self.certificates.path("foo.crt"), version=ssl.TLSVersion.TLSv1_2)
        weak.set_ciphers("AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
        with self.assertRaises(ssl.SSLError):
            self.client(weak)
        self.assertEqual(served.ask("PING"), "PONG")
        given = subprocess.run(
            ["openssl", "s_client", "-tls1_2", "-connect", f"{self.node.host}:{self.node.tcp_port}"],
            input=b"R\nPING\n", capture_output=True, check=False, timeout=60)
        self.assertIn(b"no renegotiation", given.stderr)
        self.assertEqual(self.client().ask("PING"), "PONG")

    def test_half_handshakes_keep_nobody_from_being_served(self):
        self.serve()
        served = self.client()
        served.ask("CREATE shopping")
        before = self.node.rss_bytes()
        halves = []
        for i in range(500):
            half = socket.socket()
            half.bind((f"127.0.1.{i % 5 + 1}", 0))  # one address may not have so many
            half.connect((self.node.host, self.node.tcp_port))
            half.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            halves.append(half)
            self.addCleanup(half.close)
        for i in range(200):
            self.assertEqual(served.ask(f"PUT shopping milk {i}"), "OK")
        self.assertEqual(self.client().ask("PING"), "PONG")  # there are places left
        self.assertLess(self.node.rss_bytes() - before, 64 << 20)
        for half in halves:  # each is ended
            half.settimeout(60)
            try:
                while half.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        self.assertEqual(self.client().ask("PING"), "PONG")
        self.assertRegex(self.node.log(), r"the TLS handshake of 127\.0\.1\.\d:\d+ failed: ")

    def test_one_address_cannot_take_all_places(self):
        self.serve()
        halves = []
        for _ in range(600):
            half = socket.socket()
            half.bind(("127.0.1.1", 0))
            half.connect((self.node.host, self.node.tcp_port))
            halves.append(half)
            self.addCleanup(half.close)
        self.assertEqual(self.client().ask("PING"), "PONG")


class Reload(TlsTest):
    def ended_on(self):
        return self.client(context()).socket.getpeercert(binary_form=True)

    def test_certificates_are_replaced_under_load(self):
        self.serve()
        served = self.client()
        served.ask("CREATE shopping")
        done, faults = threading.Event(), []

        def ask():
            number = 0
            while not done.is_set():
                number += 1
                if served.ask(f"PUT shopping key {number}") != "OK":
                    faults.append(number)

        asker = threading.Thread(target=ask)
        asker.start()
        try:
            old = self.ended_on()
            key = self.certificates.path("foo.key")
            with open(key, "rb") as file:
                good = file.read()
            self.certificates.make("other")
            with open(self.certificates.path("other.key"), "rb") as file, open(key, "wb") as into:
                into.write(file.read())
            self.node.send_signal(signal.SIGHUP)
            eventually(lambda: "those from before stay" in self.node.log(), what="it says that the key does not fit")
            self.assertIn("does not fit the certificate", self.node.log())
            self.assertEqual(self.ended_on(), old)
            with open(key, "wb") as into:
                into.write(good)
            self.certificates.make("foo", alt="IP:127.0.0.1")
            self.node.send_signal(signal.SIGHUP)
            eventually(lambda: self.ended_on() != old, what="the new certificate")
        finally:
            done.set()
            asker.join()
        self.assertEqual(faults, [])
        self.assertEqual(served.ask("PING"), "PONG")

    def test_a_reload_says_that_certificates_are_other_ones(self):
        self.serve()
        reload = [COMMAND_BIN, "--node", self.node.endpoint, "reload", "foo@localhost"]
        self.assertEqual(self.run_to_end(reload), "nothing has changed\n")
        old = self.ended_on()
        self.certificates.make("foo", alt="IP:127.0.0.1")
        self.assertEqual(self.run_to_end(reload), "kv_server.tls: new connections get other certificates\n")
        self.assertNotEqual(self.ended_on(), old)
        eventually(lambda: "kv_server.tls: new connections get other certificates" in self.node.log(), what="the log says so, too")
        self.assertEqual(self.run_to_end(reload), "nothing has changed\n")

    def check(self, *arguments):
        self.node.write_config()
        return subprocess.run([NODE_BIN, "--check-config", self.node.config_path, *arguments], text=True,
                              capture_output=True, check=False, env=clean_environment(), timeout=60)

    def test_faults_are_told_before_a_node_starts(self):
        made = self.certificates
        made.make("foo")
        made.make("other")
        made.make("old", days="-1")
        self.node = self.mesh_.add("foo", settings={"kv_server.tls": {"certificate": "foo.crt", "key": "foo.key"}})
        self.assertEqual(self.check().returncode, 0, self.check().stderr)
        with open(made.path("text.crt"), "w", encoding="ascii") as file:
            file.write("hello\n")
        os.chmod(made.path("other.key"), 0o640)
        for values, fault in (({"certificate": "none.crt"}, r"kv_server\.tls\.certificate: the file .*none\.crt.* cannot be read"),
                              ({"certificate": "text.crt"}, "holds no certificate"),
                              ({"certificate": "old.crt", "key": "old.key"}, r"has ended on \d{4}-\d\d-\d\d; get a new one"),
                              ({"certificate": "other.crt"}, "does not fit the certificate"),
                              ({"key": "none.key"}, r"kv_server\.tls\.key: cannot read the key file"),
                              ({"key": "foo.crt"}, "read or written by others|holds no private key"),
                              ({"key": "other.key", "certificate": "other.crt"}, "chmod 600"),
                              ({"clients": "required", "ca": "text.crt"}, r"kv_server\.tls\.ca: .* holds no certificate")):
            with self.subTest(values):
                self.node.settings = {"kv_server.tls": {"certificate": "foo.crt", "key": "foo.key", **values}}
                done = self.check()
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, fault)
                self.node.launch()
                self.assertEqual(self.node.process.wait(60), 2)
                self.assertRegex(self.node.log(), fault)
        made.make("soon", days="3")
        self.node.settings = {"kv_server.tls": {"certificate": "soon.crt", "key": "soon.key"}}
        self.assertRegex(self.check().stderr, r"warning: .*soon\.crt\" ends in [23] days")


class ClientCertificates(TlsTest):
    def test_an_authority_answers_for_clients(self):
        made = self.certificates
        made.make("authority")
        made.make("app1", signer="authority", alt="DNS:app1")
        made.make("stranger", subject="app1")
        for clients in ("required", "optional"):
            with self.subTest(clients):
                self.certificates = made
                if "foo" in self.mesh_.nodes:
                    self.node.terminate()
                self.serve(clients=clients, ca="authority.crt")
                trusted = made.path("foo.crt")
                self.assertEqual(self.client(context(trusted, shown=made.path("app1"))).ask("PING"), "PONG")
                # TLS 1.3 tells the client only with its first read.
                with self.assertRaises((ssl.SSLError, ConnectionResetError)):
                    self.assertEqual(self.client(context(trusted, shown=made.path("stranger"))).socket.recv(1), b"x")
                if clients == "optional":
                    self.assertEqual(self.client().ask("PING"), "PONG")
                    continue
                with self.assertRaises((ssl.SSLError, ConnectionResetError)):
                    self.assertEqual(self.client().socket.recv(1), b"x")


if __name__ == "__main__":
    main()
