"""Was each read of a key possible? A checker for histories of one register that may be lost and made again.

The register is a key of a bucket. Its state is MISSING (there is no bucket), None (no such key) or a value. A history
is linearizable when each operation can be given one moment between its invocation and its return so that, executed in
the order of these moments, all of them have the results that were seen (Herlihy, Wing: Linearizability, 1990).

The search is that of Wing and Gong (Testing and verifying concurrent objects, 1993) in the form of Lowe's "just-in-time
linearization" (Testing for linearizability, 2017): the history is read event by event with the set of all
configurations that can have been reached, and an operation is given its moment only when some return asks for it. Equal
configurations are kept once, which is what makes it fast.

What an operation without a known outcome may have done is cut down before the search, without changing its result.
Values are unique, and a request is executed at most once, so

- an unknown put whose value nobody read changes nothing that anybody saw: it is left out;
- an unknown put whose value was read took effect, and before the first such read returned: it is an ordinary put that
  returned just then;
- unknown deletes (and creates) differ in nothing but when they were invoked, and none ends: those invoked so far are
  just counted.
"""

import collections
import dataclasses


class _Missing:
    def __repr__(self):
        return "MISSING"


MISSING = _Missing()

PUT, GET, DELETE, CREATE, LOSE = "put", "get", "delete", "create", "lose"
OK, NOT_FOUND, UNKNOWN = "ok", "not found", "unknown"


@dataclasses.dataclass(slots=True)
class Operation:
    """One request for the key, or the loss of all that its node stored (LOSE, which always happens).

    What was certainly not executed is in no history. `invoked` and `returned` are places in one order of all events, no
    two alike; `returned` is None when the outcome is UNKNOWN, for it may take effect at any later time, or never.
    `value` is what a put writes or a get saw (None: the key was not there). Values that are put are unique. Numbers are
    revisions, which only grow. `expected` holds the states in which a put is executed, None among them for a key that
    is not there; without it: in all."""

    kind: str
    invoked: int
    returned: int | None
    outcome: str = OK
    value: object = None
    who: str = ""
    expected: frozenset | None = None

    def __str__(self):
        end = "..." if self.returned is None else self.returned
        value = "" if self.kind not in (PUT, GET) else f" {self.value!r}"
        given = "" if self.expected is None else " if it is " + " or ".join(map(repr, self.expected))
        return f"[{self.invoked} .. {end}] {self.kind}{value}{given}: {self.outcome} {self.who}".rstrip()


@dataclasses.dataclass(slots=True)
class Violation:
    """The operation whose return no configuration allows, and what was going on around it."""

    what: str
    operation: Operation
    states: list  # in which the register could have been just before, as texts
    context: list

    def __str__(self):
        lines = [f"{self.what}: {self.operation}", "  just before, the register could be: " + ", ".join(self.states)]
        lines.append("  what was under way, and what had just ended:")
        return "\n".join(lines + [f"    {o}" for o in self.context])


def after(operation, state):
    """The state after the operation is executed in `state`, in a tuple; () when it cannot have had its outcome."""
    kind, outcome = operation.kind, operation.outcome
    if kind == LOSE:
        return (MISSING,)
    if kind == CREATE:
        return (None if state is MISSING else state,)
    if outcome == NOT_FOUND:
        return (state,) if state is MISSING else ()
    if state is MISSING:
        return (state,) if outcome == UNKNOWN else ()
    if kind == PUT:
        is_expected = operation.expected is None or state in operation.expected
        goes_back = isinstance(state, int) and state > operation.value
        return (operation.value,) if is_expected and not goes_back else ()
    if kind == DELETE:
        return (None,)
    return (state,) if state == operation.value else ()


