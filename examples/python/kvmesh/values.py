"""What callers pass in, checked and turned into what the protocol wants. A wrong type is a TypeError, a wrong value a
ValueError; both name the argument and say what is expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional, Sequence, Union

import msgpack

from .errors import KvmeshError

Text = Union[str, bytes]

BODY_BYTES_MAX = 2031616  # common/PROTOCOL.md, 1.5
TIMEOUT_MAX = 24 * 3600
TTL_MAX = 3155760000  # 100 years
DEPTH_MAX = 16  # of lists and dicts in each other
_NODE_NAME = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+")
_PID = re.compile(r"<([^<>/]+)/([0-9a-f]{1,16})>")


@dataclass(frozen=True)
class Pid:
    """A process: a task, a server or a mailbox, wherever it is. str(pid) is its text, "<foo@localhost/1a2b3c>"; as an argument
    or in a message a Pid is sent as that text."""

    node: str
    id: int

    def __str__(self) -> str:
        return f"<{self.node}/{self.id:x}>"

    @classmethod
    def parse(cls, text: str) -> Pid:
        """ValueError when `text` is no pid."""
        match = _PID.fullmatch(text) if isinstance(text, str) else None
        if match is None or not _NODE_NAME.fullmatch(match[1]):
            raise ValueError(f"{text!r} is no pid; one looks like <foo@localhost/1a2b3c>")
        return cls(match[1], int(match[2], 16))


def as_bytes(name: str, value: Text) -> bytes:
    """The bytes of a bucket's name, a key or a value; str is encoded as UTF-8."""
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{name} cannot be encoded as UTF-8 ({error.reason}); pass bytes") from None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{name} must be str or bytes, not {type(value).__name__}")


def as_node(node: Optional[str]) -> Optional[str]:
    """The name of a node; None is the one that the client is connected to."""
    if node is None:
        return None
    if not isinstance(node, str):
        raise TypeError(f"node must be a str such as \"foo@localhost\", or None for the connected one; not {type(node).__name__}")
    if not _NODE_NAME.fullmatch(node) or len(node) > 255:
        raise ValueError(f"{node!r} is no name of a node; one looks like \"foo@localhost\". To call something on the node that a "
                         "bucket belongs to, use route()")
    return node


def as_function(function: str) -> str:
    if not isinstance(function, str):
        raise TypeError(f"function must be a str such as \"hello.world\", not {type(function).__name__}")
    module, _, rest = function.partition(".")
    if not module or not rest:
        raise ValueError(f"{function!r} is no name of a function; it is module.function, such as \"hello.world\"")
    return function


def as_pid(pid: Union[Pid, str]) -> Pid:
    if isinstance(pid, Pid):
        return pid
    if isinstance(pid, str):
        return Pid.parse(pid)
    raise TypeError(f"a pid must be a Pid or a str, not {type(pid).__name__}")


def as_seconds(name: str, seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if not 0 < seconds <= TIMEOUT_MAX:
        raise ValueError(f"{name} must be more than 0 and at most {TIMEOUT_MAX} seconds, not {seconds}")
    return float(seconds)


def as_ttl_ms(ttl: Optional[float]) -> Optional[int]:
    """A time to live in milliseconds; None is for ever."""
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, (int, float)):
        raise TypeError(f"ttl must be a number of seconds, or None for no end, not {type(ttl).__name__}")
    if not 0 < ttl <= TTL_MAX:
        raise ValueError(f"ttl must be more than 0 and at most {TTL_MAX} seconds, not {ttl}")
    return max(1, int(ttl * 1000))


def as_number(name: str, number: int, most: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{name} must be an int, not {type(number).__name__}")
    if not 1 <= number <= most:
        raise ValueError(f"{name} must be from 1 to {most}, not {number}")
    return number


def _pack(value: Any) -> bytes:
    return msgpack.packb(value, default=_convert)


def _convert(value: Any) -> str:
    """For what msgpack has no type of its own."""
    if isinstance(value, Pid):
        return str(value)
    if isinstance(value, int):
        raise OverflowError
    raise TypeError(f"a {type(value).__name__}")


def pack_tail(target: Union[None, str, bytes], function: str, arguments: Sequence, called: str = "",
              passed: Optional[Sequence] = None) -> bytes:
    """Elements 5 to 7 of a request. An argument that cannot be sent is named by its place: "argument 2 of hello.add ...". When
    the call stands in another one, of task.run for example, `called` and `passed` are what the caller wrote."""
    for place, argument in enumerate(arguments if passed is None else passed, 1):
        if called and isinstance(argument, (dict, list, tuple)):  # a function of the node's own says itself what it takes
            _check_keys(f"argument {place} of {called or function}", argument)
    try:
        tail = _pack([target, function, arguments])[1:]  # without the byte that says "array of 3"
    except (TypeError, ValueError, OverflowError, RecursionError):
        for place, argument in enumerate(arguments if passed is None else passed, 1):
            _check(f"argument {place} of {called or function}", argument)
        raise
    if len(tail) > BODY_BYTES_MAX:
        raise KvmeshError("too_large", f"the arguments of {called or function} need {len(tail)} bytes; a request has "
                                       f"{BODY_BYTES_MAX} at most")
    return tail


def _check_keys(name: str, argument: Any) -> None:
    """msgpack has other keys of maps too; a node takes only text."""
    left, depth = [argument], 0
    while left and depth <= DEPTH_MAX:  # what is deeper is refused as such
        inner: list = []
        for value in left:
            if isinstance(value, dict):
                for key in value:
                    if not isinstance(key, str):
                        raise TypeError(f"{name} is or holds a dict with the key {key!r}; keys must be str, "
                                        f"not {type(key).__name__}")
                inner.extend(value.values())
            elif isinstance(value, (list, tuple)):
                inner.extend(value)
        left, depth = inner, depth + 1


def _check(name: str, argument: Any) -> None:
    try:
        _pack(argument)
    except TypeError as error:
        raise TypeError(f"{name} must be None, bool, int, float, str, bytes, list, tuple, dict or Pid, or be made of these; "
                        f"it is or holds {error}") from None
    except OverflowError:
        raise ValueError(f"{name} is or holds a number that does not fit: an int must be from -2**63 to 2**64 - 1") from None
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} is or holds a str that cannot be encoded as UTF-8 ({error.reason}); pass bytes") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{name} is nested too deeply; 15 levels are passed on") from None


def _pairs(pairs: list) -> Any:
    """A map of a reply; as a list of pairs when one of its keys cannot be the key of a dict."""
    try:
        return dict(pairs)
    except TypeError:
        return pairs


def unpack(data: Union[bytes, memoryview]) -> Any:
    """One msgpack value. A str that is no UTF-8 keeps its bytes as surrogate escapes."""
    return msgpack.unpackb(data, strict_map_key=False, unicode_errors="surrogateescape", object_pairs_hook=_pairs)
