"""Clients that compare and set, add, and change two keys together; and followers of what they change."""

import asyncio
import contextlib

from linearizability import CREATE, NOT_FOUND, OK, UNKNOWN, Operation
from revisions import ADD, CONFLICT, COUNTER, KEYS_OF, PAIR, READ, SET, UNSET, Event, Poll, Step
from topology import REVISION_BUCKETS
from workload import MAY_BE_EXECUTED, NOT_EXECUTED, PATIENCE_S, Broken, Connection, Worker

ONCE_KEPT_NS = 50_000_000_000  # a bucket keeps an id for 60 s
ROWS = {"SCAN": True, "CHANGES": True}  # commands whose reply begins with a number of lines


class Asker(Worker):
    """Asks for one thing at a time, and knows the form of each reply."""

    async def reply(self, *lines):
        """The last line of the reply to the last of these lines, and the lines before it. Raises Broken, and then the
        connection is closed."""
        try:
            return await asyncio.wait_for(self._reply(lines), PATIENCE_S)
        except (Broken, ValueError, TimeoutError, asyncio.TimeoutError):
            self.close()
            self.history.outcomes["no answer"] += 1
            raise Broken from None

    async def _reply(self, lines):
        await self.connection.send("".join(line + "\r\n" for line in lines))
        for _ in lines[:-1]:
            await self.connection.line()  # collected, or refused: then COMMIT says so
        command = lines[-1].split()[0]
        first = await self.connection.line()
        if command not in ("READ", "ADD", *ROWS) or first.startswith(("ERROR ", "NOT FOUND", "UNKNOWN ", "RESET ")):
            return first, []
        count = int(first) if command in ROWS else 1 if command == "READ" else 0
        rows = [first] + [await self.connection.line() for _ in range(count)]
        return await self.connection.line(), rows

    def outcome(self, end):
        """OK, CONFLICT, NOT_FOUND, UNKNOWN, or None: certainly not executed."""
        code = end.split()[1] if end.startswith("ERROR ") else None
        if code is not None:
            self.history.codes[code] += 1
        outcome = {"OK": OK, "RESET": OK, "CONFLICT": CONFLICT, "NOT": NOT_FOUND}.get(end.split(" ")[0])
        if outcome is None:
            outcome = UNKNOWN if code in MAY_BE_EXECUTED else None
            if code not in NOT_EXECUTED | MAY_BE_EXECUTED:
                self.history.faults.append(f"{self.name} was answered {end[:300]!r}")
        self.history.outcomes[outcome or "not executed"] += 1
        return outcome


