"""Requests in the background, while the test does something to the mesh."""

import threading

from line_client import LineClient


class Load:
    """A thread that puts numbered values over one TCP connection, one request after the other. After stop():
    `acknowledged` holds the keys whose PUT was answered OK, `answers` counts every first word but OK, and `broken`
    says why the connection ended, if it did."""

    def __init__(self, node, bucket, name="k"):
        self.address = ("127.0.0.1", node.tcp_port)
        self.bucket, self.name = bucket, name
        self.acknowledged, self.answers, self.broken = [], {}, None
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            with LineClient(*self.address) as line:
                while not self._stop.is_set():
                    key = f"{self.name}{self.sent}"
                    self.sent += 1
                    reply = line.ask(f"PUT {self.bucket} {key} {key}")
                    if reply is None:
                        self.broken = "closed"
                        return
                    if reply == "OK":
                        self.acknowledged.append(key)
                    else:
                        code = reply.split()[1] if reply.startswith("ERROR ") else reply
                        self.answers[code] = self.answers.get(code, 0) + 1
        except (OSError, ValueError) as error:
            self.broken = repr(error)

    def stop(self):
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "a request is never answered"
        return self


def lost(node, load):
    """The acknowledged keys that are not there (any more)."""
    with node.client() as client:
        ids = client.post_batch([(load.bucket.encode(), "kv.get", key.encode()) for key in load.acknowledged])
        replies = client.wait_all(ids, 30)
    return [key for key, reply in zip(load.acknowledged, replies) if reply.result != key.encode()]
