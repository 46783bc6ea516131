"""Keys of nodes and users, the files that hold them, and meshes whose nodes have keys."""

import base64
import os

import zmq
from zmq.utils import z85

from harness import full_name


def text_of(prefix, key):
    return prefix + base64.urlsafe_b64encode(z85.decode(key)).decode().rstrip("=")


class Key:
    """One pair: `public` and `secret` as ZeroMQ takes them, public_text and secret_text as our files do."""

    def __init__(self):
        self.public, self.secret = zmq.curve_keypair()
        self.public_text = text_of("pub_", self.public)
        self.secret_text = text_of("sec_", self.secret)

    def write(self, path, kind, name, nodes=None):
        """Writes a key file of `kind` "node" or "user"; `nodes`: a public key, or a list of them, by endpoint."""
        text = f'{kind} = "{name}"\npublic = "{self.public_text}"\nsecret = "{self.secret_text}"\n'
        if nodes is not None:
            text += "[nodes]\n"
            for endpoint, keys in nodes.items():
                if isinstance(keys, list):
                    listed = "[" + ", ".join(f'"{key.public_text}"' for key in keys) + "]"
                else:
                    listed = f'"{keys.public_text}"'
                text += f'"{endpoint}" = {listed}\n'
        if os.path.exists(path):
            os.unlink(path)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        return path

    def secure(self, socket, server):
        """Makes a socket that is not connected yet speak CURVE to the one with the key `server`."""
        socket.curve_secretkey, socket.curve_publickey, socket.curve_serverkey = self.secret, self.public, server.public


class SecuredMesh:
    """The keys of a Mesh: of its nodes, which must be added before, and of users. All in its directory."""

    def __init__(self, mesh, users=("ops",), anonymous=""):
        self.mesh = mesh
        self.anonymous = anonymous  # what those may do who have proved nothing
        self.nodes = {name: [Key()] for name in mesh.nodes}  # all that are let in as this node
        self.users = {name: [Key()] for name in users}
        self.revoked = []
        self.path = os.path.join(mesh.directory, "security.toml")
        for name, node in mesh.nodes.items():
            node.settings.setdefault("mesh", {}).update(key=self.write_node_key(name), security=self.path)
            node.client_keys = (self.users[users[0]][0], self.nodes[name][0])
        self.write()

    def write(self, path=None):
        """Writes security.toml anew: all users may do everything."""
        def listed(keys):
            return "[" + ", ".join(f'"{key.public_text}"' for key in keys) + "]"

        text = f"revoked = {listed(self.revoked)}\n"
        for name, keys in self.nodes.items():
            text += f'[node."{full_name(name)}"]\nkeys = {listed(keys)}\n'
        for name, keys in self.users.items():
            text += (f'[user.{name}]\nkeys = {listed(keys)}\n'
                     'may = [{ on = "*", rights = "rwa" }, { call = "*" }]\n')
        if self.anonymous:
            text += f"[anonymous]\nmay = [{self.anonymous}]\n"
        with open(path or self.path, "w", encoding="ascii") as file:
            file.write(text)

    def write_node_key(self, name, which=0):
        return self.nodes[name][which].write(os.path.join(self.mesh.directory, name + ".key"), "node", full_name(name))

    def write_user_key(self, name, nodes=None):
        """The key file of a user, who knows the nodes of the mesh."""
        if nodes is None:
            nodes = {node.endpoint: self.nodes[name][0] for name, node in self.mesh.nodes.items()}
        return self.users[name][0].write(os.path.join(self.mesh.directory, name + ".user.key"), "user", name, nodes)
