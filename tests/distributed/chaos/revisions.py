"""Was each answer with a revision possible? Rules for one bucket whose keys are compared and set, added to and followed.

- The bucket's revisions never go back: a change has a greater one than all that was answered before it was asked for.
- Each key is a register that can be compared and set. Its state is the revision of its last change, so the checker of
  linearizability.py says whether some order explains all that was seen of it. `pair` stands for two keys that are only
  changed together: half of a change is a fault of its own, and the two are one register.
- A counter is such a register, too: the add whose answer is n is executed in the state of the one whose answer is n - 1.
- Followers: followers.py.

These hold over kill -9 of a node that is durable. One that is not loses all at one moment (`losses`), and its revisions
do not go back for all that.
"""

import collections
import dataclasses

from linearizability import CREATE, DELETE, GET, NOT_FOUND, OK, PUT, UNKNOWN, Operation, check

SET, UNSET, READ, ADD = "set", "unset", "read", "add"
CONFLICT = "conflict"
PAIR, COUNTER = "pair", "n"
REGISTERS = ["r0", "r1", PAIR, COUNTER]
KEYS_OF = {"r0": ["r0"], "r1": ["r1"], PAIR: ["p0", "p1"], COUNTER: [COUNTER]}
REGISTER_OF = {key: register for register, keys in KEYS_OF.items() for key in keys}


@dataclasses.dataclass(slots=True)
class Step:
    """One request for a register. `text` is what it writes or has read, of an add the new number; `rev` what was
    answered: of the change, of the key that was read or is in conflict (0: not there). `expected`: the revision after IF
    or CHECK, of an earlier answer. What was certainly not executed is in no log, and `returned` is None when the outcome
    is UNKNOWN."""

    kind: str
    register: str
    invoked: int
    returned: int | None = None
    outcome: str = UNKNOWN
    text: str | None = None
    rev: int = 0
    expected: int | None = None
    bucket_rev: int = 0  # of the bucket's last change, where that was answered too
    who: str = ""


@dataclasses.dataclass(slots=True)
class Event:
    rev: int
    kind: str  # PUT, DELETE, ... as in the line protocol
    key: str
    text: str | None = None


@dataclasses.dataclass(slots=True)
class Poll:
    """An answer to CHANGES: all that has changed after `since`, up to `next`; or with `reset` none of it."""

    invoked: int
    returned: int
    since: int
    reset: bool
    next: int
    events: list


@dataclasses.dataclass
class BucketLog:
    steps: list = dataclasses.field(default_factory=list)
    creates: list = dataclasses.field(default_factory=list)  # Operations
    losses: list = dataclasses.field(default_factory=list)   # Operations
    outages: list = dataclasses.field(default_factory=list)  # (began, ended): its node was down for a part of this
    polls: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))  # by follower, in order

    def changes(self):
        """Those that were acknowledged and did change something. An UNSET may have found nothing to remove."""
        return [s for s in self.steps if s.kind in (SET, ADD) and s.outcome == OK]


def revisions_that_went_back(log):
    """Answers whose revision is not after all that somebody had been told before they were asked for."""
    moments = []  # (time, told revision or None, what begins then)
    for step in log.steps:
        if step.outcome in (OK, CONFLICT):
            moments.append((step.returned, max(step.rev, step.bucket_rev), None))
            moments.append((step.invoked, None, step))
    for polls in log.polls.values():
        for poll in polls:
            moments.append((poll.returned, poll.next, None))
            moments.append((poll.invoked, None, poll))
    found, told = [], 0
    for _, rev, begins in sorted(moments, key=lambda moment: moment[0]):
        if begins is None:
            told = max(told, rev)
        elif isinstance(begins, Poll):
            if begins.next < told:
                found.append(f"a follower was told {begins.next} after {told}: {begins}"[:300])
        elif begins.outcome == OK:
            is_change = begins.kind in (SET, ADD)
            rev = begins.rev if is_change or begins.kind == UNSET else begins.bucket_rev
            if rev < told + is_change and (rev or is_change):
                found.append(f"the revision {rev} was answered after {told}: {begins}")
    revisions = collections.Counter(step.rev for step in log.changes())
    return found + [f"two changes have the revision {rev}" for rev, times in revisions.items() if times > 1]


