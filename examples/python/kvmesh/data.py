"""Revisions, expiry, changes of several keys at once, and changes that are followed (common/PROTOCOL.md, "Revisions")."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from .errors import KvmeshError
from .values import Text, as_bytes, as_number, as_ttl_ms, pack_tail

PAGE_MAX = 10000
WAIT_MAX = 10.0
ONCE_BYTES = 16
_KINDS = ("put", "delete", "touch", "expire", "drop")
_KEEP = ("none", "all", "not older")
_PASSES = ("unavailable", "overloaded", "outcome_unknown", "deadline_exceeded")  # what a watcher asks again after


@dataclass(frozen=True)
class Entry:
    """A key that is there: its value (None where none was asked for), the revision of its last change, and for how many seconds
    it lives on; None is for ever."""

    value: Optional[bytes]
    rev: int
    ttl: Optional[float] = None


class Change:
    """One of Put, Delete, Add, Touch and Restore, for apply()."""

    key: Text

    def parts(self) -> list:
        """As kv.apply takes it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Put(Change):
    """Stores a value, which expires after `ttl` seconds."""

    key: Text
    value: Text
    ttl: Optional[float] = None

    def parts(self) -> list:
        return [0, as_bytes("key", self.key), as_bytes("value", self.value), as_ttl_ms(self.ttl)]


@dataclass(frozen=True)
class Delete(Change):
    """Removes a key; fine when it is not there."""

    key: Text

    def parts(self) -> list:
        return [1, as_bytes("key", self.key)]


@dataclass(frozen=True)
class Add(Change):
    """Adds to a number in decimal digits; a key that is not there is 0. Without `ttl` it expires when it did before."""

    key: Text
    delta: int = 1
    ttl: Optional[float] = None

    def parts(self) -> list:
        if isinstance(self.delta, bool) or not isinstance(self.delta, int):
            raise TypeError(f"delta must be an int, not {type(self.delta).__name__}")
        if not -2**63 <= self.delta < 2**63:
            raise ValueError(f"delta must be from -2**63 to 2**63 - 1, not {self.delta}")
        return [2, as_bytes("key", self.key), self.delta, as_ttl_ms(self.ttl)]


@dataclass(frozen=True)
class Touch(Change):
    """Lets a key expire after `ttl` seconds from now, or never; one that is not there stays so."""

    key: Text
    ttl: Optional[float] = None

    def parts(self) -> list:
        return [3, as_bytes("key", self.key), as_ttl_ms(self.ttl)]


@dataclass(frozen=True)
class Restore(Change):
    """Stores a value as it was once, with the revision that the key had then. `keep` says which keys that are there stay
    as they are: "none", "all", or "not older", those whose revision is not below `rev`."""

    key: Text
    value: Text
    rev: int
    keep: str = "none"
    ttl: Optional[float] = None

    def parts(self) -> list:
        if self.keep not in _KEEP:
            raise ValueError(f"keep must be one of {', '.join(_KEEP)}, not {self.keep!r}")
        rev = as_number("rev", self.rev, 2**53 - 1)
        return [4, as_bytes("key", self.key), as_bytes("value", self.value), as_ttl_ms(self.ttl), rev, _KEEP.index(self.keep)]


@dataclass(frozen=True)
class Applied:
    """All changes were made, under one revision. `results` has one for each: the new number of an Add, of a Restore whether the
    key that is there was kept, else whether the key was there before. True as a condition."""

    rev: int
    results: list


@dataclass(frozen=True)
class Conflict:
    """A check does not hold, and nothing was changed: `key` has the revision `rev`, 0 when it is not there. False as a
    condition."""

    key: bytes
    rev: int

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class Event:
    """What has happened: `kind` is "put", "delete", "touch" (it expires at another time), "expire" or "drop" (the bucket is gone).
    Of a watch also "reset": not all that has happened is known, so read what you need; what comes next happened after `rev`."""

    kind: str
    rev: int
    key: Optional[bytes] = None
    value: Optional[bytes] = None  # of "put"
    ttl: Optional[float] = None


@dataclass(frozen=True)
class BucketOptions:
    """What a bucket has of its own: `ttl`, the seconds that a key lives which is stored without a time of its own; `history`, the
    bytes of changes that are remembered whether somebody follows or not. None: it has no such option."""

    ttl: Optional[float] = None
    history: Optional[int] = None


