"""A client of kvmesh, written from common/PROTOCOL.md, on pyzmq and msgpack (Debian: python3-zmq python3-msgpack).

    from kvmesh import Client

    with Client("tcp://127.0.0.1:5550") as mesh:
        mesh.create("shopping")
        mesh.put("shopping", "milk", "1")
        print(mesh.get("shopping", "milk"))               # b'1'
        print(mesh.call("foo@localhost", "hello.add", 1, 2))  # 3

Client is the way in. README.md beside this package shows the rest, and in which order to read it.
"""

import sys as _sys

try:
    import msgpack as _msgpack  # noqa: F401
    import zmq as _zmq  # noqa: F401
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"this Python ({_sys.executable}) has no module {missing.name}, which kvmesh needs; on Debian: apt-get install python3-zmq "
        "python3-msgpack, and use /usr/bin/python3; elsewhere: pip install pyzmq msgpack", name=missing.name) from None

from .batch import Batch
from .client import Client, Server
from .data import Add, Applied, BucketOptions, Changes, Conflict, Delete, Entry, Event, Put, Restore, Touch, Watch
from .errors import CODES, BatchError, KvmeshError
from .link import Request
from .mailbox import Mailbox, Message
from .tasks import Task
from .values import Pid

__all__ = ["CODES", "Add", "Applied", "Batch", "BatchError", "BucketOptions", "Changes", "Client", "Conflict", "Delete", "Entry", "Event", "KvmeshError",
           "Mailbox", "Message", "Pid", "Put", "Request", "Restore", "Server", "Task", "Touch", "Watch"]
__version__ = "0.1.0"
