"""The client's own thread, and its way into the mesh: one link at a time, to the first endpoint that answers."""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections import deque
from itertools import count
from typing import Any, Callable, Optional

import zmq

from .keys import ClientKey
from .link import Ended, Link, Request

WAITING_MAX = 65536  # requests that may be under way at once, waiting ones included
_TICK = 0.1          # seconds between two looks at what is late
_IDLE = 5.0          # the same when nothing is under way
_READABLE = int(zmq.POLLIN)
_ROUND_PAUSE = 0.1   # seconds after none of the endpoints answered


class Connection:
    """Sends requests and settles them, on a thread of its own that also keeps the link alive. submit() and close() are
    thread-safe; run_later() is for that thread, which runs the callbacks of requests."""

    def __init__(self, endpoints: list[str], connect_timeout: float, key: Optional[ClientKey] = None):
        self._endpoints = endpoints
        self._key = key
        self._connect_timeout = connect_timeout
        self._next = 0                           # the endpoint to try
        self._next_attempt = 0.0                 # not before this time
        self._apart_since = 0.0                  # when there was a greeted link for the last time
        self._key_turns = dict.fromkeys(endpoints, 0)  # which of the keys of the node there is expected
        self._reasons: dict[str, str] = {}       # by endpoint, why there is no link
        self._link: Optional[Link] = None
        self._leaving: list[Link] = []           # to nodes that stop and still owe answers
        self._polled: Optional[list[Link]] = None  # those that the poller knows
        self._poller = zmq.Poller()
        self._ready: set = set()                   # what it said
        self._submitted: deque[Request] = deque()
        self._waiting: deque[Request] = deque()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._ticked = 0.0
        self._lock = threading.Lock()            # of _closed, _is_awake
        self._closed = False
        self._is_awake = False
        self._wake_reader, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="kvmesh", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Request:
        """Returns at once; the request ends whatever happens. RuntimeError when the client is closed."""
        if os.getpid() != self._process:
            raise RuntimeError("a client does not work in a process that was forked from its own; open one there")
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed")
            self._submitted.append(request)
            self._wake()
        return request

    def wait(self, request: Request) -> Any:
        """The result of a request. Not for callbacks: they would wait for their own thread."""
        self.refuse_own_thread()
        return request.result()

    def is_own_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def refuse_own_thread(self) -> None:
        if self.is_own_thread():
            raise RuntimeError("a callback must not wait for the mesh; use submit(), or another thread")

    def run_later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), action))

    def close(self) -> None:
        """Ends what is under way: as `outcome_unknown` if it was sent, as `unavailable` if not."""
        with self._lock:
            self._closed = True
            self._wake()
        if not self.is_own_thread() and os.getpid() == self._process:
            self._thread.join()

    def _wake(self) -> None:
        if not self._is_awake and self._wake_writer >= 0:
            self._is_awake = True
            os.write(self._wake_writer, b"!")

    # --- the thread

    def _run(self) -> None:
        text = "the client was closed"
        try:
            while not self._closed:
                self._turn()
        except BaseException as error:  # a defect of this client: nobody may wait for ever
            text = f"the client's own thread failed: {error!r}"
            raise
        finally:
            with self._lock:
                self._closed = True
                os.close(self._wake_reader)
                os.close(self._wake_writer)
                self._wake_writer = -1
            for link in self._links():
                self._end_link(link, text)
            for _, _, action in self._later:
                action()
            for request in (*self._waiting, *self._submitted):
                if request.begin():
                    request.fail("unavailable", text)

    def _turn(self) -> None:
        self._poll()
        now = time.monotonic()
        while self._submitted:
            request = self._submitted.popleft()
            if len(self._waiting) < WAITING_MAX:
                self._waiting.append(request)
            elif request.begin():
                request.fail("overloaded", f"{WAITING_MAX} requests wait already, as many as a client takes")
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        if self._waiting and self._link is None and now >= self._next_attempt:
            self._open(now)
        is_tick = now - self._ticked >= _TICK
        for link in self._links():
            self._serve(link, now, is_tick)
        if is_tick:
            self._ticked = now
            self._end_late(now)

    def _poll(self) -> None:
        """Sleeps until there is something to do."""
        links = self._links()
        if links != self._polled:
            self._polled = links
            self._poller = zmq.Poller()
            self._poller.register(self._wake_reader, _READABLE)
            for link in links:
                self._poller.register(link.socket, _READABLE)
                self._poller.register(link.monitor, _READABLE)
        busy = self._waiting or any(link.is_busy for link in links)
        wait = _TICK if busy else _IDLE
        if self._later:
            wait = min(wait, max(0.0, self._later[0][0] - time.monotonic()))
        self._ready = {source for source, _ in self._poller.poll(wait * 1000)}
        if self._wake_reader in self._ready:
            with self._lock:
                os.read(self._wake_reader, 16)
                self._is_awake = False

    def _links(self) -> list[Link]:
        return [*self._leaving, self._link] if self._link is not None else [*self._leaving]

    def _serve(self, link: Link, now: float, is_tick: bool) -> None:
        try:
            try:
                link.receive(now, self._ready)
            finally:
                self._take_back(link)
            if link.is_leaving and link is self._link:
                self._leaving.append(link)
                self._link = None
                self._reasons[link.endpoint] = f"{link.endpoint}: the node is stopping"
                self._try_next(now)
            elif link.is_leaving and not link.in_flight:
                raise Ended("the node has stopped")
            elif link is self._link and link.welcome is not None:
                self._reasons.clear()
                self._apart_since = now
                link.send(self._waiting, now)
            if is_tick:
                link.check(now, self._connect_timeout)
        except Ended as end:
            if link is self._link:
                self._link = None
                self._reasons[link.endpoint] = str(end)
                self._key_turns[link.endpoint] += link.has_other_key
                self._try_next(now)
            else:
                self._leaving.remove(link)
            self._end_link(link, str(end))

    def _open(self, now: float) -> None:
        endpoint = self._endpoints[self._next]
        try:
            self._link = Link(endpoint, now, self._key, self._key_turns[endpoint])
        except Ended as end:
            self._reasons[endpoint] = str(end)
            self._try_next(now)

    def _try_next(self, now: float) -> None:
        """After the end of the link: the endpoint after it, at once unless all were tried."""
        self._next = (self._next + 1) % len(self._endpoints)
        self._next_attempt = now + (_ROUND_PAUSE if len(self._reasons) >= len(self._endpoints) else 0)

    def _take_back(self, link: Link) -> None:
        """What the node refused, without an effect: before all that waits, as it was asked for earlier."""
        self._waiting.extendleft(reversed(link.returned))
        link.returned.clear()

    @staticmethod
    def _end_link(link: Link, why: str) -> None:
        link.close()
        for request in link.in_flight.values():
            request.fail("outcome_unknown", f"{why}, before a reply arrived; it may have been executed")

    def _end_late(self, now: float) -> None:
        """Of the waiting requests, those that no link will take in time."""
        if not self._waiting:
            return
        is_open = self._link is not None and self._link.welcome is not None
        patience = self._connect_timeout * len(self._endpoints)
        still: deque[Request] = deque()
        for request in self._waiting:
            if now < request.deadline and (is_open or now < max(request.made, self._apart_since) + patience):
                still.append(request)
            elif request.begin():
                if is_open:
                    request.fail("deadline_exceeded", "its time was over before it could be sent; it was not executed")
                else:
                    request.fail("unavailable", self._why_unavailable())
        self._waiting = still

    def _why_unavailable(self) -> str:
        reasons = dict(self._reasons)
        if self._link is not None:
            reasons.setdefault(self._link.endpoint, f"{self._link.endpoint}: {self._link.why('no answer')}")
        if len(self._endpoints) == 1:
            return "".join(reasons.values()) or f"{self._endpoints[0]}: no answer yet"
        return f"none of {len(self._endpoints)} endpoints can be used: " + "; ".join(reasons.values())