@dataclass(frozen=True)
class Changes:
    """The answer of changes(): what has happened, and the revision to ask next. With `reset` something is missing."""

    events: list[Event]
    next: int
    reset: bool


class Data:
    """The methods of a Client for these. They raise and wait as its others do."""

    def options(self, bucket: Text, *, ttl: Optional[float] = None, history: Optional[int] = None,
                timeout: Optional[float] = None) -> BucketOptions:
        """Changes options of a bucket (0 takes one away, None leaves it), and returns all that it has then."""
        ttl_ms, history = self._ask(bucket, "kv.options", [0 if ttl == 0 else as_ttl_ms(ttl), history], timeout)
        return BucketOptions(_seconds(ttl_ms), history)

    def read(self, bucket: Text, key: Text, *, timeout: Optional[float] = None) -> Optional[Entry]:
        """The value with its revision and time to live; None when the key is not there."""
        name = as_bytes("key", key)
        return self.read_many(bucket, [name], timeout=timeout)[name]

    def read_many(self, bucket: Text, keys: Iterable[Text], *, timeout: Optional[float] = None) -> dict[bytes, Optional[Entry]]:
        """Up to 1000 keys as they are in one instant."""
        names = [as_bytes("key", key) for key in keys]
        _, entries = self._ask(bucket, "kv.read", [names], timeout)
        return {name: entry and Entry(entry[1], entry[0], _seconds(entry[2])) for name, entry in zip(names, entries)}

    def apply(self, bucket: Text, changes: Iterable[Change], *, checks: Optional[Mapping[Text, int]] = None,
              once: Union[None, bool, bytes] = None, timeout: Optional[float] = None) -> Union[Applied, Conflict]:
        """Makes up to 128 changes, each of another key, all or none: only if each key of `checks` has the revision that stands
        there (0: it is not there); else the result is a Conflict, which is no error.

        `once` makes it safe to repeat after `outcome_unknown`: 16 bytes that nobody else chooses, or True for random ones. A
        call with an id that the bucket knows (the last 1000, for 60 s) changes nothing and gets the first one's answer. With it
        the client's `retries` repeat it too."""
        given = list((checks or {}).items())
        wanted = [[as_bytes("key", key), _as_rev(rev)] for key, rev in given]
        parts = []
        for change in [changes] if isinstance(changes, Change) else changes:
            if not isinstance(change, Change):
                raise TypeError(f"a change must be a Put, Delete, Add, Touch or Restore, not {type(change).__name__}")
            parts.append(change.parts())
        identity = os.urandom(ONCE_BYTES) if once is True else None if once is None or once is False else as_bytes("once", once)
        if identity is not None and len(identity) != ONCE_BYTES:
            raise ValueError(f"once must be {ONCE_BYTES} bytes, or True; it has {len(identity)}")
        done, rev, *rest = self._ask(bucket, "kv.apply", [wanted, parts, identity], timeout, identity is not None)
        return Applied(rev, rest[0]) if done else Conflict(wanted[rest[0]][0], rest[1])

    def compare_and_set(self, bucket: Text, key: Text, value: Text, rev: int, *, ttl: Optional[float] = None,
                        timeout: Optional[float] = None) -> Union[Applied, Conflict]:
        """Stores the value if the key has this revision; 0: if it is not there."""
        return self.apply(bucket, [Put(key, value, ttl)], checks={key: rev}, timeout=timeout)

    def add(self, bucket: Text, key: Text, delta: int = 1, *, ttl: Optional[float] = None, once: Union[None, bool, bytes] = None,
            timeout: Optional[float] = None) -> int:
        """Adds to a number, as Add does; the sum."""
        done = self.apply(bucket, [Add(key, delta, ttl)], once=once, timeout=timeout)
        return done.results[0]  # type: ignore[union-attr]

    def touch(self, bucket: Text, key: Text, ttl: Optional[float] = None, *, timeout: Optional[float] = None) -> bool:
        """Lets a key expire after `ttl` seconds from now, or never; whether it is there."""
        done = self.apply(bucket, [Touch(key, ttl)], timeout=timeout)
        return done.results[0]  # type: ignore[union-attr]

    def scan(self, bucket: Text, prefix: Text = "", *, after: Optional[Text] = None, values: bool = True,
             page: int = 1000) -> Iterator[tuple[bytes, Entry]]:
        """The keys that begin with `prefix`, in the order of their bytes; fetched page by page as they are used. A page is one
        instant, and a key that is there all the time comes once."""
        name, begin = as_bytes("bucket", bucket), as_bytes("prefix", prefix)
        as_number("page", page, PAGE_MAX)

        def entries(last: Optional[bytes]) -> Iterator[tuple[bytes, Entry]]:
            more = True
            while more:
                more, _, items = self._ask(name, "kv.scan", [begin, last, page, values], None)
                for key, rev, ttl, *value in items:
                    yield key, Entry(value[0] if value else None, rev, _seconds(ttl))
                last = items[-1][0] if items else last
        return entries(None if after is None else as_bytes("after", after))

    def changes(self, bucket: Text, since: int, prefix: Text = "", *, wait: float = 0, limit: int = 1000,
                timeout: Optional[float] = None) -> Changes:
        """What has happened after the revision `since` to keys that begin with `prefix`. When there is nothing, it waits for so
        many seconds, at most 10 and nine tenths of the timeout."""
        if isinstance(wait, bool) or not isinstance(wait, (int, float)) or not 0 <= wait <= WAIT_MAX:
            raise ValueError(f"wait must be from 0 to {WAIT_MAX:g} seconds, not {wait!r}")
        reset, following, events = self._ask(bucket, "kv.changes", [as_bytes("prefix", prefix), _as_rev(since),
                                             as_number("limit", limit, PAGE_MAX), int(wait * 1000)], timeout)
        return Changes([_event(*event) for event in events], following, reset)

    def watch(self, bucket: Text, prefix: Text = "", *, since: Optional[int] = None) -> Watch:
        """Follows the bucket, without end. See Watch."""
        return Watch(self, as_bytes("bucket", bucket), as_bytes("prefix", prefix), since)

    def _ask(self, bucket: Text, function: str, arguments: list, timeout: Optional[float], repeats: bool = False) -> Any:
        return self.ask(function, pack_tail(as_bytes("bucket", bucket), function, arguments), timeout,  # type: ignore[attr-defined]
                        repeats)


