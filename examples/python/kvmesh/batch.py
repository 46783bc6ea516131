"""Many requests under way at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Optional, Union

from .errors import BatchError, KvmeshError
from .link import Request
from .values import Text, as_bytes, as_function, as_node, pack_tail

if TYPE_CHECKING:
    from .client import Client

FAILURES_KEPT = 1000


class Batch:
    """Sends requests without waiting for their answers; made by Client.batch().

        with mesh.batch() as batch:
            for key, value in items:
                batch.put("shopping", key, value)
            milk = batch.get("shopping", "milk")
        print(milk.result())

    Each method returns a Request, a Future, at once, or when fewer than `most` of the batch are unanswered. Leaving the block
    waits for all answers, and raises BatchError when some failed, unless the batch was made with check=False; `failures` has
    them then. Requests for one bucket are executed in their order. None is sent twice, whatever the client's `retries`: a put
    that is repeated could overtake one that was sent later. A batch is for one thread."""

    def __init__(self, client: Client, most: int, timeout: float, check: bool):
        self._client = client
        self._most = most
        self._timeout = timeout
        self._check = check
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()  # of failures
        self.total = 0
        self.failed = 0
        self.failures: list[tuple[int, KvmeshError]] = []  # the first 1000: number, counted from 0, and error

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.wait()

    def wait(self) -> None:
        """Until every request has ended. BatchError when some failed."""
        self._client.connection.refuse_own_thread()
        for _ in range(self._most):
            self._free.acquire()
        self._free.release(self._most)
        if self._check and self.failures:
            raise BatchError(self.total, sorted(self.failures, key=lambda failure: failure[0]), self.failed)

    def create(self, bucket: Text) -> Request:
        return self._send(as_bytes("bucket", bucket), "kv.create")

    def drop(self, bucket: Text) -> Request:
        return self._send(as_bytes("bucket", bucket), "kv.drop")

    def put(self, bucket: Text, key: Text, value: Text) -> Request:
        return self._send(as_bytes("bucket", bucket), "kv.put", as_bytes("key", key), as_bytes("value", value))

    def get(self, bucket: Text, key: Text) -> Request:
        return self._send(as_bytes("bucket", bucket), "kv.get", as_bytes("key", key))

    def delete(self, bucket: Text, key: Text) -> Request:
        return self._send(as_bytes("bucket", bucket), "kv.delete", as_bytes("key", key))

    def count(self, bucket: Text) -> Request:
        return self._send(as_bytes("bucket", bucket), "kv.count")

    def call(self, node: Optional[str], function: str, *arguments: Any) -> Request:
        """A function that nodes have of their own, such as node.ping. Tasks are begun by Client.submit(), without a batch."""
        return self._send(as_node(node), as_function(function), *arguments)

    def _send(self, target: Union[None, str, bytes], function: str, *arguments: Any) -> Request:
        tail = pack_tail(target, function, arguments)
        self._client.connection.refuse_own_thread()
        self._free.acquire()
        try:
            request = self._client.connection.submit(Request(tail, self._timeout))
        except BaseException:
            self._free.release()
            raise
        number = self.total
        self.total += 1
        request.add_done_callback(lambda request: self._ended(number, request))
        return request

    def _ended(self, number: int, request: Any) -> None:
        if not request.cancelled() and request.exception() is not None:
            with self._lock:
                self.failed += 1
                if len(self.failures) < FAILURES_KEPT:
                    self.failures.append((number, request.exception()))
        self._free.release()
