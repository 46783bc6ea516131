"""Messages: a mailbox of this program's own, and what comes into it (common/PROTOCOL.md, 1.12)."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from .errors import KvmeshError
from .output import Sink
from .tasks import Poll, Task
from .values import Pid, as_pid, as_seconds, pack_tail

if TYPE_CHECKING:
    from .client import Client, Server

KINDS = ("message", "down", "undelivered")
UNREAD_MAX = 10000              # when that many messages, or bytes of answers, are here and unread, the others wait at the node,
UNREAD_BYTES_MAX = 8 * 1024**2  # whose mailbox is as large


class Message(NamedTuple):
    """`kind` is "message"; "down": the process `sender` has ended, body says why; or "undelivered": a message to `sender`
    could not be delivered, body says why."""

    kind: str
    sender: Optional[Pid]
    body: Any


class Mailbox:
    """A process of this program's, at the node that the client is connected to: others can send to `pid`. Made by
    Client.mailbox(). Thread-safe; each message goes to one receive().

    It is gone when it is closed, when its connection ends and when no word of it reached the node for 1.5 seconds. receive()
    raises that, after the messages that had come; open another then, which has another pid."""

    def __init__(self, client: Client):
        self._client = client
        self._unread: deque[Message] = deque()
        self._unread_bytes = 0  # that came since nothing was unread
        self._changed = threading.Condition()  # of _unread, _unread_bytes and _lost
        self._lost: Optional[KvmeshError] = None
        node, id_, self._key = client.request(None, "process.open")
        self.pid = Pid(node, id_)
        self._poll = Poll(client.connection, self._receive_tail, self._arrived, self._end)
        self._poll.ask()

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """What is unread is lost."""
        if self._lost is None:
            self._end(KvmeshError("not_found", "it was closed"))
            try:
                self._client.request(self.pid.node, "process.close", self.pid.id, self._key)
            except (KvmeshError, RuntimeError):
                pass  # then it is gone already, or will be soon

    def send(self, to: Union[Pid, str, Server], body: Any) -> None:
        """As Client.send(), with this mailbox as the sender."""
        self._client.send(to, body, sender=self.pid)

    def receive(self, timeout: Optional[float] = None) -> Message:
        """The oldest message; waits for one, as long as the client's timeout when none is given here. TimeoutError when none
        comes; KvmeshError when the mailbox is gone."""
        self._client.connection.refuse_own_thread()
        seconds = self._client.timeout if timeout is None else as_seconds("timeout", timeout)
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._unread:
                if self._lost is not None:
                    raise KvmeshError(self._lost.code, f"the mailbox {self.pid} is gone: {self._lost.text}")
                if not self._changed.wait(deadline - time.monotonic()) and not self._unread and self._lost is None:
                    raise TimeoutError(f"no message came within {seconds:g} s")
            return self._unread.popleft()

    def flush(self) -> list[Message]:
        """All messages that have come."""
        with self._changed:
            messages = list(self._unread)
            self._unread.clear()
        return messages

    def monitor(self, pid: Union[Pid, str]) -> None:
        """Has the end of a process told by a message "down", at once when it has ended already. A node that is gone counts as
        an end."""
        watched = as_pid(pid)

        def handle(result: list) -> bool:
            alive, reason = result[:2]
            if not alive:
                self._add([Message("down", watched, reason)])
            return alive and self._lost is None

        tail = pack_tail(watched.node, "process.monitor", (watched.id,))
        Poll(self._client.connection, lambda: tail, handle,
             lambda error: self._add([Message("down", watched, str(error))])).ask()

    def spawn_link(self, node: Optional[str], function: str, *arguments: Any, output: Optional[Sink] = None) -> Pid:
        """Starts a process that is stopped when this client is gone. What it prints goes to `output` as with Client.call(); its
        end comes as a message "down"."""
        progress, task = self._client.start(node, function, arguments, "spawn_link", self.pid, output)
        pid = Pid(*progress[:2])
        task.add_done_callback(lambda task: self._add([Message("down", pid, _reason(task))]))
        task.follow(progress)
        return pid

    # --- on the connection's thread

    def _receive_tail(self) -> bytes:
        arguments = (self.pid.id, self._key, 0)
        is_full = len(self._unread) >= UNREAD_MAX or self._unread_bytes >= UNREAD_BYTES_MAX
        return pack_tail(self.pid.node, "process.receive", (*arguments, False) if is_full else arguments)

    def _arrived(self, messages: list) -> bool:
        with self._changed:
            self._unread_bytes = (self._unread_bytes if self._unread else 0) + self._poll.size
        self._add([Message(KINDS[kind], None if sender is None else Pid.parse(sender), body)
                   for kind, sender, body, *_ in messages if 0 <= kind < len(KINDS)])
        return self._lost is None

    def _add(self, messages: list[Message]) -> None:
        with self._changed:
            if self._lost is None:
                self._unread.extend(messages)
                self._changed.notify_all()

    def _end(self, error: KvmeshError) -> None:
        with self._changed:
            self._lost = self._lost or error
            self._changed.notify_all()


def _reason(task: Task) -> str:
    """Why a process ended, in the words of 1.12."""
    error = task.exception()
    if error is None:
        return "normal"
    if isinstance(error, KvmeshError) and error.code == "task_failed":
        return f"failed: {error.text}"
    if isinstance(error, KvmeshError) and error.code == "cancelled":
        return "cancelled"
    return str(error)
