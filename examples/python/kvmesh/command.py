"""The package as a command: one request from a shell. It takes arguments as the command kvmesh does, and ends with its exit
statuses: 0, 2 for wrong usage, and 10 + the number of the code for a KvmeshError."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import os
import re
import sys
from typing import Any, Callable, Iterable, NamedTuple, Optional

from .client import Client
from .errors import CODES, KvmeshError

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5550"
WRONG_USAGE = 2
FIRST_STATUS = 10


def to_value(text: str) -> Any:
    """An argument of a function: JSON where it is JSON, else the text itself; nil is None, {"base64": "..."} bytes."""
    if text == "nil":
        return None
    try:
        return json.loads(text, object_hook=_bytes_of, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return text


def _bytes_of(map_: dict) -> Any:
    if list(map_) == ["base64"] and isinstance(map_["base64"], str):
        try:
            return base64.b64decode(map_["base64"], validate=True)
        except binascii.Error:
            pass
    return map_


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def to_text(value: Any) -> str:
    """A result, as JSON; bytes that are no text as {"base64": "..."}."""
    if value is None:
        return "nil"
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, dict):
        return {key if isinstance(key, str) else to_text(key): _plain(element) for key, element in value.items()}
    return value


def _node(text: str) -> Optional[str]:
    return None if text == "-" else text


def _show(value: Any) -> None:
    print(to_text(value))


def _raw(line: Optional[bytes]) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write((line or b"") + b"\n")


def _lines(names: Iterable[bytes]) -> None:
    for name in names:
        _raw(name)


def _get(mesh: Client, bucket: bytes, key: bytes) -> Optional[int]:
    value = mesh.get(bucket, key)
    if value is None:
        print(f"kvmesh: no key {os.fsdecode(key)!r} in bucket {os.fsdecode(bucket)!r}", file=sys.stderr)
        return 1
    return _raw(value)


def _read(mesh: Client, bucket: bytes, key: bytes) -> Optional[int]:
    entry = mesh.read(bucket, key)
    if entry is None:
        return _get(mesh, bucket, key)
    return _show({"rev": entry.rev, "value": entry.value, "ttl": entry.ttl})


def _add(mesh: Client, bucket: bytes, key: bytes, delta: bytes) -> None:
    try:
        number = int(delta)
    except ValueError:
        raise ValueError(f"DELTA must be a whole number, not {os.fsdecode(delta)!r}") from None
    print(mesh.add(bucket, key, number))


def _watch(mesh: Client, bucket: bytes) -> None:
    for event in mesh.watch(bucket):
        _show({name: value for name, value in vars(event).items() if value is not None})
        sys.stdout.flush()


def _route(mesh: Client, bucket: str, function: str = "", *arguments: str) -> None:
    if function:
        _show(mesh.route(os.fsencode(bucket), function, *map(to_value, arguments)))
    else:
        print(mesh.owner(os.fsencode(bucket)))


def _spawn(mesh: Client, node: str, function: str, *arguments: str) -> None:
    # The process goes on when this program has ended, and a reader of the pid wants no output of its first moments.
    print(mesh.spawn(_node(node), function, *map(to_value, arguments), output=lambda *_: None))


def _words(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


class Command(NamedTuple):
    arguments: str  # as they are shown; "..." at the end: and any number more
    run: Callable[..., Optional[int]]
    takes_bytes: bool = False


COMMANDS = {
    "create": Command("BUCKET", Client.create, True),
    "drop": Command("BUCKET", Client.drop, True),
    "put": Command("BUCKET KEY VALUE", Client.put, True),
    "get": Command("BUCKET KEY", _get, True),
    "delete": Command("BUCKET KEY", Client.delete, True),
    "read": Command("BUCKET KEY", _read, True),
    "add": Command("BUCKET KEY DELTA", _add, True),
    "scan": Command("BUCKET", lambda mesh, bucket: _words(to_text([key, entry.rev, entry.value]) for key, entry in mesh.scan(bucket)),
                    True),
    "watch": Command("BUCKET", _watch, True),
    "count": Command("BUCKET", lambda mesh, bucket: _show(mesh.count(bucket)), True),
    "keys": Command("BUCKET", lambda mesh, bucket: _lines(mesh.keys(bucket)), True),
    "buckets": Command("NODE", lambda mesh, node: _lines(mesh.buckets(_node(node)))),
    "info": Command("NODE", lambda mesh, node: _show(mesh.info(_node(node)))),
    "modules": Command("NODE", lambda mesh, node: _words(mesh.modules(_node(node)))),
    "call": Command("NODE FUNCTION [ARGUMENT...]", lambda mesh, node, function, *arguments:
                    _show(mesh.call(_node(node), function, *map(to_value, arguments)))),
    "route": Command("BUCKET [FUNCTION ARGUMENT...]", _route),
    "spawn": Command("NODE FUNCTION [ARGUMENT...]", _spawn),
    "send": Command("PID VALUE", lambda mesh, pid, value: mesh.send(pid, to_value(value))),
    "server": Command("NODE SERVER FUNCTION [ARGUMENT...]", lambda mesh, node, server, function, *arguments:
                      _show(mesh.server(server, _node(node)).call(function, *map(to_value, arguments)))),
}


def usage() -> str:
    lines = [f"  {name} {command.arguments}" for name, command in COMMANDS.items()]
    return ("usage: kvmesh [--timeout DURATION] [--key FILE] [ENDPOINT[,ENDPOINT...]] COMMAND [ARGUMENT...]\n" + "\n".join(lines)
            + "\nThe endpoint may also be given by --node or in KVMESH_NODE; without any it is " + DEFAULT_ENDPOINT + "."
            + "\nFILE is your key file, for nodes that ask for a key; KVMESH_KEY may name it, too."
            + "\nA NODE is a name such as foo@localhost, or - for the node at the endpoint.")


def wrong(text: str) -> int:
    print(f"kvmesh: {text}", file=sys.stderr)
    return WRONG_USAGE


def to_seconds(text: str) -> float:
    """A duration as the command kvmesh takes it: 500ms, 5s, 2m, 1h. ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text, re.ASCII)
    if match is None:
        raise ValueError(f"--timeout wants a duration such as 500ms or 5s, not {text!r}")
    return float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[match[2]]


