"""The mesh as a program sees it."""

from __future__ import annotations

import time
from itertools import chain
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, TypeVar, Union

from .batch import Batch
from .connection import Connection
from .data import Data
from .endpoint import check_endpoints
from .errors import KvmeshError
from .keys import client_key
from .link import Request
from .mailbox import Mailbox
from .output import Output, Printer, Sink
from .tasks import POLL_TIMEOUT, Task, is_built_in
from .values import Pid, Text, as_bytes, as_function, as_node, as_number, as_pid, as_seconds, as_ttl_ms, pack_tail
from .wire import TRACE

PAGE_MAX = 10000
TASK_GRACE = 1.0  # a task is told to stop at its limit; the answer may need that much longer

# What only looks: twice does no harm. A put is not among them: one that was lost on its way may still be executed until its
# time is over, after a later put of the same key.
_READS = frozenset(("kv.get", "kv.count", "kv.keys", "kv.read", "kv.scan", "kv.changes", "kv.buckets", "node.name", "node.ping",
                    "node.info", "task.list", "task.modules"))
_NOT_EXECUTED = ("unavailable", "overloaded")
_T = TypeVar("_T")


class Server:
    """A named server on a node, which handles one call after the other. Made by Client.server()."""

    def __init__(self, client: Client, name: str, node: Optional[str]):
        self._client = client
        self.name = name
        self.node = node

    def call(self, function: str, *arguments: Any, timeout: Optional[float] = None) -> Any:
        """What its function gives. `unavailable` while the server is restarted or when it was given up, `not_found` when there
        is none of this name, `task_failed` when it crashes with this call."""
        return self._ask("server.call", function, arguments, timeout)

    def cast(self, function: str, *arguments: Any, timeout: Optional[float] = None) -> None:
        """The same for a function whose result nobody wants: returns when the call is in the server's mailbox."""
        self._ask("server.cast", function, arguments, timeout)

    def _ask(self, how: str, function: str, arguments: tuple, timeout: Optional[float]) -> Any:
        if not isinstance(function, str):
            raise TypeError(f"function must be a str such as \"add\", not {type(function).__name__}")
        tail = pack_tail(self.node, how, (self.name, function, arguments, None), f"{self.name}.{function}", arguments)
        return self._client.ask(how, tail, timeout)