class _Sightings:
    """What was seen of a register: which text has which revision, and when that was known first."""

    def __init__(self, log, register):
        self.text_of, self.rev_of, self.first, self.faults = {}, {}, {}, []
        for step in log.steps:
            if step.register != register or step.rev == 0 or step.kind == UNSET or step.outcome not in (OK, CONFLICT):
                continue
            self.saw(step.rev, step.text if step.outcome == OK else None, step.returned, step)
        for polls in log.polls.values():
            for poll in polls:
                for event in poll.events:
                    if event.kind == "PUT" and REGISTER_OF.get(event.key) == register:
                        self.saw(event.rev, event.text, poll.returned, event)

    def saw(self, rev, text, when, what):
        self.first[rev] = min(when, self.first.get(rev, when))
        if text is None:
            return
        if self.text_of.setdefault(rev, text) != text or self.rev_of.setdefault(text, rev) != rev:
            self.faults.append(f"{what} does not go with the value {self.text_of[rev]!r} of the revision {rev},"
                               f" and the revision {self.rev_of.get(text, rev)} of the value {text!r}")


def _register(log, register):
    """The steps as operations on a register whose states are revisions, and what is wrong already."""
    seen = _Sightings(log, register)
    steps = [step for step in log.steps if step.register == register]
    faults, made, unknown = seen.faults, [], []
    explained = set()  # revisions of which we know who made them
    asked = {step.text for step in steps if step.kind == SET}

    def put(step, rev, returned, expected):
        explained.add(rev)
        made.append(Operation(PUT, step.invoked, returned, OK, rev, step.who, expected))

    for step in steps:
        if step.outcome == UNKNOWN:
            rev = seen.rev_of.get(step.text) if step.kind == SET else None
            if rev is not None:
                if step.invoked > seen.first[rev]:
                    faults.append(f"the value of {step} was seen before it was asked for")
                    continue
                put(step, rev, seen.first[rev] - 0.5, _expected(step, seen))
            elif step.kind in (SET, ADD):
                unknown.append(step)
            elif step.kind == UNSET:
                made.append(Operation(DELETE, step.invoked, None, UNKNOWN, None, step.who))
        elif step.outcome == NOT_FOUND:
            kind = {SET: PUT, ADD: PUT, UNSET: DELETE, READ: GET}[step.kind]
            made.append(Operation(kind, step.invoked, step.returned, NOT_FOUND, ("never", step.invoked), step.who))
        elif step.outcome == CONFLICT or step.kind == READ:
            made.append(Operation(GET, step.invoked, step.returned, OK, step.rev or None, step.who))
            if step.text is not None and step.kind == READ and register != COUNTER and step.text not in asked:
                faults.append(f"a value that nobody wrote: {step}")
        elif step.kind == UNSET:
            made.append(Operation(DELETE, step.invoked, step.returned, OK, None, step.who))
        else:
            put(step, step.rev, step.returned, _expected(step, seen))
    # The rest was made by requests whose outcome nobody was told. Which of them made which is not known.
    for rev in sorted(seen.first.keys() - explained):
        makers = [step.invoked for step in unknown if step.invoked < seen.first[rev]]
        if makers:
            made.append(Operation(PUT, min(makers), seen.first[rev] - 0.5, OK, rev, "somebody"))
        else:
            faults.append(f"the revision {rev} of {register} is of no request: {seen.text_of.get(rev)!r}")
    return made, faults


def _expected(step, seen):
    """The states in which it is executed."""
    if step.kind == ADD:
        before = int(step.text) - 1
        return frozenset({None if before == 0 else seen.rev_of.get(str(before), f"what has the number {before}")})
    return None if step.expected is None else frozenset({step.expected or None})


def check_revisions(log):
    """What was not possible, as texts."""
    found = revisions_that_went_back(log)
    for register in REGISTERS:
        operations, faults = _register(log, register)
        found += faults
        if not faults:
            violation = check([*log.creates, *log.losses, *operations])
            if violation is not None:
                found.append(f"{register}: {violation}")
    return found