class RevisionClient(Asker):
    """Changes and reads registers. `counts_in`: the buckets in which it adds, which must not lose anything."""

    creating = set()

    def __init__(self, name, address, history, seed, pause, counts_in):
        super().__init__(name, address, history, seed, pause)
        self.counts_in = counts_in
        self.known = {}     # by bucket and register, the last revision that was answered
        self.adding = None  # (bucket, step, id) of an add that is repeated until it is answered

    def is_done(self):
        return self.stopping and self.adding is None

    async def step(self):
        bucket = self.random.choice(list(REVISION_BUCKETS))
        register = self.random.choice(["r0", "r1", PAIR, *([COUNTER] if bucket in self.counts_in else [])])
        with contextlib.suppress(Broken):
            if self.adding is not None:
                await self.add()
            elif self.random.random() < 0.4:
                await self.read(bucket, register)
            elif register == COUNTER:
                self.count += 1
                step = self.begin(ADD, bucket, COUNTER)
                self.adding = (bucket, step, f"{self.name}.{self.count}")
                await self.add()
            else:
                await self.change(bucket, register)

    def begin(self, kind, bucket, register, **fields):
        step = Step(kind, register, self.history.now(), who=self.name, **fields)
        self.history.revisions[bucket].steps.append(step)
        return step

    async def finish(self, step, bucket, end, rev=None):
        """Writes down what became of it, and returns that; `rev` where it is not the second word."""
        step.outcome = self.outcome(end)
        if step.outcome is None:
            self.history.revisions[bucket].steps.remove(step)
            return None
        if step.outcome != UNKNOWN:
            step.returned = self.history.now()
        if step.outcome in (OK, CONFLICT):
            step.rev = int(end.split()[1]) if rev is None else rev
            self.known[bucket, step.register] = step.rev
        if step.outcome == NOT_FOUND and bucket not in self.creating:
            self.creating.add(bucket)
            try:
                await self.create(bucket)
            finally:
                self.creating.discard(bucket)
        return step.outcome

    async def create(self, bucket):
        operation = Operation(CREATE, self.history.now(), None, UNKNOWN, who=self.name)
        creates = self.history.revisions[bucket].creates
        creates.append(operation)
        end, _ = await self.reply(f"CREATE {bucket}")
        outcome = self.outcome(end)
        if outcome is None:
            creates.remove(operation)
        elif outcome == OK:
            operation.returned, operation.outcome = self.history.now(), OK

    async def read(self, bucket, register):
        step = self.begin(READ, bucket, register)
        if register == PAIR:
            end, rows = await self.reply(f"SCAN {bucket} PREFIX p")
            items = {tuple(row.split()[1:]) for row in rows[1:]}
            if len(items) > 1 or len(rows) not in (0, 1, 3):
                self.history.faults.append(f"half of a change: {rows} of {bucket}, seen by {self.name}")
            rev, step.text = (int(rows[1].split()[1]), rows[1].split()[2]) if len(rows) > 1 else (0, None)
            step.bucket_rev = int(end.split()[-1]) if rows else 0
        else:
            end, rows = await self.reply(f"READ {bucket} {register}")
            rev, step.text = (int(rows[0].split()[0]), rows[1] or None) if rows else (0, None)
        return await self.finish(step, bucket, end, rev)

    async def change(self, bucket, register):
        known = self.known.get((bucket, register))
        expected = known if self.random.random() < 0.6 else None
        if register != PAIR and self.random.random() < 0.15:
            step = self.begin(UNSET, bucket, register)
            end, _ = await self.reply(f"UNSET {bucket} {register}")
        else:
            step = self.begin(SET, bucket, register, text=self.new_value((0, 0, 100)), expected=expected)
            if register == PAIR:
                check = [] if expected is None else [f"CHECK p0 {expected}"]
                sets = [f"SET {key} {step.text}" for key in KEYS_OF[PAIR]]
                end, _ = await self.reply(f"BEGIN {bucket}", *check, *sets, "COMMIT")
            else:
                condition = "" if expected is None else f" IF {expected}"
                end, _ = await self.reply(f"SET {bucket} {register} {step.text}{condition}")
        await self.finish(step, bucket, end)

    async def add(self):
        """One more attempt. With an id it is made once, however often it is asked for."""
        bucket, step, once = self.adding
        if self.history.now() - step.invoked > ONCE_KEPT_NS:
            self.history.faults.append(f"{self.name}: an add was not answered for 50 s")
            self.adding = None
            return
        end, rows = await self.reply(f"ADD {bucket} {COUNTER} 1 ONCE {once}")
        if rows:
            step.text = rows[0]
        if end.startswith("ERROR "):
            self.outcome(end)
        else:
            self.adding = None
            await self.finish(step, bucket, end)


class Follower(Asker):
    """Asks for the changes of a bucket again and again, over another connection when one ends. `spoils`: what its record
    does wrong on purpose, with one change: "lose" or "twice"."""

    def __init__(self, name, address, history, seed, bucket, spoils=None):
        super().__init__(name, address, history, seed, 0.01)
        self.bucket, self.spoils = bucket, spoils
        self.since = 0
        self.has_all = False

    def is_done(self):
        return self.has_all

    async def step(self):
        wait = "" if self.stopping else " WAIT 1000"
        is_last, invoked = self.stopping, self.history.now()
        try:
            end, rows = await self.reply(f"CHANGES {self.bucket} {self.since}{wait}")
        except Broken:
            return
        if self.outcome(end) != OK:
            return
        events = [self.event(*row.split()) for row in rows[1:]]
        if self.spoils and len(events) == 1 and events[0].kind == "PUT":
            events *= {"lose": 0, "twice": 2}[self.spoils]
            self.spoils = None
        poll = Poll(invoked, self.history.now(), self.since, end.startswith("RESET "), int(end.split()[1]), events)
        self.history.revisions[self.bucket].polls[self.name].append(poll)
        self.since = poll.next
        self.has_all = is_last and not events

    @staticmethod
    def event(rev, kind, key="", text=None):
        return Event(int(rev), kind, key, text)


async def read_registers(entries, history, limit_s):
    """Reads every register once through each entry, where all answer; returns what was not answered."""
    missing = []
    for name, address in entries:
        reader = RevisionClient(f"end-{name}", address, history, 0, 0, ())
        try:
            reader.connection = await Connection.open(address)
            for bucket in REVISION_BUCKETS:
                for register in ("r0", "r1", PAIR, COUNTER):
                    outcome = await asyncio.wait_for(reader.read(bucket, register), limit_s)
                    if outcome not in (OK, NOT_FOUND):
                        missing.append(f"{register} of {bucket} through {name}")
        except (Broken, TimeoutError, asyncio.TimeoutError):
            missing.append(f"registers through {name}")
        reader.close()
    return missing
