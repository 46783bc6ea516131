"""What can go wrong: the codes of common/PROTOCOL.md, 1.7, and the exceptions that carry them."""

from __future__ import annotations

CODES = ("ok", "not_found", "invalid_argument", "no_route", "unavailable", "outcome_unknown", "deadline_exceeded",
         "route_loop", "too_many_hops", "too_large", "overloaded", "full", "undefined_function", "not_text",
         "protocol_error", "internal", "task_failed", "cancelled", "denied")

_MAY_HAVE_RUN = ("outcome_unknown", "internal", "task_failed", "cancelled")


def code_name(number: int) -> str:
    """The name of a code; "internal" for one of a later version, as the protocol says."""
    return CODES[number] if isinstance(number, int) and 0 <= number < len(CODES) else "internal"


class KvmeshError(Exception):
    """A request that did not end well. A wrong argument of a method is a TypeError or ValueError instead, and is raised before
    anything is sent.

    `code` is one of CODES, for programs; `text` is for people.
    """

    def __init__(self, code: str, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text

    @property
    def may_have_run(self) -> bool:
        """False: the request had no effect, and may be sent again. True: it may have had one. (Of a task that has begun,
        `deadline_exceeded` means that it was told to stop; what it did stands.)"""
        return self.code in _MAY_HAVE_RUN


class BatchError(KvmeshError):
    """Some requests of a batch failed. `code` is that of the first; `failures` holds (number, KvmeshError) for each, at
    most 1000 of them, where number counts the requests of the batch from 0; `failed` is how many there were."""

    def __init__(self, total: int, failures: list[tuple[int, KvmeshError]], failed: int):
        number, first = failures[0]
        super().__init__(first.code, f"{failed} of {total} requests failed; the first is number {number}: {first.text}")
        self.failures = failures
        self.failed = failed