def _options(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """--node, --key and --timeout, as the command kvmesh takes them, and what follows. An endpoint may be the first argument, too."""
    given: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest[0].partition("=")
        if name in ("--node", "--key", "--timeout"):
            given[name] = value if equals else "".join(rest[1:2])
            del rest[:1 if equals else 2]
        elif "--node" not in given and rest[0] not in COMMANDS and any(sign in rest[0] for sign in ":/"):
            given["--node"] = rest.pop(0)
        else:
            break
    return given, rest


def main(arguments: list[str]) -> int:
    """Runs one command; its exit status."""
    if arguments in (["--help"], ["-h"]):
        print(usage())
        return 0
    options, arguments = _options(arguments)
    endpoints = options.get("--node", os.environ.get("KVMESH_NODE") or DEFAULT_ENDPOINT)
    if not endpoints:
        return wrong("--node wants an endpoint, such as " + DEFAULT_ENDPOINT)
    if not arguments:
        return wrong("a command is wanted\n" + usage())
    name, *rest = arguments
    if name.startswith("-"):
        return wrong(f"there is no option {name}; before the command stand --node ENDPOINT, --key FILE and --timeout DURATION")
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        return wrong(f"there is no command \"{name}\"" + (f"; did you mean {near[0]}?" if near else "\n" + usage()))
    command = COMMANDS[name]
    wanted = command.arguments.split()
    is_open = wanted[-1].endswith("...]")
    least = len(command.arguments.partition(" [")[0].split())
    if len(rest) < least or len(rest) > least and not is_open:
        return wrong(f"usage: kvmesh [ENDPOINT] {name} {command.arguments}")
    try:
        timeout = to_seconds(options.get("--timeout", "5s"))
        with Client([endpoint.strip() for endpoint in endpoints.split(",")], timeout, key=options.get("--key")) as mesh:
            status = command.run(mesh, *map(os.fsencode, rest) if command.takes_bytes else rest) or 0
            sys.stdout.flush()
            return status
    except KvmeshError as error:
        print(f"kvmesh: {error}", file=sys.stderr)
        return FIRST_STATUS + CODES.index(error.code)
    except (TypeError, ValueError) as error:
        return wrong(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what Python writes when it ends
        return 141
