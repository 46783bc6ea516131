"""Certificates for the tests of this folder, made by the `openssl` command, and a client that speaks TLS."""

import hashlib
import os
import socket
import ssl
import subprocess

from line_client import LineClient


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, check=True, capture_output=True).stdout


class Certificates:
    """Files in one folder: NAME.crt, NAME.key."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, subject=None, alt=None, days="30", signer=None):
        """A key (P-256) and its certificate, of its own or of `signer`. Returns the path of the certificate."""
        self.key(name)
        extensions = ["-addext", f"subjectAltName={alt}"] if alt else []
        common = ["req", "-new", "-key", self.path(name + ".key"), "-subj", f"/CN={subject or name}"]
        own = ["-signkey", self.path(name + ".key")]
        others = ["-CA", self.path(f"{signer}.crt"), "-CAkey", self.path(f"{signer}.key"), "-CAcreateserial"]
        openssl("x509", "-req", *(others if signer else own), "-days", days, "-copy_extensions", "copy",
                "-out", self.path(name + ".crt"), given=openssl(*common, *extensions))
        return self.path(name + ".crt")

    def key(self, name):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path(name + ".key"))
        os.chmod(self.path(name + ".key"), 0o600)

    def pin(self, name):
        """As security.toml has it."""
        public = openssl("x509", "-in", self.path(name + ".crt"), "-pubkey", "-noout")
        return "sha256:" + hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", given=public)).hexdigest()


def context(trusted=None, shown=None, version=None):
    """Of a client that trusts the certificate at `trusted`, and shows the one of the files `shown`.crt and .key."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    if trusted:
        made.load_verify_locations(trusted)
    else:
        made.verify_mode = ssl.CERT_NONE
    if shown:
        made.load_cert_chain(shown + ".crt", shown + ".key")
    if version:
        made.minimum_version = made.maximum_version = version
    return made


class TlsClient(LineClient):
    """A client of the line protocol over TLS."""

    def __init__(self, node, with_context, timeout=30.0, session=None, local=None):
        self.socket = socket.socket()
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = bytearray()
        try:
            if local:
                self.socket.bind((local, 0))
            self.socket.connect((node.host, node.tcp_port))
            self.socket = with_context.wrap_socket(self.socket, session=session)
        except (OSError, ssl.SSLError):
            self.socket.close()
            raise
        node.clients.append(self)
