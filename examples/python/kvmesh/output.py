"""What tasks print appears at their caller: this writes it."""

from __future__ import annotations

import queue
import sys
import threading
from typing import Callable, Optional

Sink = Callable[[int, bytes], object]  # stream (1: stdout, 2: stderr) and what was written to it
CREDIT = 256 * 1024                    # bytes of one task that may wait here; then it is asked for no more


def to_own_streams(stream: int, written: bytes) -> None:
    """To this program's stdout and stderr, as they are now."""
    out = sys.stderr if stream == 2 else sys.stdout
    binary = getattr(out, "buffer", None)
    if binary is None:  # replaced by something that takes text only
        out.write(written.decode("utf-8", "replace"))
        return
    out.flush()
    binary.write(written)
    binary.flush()


class Output:
    """The output of one task. `unwritten` is how many bytes wait; `error` is what the sink raised, after which nothing more
    goes to it."""

    def __init__(self, sink: Optional[Sink]):
        self.sink = sink or to_own_streams
        self.unwritten = 0
        self.error: Optional[Exception] = None


class Printer:
    """Writes the output of all tasks on a thread of its own, each in its order: a slow sink holds up the output of tasks, and
    no request. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of all below and each Output.unwritten
        self._closed = False
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self._thread: Optional[threading.Thread] = None

    def write(self, output: Output, chunks: list) -> None:
        with self._lock:
            output.unwritten += sum(len(written) for _, written in chunks)
            self._queue.put((output, chunks, None))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kvmesh-output", daemon=True)
                self._thread.start()

    def when_written(self, output: Output, action: Callable[[], None]) -> None:
        """Runs `action` when all output so far is written; here and now when none waits."""
        with self._lock:
            waits = output.unwritten > 0
            if waits:
                self._queue.put((output, [], action))
        if not waits:
            action()

    def close(self, waits: bool) -> None:
        """Ends the thread after everything is written, what comes later included; `waits` for that, unless it is called by a
        sink."""
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is not None:
                self._queue.put(None)  # wakes it up
        if waits and thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._closed and self._queue.empty():
                    self._thread = None
                    return
            item = self._queue.get()
            if item is None:
                continue
            output, chunks, action = item
            for stream, written in chunks:
                if output.error is None:
                    try:
                        output.sink(stream, written)
                    except Exception as error:  # the caller's own: it is raised by the task's result()
                        output.error = error
                with self._lock:
                    output.unwritten -= len(written)
            if action is not None:
                action()
