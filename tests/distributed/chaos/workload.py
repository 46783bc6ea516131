"""Clients of the line protocol that use a few keys at once, and the history of what they asked and were answered."""

import asyncio
import collections
import random
import time

from linearizability import CREATE, DELETE, GET, LOSE, NOT_FOUND, OK, PUT, UNKNOWN, Operation
from revisions import BucketLog
from topology import BUCKETS, REQUEST_TIMEOUT_MS, REVISION_BUCKETS

KEYS = ["k0", "k1", "k2"]
LINE_BYTES_MAX = 1 << 21
PATIENCE_S = REQUEST_TIMEOUT_MS / 1000 + 1.5  # a node answers by its time-out; one that stands still does not

# What common/PROTOCOL.md, 1.7, says of the codes that this workload can be answered with. Any other is a fault.
NOT_EXECUTED = {"unavailable", "deadline_exceeded", "overloaded"}
MAY_BE_EXECUTED = {"outcome_unknown"}


class History:
    """Every operation on every key, in one order of time: nanoseconds since the run's start, no two alike."""

    def __init__(self):
        self.began = time.monotonic_ns()
        self.last = 0
        self.keys = {(bucket, key): [] for bucket in BUCKETS for key in KEYS}
        self.revisions = {bucket: BucketLog() for bucket in REVISION_BUCKETS}
        self.outcomes = collections.Counter()
        self.codes = collections.Counter()
        self.faults = []  # answers that must not be, as texts

    def now(self):
        self.last = max(self.last + 1, time.monotonic_ns() - self.began)
        return self.last

    def add(self, operation, bucket, key=None):
        """An operation on one key or, without one, on all keys of the bucket."""
        for one in [key] if key is not None else KEYS:
            self.keys[bucket, one].append(operation)

    def remove(self, operation, bucket, key=None):
        for one in [key] if key is not None else KEYS:
            operations = self.keys[bucket, one]
            del operations[next(i for i in range(len(operations) - 1, -1, -1) if operations[i] is operation)]

    def lost(self, node, began):
        """All that `node` stored went at some moment between `began` and now."""
        for bucket, owner in BUCKETS.items():
            if owner == node:
                self.add(Operation(LOSE, began, self.now(), who=node), bucket)
        for bucket, owner in REVISION_BUCKETS.items():
            if owner == node:
                self.revisions[bucket].losses.append(Operation(LOSE, began, self.now(), who=node))

    def away(self, node, began):
        """`node` was down for a while between `began` and now."""
        for bucket, owner in REVISION_BUCKETS.items():
            if owner == node:
                self.revisions[bucket].outages.append((began, self.now()))


def make_value(name, number, padding):
    """A value that no other put writes, and of which every byte can be checked."""
    return f"{name}-{number}-{padding}" + "." * padding


def identify(text):
    """The unique first part of a value; None when it is not what some put can have sent."""
    name = text.rstrip(".")
    padding = name.rpartition("-")[2]
    return name if padding.isdigit() and text == name + "." * int(padding) else None


class Broken(Exception):
    """The connection ended, or did not answer in time."""


