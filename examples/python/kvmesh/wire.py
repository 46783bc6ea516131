"""Frames and records, byte for byte (common/PROTOCOL.md, 1.2 to 1.5)."""

from __future__ import annotations

import struct
import time
from typing import Any, Iterator, NamedTuple

import msgpack

from .values import unpack

VERSION = 1
HELLO, WELCOME, REQUESTS, REPLIES, PING, PONG, REFUSED, GOODBYE, TIMED_REQUESTS = range(1, 10)
FRAME_BYTES = 64 * 1024  # that many bytes of records go into one frame; a larger record has one of its own
SOFTWARE = "kvmesh-python 0.1"
TRACE = 1  # the flag of a request
NO_HELLO = "say HELLO first"  # the text of REFUSED to one that the node does not know, or has forgotten (1.8)

_LENGTH = struct.Struct(">I")
_STAMP = struct.Struct(">Q")


class Broken(Exception):
    """The node sent what this protocol does not have."""


class Welcome(NamedTuple):
    version: int
    name: str
    in_flight_max: int
    in_flight_bytes_max: int
    is_timed: bool  # it takes TIMED_REQUESTS


class Reply(NamedTuple):
    id: int
    trace: list
    code: int
    text: str
    result: Any
    size: int  # of its record, in bytes


def clock_us() -> int:
    """For stamps: never goes back, and goes on while the machine is suspended."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def frame(kind: int, content: bytes = b"") -> bytes:
    return bytes((VERSION, kind)) + content


def hello() -> bytes:
    return frame(HELLO, msgpack.packb([VERSION, VERSION, "", SOFTWARE, 0, clock_us(), 0]))


def ping(stamp: int) -> bytes:
    return frame(PING, _STAMP.pack(stamp))


def requests(records: list[bytes], is_timed: bool) -> bytes:
    """The stamp tells the node how old the frame is, so that it executes nothing after its time (1.13)."""
    if is_timed:
        return frame(TIMED_REQUESTS, _STAMP.pack(clock_us()) + b"".join(records))
    return frame(REQUESTS, b"".join(records))


def request(id_: int, timeout_ms: int, flags: int, tail: bytes) -> bytes:
    """A record; `tail` is target, function and arguments as values.pack_tail() makes them. The path of a client is empty."""
    body = b"\x97" + msgpack.packb(id_) + msgpack.packb(timeout_ms) + msgpack.packb(flags) + b"\x90" + tail
    return _LENGTH.pack(len(body)) + body


def read_frame(data: bytes) -> tuple[int, memoryview]:
    """Kind and content."""
    if len(data) < 2:
        raise Broken(f"a frame of {len(data)} bytes")
    return data[1], memoryview(data)[2:]


def read_welcome(content: memoryview) -> Welcome:
    fields = _read_array(content, 6)
    if not all(isinstance(fields[place], int) for place in (0, 4, 5)):
        raise Broken("a WELCOME that is malformed")
    flags = fields[6] if len(fields) > 6 and isinstance(fields[6], int) else 0
    return Welcome(fields[0], fields[1], fields[4], fields[5], bool(flags & 1))


def read_refused(content: memoryview) -> tuple[int, str]:
    code, text = _read_array(content, 2)[:2]
    return code, text


def read_replies(content: memoryview) -> Iterator[Reply]:
    while content:
        if len(content) < 4:
            raise Broken("a cut-off record")
        (size,) = _LENGTH.unpack_from(content)
        if size > len(content) - 4:
            raise Broken("a record that is longer than its frame")
        reply = Reply(*_read_array(content[4:4 + size], 5)[:5], size)
        if not isinstance(reply.id, int) or not isinstance(reply.code, int):
            raise Broken("a reply that is malformed")
        yield reply
        content = content[4 + size:]


def read_pong(content: memoryview) -> tuple[int, int]:
    """The stamp of our PING, and the age that the node takes it for, in microseconds; an age of 0 when it says none."""
    if len(content) < 8:
        raise Broken("a PONG without the bytes of its PING")
    return _STAMP.unpack_from(content)[0], _STAMP.unpack_from(content, 8)[0] if len(content) >= 16 else 0


def _read_array(content: memoryview, least: int) -> list:
    try:
        fields = unpack(content)
    except Exception as error:  # msgpack has many
        raise Broken(f"what is no msgpack ({error})") from None
    if not isinstance(fields, list) or len(fields) < least:
        raise Broken("an array that is too short")
    return fields