def _cut_down(operations):
    """The operations that the search needs, unknown puts resolved; or the Violation that shows already here."""
    first_read, kept, values = {}, [], {}
    for operation in operations:
        if operation.kind == GET and operation.outcome == OK and operation.value is not None:
            seen = first_read.get(operation.value)
            if seen is None or operation.returned < seen.returned:
                first_read[operation.value] = operation
        if operation.kind == PUT:
            if operation.value in values:
                raise ValueError(f"two puts of one value: {operation} and {values[operation.value]}")
            values[operation.value] = operation
    for value, read in first_read.items():
        put = values.get(value)
        if put is None or put.outcome == NOT_FOUND:
            return Violation("a value was read that no executed put wrote", read, [], [])
        if put.invoked > read.returned:
            return Violation("a value was read before its put", read, [], [put])
    for operation in operations:
        if operation.outcome == UNKNOWN:
            if operation.kind == GET:
                continue
            if operation.kind == PUT:
                read = first_read.get(operation.value)
                if read is None:
                    continue
                # Half a step before the read's return, so that the order of events stays strict.
                operation = dataclasses.replace(operation, outcome=OK, returned=read.returned - 0.5)
        kept.append(operation)
    return kept


class _Search:
    """The configurations after the events so far.

    A configuration is (state, done, deletes, creates): the state; which of the open operations have had their moment;
    how many unknown deletes and creates were used up."""

    def __init__(self):
        self.open = {}  # by number, operations that were invoked and have not returned
        self.unknown = {DELETE: 0, CREATE: 0}
        self.configurations = {(MISSING, frozenset(), 0, 0)}

    def settle(self, state, done, deletes, creates):
        """A read that fits the state has its moment at once: no later one is better, and it changes nothing."""
        fits = [n for n, o in self.open.items() if o.kind == GET and n not in done and after(o, state)]
        return (state, done.union(fits) if fits else done, deletes, creates)

    def next(self, configuration):
        state, done, deletes, creates = configuration
        for number, operation in self.open.items():
            if number not in done:
                for new in after(operation, state):
                    yield self.settle(new, done | {number}, deletes, creates)
        if state is MISSING:
            if creates < self.unknown[CREATE]:
                yield self.settle(None, done, deletes, creates + 1)
        elif state is not None and deletes < self.unknown[DELETE]:
            yield self.settle(None, done, deletes + 1, creates)

    def invoke(self, number, operation):
        if operation.outcome == UNKNOWN:
            self.unknown[operation.kind] += 1
        else:
            self.open[number] = operation
            if operation.kind == GET:
                self.configurations = {self.settle(*c) for c in self.configurations}

    def finish(self, number):
        """Keeps what can have executed the operation by now; False when nothing can."""
        reached, seen, waiting = set(), set(self.configurations), collections.deque(self.configurations)
        while waiting:
            configuration = waiting.popleft()
            if number in configuration[1]:
                reached.add(configuration)
                continue
            for new in self.next(configuration):
                if new not in seen:
                    seen.add(new)
                    waiting.append(new)
        del self.open[number]
        self.configurations = self._without_dominated((s, done - {number}, d, c) for s, done, d, c in reached)
        return bool(self.configurations)

    @staticmethod
    def _without_dominated(configurations):
        """Of those that differ only in how many unknown operations they used, the ones that used least."""
        groups = {}
        for state, done, deletes, creates in configurations:
            groups.setdefault((state, done), []).append((deletes, creates))
        kept = set()
        for (state, done), used in groups.items():
            for one in used:
                if not any(other != one and other[0] <= one[0] and other[1] <= one[1] for other in used):
                    kept.add((state, done, *one))
        return kept


def check(operations):
    """None when the history is linearizable, else the first Violation."""
    operations = _cut_down(operations)
    if isinstance(operations, Violation):
        return operations
    events = []
    for number, operation in enumerate(operations):
        events.append((operation.invoked, True, number))
        if operation.outcome != UNKNOWN:
            events.append((operation.returned, False, number))
    search, ended = _Search(), collections.deque(maxlen=8)
    for _, invoked, number in sorted(events):
        operation = operations[number]
        if invoked:
            search.invoke(number, operation)
            continue
        states = sorted({repr(c[0]) for c in search.configurations})
        context = [o for n, o in search.open.items() if n != number]
        if not search.finish(number):
            context += reversed(ended)
            return Violation("no order of the operations explains this", operation, states, context)
        ended.append(operation)
    return None