class Client(Data):
    """A connection to the mesh, through any of its nodes. With several endpoints it uses the first that answers, and goes on
    with the next when that ends.

        with Client("tcp://127.0.0.1:5550") as mesh:
            mesh.create("shopping")
            mesh.put("shopping", "milk", "1")

    Names of buckets, keys and values are bytes; str is encoded as UTF-8 on the way in, and bytes come out. Arguments and results
    of functions are None, bool, int, float, str, bytes, list and dict. Times are in seconds.

    Every method that asks the mesh waits for the answer, `timeout` at most, and raises KvmeshError when it is an error: its
    `code` says which. Wrong arguments are a TypeError or ValueError, a closed client is a RuntimeError. Nothing is sent twice
    unless `retries` says so: then a request that was certainly not executed (`unavailable`, `overloaded`), and one that only
    reads and was lost, is sent again up to that many times within its timeout, after a pause that doubles from 50 ms. Requests
    of batches (with put_many(), get_many() and items()), of submit() and of trace() are sent once.

    Thread-safe: any thread may call at any time; the requests of one thread for one bucket are executed in their order. The
    client has a thread of its own that keeps tasks and mailboxes alive. It does not outlive a fork."""

    def __init__(self, endpoints: Union[str, Iterable[str]] = "tcp://127.0.0.1:5550", timeout: float = 5.0, *,
                 connect_timeout: float = 1.0, retries: int = 0, key: Optional[str] = None):
        """Connects at the first request. `connect_timeout` is how long that waits for each of the endpoints. `key` is the path of
        your key file, for nodes that ask for a key; without it that of KVMESH_KEY, if it is set; "none": no key. ValueError when the
        file cannot be used."""
        checked = check_endpoints(endpoints)
        own_key = client_key(key)
        for endpoint in checked if own_key is not None else ():
            own_key.server_keys(endpoint)
        self.timeout = as_seconds("timeout", timeout)
        self.retries = 0 if retries == 0 else as_number("retries", retries, 1000)
        self.connection = Connection(checked, as_seconds("connect_timeout", connect_timeout), own_key)
        self.printer = Printer()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, its tasks and its mailboxes; processes of spawn() go on."""
        self.connection.close()
        self.printer.close(waits=not self.connection.is_own_thread())

    # --- buckets, whatever node they live on; more of them in data.py

    def create(self, bucket: Text, *, ttl: Optional[float] = None, history: Optional[int] = None,
               timeout: Optional[float] = None) -> None:
        """Makes a bucket; fine when it is there already, and then it keeps the options that it has. `ttl`: seconds that keys live which
        are stored without a time of their own; `history`: bytes of changes that are remembered for watchers who are away."""
        options = [] if ttl is None and history is None else [as_ttl_ms(ttl), history]
        self.route(bucket, "kv.create", *options, timeout=timeout)

    def drop(self, bucket: Text, *, timeout: Optional[float] = None) -> None:
        """Removes a bucket with all its keys. `not_found` when it is not there, as with all the following."""
        self.route(bucket, "kv.drop", timeout=timeout)

    def put(self, bucket: Text, key: Text, value: Text, *, timeout: Optional[float] = None) -> None:
        self.route(bucket, "kv.put", as_bytes("key", key), as_bytes("value", value), timeout=timeout)

    def get(self, bucket: Text, key: Text, *, timeout: Optional[float] = None) -> Optional[bytes]:
        """The value; None when the key is not there."""
        return self.route(bucket, "kv.get", as_bytes("key", key), timeout=timeout)

    def delete(self, bucket: Text, key: Text, *, timeout: Optional[float] = None) -> None:
        """Removes a key; fine when it is not there."""
        self.route(bucket, "kv.delete", as_bytes("key", key), timeout=timeout)

    def count(self, bucket: Text, *, timeout: Optional[float] = None) -> int:
        return self.route(bucket, "kv.count", timeout=timeout)

    def keys(self, bucket: Text, *, after: Optional[Text] = None, page: int = 1000) -> Iterator[bytes]:
        """The keys greater than `after`, all by default, in the order of their bytes; fetched page by page as they are used."""
        return self._names(as_bytes("bucket", bucket), "kv.keys", after, page)

    def items(self, bucket: Text, *, after: Optional[Text] = None, page: int = 1000) -> Iterator[tuple[bytes, bytes]]:
        """Keys with their values, likewise. A key that is removed meanwhile is left out."""
        name = as_bytes("bucket", bucket)
        pages = (self.get_many(name, names).items() for names in self._pages(name, "kv.keys", after, page))
        return ((key, value) for key, value in chain.from_iterable(pages) if value is not None)

    def put_many(self, bucket: Text, items: Union[Mapping[Text, Text], Iterable[tuple[Text, Text]]]) -> int:
        """Puts them with many under way at once; how many. BatchError when some failed: the others are stored."""
        with self.batch() as batch:
            for key, value in items.items() if isinstance(items, Mapping) else items:
                batch.put(bucket, key, value)
        return batch.total

    def get_many(self, bucket: Text, keys: Iterable[_T]) -> dict[_T, Optional[bytes]]:
        """The value of each key, None for those that are not there, with many under way at once."""
        with self.batch() as batch:
            requests = {key: batch.get(bucket, key) for key in keys}  # type: ignore[arg-type]
        return {key: request.result() for key, request in requests.items()}

    def owner(self, bucket: Text, *, timeout: Optional[float] = None) -> str:
        """The node that the bucket belongs to, whether it exists or not."""
        return self.route(bucket, "node.name", timeout=timeout)

    # --- nodes: a name such as "foo@localhost", or None for the one that we are connected to

    def buckets(self, node: Optional[str] = None, *, after: Optional[Text] = None, page: int = 1000) -> Iterator[bytes]:
        """The buckets that one node stores; `undefined_function`, which names others, when it is one that stores none."""
        names = self._names(as_node(node), "kv.buckets", after, page)

        def buckets() -> Iterator[bytes]:
            try:
                yield from names
            except KvmeshError as error:
                if error.code != "undefined_function":
                    raise
                raise KvmeshError(error.code, self._stores_none(node, error.text)) from None
        return buckets()

    def info(self, node: Optional[str] = None, *, timeout: Optional[float] = None) -> dict:
        """What a node says of itself (node.info of the protocol): "name", "apps", "table", "peers", a list of dicts with "name",
        "address" and "state", and much more."""
        return self.call(node, "node.info", timeout=timeout)

    def reload(self, node: Optional[str] = None, *, timeout: Optional[float] = None) -> dict:
        """Has a node read its configuration again; gives what has changed. Raises when a file is faulty: nothing has changed."""
        return self.call(node, "node.reload", timeout=timeout)

    def ping(self, value: Any = None, node: Optional[str] = None, *, timeout: Optional[float] = None) -> Any:
        """Gives the value back."""
        return self.call(node, "node.ping", value, timeout=timeout)

    def modules(self, node: Optional[str] = None, *, timeout: Optional[float] = None) -> list[str]:
        """The functions of modules that a node has, as they are called: "hello.add(int, int)"."""
        return [f"{function}({parameters})"
                for function, parameters, *_ in self.call(node, "task.modules", timeout=timeout)]

    def tasks(self, node: Optional[str] = None, *, timeout: Optional[float] = None) -> list[dict]:
        """The processes of a node (task.list of the protocol)."""
        return self.call(node, "task.list", timeout=timeout)

    # --- functions

    def call(self, node: Optional[str], function: str, *arguments: Any, timeout: Optional[float] = None,
             output: Optional[Sink] = None) -> Any:
        """Calls a function on a node and waits for its result. Those of modules run as tasks; a task that has not ended in time
        is told to stop. What it prints goes to output(stream, bytes), stream 1 for stdout and 2 for stderr; to those of this
        program when there is no `output`."""
        return self._call(as_node(node), function, arguments, timeout, output)

    def route(self, bucket: Text, function: str, *arguments: Any, timeout: Optional[float] = None,
              output: Optional[Sink] = None) -> Any:
        """The same on the node that `bucket` belongs to."""
        return self._call(as_bytes("bucket", bucket), function, arguments, timeout, output)

    def submit(self, node: Optional[str], function: str, *arguments: Any, limit: Optional[float] = None,
               output: Optional[Sink] = None) -> Task:
        """Starts a function of a module and returns at once: the task is a Future. It is told to stop after `limit`, and after
        the node's own limit in any case."""
        task, tail = self._task(as_node(node), as_function(function), arguments, "async", limit, None, output)
        return task.begin(tail)

    def submit_route(self, bucket: Text, function: str, *arguments: Any, limit: Optional[float] = None,
                     output: Optional[Sink] = None) -> Task:
        """The same on the node that `bucket` belongs to."""
        task, tail = self._task(as_bytes("bucket", bucket), as_function(function), arguments, "async", limit, None, output)
        return task.begin(tail)

    def spawn(self, node: Optional[str], function: str, *arguments: Any, output: Optional[Sink] = None) -> Pid:
        """Starts a process that outlives this client. What it prints goes to `output` as with call(), as long as this client is
        there; what it returns is dropped. See Mailbox.spawn_link() for one that ends with the client."""
        progress, task = self.start(node, function, arguments, "spawn", None, output)
        task.follow(progress)
        return Pid(*progress[:2])

    def send(self, to: Union[Pid, str, Server], body: Any, sender: Optional[Pid] = None) -> None:
        """Puts a message into the mailbox of a process or server. KvmeshError when it cannot be delivered: `not_found` when
        the process has ended. Mailbox.send() sends with an address for answers."""
        if not isinstance(to, Server):
            to = as_pid(to)
        arguments = (to.name if isinstance(to, Server) else to.id, sender, body)
        self.ask("process.send", pack_tail(to.node, "process.send", arguments, "send()", (body,)), None)

    def stop(self, pid: Union[Pid, str], *, timeout: Optional[float] = None) -> None:
        """Tells a process to stop, whoever started it. `not_found` when it has ended."""
        process = as_pid(pid)
        self.call(process.node, "task.cancel", process.id, timeout=timeout)

    def mailbox(self) -> Mailbox:
        """A mailbox of this program's own, to receive messages."""
        return Mailbox(self)

    def server(self, name: str, node: Optional[str] = None) -> Server:
        """A named server, to call; nothing is asked for yet."""
        if not isinstance(name, str) or not name:
            raise TypeError(f"name must be a str such as \"counter\", not {name!r}")
        return Server(self, name, as_node(node))

    # --- many, and plain requests

    def batch(self, most: int = 1000, *, timeout: Optional[float] = None, check: bool = True) -> Batch:
        """Requests that do not wait for each other, at most `most` of them unanswered. See Batch."""
        seconds = self.timeout if timeout is None else as_seconds("timeout", timeout)
        return Batch(self, as_number("most", most, 65536), seconds, check)

    def request(self, target: Union[None, str, bytes], function: str, *arguments: Any, timeout: Optional[float] = None) -> Any:
        """One request as the protocol has it: `target` is None, the name of a node (str) or of a bucket (bytes)."""
        return self.ask(function, pack_tail(target, function, arguments), timeout)

    def trace(self, target: Union[None, str, bytes], function: str, *arguments: Any,
              timeout: Optional[float] = None) -> tuple[Any, list]:
        """As request(), with the way that the request took, a hop for each node: [node, entry, next, elapsed_us, executed_us,
        queue_us, link, ...]."""
        seconds = self.timeout if timeout is None else as_seconds("timeout", timeout)
        self.connection.refuse_own_thread()
        request = self.connection.submit(Request(pack_tail(target, function, arguments), seconds, TRACE))
        return self.connection.wait(request), request.trace

    def ask(self, function: str, tail: bytes, timeout: Optional[float], repeats: bool = False) -> Any:
        """For the classes beside this one: a request that is packed. `repeats`: twice has the effect of once."""
        seconds = self.timeout if timeout is None else as_seconds("timeout", timeout)
        self.connection.refuse_own_thread()

        def once(left: float) -> Any:
            return self.connection.wait(self.connection.submit(Request(tail, left)))
        return self._repeat(once, seconds, lambda error: error.code in _NOT_EXECUTED
                            or error.code == "outcome_unknown" and (repeats or function in _READS))

    def start(self, node: Optional[str], function: str, arguments: tuple, mode: str, sender: Optional[Pid],
              output: Optional[Sink]) -> tuple[list, Task]:
        """Likewise: begins a process, and waits for its first progress, which has its pid."""
        task, tail = self._task(as_node(node), as_function(function), arguments, mode, None, sender, output)
        return self.ask("task.run", tail, None), task

    # --- how

    def _call(self, target: Union[None, str, bytes], function: str, arguments: tuple, timeout: Optional[float],
              output: Optional[Sink]) -> Any:
        if is_built_in(as_function(function)):
            return self.ask(function, pack_tail(target, function, arguments), timeout)
        seconds = self.timeout if timeout is None else as_seconds("timeout", timeout)
        begun: list[Task] = []

        def once(left: float) -> Any:
            task, tail = self._task(target, function, arguments, "call", left, None, output)
            begun[:] = [task]
            self.connection.refuse_own_thread()
            task.begin(tail)
            try:
                return task.result(left + TASK_GRACE)
            except TimeoutError:
                task.cancel()
                raise KvmeshError("outcome_unknown", f"{function} did not end within {seconds:g} s and was told to stop; it may "
                                                     "have begun") from None
            except BaseException:
                task.cancel()  # Ctrl-C; a task that has ended does not mind
                raise
        return self._repeat(once, seconds, lambda error: error.code in _NOT_EXECUTED and begun[0].pid is None)

    def _task(self, target: Union[None, str, bytes], function: str, arguments: tuple, mode: str, limit: Optional[float],
              sender: Optional[Pid], output: Optional[Sink]) -> tuple[Task, bytes]:
        if is_built_in(function):
            raise ValueError(f"{function} is a function of the node itself and no task; use call()")
        if output is not None and not callable(output):
            raise TypeError(f"output must be a function of (stream, bytes), not {type(output).__name__}")
        limit_ms = 0 if limit is None else max(1, int(as_seconds("limit", limit) * 1000))
        tail = pack_tail(target, "task.run", (function, arguments, mode, limit_ms, sender), function, arguments)
        return Task(self.connection, self.printer, Output(output)), tail

    def _repeat(self, once: Callable[[float], Any], seconds: float, may_repeat: Callable[[KvmeshError], bool]) -> Any:
        deadline = time.monotonic() + seconds
        left, pause = seconds, 0.05
        for attempt in range(self.retries + 1):
            try:
                return once(left)
            except KvmeshError as error:
                left = deadline - time.monotonic() - pause
                if attempt == self.retries or left <= 0 or not may_repeat(error):
                    raise
            time.sleep(pause)
            pause *= 2

    def _stores_none(self, node: Optional[str], why: str) -> str:
        try:
            info = self.info(node)
            name, peers = info["name"], [f'"{peer["name"]}"' for peer in info["peers"]]
        except (KvmeshError, KeyError, TypeError):
            return why
        others = ", ".join(peers[:5]) or "NODE"
        return f"{name} stores no buckets; ask a node that does, as buckets() of one of its peers: {others}"

    def _names(self, target: Union[None, str, bytes], function: str, after: Optional[Text], page: int) -> Iterator[bytes]:
        return chain.from_iterable(self._pages(target, function, after, page))

    def _pages(self, target: Union[None, str, bytes], function: str, after: Optional[Text], page: int) -> Iterator[list[bytes]]:
        def pages(last: Optional[bytes]) -> Iterator[list[bytes]]:
            more = True
            while more:
                more, names = self.request(target, function, last, page)
                yield names
                last = names[-1] if names else last
        as_number("page", page, PAGE_MAX)
        return pages(None if after is None else as_bytes("after", after))
