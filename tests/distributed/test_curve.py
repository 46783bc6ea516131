#!/usr/bin/python3
"""Nodes with keys: who is let in, who is told to go, and what others can read of it."""

import os
import socket
import unittest

from harness import NODE_BIN, MeshTest, eventually, main
from keys import Key, SecuredMesh
from mesh_client import REFUSED, MeshClient, hello, unpack


class CurveTest(MeshTest):
    """foo (a..m and the TCP server) and bar (the rest), both with keys, and a user "ops" who may do everything."""

    def secured_pair(self, **options):
        mesh = self.mesh()
        self.foo = mesh.add("foo", table=[("a..m", "foo"), ("*", "bar")], **options)
        self.bar = mesh.add("bar", apps=["kv"], table=[("a..m", "foo"), ("*", "bar")], **options)
        self.keys = SecuredMesh(mesh)
        mesh.start()
        return mesh


class Identities(CurveTest):
    def test_nodes_and_users_with_keys_work_as_without(self):
        self.secured_pair()
        client = self.foo.client()
        for bucket in (b"apples", b"zebras"):
            client.ok(bucket, "kv.create")
            client.ok(bucket, "kv.put", b"key", b"value")
            self.assertEqual(client.ok(bucket, "kv.get", b"key"), b"value")


if __name__ == "__main__":
    main()
