"""Tasks: functions of modules that run on a node (common/PROTOCOL.md, 1.12)."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Callable, Optional

from .connection import Connection
from .errors import KvmeshError
from .link import Request
from .output import CREDIT, Output, Printer
from .values import Pid, pack_tail

POLL_TIMEOUT = 5.0    # a poll is answered after half a second; a slow way is not the end of a task
OVERLOADED_PAUSE = 0.2

# The modules that every node has of its own. Their functions are requests; all others run as tasks.
BUILT_IN_MODULES = frozenset(("kv", "node", "task", "process", "server"))


def is_built_in(function: str) -> bool:
    return function.partition(".")[0] in BUILT_IN_MODULES


class Poll:
    """Asks one question again and again, as long as `handle` says so; `overloaded` is asked again after a pause. All of it
    happens on the connection's thread."""

    def __init__(self, connection: Connection, make_tail: Callable[[], bytes], handle: Callable[[Any], bool],
                 ended: Callable[[KvmeshError], None]):
        self._connection = connection
        self._make_tail = make_tail
        self._handle = handle  # a result; True: ask again
        self._ended = ended    # an error: there is no further answer
        self.size = 0          # of the answer that is handled, in bytes

    def ask(self) -> None:
        try:
            request = self._connection.submit(Request(self._make_tail(), POLL_TIMEOUT))
        except RuntimeError as error:  # closed
            self._ended(KvmeshError("outcome_unknown", str(error)))
        else:
            request.add_done_callback(self._answered)

    def _answered(self, request: Any) -> None:
        self.size = request.size
        try:
            goes_on = self._handle(request.result())
        except KvmeshError as error:
            if error.code == "overloaded":
                self._connection.run_later(OVERLOADED_PAUSE, self.ask)
            else:
                self._ended(error)
        except Exception as error:  # an answer that the protocol does not have
            self._ended(KvmeshError("protocol_error", f"an answer that is not understood: {error!r}"))
        else:
            if goes_on:
                self.ask()


class Task(Future):
    """A function that runs on a node: a Future. result() gives what the function returned, after all that it printed was
    written, or raises KvmeshError. With a timeout that passes it raises TimeoutError, and the task goes on; so `wait` and
    `as_completed` of concurrent.futures, and asyncio.wrap_future(), work. The task is stopped when its client is closed, or
    gone for 1.5 seconds."""

    def __init__(self, connection: Connection, printer: Printer, output: Output):
        super().__init__()
        self._connection = connection
        self._printer = printer
        self._output = output
        self._wants_stop = False
        self._pid: Optional[Pid] = None
        self._key = 0
        self._poll = Poll(connection, self._next_tail, self._progress, self._failed)
        self.set_running_or_notify_cancel()

    @property
    def pid(self) -> Optional[Pid]:
        """None until the node has said it."""
        return self._pid

    def cancel(self) -> bool:
        """Tells the task to stop; result() raises its end, `cancelled` as a rule. False when it has ended already."""
        if self.done():
            return False
        self._wants_stop = True
        if self._pid is not None:
            self._send_cancel()
        return True

    def begin(self, tail: bytes) -> Task:
        """Sends task.run. RuntimeError when the client is closed."""
        self._connection.submit(Request(tail, POLL_TIMEOUT)).add_done_callback(self._begun)
        return self

    def follow(self, progress: list) -> None:
        """Goes on from the first answer to task.run."""
        if self._progress(progress):
            self._poll.ask()

    def _begun(self, request: Future) -> None:
        try:
            self.follow(request.result())
        except KvmeshError as error:
            self._settle(lambda: self.set_exception(error))
        except Exception as error:
            self._failed(KvmeshError("protocol_error", f"an answer that is not understood: {error!r}"))

    def _progress(self, progress: list) -> bool:
        node, id_, self._key, chunks, state, result = progress[:6]
        self._pid = Pid(node, id_)
        if chunks:
            self._printer.write(self._output, chunks)
        if state != 0:
            self._settle(lambda: self.set_result(result))
            return False
        if self._wants_stop:
            self._wants_stop = False
            self._send_cancel()
        return True

    def _failed(self, error: KvmeshError) -> None:
        if error.code in ("unavailable", "no_route"):  # speaks of the poll; the task has begun
            error = KvmeshError("outcome_unknown", f"{error.text} (the task had begun)")
        self._settle(lambda: self.set_exception(error))

    def _settle(self, action: Callable[[], None]) -> None:
        def settle() -> None:
            if self._output.error is not None:
                self.set_exception(self._output.error)
            else:
                action()
        self._printer.when_written(self._output, settle)

    def _next_tail(self) -> bytes:
        if self._output.unwritten > CREDIT:  # keep the task, and let it wait
            return pack_tail(self._pid.node, "task.next", (self._pid.id, self._key, False))
        return pack_tail(self._pid.node, "task.next", (self._pid.id, self._key))

    def _send_cancel(self) -> None:
        try:
            self._connection.submit(Request(pack_tail(self._pid.node, "task.cancel", (self._pid.id, self._key)), POLL_TIMEOUT))
        except RuntimeError:
            pass  # closed: it is stopped anyway