class Connection:
    """One connection of the line protocol."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, address):
        try:
            return cls(*await asyncio.wait_for(asyncio.open_connection(*address, limit=LINE_BYTES_MAX), 2.0))
        except (OSError, TimeoutError, asyncio.TimeoutError):
            raise Broken from None

    def close(self):
        self.writer.transport.abort()

    async def send(self, text):
        try:
            self.writer.write(text.encode())
            await self.writer.drain()
        except OSError:
            raise Broken from None

    async def line(self):
        try:
            line = await self.reader.readline()
        except OSError:
            raise Broken from None
        if not line.endswith(b"\n"):
            raise Broken  # the end of the connection, perhaps within a line
        return line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")

    async def answer(self, reads):
        """(first line, whether the answer was complete and as the protocol says)."""
        first = await self.line()
        if reads and first != "NOT FOUND" and not first.startswith("ERROR ") and first != "UNKNOWN COMMAND":
            return first, await self.line() == "OK"
        return first, True


class Worker:
    """Does one step after the other over one connection after the other, with a pause between two steps."""

    def __init__(self, name, address, history, seed, pause):
        self.name, self.address, self.history = name, address, history
        self.random = random.Random(f"{seed}/{name}")
        self.pause = pause
        self.connection = None
        self.count = 0
        self.stopping = False

    async def run(self):
        while not self.is_done():
            if self.connection is None:
                try:
                    self.connection = await Connection.open(self.address)
                except Broken:
                    await asyncio.sleep(self.random.uniform(0.01, 0.1))
                    continue
            await self.step()
            await asyncio.sleep(self.random.uniform(0, 2 * self.pause))
        self.close()

    def is_done(self):
        return self.stopping

    async def step(self):
        """Asks for something, and closes the connection when that is not answered."""
        raise NotImplementedError

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def new_value(self, paddings):
        self.count += 1
        return make_value(self.name, self.count, self.random.choice(paddings))


class Client(Worker):
    """Asks for random keys, mostly one request at a time; records everything."""

    creating = set()  # buckets that some client makes again; all clients are in one thread

    async def step(self):
        bucket = self.random.choice(list(BUCKETS))
        await self.ask([self.choose(bucket) for _ in range(self.random.choice((1, 1, 1, 1, 1, 1, 3, 5)))])

    def choose(self, bucket):
        kind = self.random.choices((PUT, GET, DELETE), (5, 5, 1))[0]
        return kind, bucket, self.random.choice(KEYS)

    def begin(self, kind, bucket, key):
        """The request's line and its place in the history, with an unknown outcome until an answer comes."""
        operation = Operation(kind, self.history.now(), None, UNKNOWN, who=self.name)
        self.history.add(operation, bucket, key)
        text = f"{kind.upper()} {bucket}" + (f" {key}" if key is not None else "")
        if kind == PUT:
            value = self.new_value((0, 0, 0, 0, 100, 5000, 40000))
            operation.value = identify(value)
            text += " " + value
        return text + "\r\n", operation

    async def ask(self, wanted):
        """Sends these requests at once, and waits for all answers. The connection is closed when one is missing."""
        begun = [(*self.begin(*one), one) for one in wanted]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        answered = 0
        try:
            await asyncio.wait_for(self.connection.send("".join(text for text, *_ in begun)), PATIENCE_S)
            for _, operation, one in begun:
                answer = self.connection.answer(one[0] == GET)
                first, complete = await asyncio.wait_for(answer, max(0.001, deadline - loop.time()))
                self.end(operation, one, first, complete)
                answered += 1
        except (Broken, TimeoutError, asyncio.TimeoutError):
            self.history.outcomes["no answer"] += len(begun) - answered
            self.close()
            return
        missing = next((bucket for _, o, (_, bucket, _) in begun if o.outcome == NOT_FOUND), None)
        if missing is not None and missing not in self.creating:
            self.creating.add(missing)
            await self.ask([(CREATE, missing, None)])
            self.creating.discard(missing)

    def end(self, operation, one, first, complete):
        history = self.history
        operation.returned = history.now()
        code = first.split()[1] if first.startswith("ERROR ") and len(first.split()) > 1 else None
        if code in MAY_BE_EXECUTED:
            operation.returned = None
        elif code in NOT_EXECUTED:
            history.remove(operation, *one[1:])
        elif first == "NOT FOUND" and operation.kind != CREATE:
            operation.outcome = NOT_FOUND
        elif operation.kind == GET and code is None and first != "UNKNOWN COMMAND" and complete:
            operation.outcome = OK
            operation.value = identify(first) if first else None
            if first and operation.value is None:
                operation.value = f"(damaged) {first[:100]}"
        elif operation.kind != GET and first == "OK":
            operation.outcome = OK
        else:
            operation.returned = None
            history.faults.append(f"{self.name}: {operation.kind} {one[1]} was answered {first[:300]!r}")
        history.outcomes["not executed" if code in NOT_EXECUTED else operation.outcome] += 1
        if code is not None:
            history.codes[code] += 1


async def read_all(entries, history, limit_s):
    """Reads every key once through each entry, where all answer; returns what was not answered."""
    missing = []
    for name, address in entries:
        reader = Client(f"end-{name}", address, history, 0, 0)
        try:
            reader.connection = await Connection.open(address)
            for bucket in BUCKETS:
                before = history.outcomes[OK] + history.outcomes[NOT_FOUND]
                await asyncio.wait_for(reader.ask([(GET, bucket, key) for key in KEYS]), limit_s)
                if history.outcomes[OK] + history.outcomes[NOT_FOUND] - before < len(KEYS):
                    missing.append(f"{bucket} through {name}")
        except (Broken, AttributeError):
            missing.append(f"{name} takes no connection")
        reader.close()
    return missing