class Watch:
    """Each thing that happens in a bucket, once and in order; made by Client.watch().

        for event in mesh.watch("shopping"):
            if event.kind == "reset":
                basket = dict(mesh.scan("shopping"))
            elif event.kind == "put":
                ...

    The first event is a "reset", unless it began with a `since`, the `since` of an earlier watch. A later one says that some
    changes are lost: the node forgets what nobody asks for within a minute and what is more than 1 MiB, or more than the history of the bucket, and all when it ends. What
    cannot be reached is asked again until it can. A KvmeshError ends it, for what is no passing failure: `not_found` when the bucket is
    gone, before which a "drop" may come.
    A watch is for one thread; nothing is asked while nobody takes events from it."""

    def __init__(self, client: Data, bucket: bytes, prefix: bytes, since: Optional[int]):
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self.since = 0 if since is None else _as_rev(since)  # to go on after what was taken
        self._waiting: list[Event] = []
        self._following = self.since

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        pause = 0.05
        while not self._waiting:
            try:
                found = self._client.changes(self._bucket, self._following, self._prefix, wait=WAIT_MAX, timeout=WAIT_MAX + 5)
            except KvmeshError as error:
                if error.code not in _PASSES:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, 1.0)
                continue
            pause = 0.05
            self._following = found.next
            self._waiting = [Event("reset", found.next)] if found.reset else found.events
            if not self._waiting:
                self.since = found.next
        event = self._waiting.pop(0)
        # Changes of one revision belong together: who goes on after it has seen all of them.
        if not self._waiting:
            self.since = self._following
        elif self._waiting[0].rev != event.rev:
            self.since = event.rev
        return event


def _seconds(ttl_ms: Optional[int]) -> Optional[float]:
    return None if ttl_ms is None else ttl_ms / 1000


def _as_rev(rev: int) -> int:
    if isinstance(rev, bool) or not isinstance(rev, int):
        raise TypeError(f"a revision must be an int, not {type(rev).__name__}")
    if not 0 <= rev < 2**64:
        raise ValueError(f"a revision must be from 0 to 2**64 - 1, not {rev}")
    return rev


def _event(rev: int, kind: int, key: Optional[bytes] = None, ttl_ms: Optional[int] = None, value: Optional[bytes] = None) -> Event:
    return Event(_KINDS[kind], rev, key, value, _seconds(ttl_ms))
